//! What other domains' events bring into a box.

use crate::{sent, system, titles};
use chrono::DateTime;
use contracts::task::v1::{TaskAssigned, TaskCompleted, TaskCreated};
use contracts::task::{Priority, Status};
use contracts::{TaskId, UserId};
use serde_json::json;
use uuid::Uuid;

const URL: &str = "/api/v1/notifications";
const TASK: TaskId = TaskId(Uuid::from_u128(70));

fn created(creator: UserId, assignee: UserId) -> TaskCreated {
    TaskCreated {
        task_id: TASK,
        title: "Paint".to_owned(),
        status: Status::Todo,
        priority: Priority::None,
        creator_id: creator,
        assignee_id: Some(assignee),
        category_id: None,
        due_at: None,
    }
}

fn assigned(assignee_id: UserId, by: UserId) -> TaskAssigned {
    TaskAssigned { task_id: TASK, title: "Paint".to_owned(), assignee_id, by }
}

fn completed(creator_id: UserId, assignee: UserId, completed_by: UserId) -> TaskCompleted {
    let (title, assignee_id) = ("Paint".to_owned(), Some(assignee));
    TaskCompleted { task_id: TASK, title, creator_id, assignee_id, completed_by, completed_at: DateTime::UNIX_EPOCH }
}

#[tokio::test]
async fn a_task_is_told_to_those_whom_it_concerns_before_anybody_heard_of_them() {
    let system = system().await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let injector = system.injector();
    injector.event(&created(anna.id(), ben.id()), TASK.uuid(), Some(anna.id())).await;
    injector.event(&assigned(ben.id(), anna.id()), TASK.uuid(), Some(anna.id())).await;
    let told = injector.event(&completed(anna.id(), ben.id(), ben.id()), TASK.uuid(), Some(ben.id())).await;
    system.settle().await;

    let inbox = anna.get(URL).await.expect(200);
    assert_eq!((titles(&inbox), &inbox["counts"]), (vec!["Completed: Paint"], &json!({"unread": 1, "total": 1})));
    let notification = &inbox["items"][0];
    assert_eq!(
        notification,
        &json!({
            "id": notification["id"], "recipient_id": anna.id(), "category": "task.completed",
            "title": "Completed: Paint", "body": "The task \"Paint\" is done.",
            "action_url": format!("/api/v1/tasks/{TASK}"), "channels": ["in_app"], "state": "sent", "send_at": null,
            "sent_at": notification["sent_at"], "read_at": null, "archived_at": null,
            "source_event": {"id": told.id, "type": "task.completed.v1"},
            "deliveries": [{"channel": "in_app", "state": "delivered", "attempts": 1, "last_error": null,
                            "next_retry_at": null, "delivered_at": notification["sent_at"]}],
            "created_at": notification["created_at"], "version": 1,
        })
    );
    assert_eq!(titles(&ben.get(URL).await.expect(200)), ["Assigned to you: Paint"]);
}

#[tokio::test]
async fn an_event_that_comes_twice_is_told_once() {
    let system = system().await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let injector = system.injector();
    let welcomed = injector.user_created(ben.id(), "ben").await;
    let told = injector.event(&assigned(ben.id(), anna.id()), TASK.uuid(), None).await;
    for envelope in [&told, &welcomed, &told] {
        injector.deliver(envelope).await;
    }
    system.settle().await;
    assert_eq!(titles(&ben.get(URL).await.expect(200)), ["Assigned to you: Paint", "Welcome to Cleave"]);
}

#[tokio::test]
async fn a_deleted_user_leaves_nothing_and_gets_nothing() {
    let system = system().await;
    let (anna, ben, root) = (system.user("anna").await, system.user("ben").await, system.admin().await);
    let injector = system.injector();
    injector.user_created(ben.id(), "ben").await;
    sent(&ben, "note").await;
    sent(&anna, "kept").await;
    injector.user_deleted(ben.id()).await;
    injector.event(&assigned(ben.id(), anna.id()), TASK.uuid(), None).await;
    system.settle().await;

    let of_ben = root.get(&format!("{URL}?box=all&recipient_id={}", ben.id())).await.expect(200);
    assert_eq!((titles(&of_ben), &of_ben["counts"]), (vec![], &json!({"unread": 0, "total": 0})));
    assert_eq!(titles(&anna.get(URL).await.expect(200)), ["kept"]);
}

#[tokio::test]
async fn what_a_deleted_user_was_answered_is_forgotten() {
    let system = system().await;
    let ben = system.user("ben").await;
    system.injector().user_created(ben.id(), "ben").await;
    let client = ben.with("Idempotency-Key", "once");
    let body = json!({"recipient_id": ben.id(), "title": "private"});
    let _ = client.post(URL, body.clone()).await.expect(201);
    system.injector().user_deleted(ben.id()).await;
    system.settle().await;
    client.post(URL, body).await.expect_problem(422, "unknown_user");
}

#[tokio::test]
async fn a_box_survives_a_restart() {
    let mut system = system().await;
    let ben = system.user("ben").await;
    system.injector().user_created(ben.id(), "ben").await;
    system.restart().await;
    let client = system.anonymous().with_token(ben.token().unwrap());
    assert_eq!(titles(&client.get(URL).await.expect(200)), ["Welcome to Cleave"]);
}
