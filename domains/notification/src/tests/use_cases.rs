//! Writing, sending, reading and throwing away.

use super::fixture::{Fixture, created, user};
use crate::app::{
    CreateNotificationError, DeleteNotification, DeleteNotificationError, SendNotification, SendNotificationError,
    UpdateNotification, UpdateNotificationError, await_recipient, delete_notification, send_notification,
    update_notification,
};
use crate::domain::{Notification, Standing, State};
use crate::listen::on_user_created;
use crate::store::{self, Counts, Viewer};
use contracts::{NotificationId, UserId};
use db::Context;
use web::{IfMatch, Stale};

const fn viewer(user: UserId) -> Viewer {
    Viewer { user, is_admin: false }
}

const fn admin(user: UserId) -> Viewer {
    Viewer { user, is_admin: true }
}

impl Fixture {
    async fn send(
        &self,
        id: NotificationId,
        by: Viewer,
        if_match: IfMatch,
    ) -> Result<Notification, SendNotificationError> {
        let command = SendNotification { id, by, if_match };
        self.db.write(&Context::default(), &command, send_notification).await
    }

    async fn update(
        &self,
        id: NotificationId,
        by: Viewer,
        read: Option<bool>,
        archived: Option<bool>,
        if_match: IfMatch,
    ) -> Result<Notification, UpdateNotificationError> {
        let command = UpdateNotification { id, by, read, archived, if_match };
        self.db.write(&Context::default(), &command, update_notification).await
    }

    async fn delete(&self, id: NotificationId, by: Viewer, if_match: IfMatch) -> Result<(), DeleteNotificationError> {
        let command = DeleteNotification { id, by, if_match };
        self.db.write(&Context::default(), &command, delete_notification).await
    }
}

#[tokio::test]
async fn a_draft_is_stored_and_says_nothing() {
    let fixture = Fixture::new().await;
    let anna = user(1);
    let draft = fixture.create(anna, anna, false).await.unwrap();
    assert_eq!(fixture.seen_by(anna, draft.id).await.as_ref(), Some(&draft));
    assert_eq!((draft.state, draft.version), (State::Draft, 1));
    assert!(fixture.emitted().await.is_empty());
    assert_eq!(fixture.counts(anna).await, Counts { unread: 0, total: 0 });
}

#[tokio::test]
async fn what_is_sent_at_once_is_stored_as_it_is_answered() {
    let fixture = Fixture::new().await;
    let anna = user(1);
    let sent = fixture.create(anna, anna, true).await.unwrap();
    assert_eq!(fixture.seen_by(anna, sent.id).await.as_ref(), Some(&sent));
    assert_eq!((sent.state, sent.version, sent.deliveries.len()), (State::Sent, 1, 1));
    assert_eq!(fixture.emitted().await, [("notification.sent.v1".to_owned(), sent.id.to_string(), 1)]);
    assert_eq!(fixture.counts(anna).await, Counts { unread: 1, total: 1 });
}

#[tokio::test]
async fn only_users_can_be_written_to() {
    let fixture = Fixture::new().await;
    let (anna, ben) = (user(1), user(2));
    assert!(matches!(fixture.create(anna, ben, true).await, Err(CreateNotificationError::UnknownUser)));
    assert!(fixture.addressed_to(ben).await.is_empty());
    assert!(fixture.emitted().await.is_empty());
    fixture.hear(on_user_created, &created(50, ben)).await.unwrap();
    assert!(fixture.create(anna, ben, true).await.is_ok());
}

#[tokio::test]
async fn a_recipient_who_is_on_the_way_is_waited_for() {
    let fixture = Fixture::new().await;
    let reader = fixture.db.reader();
    // The first look comes before the event. A machine that is busy for as long as patience lasts gets another try.
    for number in 1..=5 {
        let waiting = async {
            await_recipient(reader, user(number)).await.unwrap();
            store::standing_now(reader, user(number)).await.unwrap()
        };
        let event = created(number, user(number));
        let (standing, heard) = tokio::join!(biased; waiting, fixture.hear(on_user_created, &event));
        heard.unwrap();
        if standing == Standing::Known {
            return;
        }
    }
    panic!("nobody was waited for");
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_patience_lasts() {
    let fixture = Fixture::new().await;
    await_recipient(fixture.db.reader(), user(1)).await.unwrap();
    assert_eq!(store::standing_now(fixture.db.reader(), user(1)).await.unwrap(), Standing::Unknown);
}

#[tokio::test]
async fn a_draft_is_sent_once() {
    let fixture = Fixture::new().await;
    let anna = user(1);
    let draft = fixture.create(anna, anna, false).await.unwrap();
    let stale = fixture.send(draft.id, viewer(anna), IfMatch::version(7)).await;
    assert!(matches!(stale, Err(SendNotificationError::Stale(Stale { current: 1 }))));

    let sent = fixture.send(draft.id, viewer(anna), IfMatch::version(1)).await.unwrap();
    assert_eq!((sent.state, sent.version, sent.deliveries.len()), (State::Sent, 2, 1));
    assert_eq!(fixture.seen_by(anna, draft.id).await.as_ref(), Some(&sent));

    let again = fixture.send(draft.id, viewer(anna), IfMatch::Absent).await;
    assert!(matches!(again, Err(SendNotificationError::AlreadySent)));
    assert_eq!(fixture.emitted().await, [("notification.sent.v1".to_owned(), sent.id.to_string(), 1)]);
}

#[tokio::test]
async fn a_draft_is_seen_by_its_author_and_by_the_recipient_only_after_it_was_sent() {
    let fixture = Fixture::new().await;
    let (root, ben, carl) = (user(1), user(2), user(3));
    fixture.hear(on_user_created, &created(50, ben)).await.unwrap();
    let draft = fixture.create(root, ben, false).await.unwrap();
    assert!(fixture.seen_by(ben, draft.id).await.is_none());
    for by in [viewer(ben), viewer(carl), viewer(root)] {
        let sent = fixture.send(draft.id, by, IfMatch::Absent).await;
        assert!(matches!(sent, Err(SendNotificationError::NotFound)), "{by:?}");
    }
    fixture.send(draft.id, admin(root), IfMatch::Absent).await.unwrap();
    assert!(fixture.seen_by(ben, draft.id).await.is_some());
    assert!(fixture.seen_by(carl, draft.id).await.is_none());
}

#[tokio::test]
async fn reading_and_archiving_raise_the_version_once_and_only_for_news() {
    let fixture = Fixture::new().await;
    let anna = user(1);
    let sent = fixture.create(anna, anna, true).await.unwrap();
    let both = fixture.update(sent.id, viewer(anna), Some(true), Some(true), IfMatch::version(1)).await.unwrap();
    assert_eq!(both.version, 2);
    assert!(both.read_at.is_some() && both.archived_at.is_some());
    assert_eq!(fixture.seen_by(anna, sent.id).await.as_ref(), Some(&both));
    assert_eq!(fixture.counts(anna).await, Counts { unread: 0, total: 0 });

    let same = fixture.update(sent.id, viewer(anna), Some(true), None, IfMatch::Absent).await.unwrap();
    assert_eq!(same, both);
    let stale = fixture.update(sent.id, viewer(anna), Some(false), None, IfMatch::version(1)).await;
    assert!(matches!(stale, Err(UpdateNotificationError::Stale(Stale { current: 2 }))));
    let back = fixture.update(sent.id, viewer(anna), Some(false), Some(false), IfMatch::Absent).await.unwrap();
    assert_eq!((back.version, back.read_at, back.archived_at), (3, None, None));
    assert_eq!(fixture.counts(anna).await, Counts { unread: 1, total: 1 });
}

#[tokio::test]
async fn a_draft_can_be_neither_read_nor_archived() {
    let fixture = Fixture::new().await;
    let anna = user(1);
    let draft = fixture.create(anna, anna, false).await.unwrap();
    for (read, archived) in [(Some(true), None), (None, Some(true))] {
        let refused = fixture.update(draft.id, viewer(anna), read, archived, IfMatch::Absent).await;
        assert!(matches!(refused, Err(UpdateNotificationError::NotSent)));
    }
    assert_eq!(fixture.seen_by(anna, draft.id).await, Some(draft));
}

#[tokio::test]
async fn what_is_thrown_away_takes_its_deliveries_along() {
    let fixture = Fixture::new().await;
    let (anna, ben) = (user(1), user(2));
    let sent = fixture.create(anna, anna, true).await.unwrap();
    let foreign = fixture.delete(sent.id, viewer(ben), IfMatch::Absent).await;
    assert!(matches!(foreign, Err(DeleteNotificationError::NotFound)));
    let stale = fixture.delete(sent.id, viewer(anna), IfMatch::version(2)).await;
    assert!(matches!(stale, Err(DeleteNotificationError::Stale(Stale { current: 1 }))));
    assert_eq!(fixture.deliveries().await, 1);

    fixture.delete(sent.id, viewer(anna), IfMatch::version(1)).await.unwrap();
    assert!(fixture.seen_by(anna, sent.id).await.is_none());
    assert_eq!(fixture.deliveries().await, 0);
    let again = fixture.delete(sent.id, viewer(anna), IfMatch::Absent).await;
    assert!(matches!(again, Err(DeleteNotificationError::NotFound)));
}
