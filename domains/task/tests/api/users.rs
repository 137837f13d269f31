//! What the domain makes of other people's coming, changing and going.

use crate::{assign, broken, create, known, path, system};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, System, eventually};

/// Until the job has been through the tasks; no event says that it has.
async fn until(system: &System, client: &Client, path: &str, status: u16, assignee: &Value) {
    eventually("the deleted user's tasks are worked through", Duration::from_secs(10), || async {
        system.server().wake_all();
        let reply = client.get(path).await;
        (reply.status == status && reply.body["assignee_id"] == *assignee).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_task_is_given_to_somebody_who_is_there() {
    let system = system().await;
    let (anna, ben) = (known(&system, "anna").await, system.user("ben").await);
    let body = json!({"title": "a", "assignee_id": ben.id()});
    let problem = anna.post("/api/v1/tasks", body.clone()).await.expect_problem(422, "unknown_user");
    assert_eq!(broken(&problem), [("/assignee_id", "unknown_user")]);
    let task = create(&anna, json!({"title": "a"})).await;
    let patch = json!({"assignee_id": ben.id()});
    anna.patch(&path(&task), patch.clone()).await.expect_problem(422, "unknown_user");
    anna.put(&path(&task), body.clone()).await.expect_problem(422, "unknown_user");
    assert_eq!(anna.get("/api/v1/tasks").await.expect(200)["items"], json!([task]));
    system.injector().user_created(ben.id(), "ben").await;
    let _ = anna.patch(&path(&task), patch).await.expect(200);
    let _ = anna.post("/api/v1/tasks", body).await.expect(201);
}

#[tokio::test]
async fn who_has_just_registered_is_waited_for() {
    let system = system().await;
    let (anna, ben) = (known(&system, "anna").await, system.user("ben").await);
    let injector = system.injector();
    let body = json!({"title": "a", "assignee_id": ben.id()});
    let (reply, _) = tokio::join!(anna.post("/api/v1/tasks", body), injector.user_created(ben.id(), "ben"));
    assert_eq!(reply.expect(201)["assignee_id"], json!(ben.id()));
}

#[tokio::test]
async fn who_cannot_sign_in_is_given_nothing_and_keeps_what_there_is() {
    let system = system().await;
    let (anna, ben) = (known(&system, "anna").await, known(&system, "ben").await);
    let task = assign(&anna, &ben).await;
    system.injector().user_activated(ben.id(), "ben", false).await;
    let body = json!({"title": "a", "assignee_id": ben.id()});
    anna.post("/api/v1/tasks", body.clone()).await.expect_problem(422, "unknown_user");
    let kept = anna.patch(&path(&task), json!({"title": "b", "assignee_id": ben.id()})).await.expect(200);
    assert_eq!(kept["assignee_id"], json!(ben.id()));
    system.injector().user_activated(ben.id(), "ben", true).await;
    let _ = anna.post("/api/v1/tasks", body).await.expect(201);
}

#[tokio::test]
async fn who_is_gone_leaves_no_assignment_and_no_task_that_is_nobodys() {
    let system = system().await;
    let (anna, ben, root) = (known(&system, "anna").await, known(&system, "ben").await, system.admin().await);
    let (taken, own, shared) = (assign(&anna, &ben).await, assign(&ben, &ben).await, assign(&ben, &anna).await);
    let gone = system.injector().user_deleted(ben.id()).await;
    let body = json!({"title": "a", "assignee_id": ben.id()});
    anna.post("/api/v1/tasks", body).await.expect_problem(422, "unknown_user");
    until(&system, &root, &path(&taken), 200, &Value::Null).await;
    until(&system, &root, &path(&own), 404, &Value::Null).await;
    assert_eq!(root.get(&path(&shared)).await.expect(200), shared);
    let now = root.get(&path(&taken)).await.expect(200);
    assert_eq!(now["version"], 2);
    // The same news again, and nothing more happens.
    system.injector().deliver(&gone).await;
    system.settle().await;
    assert_eq!(root.get(&path(&taken)).await.expect(200), now);
    // Nobody owns it but administrators, and its assignee may still do it.
    anna.patch(&path(&shared), json!({"title": "mine"})).await.expect_problem(403, "forbidden");
    let _ = anna.patch(&path(&shared), json!({"status": "done"})).await.expect(200);
    let _ = root.patch(&path(&shared), json!({"title": "ours"})).await.expect(200);
}

#[tokio::test]
async fn what_a_deleted_user_was_answered_is_forgotten() {
    let system = system().await;
    let ben = known(&system, "ben").await;
    let client = ben.with("Idempotency-Key", "once");
    let body = json!({"title": "private", "assignee_id": ben.id()});
    let _ = client.post("/api/v1/tasks", body.clone()).await.expect(201);
    system.injector().user_deleted(ben.id()).await;
    system.settle().await;
    client.post("/api/v1/tasks", body).await.expect_problem(422, "unknown_user");
}

#[tokio::test]
async fn news_that_makes_no_sense_is_kept_and_holds_up_nobody_else() {
    let system = system().await;
    let (anna, ben, carl) = (known(&system, "anna").await, system.user("ben").await, system.user("carl").await);
    let injector = system.injector();
    let another = contracts::user::v1::UserDeleted { user_id: ben.id() };
    let mut envelope = injector.envelope(&another, ben.id().uuid(), None);
    "user.created.v1".clone_into(&mut envelope.event_type);
    injector.deliver(&envelope).await;
    injector.user_created(carl.id(), "carl").await;
    let failures = system.settle_with_failures().await;
    assert_eq!(failures.len(), 1);
    assert!(failures[0].dead && failures[0].subject == format!("user/{}", ben.id()), "{failures:?}");
    assign(&anna, &carl).await;
    let body = json!({"title": "a", "assignee_id": ben.id()});
    anna.post("/api/v1/tasks", body).await.expect_problem(422, "unknown_user");
}
