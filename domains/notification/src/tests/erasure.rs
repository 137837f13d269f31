//! Of a user who is gone only the fact stays.

use super::fixture::{Fixture, created, deleted, user};
use crate::app::{CreateNotificationError, erase_next};
use crate::domain::Standing;
use crate::listen::{on_user_created, on_user_deleted};
use crate::store;
use db::Context;

#[tokio::test]
async fn a_deletion_leaves_a_tombstone_and_what_belongs_to_others() {
    let fixture = Fixture::new().await;
    let (anna, ben) = (user(1), user(2));
    fixture.hear(on_user_created, &created(50, anna)).await.unwrap();
    fixture.hear(on_user_created, &created(51, ben)).await.unwrap();
    let to_self = fixture.create(ben, ben, false).await.unwrap();
    let unsent = fixture.create(ben, anna, false).await.unwrap();
    let sent = fixture.create(ben, anna, true).await.unwrap();

    fixture.hear(on_user_deleted, &deleted(52, ben)).await.unwrap();

    assert_eq!(store::standing_now(fixture.db.reader(), ben).await.unwrap(), Standing::Gone);
    assert!(fixture.profile(ben).await.is_none());
    assert!(fixture.addressed_to(ben).await.is_empty());
    let left: Vec<_> = fixture.addressed_to(anna).await.iter().map(|n| n.id).collect();
    assert!(left.contains(&sent.id) && !left.contains(&unsent.id) && !left.contains(&to_self.id));
    assert_eq!(left.len(), 2, "the welcome and what was sent");
    assert!(matches!(fixture.create(anna, ben, true).await, Err(CreateNotificationError::UnknownUser)));
    // Nothing was left over for the job.
    assert!(!fixture.db.write(&Context::default(), &(), erase_next).await.unwrap());
}

#[tokio::test]
async fn a_large_box_is_erased_in_parts() {
    let fixture = Fixture::new().await;
    let (anna, ben) = (user(1), user(2));
    fixture.fill(ben, 1_100).await;
    fixture.fill(anna, 3).await;

    fixture.hear(on_user_deleted, &deleted(50, ben)).await.unwrap();
    assert_eq!(fixture.counts(ben).await.total, 600);
    // The redelivered event neither hides nor repeats the rest.
    fixture.hear(on_user_deleted, &deleted(50, ben)).await.unwrap();
    assert_eq!(fixture.counts(ben).await.total, 100);

    assert!(fixture.db.write(&Context::default(), &(), erase_next).await.unwrap());
    assert!(!fixture.db.write(&Context::default(), &(), erase_next).await.unwrap());
    assert_eq!(fixture.counts(ben).await.total, 0);
    assert_eq!(fixture.counts(anna).await.total, 3);
    assert_eq!(fixture.deliveries().await, 3);
}
