//! Whether events may be emitted at present. Rule: who looks after the outbox opens and closes, every commit asks; a
//! use-case knows nothing of it, and what emits nothing is never held up.

use crate::context::Context;
use crate::error::DbError;
use std::sync::atomic::{AtomicI32, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The door between a domain's transactions and its outbox.
#[derive(Debug)]
pub struct Gate {
    closed: Mutex<Option<String>>,
    full: Mutex<Option<String>>,
    epoch: AtomicI32,
    /// What waits in the outbox: as it was counted last, and what was emitted since.
    load: Mutex<Load>,
    limits: (AtomicI64, AtomicI64),
}

/// Events and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// How many.
    pub events: i64,
    /// Bytes of their payloads and headers.
    pub bytes: i64,
}

impl Default for Gate {
    fn default() -> Self {
        let limits = (AtomicI64::new(i64::MAX), AtomicI64::new(i64::MAX));
        Self {
            closed: Mutex::default(),
            full: Mutex::default(),
            epoch: AtomicI32::new(1),
            load: Mutex::default(),
            limits,
        }
    }
}

impl Gate {
    /// Refuses everything that emits, listeners included; `None` opens again.
    pub fn close(&self, why: Option<String>) {
        *lock(&self.closed) = why;
    }

    /// Whether everything that emits is refused.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        lock(&self.closed).is_some()
    }

    /// The stream epoch of what is emitted from now on.
    pub fn begin_epoch(&self, epoch: i32) {
        self.epoch.store(epoch, Ordering::Release);
    }

    /// The stream epoch of what is emitted.
    #[must_use]
    pub fn epoch(&self) -> i32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// From so much on, commands that emit are refused. Listeners and jobs of events go on: what is under way between
    /// domains must be able to drain.
    pub fn limit(&self, limit: Load) {
        self.limits.0.store(limit.events, Ordering::Release);
        self.limits.1.store(limit.bytes, Ordering::Release);
    }

    /// What waits at most: as counted last, and everything emitted by this process since.
    #[must_use]
    pub fn load(&self) -> Load {
        *lock(&self.load)
    }

    /// Corrects what is thought to wait: `then` was thought when the counting began, `counted` was found. What was emitted
    /// in between may count twice until the next time, and never not at all.
    pub fn counted(&self, then: Load, counted: Load) {
        let full = {
            let mut load = lock(&self.load);
            load.events = (load.events - then.events).max(0) + counted.events;
            load.bytes = (load.bytes - then.bytes).max(0) + counted.bytes;
            *load
        };
        *lock(&self.full) = self.why_full(full);
    }

    /// Why nothing may be emitted, by commands at least; none while it may.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        lock(&self.closed).clone().or_else(|| lock(&self.full).clone())
    }

    /// What a transaction that emits is told.
    pub(crate) fn check(&self, context: &Context) -> Result<(), DbError> {
        if let Some(why) = lock(&self.closed).clone() {
            return Err(DbError::Refused(why));
        }
        if context.causation_id.is_some() {
            return Ok(());
        }
        let full = self.why_full(self.load());
        if full.is_some() {
            lock(&self.full).clone_from(&full);
        }
        full.map_or(Ok(()), |why| Err(DbError::Refused(why)))
    }

    /// Something was emitted, and committed.
    pub(crate) fn add(&self, emitted: Load) {
        let mut load = lock(&self.load);
        load.events = load.events.saturating_add(emitted.events);
        load.bytes = load.bytes.saturating_add(emitted.bytes);
    }

    fn why_full(&self, load: Load) -> Option<String> {
        let limit =
            Load { events: self.limits.0.load(Ordering::Acquire), bytes: self.limits.1.load(Ordering::Acquire) };
        (load.events >= limit.events || load.bytes >= limit.bytes).then(|| {
            format!(
                "{} events of {} bytes wait to be published, and {} of {} may",
                load.events, load.bytes, limit.events, limit.bytes
            )
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ONE: Load = Load { events: 1, bytes: 10 };

    #[test]
    fn a_full_outbox_refuses_commands_and_lets_what_is_under_way_drain() {
        let gate = Gate::default();
        let (command, listener) =
            (Context::default(), Context { causation_id: Some(Uuid::nil()), ..Context::default() });
        gate.limit(Load { events: 2, bytes: 1_000 });
        gate.add(ONE);
        assert_eq!((gate.check(&command), gate.trouble()), (Ok(()), None));
        gate.add(ONE);
        assert!(matches!(gate.check(&command), Err(DbError::Refused(_))));
        assert_eq!(gate.check(&listener), Ok(()));
        assert!(gate.trouble().is_some());
        // One was emitted while it was counted: it is not forgotten.
        let then = gate.load();
        gate.add(ONE);
        gate.counted(then, Load::default());
        assert_eq!((gate.load(), gate.check(&command), gate.trouble()), (ONE, Ok(()), None));
        gate.limit(Load { events: 100, bytes: 10 });
        assert!(gate.check(&command).is_err(), "bytes count as well");
    }

    #[test]
    fn a_closed_gate_refuses_everybody() {
        let gate = Gate::default();
        gate.close(Some("restored".to_owned()));
        for causation_id in [None, Some(Uuid::nil())] {
            let context = Context { causation_id, ..Context::default() };
            assert_eq!(gate.check(&context), Err(DbError::Refused("restored".to_owned())));
        }
        gate.close(None);
        assert_eq!((gate.check(&Context::default()), gate.trouble()), (Ok(()), None));
    }
}
