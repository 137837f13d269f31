//! Each listener delivered twice, and failing.

use super::on_user_created::on_user_created;
use super::on_user_deleted::on_user_deleted;
use super::on_user_updated::on_user_updated;
use crate::domain::testing::{anna, ben};
use crate::store::{self, is_known_user};
use crate::testing::{Bench, heard};
use contracts::UserId;
use contracts::user::Role;
use contracts::user::v1::{UserCreated, UserDeleted, UserUpdated};
use db::{Context, DbError, Tx};
use outbox::{Heard, ListenError};

fn created(user: UserId) -> Heard<UserCreated> {
    let data = UserCreated {
        user_id: user,
        username: "ben".to_owned(),
        email: "ben@example.org".to_owned(),
        display_name: None,
        timezone: "UTC".to_owned(),
        role: Role::User,
        is_active: true,
    };
    heard(user, 1, data)
}

fn updated(user: UserId, is_active: bool) -> Heard<UserUpdated> {
    let UserCreated { user_id, username, email, display_name, timezone, role, .. } = created(user).data;
    let data = UserUpdated { user_id, username, email, display_name, timezone, role, is_active, changes: Vec::new() };
    heard(user, 2, data)
}

fn deleted(user: UserId) -> Heard<UserDeleted> {
    heard(user, 3, UserDeleted { user_id: user })
}

async fn is_assignable(bench: &Bench, user: UserId) -> bool {
    async fn look(tx: &mut Tx, user: &UserId) -> Result<bool, DbError> {
        store::is_active_user(tx, *user).await
    }
    bench.db.write(&Context::default(), &user, look).await.unwrap()
}

#[tokio::test]
async fn a_new_user_is_known_however_often_the_news_comes() {
    let bench = Bench::open().await;
    assert!(!is_known_user(bench.db.reader(), ben().id).await.unwrap());
    for _ in 0..2 {
        bench.db.write(&Context::default(), &created(ben().id), on_user_created).await.unwrap();
        assert!(is_assignable(&bench, ben().id).await);
        assert!(!is_known_user(bench.db.reader(), anna().id).await.unwrap());
    }
}

#[tokio::test]
async fn a_deactivated_user_is_given_no_task_until_activated_again() {
    let bench = Bench::open().await;
    bench.db.write(&Context::default(), &created(ben().id), on_user_created).await.unwrap();
    for is_active in [false, false, true, true] {
        let event = updated(ben().id, is_active);
        bench.db.write(&Context::default(), &event, on_user_updated).await.unwrap();
        assert_eq!(is_assignable(&bench, ben().id).await, is_active);
    }
}

#[tokio::test]
async fn a_deleted_user_stays_deleted_and_is_put_down_once() {
    let bench = Bench::open().await;
    for _ in 0..2 {
        bench.db.write(&Context::default(), &deleted(ben().id), on_user_deleted).await.unwrap();
    }
    // A replay of older news must not bring anybody back.
    bench.db.write(&Context::default(), &updated(ben().id, true), on_user_updated).await.unwrap();
    assert!(!is_assignable(&bench, ben().id).await);
    let erasure = store::next_erasure(bench.db.reader()).await.unwrap().unwrap();
    assert_eq!(
        (erasure.user, erasure.event_id, erasure.correlation_id.as_deref()),
        (ben().id, deleted(ben().id).envelope.id.uuid(), Some("request-1"))
    );
    async fn finish(tx: &mut Tx, user: &UserId) -> Result<(), DbError> {
        store::finish_erasure(tx, *user).await
    }
    bench.db.write(&Context::default(), &ben().id, finish).await.unwrap();
    assert!(store::next_erasure(bench.db.reader()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_listener_that_fails_half_way_leaves_nothing_and_may_be_tried_again() {
    async fn stumble(tx: &mut Tx, event: &Heard<UserDeleted>) -> Result<(), ListenError> {
        on_user_deleted(tx, event).await?;
        Err(ListenError::Retry("stumbled".to_owned()))
    }
    let bench = Bench::open().await;
    bench.db.write(&Context::default(), &created(ben().id), on_user_created).await.unwrap();
    let failed = bench.db.write(&Context::default(), &deleted(ben().id), stumble).await;
    assert!(matches!(failed, Err(ListenError::Retry(_))));
    assert!(is_assignable(&bench, ben().id).await);
    assert!(store::next_erasure(bench.db.reader()).await.unwrap().is_none());
    bench.db.write(&Context::default(), &deleted(ben().id), on_user_deleted).await.unwrap();
    assert!(!is_assignable(&bench, ben().id).await);
}

#[tokio::test]
async fn what_the_database_refuses_is_worth_another_try() {
    let bench = Bench::open().await;
    bench.db.close().await;
    let failed = bench.db.write(&Context::default(), &deleted(ben().id), on_user_deleted).await;
    assert!(matches!(&failed, Err(ListenError::Db(error)) if error.is_infrastructure()), "{failed:?}");
}
