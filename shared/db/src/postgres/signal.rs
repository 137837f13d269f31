//! Waking the relay across processes. Rule: a NOTIFY inside a transaction would make commits wait for each other, so
//! it is sent after the commit, by itself, at most fifty times a second, and only by a process whose own relay does
//! not lead. It may be lost: polling is the truth.

use super::pool::Pool;
use super::server::{Dial, Purpose, Server};
use super::sort::describe;
use crate::error::OpenError;
use crate::options::Limits;
use futures_util::stream::{self, StreamExt};
use sea_orm::{DbBackend, Statement};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tokio_postgres::AsyncMessage;

/// Between two calls.
const PAUSE: Duration = Duration::from_millis(20);
/// Before a broken line is made anew: at first, and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Tells whoever relays that there is something to relay.
#[derive(Clone)]
pub(crate) struct Signal {
    shared: Arc<Shared>,
}

struct Shared {
    /// This process's relay; none when the wake-up is off.
    committed: Option<Arc<Notify>>,
    leads: watch::Sender<bool>,
    call: Arc<Call>,
    line: Line,
    tasks: OnceLock<[AbortHandle; 2]>,
}

/// A call to the process that leads.
#[derive(Default)]
struct Call {
    waiting: AtomicBool,
    soon: Notify,
}

/// Where calls are heard.
#[derive(Clone)]
struct Line {
    server: Server,
    dial: Dial,
    channel: String,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tasks.get().into_iter().flatten().for_each(AbortHandle::abort);
    }
}

impl Signal {
    /// Tells `committed`, and other processes once [`Signal::start`] was called.
    ///
    /// # Errors
    /// [`OpenError::Address`].
    pub(crate) fn new(server: &Server, limits: &Limits, committed: Option<Arc<Notify>>) -> Result<Self, OpenError> {
        let channel = format!("cleave_{}", server.schema());
        let line = Line { server: server.clone(), dial: server.dial(Purpose::Read, limits)?, channel };
        let leads = watch::Sender::new(false);
        let shared = Shared { committed, leads, call: Arc::default(), line, tasks: OnceLock::new() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Starts calling through `pool`, and listening while this process leads; on the present runtime.
    pub(super) fn start(&self, pool: &Pool) {
        let Some(committed) = &self.shared.committed else { return };
        self.shared.tasks.get_or_init(|| {
            let calling = call_others(Arc::clone(&self.shared.call), self.shared.line.clone(), pool.clone());
            let listening = listen(self.shared.line.clone(), self.shared.leads.subscribe(), Arc::clone(committed));
            [tokio::spawn(calling).abort_handle(), tokio::spawn(listening).abort_handle()]
        });
    }

    /// Says whether this process's relay leads.
    pub(crate) fn leads(&self, leads: bool) {
        self.shared.leads.send_if_modified(|known| std::mem::replace(known, leads) != leads);
    }

    /// Something was committed that is to be relayed.
    pub(super) fn tell(&self) {
        let Some(committed) = &self.shared.committed else { return };
        committed.notify_one();
        if !*self.shared.leads.borrow() {
            self.shared.call.waiting.store(true, Ordering::Release);
            self.shared.call.soon.notify_one();
        }
    }

    /// Sends the call that waits, if one does, and listens no more.
    pub(super) async fn stop(&self, pool: &Pool) {
        self.shared.call.send(&self.shared.line, pool).await;
        self.shared.tasks.get().into_iter().flatten().for_each(AbortHandle::abort);
    }
}

impl Call {
    async fn send(&self, line: &Line, pool: &Pool) {
        if !self.waiting.swap(false, Ordering::AcqRel) {
            return;
        }
        let notify = Statement::from_string(DbBackend::Postgres, format!("NOTIFY \"{}\"", line.channel));
        let sent = match pool.lease().await {
            Ok(mut lease) => lease.execute(&notify).await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            tracing::debug!(database = line.server.location(), %error, "the relay was not called; it polls");
        }
    }
}

async fn call_others(call: Arc<Call>, line: Line, pool: Pool) {
    loop {
        call.soon.notified().await;
        call.send(&line, &pool).await;
        sleep(PAUSE).await;
    }
}

/// Listens while this process leads, for ever.
async fn listen(line: Line, mut leads: watch::Receiver<bool>, committed: Arc<Notify>) {
    let mut pause = AGAIN.0;
    while leads.wait_for(|leads| *leads).await.is_ok() {
        match listen_once(&line, &mut leads, &committed).await {
            Ok(()) => pause = AGAIN.0,
            Err(reason) => {
                tracing::debug!(
                    database = line.server.location(),
                    reason,
                    "calls to the relay are not heard; it polls"
                );
                sleep(pause).await;
                pause = (pause * 2).min(AGAIN.1);
            }
        }
    }
}

/// Ends well when this process leads no more, or when the line broke after it had worked.
async fn listen_once(line: &Line, leads: &mut watch::Receiver<bool>, committed: &Notify) -> Result<(), String> {
    let (client, mut wire) = line.server.connect(&line.dial).await.map_err(|error| error.to_string())?;
    let mut messages = pin!(stream::poll_fn(|context| wire.poll_message(context)));
    let text = format!("LISTEN \"{}\"", line.channel);
    let mut asking = pin!(client.batch_execute(&text));
    let mut hears = false;
    loop {
        tokio::select! {
            asked = &mut asking, if !hears => {
                asked.map_err(|error| describe(&error))?;
                hears = true;
                // What was called before is not heard.
                committed.notify_one();
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(_))) => committed.notify_one(),
                Some(Ok(_)) => {}
                _ if hears => return Ok(()),
                _ => return Err("the connection broke".to_owned()),
            },
            _ = leads.wait_for(|leads| !*leads) => return Ok(()),
        }
    }
}
