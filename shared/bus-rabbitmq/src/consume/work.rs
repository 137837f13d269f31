//! The work on messages. Rule: the broker is told of a message after the inbox has made its fate durable, and not before.

use super::item::Key;
use super::unsettled::Unsettled;
use super::{Ended, Intake, Item, Message};
use crate::pause::Pauses;
use bus::Infrastructure;
use futures_util::FutureExt;
use futures_util::future::join_all;
use lapin::message::Delivery;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// What is said of a message whose acknowledgement did not get through. The broker holds it as handed out for as long as
/// the channel lives.
const UNSETTLED: &str = "a message could not be settled";

impl Intake {
    /// Gives several events to the inbox.
    pub(super) async fn work_together(&self, batch: Vec<(Key, Message)>) -> Ended {
        let events = batch.iter().filter_map(|(_, (item, _))| item.event()).collect();
        let delivered = AssertUnwindSafe(self.inbox.deliver_all(events)).catch_unwind().await;
        let mut delivered = delivered.unwrap_or_default().into_iter();
        let (mut taken, mut refused) = (Vec::with_capacity(batch.len()), Vec::new());
        for (key, message) in batch {
            match delivered.next() {
                Some(Ok(_)) => taken.push(message),
                _ => refused.push((key, message)),
            }
        }
        Ended::Together { taken, refused }
    }

    /// Tells the broker that the fate of these is durable, while the next are worked on.
    pub(super) async fn settle(
        &self,
        taken: Vec<Message>,
        unsettled: &Unsettled,
        mut lost: watch::Receiver<bool>,
    ) -> Ended {
        let told = tokio::select! {
            told = self.tell_of_all(&taken, unsettled) => told,
            _ = lost.wait_for(|lost| *lost) => return Ended::Returned,
            () = sleep(self.shared.timing.answer) => false,
        };
        if !told {
            return Ended::GaveUp(UNSETTLED.to_owned());
        }
        self.pulse.settled.fetch_add(taken.len() as u64, Ordering::AcqRel);
        self.pulse.held.fetch_sub(taken.len(), Ordering::AcqRel);
        Ended::Settled(None)
    }

    /// Whether the broker was told.
    async fn tell_of_all(&self, taken: &[Message], unsettled: &Unsettled) -> bool {
        let _turn = unsettled.turn().await;
        let last = unsettled.settle_all(&taken.iter().map(|(_, delivery)| delivery.delivery_tag).collect());
        let to_tell = taken.iter().filter(|(_, delivery)| last.is_none_or(|last| delivery.delivery_tag >= last));
        let told =
            to_tell.map(|(item, delivery)| item.settle(&self.queue, delivery, last == Some(delivery.delivery_tag)));
        join_all(told).await.into_iter().all(|told| told)
    }

    async fn tell_of(&self, item: &Item, delivery: &Delivery, unsettled: &Unsettled) -> bool {
        let _turn = unsettled.turn().await;
        unsettled.settle(delivery.delivery_tag);
        item.settle(&self.queue, delivery, false).await
    }

    /// Sees one message through.
    pub(super) async fn work(
        &self,
        key: Option<Key>,
        item: Item,
        delivery: Delivery,
        unsettled: &Unsettled,
        [mut stop, mut lost]: [watch::Receiver<bool>; 2],
    ) -> Ended {
        let (since, mut pauses) = (Instant::now(), Pauses::new(self.shared.timing.retry));
        loop {
            let handed = AssertUnwindSafe(item.hand_over(self.inbox.as_ref())).catch_unwind().await;
            let trouble = match handed {
                Ok(Ok(())) => break,
                Ok(Err(Infrastructure(trouble))) => trouble,
                Err(_) => "the inbox panicked".to_owned(),
            };
            self.shared.health.trouble(&self.trouble(), &format!("{} cannot take events: {trouble}", self.consumer));
            if since.elapsed() >= self.shared.timing.hold {
                return Ended::GaveUp(trouble);
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return Ended::Returned,
                _ = lost.wait_for(|lost| *lost) => return Ended::Returned,
                () = sleep(pauses.next()) => {}
            }
        }
        self.shared.health.fine(&self.trouble());
        let told = tokio::select! {
            told = self.tell_of(&item, &delivery, unsettled) => told,
            _ = lost.wait_for(|lost| *lost) => return Ended::Returned,
            () = sleep(self.shared.timing.answer) => false,
        };
        if !told {
            return Ended::GaveUp(UNSETTLED.to_owned());
        }
        self.pulse.settled.fetch_add(1, Ordering::AcqRel);
        self.pulse.held.fetch_sub(1, Ordering::AcqRel);
        Ended::Settled(key)
    }
}
