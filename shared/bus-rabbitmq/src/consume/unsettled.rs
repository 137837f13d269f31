//! The deliveries of a channel that the broker has not been told of. Rule: several are told of at once, by the last of them, only
//! where every delivery before it is one of them or was told of before; what is still worked on is told of by nobody else.
//!
//! Protocol: AMQP 0-9-1, `basic.ack` with `multiple`. The broker ends the channel at an acknowledgement of what was
//! acknowledged before, so that one that stands for several must not overtake another.

use lapin::types::DeliveryTag;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::MutexGuard;

/// Which they are. They are numbered by the channel, so that each channel has one of these.
#[derive(Default)]
pub(super) struct Unsettled {
    tags: Mutex<BTreeSet<DeliveryTag>>,
    turn: tokio::sync::Mutex<()>,
}

impl Unsettled {
    /// Held from the choice of what the broker is told until it has left: lapin sends each acknowledgement from a task of its
    /// own, in any order.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// One more was handed out.
    pub(super) fn come(&self, tag: DeliveryTag) {
        self.with(|tags| tags.insert(tag));
    }

    /// The broker is told of this one by itself.
    pub(super) fn settle(&self, tag: DeliveryTag) {
        self.with(|tags| tags.remove(&tag));
    }

    /// The broker is told of these now: of those up to the returned one, if there is one, by it; of each other by itself.
    pub(super) fn settle_all(&self, settled: &BTreeSet<DeliveryTag>) -> Option<DeliveryTag> {
        self.with(|tags| {
            let last = tags.iter().take_while(|tag| settled.contains(tag)).last().copied();
            tags.retain(|tag| !settled.contains(tag));
            last
        })
    }

    /// It is a set at any moment, so that whoever panicked left nothing half done.
    fn with<T>(&self, change: impl FnOnce(&mut BTreeSet<DeliveryTag>) -> T) -> T {
        change(&mut self.tags.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_out(tags: impl IntoIterator<Item = DeliveryTag>) -> Unsettled {
        let unsettled = Unsettled::default();
        tags.into_iter().for_each(|tag| unsettled.come(tag));
        unsettled
    }

    #[test]
    fn all_that_is_there_is_told_of_by_the_last() {
        assert_eq!(handed_out(1..=5).settle_all(&(1..=5).collect()), Some(5));
        assert_eq!(handed_out(1..=9).settle_all(&(1..=5).collect()), Some(5));
    }

    #[test]
    fn nothing_is_told_of_across_what_is_still_worked_on() {
        let unsettled = handed_out(1..=5);
        assert_eq!(unsettled.settle_all(&[1, 2, 4, 5].into()), Some(2));
        unsettled.come(6);
        assert_eq!(unsettled.settle_all(&[6].into()), None, "3 is still worked on");
        unsettled.settle(3);
        unsettled.come(7);
        assert_eq!(unsettled.settle_all(&[7].into()), Some(7));
    }

    #[test]
    fn what_was_told_of_is_not_told_of_again() {
        let unsettled = handed_out(1..=4);
        assert_eq!(unsettled.settle_all(&[1, 2].into()), Some(2));
        assert_eq!(unsettled.settle_all(&[3, 4].into()), Some(4));
        assert_eq!(unsettled.settle_all(&BTreeSet::new()), None);
    }
}
