//! What is heard is told once, to those whom it concerns, whatever came first and however often it comes.

use super::fixture::{Fixture, created, deleted, heard, updated, user};
use crate::domain::{Notification, State};
use crate::listen::{
    on_task_assigned, on_task_completed, on_user_access_revoked, on_user_created, on_user_deleted,
    on_user_password_changed, on_user_snapshot, on_user_updated,
};
use chrono::DateTime;
use contracts::task::v1::{TaskAssigned, TaskCompleted};
use contracts::user::v1::{
    AccessRevocation, PasswordChange, UserAccessRevoked, UserCreated, UserPasswordChanged, UserSnapshot, UserUpdated,
};
use contracts::{SessionId, TaskId, UserId};
use db::Tx;
use outbox::{Heard, ListenError};
use uuid::Uuid;

const TASK: TaskId = TaskId(Uuid::from_u128(70));

fn assigned(number: u128, to: UserId, by: UserId) -> Heard<TaskAssigned> {
    let title = "Paint the fence".to_owned();
    heard(number, TASK.uuid(), TaskAssigned { task_id: TASK, title, assignee_id: to, by })
}

fn completed(number: u128, creator: UserId, assignee: Option<UserId>, by: UserId) -> Heard<TaskCompleted> {
    let data = TaskCompleted {
        task_id: TASK,
        title: "Paint the fence".to_owned(),
        creator_id: creator,
        assignee_id: assignee,
        completed_by: by,
        completed_at: DateTime::UNIX_EPOCH,
    };
    heard(number, TASK.uuid(), data)
}

fn sent_events(notifications: &[Notification]) -> Vec<(String, String, i64)> {
    notifications.iter().map(|n| ("notification.sent.v1".to_owned(), n.id.to_string(), 1)).collect()
}

#[tokio::test]
async fn a_new_user_is_welcomed_once_however_often_it_is_heard() {
    let fixture = Fixture::new().await;
    let anna = user(1);
    let event = created(50, anna);
    fixture.hear(on_user_created, &event).await.unwrap();
    fixture.hear(on_user_created, &event).await.unwrap();

    let told = fixture.addressed_to(anna).await;
    let [welcome] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(welcome.content.title.as_str(), "Welcome to Cleave");
    assert_eq!(welcome.content.category.as_ref().unwrap().as_str(), "user.created");
    assert!(welcome.content.body.as_ref().unwrap().as_str().starts_with("Hello Anna, "));
    assert_eq!((welcome.state, welcome.version, welcome.stream.seq), (State::Sent, 1, 1));
    let source = welcome.source.as_ref().unwrap();
    assert_eq!((source.id, source.event_type.as_str()), (event.envelope.id, "user.created.v1"));
    assert_eq!(welcome.deliveries.len(), 1);
    assert_eq!(fixture.emitted().await, sent_events(&told));
}

#[tokio::test]
async fn a_user_is_told_of_every_new_password_once_and_nobody_of_somebody_who_is_gone() {
    let fixture = Fixture::new().await;
    let (anna, gone) = (user(1), user(2));
    let changed = |number, user: UserId| {
        heard(
            number,
            user.uuid(),
            UserPasswordChanged { user_id: user, session_id: None, reason: PasswordChange::Changed },
        )
    };
    fixture.hear(on_user_password_changed, &changed(50, anna)).await.unwrap();
    fixture.hear(on_user_password_changed, &changed(50, anna)).await.unwrap();
    fixture.hear(on_user_deleted, &deleted(51, gone)).await.unwrap();
    fixture.hear(on_user_password_changed, &changed(52, gone)).await.unwrap();

    let told = fixture.addressed_to(anna).await;
    let [warning] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(warning.content.title.as_str(), "Your password was changed");
    assert_eq!(warning.content.category.as_ref().unwrap().as_str(), "user.password_changed");
    assert!(fixture.addressed_to(gone).await.is_empty());
    assert_eq!(fixture.emitted().await, sent_events(&told));
}

#[tokio::test]
async fn a_user_is_told_once_of_a_sign_in_that_was_ended_and_nobody_of_somebody_who_is_gone() {
    let fixture = Fixture::new().await;
    let (anna, gone) = (user(1), user(2));
    let revoked = |number, user: UserId| {
        let (session_id, reason) = (Some(SessionId(Uuid::from_u128(90))), AccessRevocation::RefreshReused);
        heard(number, user.uuid(), UserAccessRevoked { user_id: user, session_id, reason })
    };
    fixture.hear(on_user_access_revoked, &revoked(50, anna)).await.unwrap();
    fixture.hear(on_user_access_revoked, &revoked(50, anna)).await.unwrap();
    fixture.hear(on_user_deleted, &deleted(51, gone)).await.unwrap();
    fixture.hear(on_user_access_revoked, &revoked(52, gone)).await.unwrap();

    let told = fixture.addressed_to(anna).await;
    let [warning] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(warning.content.title.as_str(), "One of your sign-ins was ended");
    assert_eq!(warning.content.category.as_ref().unwrap().as_str(), "user.access_revoked");
    assert!(fixture.addressed_to(gone).await.is_empty());
    assert_eq!(fixture.emitted().await, sent_events(&told));

    // Another sign-in that is ended is other news.
    fixture.hear(on_user_access_revoked, &revoked(53, anna)).await.unwrap();
    assert_eq!(fixture.addressed_to(anna).await.len(), 2);
}

#[tokio::test]
async fn an_assignee_is_told_unless_they_took_the_task_themselves() {
    let fixture = Fixture::new().await;
    let (anna, ben) = (user(1), user(2));
    // Neither of them was heard of before: a task may come first.
    fixture.hear(on_task_assigned, &assigned(50, ben, anna)).await.unwrap();
    fixture.hear(on_task_assigned, &assigned(50, ben, anna)).await.unwrap();
    fixture.hear(on_task_assigned, &assigned(51, anna, anna)).await.unwrap();

    let told = fixture.addressed_to(ben).await;
    let [notification] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(notification.content.title.as_str(), "Assigned to you: Paint the fence");
    assert_eq!(notification.content.category.as_ref().unwrap().as_str(), "task.assigned");
    assert_eq!(notification.content.action_url.as_ref().unwrap().as_str(), format!("/api/v1/tasks/{TASK}"));
    assert!(fixture.addressed_to(anna).await.is_empty());
    assert_eq!(fixture.emitted().await, sent_events(&told));
}

#[tokio::test]
async fn a_completed_task_is_told_to_creator_and_assignee_but_not_to_who_did_it() {
    let fixture = Fixture::new().await;
    let (anna, ben, carl) = (user(1), user(2), user(3));
    fixture.hear(on_task_completed, &completed(50, anna, Some(ben), ben)).await.unwrap();
    assert_eq!(fixture.addressed_to(anna).await.len(), 1);
    assert!(fixture.addressed_to(ben).await.is_empty());

    fixture.hear(on_task_completed, &completed(51, anna, Some(ben), carl)).await.unwrap();
    fixture.hear(on_task_completed, &completed(51, anna, Some(ben), carl)).await.unwrap();
    assert_eq!(fixture.addressed_to(anna).await.len(), 2);
    assert_eq!(fixture.addressed_to(ben).await.len(), 1);
    assert!(fixture.addressed_to(carl).await.is_empty());
    assert_eq!(fixture.emitted().await.len(), 3);
}

#[tokio::test]
async fn a_listener_that_fails_leaves_nothing_and_succeeds_later() {
    async fn fail_late(tx: &mut Tx, heard: &Heard<UserCreated>) -> Result<(), ListenError> {
        on_user_created(tx, heard).await?;
        Err(ListenError::Retry("not yet".to_owned()))
    }
    let fixture = Fixture::new().await;
    let event = created(50, user(1));
    assert!(fixture.hear(fail_late, &event).await.is_err());
    assert!(fixture.addressed_to(user(1)).await.is_empty());
    assert!(fixture.emitted().await.is_empty());

    fixture.hear(on_user_created, &event).await.unwrap();
    assert_eq!(fixture.addressed_to(user(1)).await.len(), 1);
    assert_eq!(fixture.emitted().await.len(), 1);
}

#[tokio::test]
async fn for_somebody_who_is_gone_nothing_is_made() {
    let fixture = Fixture::new().await;
    let (anna, ben) = (user(1), user(2));
    fixture.hear(on_user_created, &created(50, ben)).await.unwrap();
    fixture.hear(on_user_deleted, &deleted(51, ben)).await.unwrap();
    fixture.hear(on_user_deleted, &deleted(51, ben)).await.unwrap();
    let before = fixture.emitted().await;

    fixture.hear(on_task_assigned, &assigned(52, ben, anna)).await.unwrap();
    fixture.hear(on_task_completed, &completed(53, ben, Some(ben), anna)).await.unwrap();
    // What is heard late does not bring the user back.
    fixture.hear(on_user_updated, &updated(54, ben)).await.unwrap();
    fixture.hear(on_user_created, &created(55, ben)).await.unwrap();
    fixture.hear(on_task_assigned, &assigned(56, ben, anna)).await.unwrap();

    assert!(fixture.addressed_to(ben).await.is_empty());
    assert_eq!(fixture.emitted().await, before);
}

#[tokio::test]
async fn how_somebody_is_who_was_there_before_is_kept_and_no_news() {
    let fixture = Fixture::new().await;
    let snapshot = |number, user| {
        let UserUpdated { user_id, username, email, display_name, timezone, role, is_active, .. } =
            updated(number, user).data;
        heard(number, user.uuid(), UserSnapshot { user_id, username, email, display_name, timezone, role, is_active })
    };
    for number in [50, 50, 51] {
        fixture.hear(on_user_snapshot, &snapshot(number, user(1))).await.unwrap();
    }
    assert_eq!(fixture.profile(user(1)).await, Some((Some("new@example.org".to_owned()), None, Some(false))));
    assert!(fixture.addressed_to(user(1)).await.is_empty());
    assert!(fixture.emitted().await.is_empty());
    // Whoever is gone is not brought back.
    fixture.hear(on_user_deleted, &deleted(52, user(1))).await.unwrap();
    fixture.hear(on_user_snapshot, &snapshot(53, user(1))).await.unwrap();
    assert_ne!(fixture.profile(user(1)).await, Some((Some("new@example.org".to_owned()), None, Some(false))));
}

#[tokio::test]
async fn a_changed_profile_makes_no_notification() {
    let fixture = Fixture::new().await;
    fixture.hear(on_user_created, &created(50, user(1))).await.unwrap();
    fixture.hear(on_user_updated, &updated(51, user(1))).await.unwrap();
    fixture.hear(on_user_updated, &updated(51, user(1))).await.unwrap();
    assert_eq!(fixture.addressed_to(user(1)).await.len(), 1);
    assert_eq!(fixture.profile(user(1)).await, Some((Some("new@example.org".to_owned()), None, Some(false))));
}
