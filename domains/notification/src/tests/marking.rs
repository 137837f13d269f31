//! Marking many: what it changes, and what it leaves alone.

use super::fixture::{Fixture, user};
use crate::app::{MarkNotifications, mark_notifications};
use crate::store::{Counts, Mark, Selector};
use contracts::UserId;
use db::Context;

impl Fixture {
    /// The number of notifications changed, and the inbox afterwards.
    async fn mark(&self, recipient: UserId, mark: Mark, selector: Selector) -> (u64, Counts) {
        let command = MarkNotifications { recipient, mark, selector };
        let marked = self.db.write(&Context::default(), &command, mark_notifications).await.unwrap();
        assert_eq!(marked.counts, self.counts(recipient).await);
        (marked.changed, marked.counts)
    }
}

#[tokio::test]
async fn all_means_all_however_many() {
    let fixture = Fixture::new().await;
    let (anna, ben) = (user(1), user(2));
    fixture.fill(anna, 1_203).await;
    fixture.fill(ben, 2).await;

    let marked = fixture.mark(anna, Mark::Read, Selector::All).await;
    assert_eq!(marked, (1_203, Counts { unread: 0, total: 1_203 }));
    assert_eq!(fixture.counts(ben).await, Counts { unread: 2, total: 2 });
    let again = fixture.mark(anna, Mark::Read, Selector::All).await;
    assert_eq!(again, (0, Counts { unread: 0, total: 1_203 }));
    assert_eq!(fixture.mark(anna, Mark::Unread, Selector::All).await.0, 1_203);
    let archived = fixture.mark(anna, Mark::Archived, Selector::All).await;
    assert_eq!(archived, (1_203, Counts { unread: 0, total: 0 }));
}

#[tokio::test]
async fn a_mark_raises_the_version_of_what_it_changes_and_of_nothing_else() {
    let fixture = Fixture::new().await;
    let anna = user(1);
    fixture.fill(anna, 2).await;
    let [first, second] = <[_; 2]>::try_from(fixture.addressed_to(anna).await).unwrap();
    assert_eq!(fixture.mark(anna, Mark::Read, Selector::Ids(vec![first.id.uuid()])).await.0, 1);
    assert_eq!(fixture.mark(anna, Mark::Read, Selector::All).await.0, 1);

    for (before, id) in [(&first, first.id), (&second, second.id)] {
        let after = fixture.seen_by(anna, id).await.unwrap();
        assert_eq!(after.version, before.version + 1);
        assert!(after.read_at.is_some() && after.updated_at > before.updated_at);
    }
}

#[tokio::test]
async fn before_an_instant_means_made_earlier() {
    let fixture = Fixture::new().await;
    let anna = user(1);
    fixture.fill(anna, 3).await;
    let third = fixture.addressed_to(anna).await.pop().unwrap();
    let marked = fixture.mark(anna, Mark::Archived, Selector::Before(third.created_at)).await;
    assert_eq!(marked, (2, Counts { unread: 1, total: 1 }));
    assert!(fixture.seen_by(anna, third.id).await.unwrap().archived_at.is_none());
}

#[tokio::test]
async fn drafts_and_other_peoples_notifications_are_passed_over() {
    let fixture = Fixture::new().await;
    let (anna, ben) = (user(1), user(2));
    let draft = fixture.create(anna, anna, false).await.unwrap();
    let theirs = fixture.create(ben, ben, true).await.unwrap();
    let ids = Selector::Ids(vec![draft.id.uuid(), theirs.id.uuid()]);
    for (mark, selector) in [(Mark::Read, ids.clone()), (Mark::Archived, ids), (Mark::Read, Selector::All)] {
        let marked = fixture.mark(anna, mark, selector).await;
        assert_eq!(marked, (0, Counts { unread: 0, total: 0 }));
    }
    assert_eq!(fixture.seen_by(anna, draft.id).await, Some(draft));
    assert_eq!(fixture.seen_by(ben, theirs.id).await, Some(theirs));
}
