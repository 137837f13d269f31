//! A notification and what may happen to it. Rule: a draft may be sent, once; only what was sent can be read or put
//! into the archive.

use super::channel::Channel;
use super::content::Content;
use super::delivery::Delivery;
use super::state::State;
use chrono::{DateTime, Utc};
use contracts::{EventId, NotificationId, Stream, UserId};
use uuid::Uuid;

/// A notification with its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    pub(crate) id: NotificationId,
    pub(crate) recipient: UserId,
    /// Who wrote it; none for what an event caused.
    pub(crate) created_by: Option<UserId>,
    pub(crate) content: Content,
    pub(crate) channels: Vec<Channel>,
    pub(crate) state: State,
    pub(crate) sent_at: Option<DateTime<Utc>>,
    pub(crate) read_at: Option<DateTime<Utc>>,
    pub(crate) archived_at: Option<DateTime<Utc>>,
    /// The event it tells of; none for what somebody wrote.
    pub(crate) source: Option<SourceEvent>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) version: i64,
    pub(crate) stream: Stream,
}

/// The event that a notification tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceEvent {
    pub(crate) id: EventId,
    /// `task.completed.v1`.
    pub(crate) event_type: String,
}

/// What a notification is made of.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub(crate) recipient: UserId,
    pub(crate) created_by: Option<UserId>,
    pub(crate) content: Content,
    pub(crate) channels: Vec<Channel>,
    pub(crate) source: Option<SourceEvent>,
}

/// It cannot be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AlreadySent;

/// Nobody has got it yet, so nobody can have read it or put it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotSent;

impl Notification {
    /// The kind of aggregate, as its events call it.
    pub(crate) const AGGREGATE: &'static str = "notification";

    /// Writes one without sending it.
    pub(crate) fn draft(id: NotificationId, new: New, now: DateTime<Utc>) -> Self {
        Self {
            id,
            recipient: new.recipient,
            created_by: new.created_by,
            content: new.content,
            channels: new.channels,
            state: State::Draft,
            sent_at: None,
            read_at: None,
            archived_at: None,
            source: new.source,
            deliveries: Vec::new(),
            created_at: now,
            updated_at: now,
            version: 1,
            stream: Stream::new(Self::AGGREGATE, id.uuid()),
        }
    }

    /// Writes one and sends it.
    pub(crate) fn sent(id: NotificationId, new: New, now: DateTime<Utc>) -> Self {
        let mut notification = Self::draft(id, new, now);
        notification.deliver(now);
        notification
    }

    /// Sends a draft.
    pub(crate) fn send(&mut self, now: DateTime<Utc>) -> Result<(), AlreadySent> {
        if self.state != State::Draft {
            return Err(AlreadySent);
        }
        self.deliver(now);
        Ok(())
    }

    /// Notes whether the recipient has read it; true when that is news.
    pub(crate) fn mark_read(&mut self, read: bool, now: DateTime<Utc>) -> Result<bool, NotSent> {
        self.sent_at.ok_or(NotSent)?;
        let changed = flag(&mut self.read_at, read, now);
        self.touch(changed, now);
        Ok(changed)
    }

    /// Puts it into the archive or takes it out; true when that is news.
    pub(crate) fn archive(&mut self, archived: bool, now: DateTime<Utc>) -> Result<bool, NotSent> {
        self.sent_at.ok_or(NotSent)?;
        let changed = flag(&mut self.archived_at, archived, now);
        self.touch(changed, now);
        Ok(changed)
    }

    /// What its deliveries derive their ids from.
    pub(crate) fn cause(&self) -> Uuid {
        self.source.as_ref().map_or(self.id.uuid(), |source| source.id.uuid())
    }

    /// Every channel there is delivers in place, so that all deliveries are done with this call.
    fn deliver(&mut self, now: DateTime<Utc>) {
        self.state = State::Sent;
        self.sent_at = Some(now);
        self.deliveries = self.channels.iter().map(|&channel| Delivery::in_place(channel, now)).collect();
        self.touch(true, now);
    }

    fn touch(&mut self, changed: bool, now: DateTime<Utc>) {
        if changed {
            self.updated_at = now;
        }
    }
}

/// Sets or clears an instant that says since when something holds; true when it was otherwise before.
fn flag(since: &mut Option<DateTime<Utc>>, holds: bool, now: DateTime<Utc>) -> bool {
    if since.is_some() == holds {
        return false;
    }
    *since = holds.then_some(now);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeliveryState, Title};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn new() -> New {
        New {
            recipient: UserId(Uuid::from_u128(1)),
            created_by: Some(UserId(Uuid::from_u128(1))),
            content: Content { category: None, title: Title::of("x"), body: None, action_url: None },
            channels: vec![Channel::InApp],
            source: None,
        }
    }

    fn draft() -> Notification {
        Notification::draft(NotificationId(Uuid::from_u128(9)), new(), at(1))
    }

    #[test]
    fn a_draft_has_gone_nowhere() {
        let draft = draft();
        assert_eq!((draft.state, draft.sent_at, draft.version, draft.stream.seq), (State::Draft, None, 1, 0));
        assert!(draft.deliveries.is_empty());
    }

    #[test]
    fn sending_delivers_on_every_channel_at_once() {
        let mut notification = draft();
        assert_eq!(notification.send(at(2)), Ok(()));
        assert_eq!((notification.state, notification.sent_at), (State::Sent, Some(at(2))));
        assert_eq!(notification.updated_at, at(2));
        let [delivery] = notification.deliveries.as_slice() else { panic!("{:?}", notification.deliveries) };
        assert_eq!((delivery.channel, delivery.state), (Channel::InApp, DeliveryState::Delivered));
        assert_eq!((delivery.attempts, delivery.delivered_at), (1, Some(at(2))));
    }

    #[test]
    fn only_a_draft_can_be_sent() {
        for state in State::ALL.into_iter().filter(|state| *state != State::Draft) {
            let mut notification = draft();
            notification.state = state;
            let before = notification.clone();
            assert_eq!(notification.send(at(2)), Err(AlreadySent), "{state:?}");
            assert_eq!(notification, before);
        }
    }

    #[test]
    fn reading_twice_keeps_the_first_instant_and_is_no_news() {
        let mut notification = Notification::sent(NotificationId(Uuid::from_u128(9)), new(), at(1));
        assert_eq!(notification.mark_read(true, at(2)), Ok(true));
        assert_eq!(notification.mark_read(true, at(3)), Ok(false));
        assert_eq!((notification.read_at, notification.updated_at), (Some(at(2)), at(2)));
        assert_eq!(notification.mark_read(false, at(4)), Ok(true));
        assert_eq!((notification.read_at, notification.updated_at), (None, at(4)));
    }

    #[test]
    fn the_archive_is_entered_and_left() {
        let mut notification = Notification::sent(NotificationId(Uuid::from_u128(9)), new(), at(1));
        assert_eq!(notification.archive(false, at(2)), Ok(false));
        assert_eq!(notification.archive(true, at(2)), Ok(true));
        assert_eq!(notification.archived_at, Some(at(2)));
        assert_eq!(notification.archive(false, at(3)), Ok(true));
        assert_eq!(notification.archived_at, None);
    }

    #[test]
    fn a_draft_can_be_neither_read_nor_put_away() {
        let mut notification = draft();
        assert_eq!(notification.mark_read(true, at(2)), Err(NotSent));
        assert_eq!(notification.archive(true, at(2)), Err(NotSent));
        assert_eq!(notification, draft());
    }

    #[test]
    fn deliveries_derive_their_ids_from_the_event_or_from_the_notification() {
        assert_eq!(draft().cause(), Uuid::from_u128(9));
        let source = SourceEvent { id: EventId(Uuid::from_u128(5)), event_type: "task.completed.v1".to_owned() };
        let told =
            Notification::draft(NotificationId(Uuid::from_u128(9)), New { source: Some(source), ..new() }, at(1));
        assert_eq!(told.cause(), Uuid::from_u128(5));
    }
}
