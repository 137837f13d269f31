//! The status: `complete`, `reopen`, and PATCH.

use crate::{action, assign, create, known, path, system};
use futures_util::future::join_all;
use serde_json::{Value, json};

#[tokio::test]
async fn the_assignee_completes_and_the_creator_reopens() {
    let system = system().await;
    let (anna, ben) = (known(&system, "anna").await, known(&system, "ben").await);
    let task = assign(&anna, &ben).await;
    let reply = ben.post(&action(&task, "complete"), Value::Null).await;
    assert_eq!(reply.header("etag"), "\"v2\"");
    let done = reply.expect(200);
    assert_eq!((&done["status"], &done["completed_by"]), (&json!("done"), &json!(ben.id())));
    assert_eq!(done["completed_at"], done["updated_at"]);
    assert_eq!(anna.post(&action(&task, "complete"), Value::Null).await.expect(200), done);
    let open = anna.post(&action(&task, "reopen"), Value::Null).await.expect(200);
    assert_eq!((&open["status"], &open["completed_at"], &open["version"]), (&json!("todo"), &Value::Null, &json!(3)));
}

#[tokio::test]
async fn a_step_that_does_not_exist_tells_those_that_do() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a"})).await;
    let from_open = json!(["in_progress", "done", "cancelled"]);
    let refused = anna.post(&action(&task, "reopen"), Value::Null).await.expect_problem(409, "invalid_transition");
    assert_eq!(refused["allowed"], from_open);
    let _ = anna.patch(&path(&task), json!({"status": "cancelled"})).await.expect(200);
    let refused = anna.post(&action(&task, "complete"), Value::Null).await.expect_problem(409, "invalid_transition");
    assert_eq!(refused["allowed"], json!(["todo"]));
    let refused = anna.patch(&path(&task), json!({"title": "b", "status": "in_progress"})).await;
    assert_eq!(refused.expect_problem(409, "invalid_transition")["allowed"], json!(["todo"]));
    let kept = anna.get(&path(&task)).await.expect(200);
    assert_eq!((&kept["title"], &kept["status"], &kept["version"]), (&json!("a"), &json!("cancelled"), &json!(2)));
    let _ = anna.post(&action(&task, "reopen"), Value::Null).await.expect(200);
}

#[tokio::test]
async fn of_two_hundred_who_insist_on_one_version_one_wins() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a"})).await;
    let insisting = anna.with("If-Match", "\"v1\"");
    let address = path(&task);
    let patches = (0..200).map(|n| insisting.patch(&address, json!({"title": format!("by {n}")})));
    let replies = join_all(patches).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    for reply in replies.into_iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.expect_problem(412, "stale")["current_etag"], "\"v2\"");
    }
    assert_eq!(anna.get(&path(&task)).await.expect(200)["version"], 2);
}

#[tokio::test]
async fn a_stale_version_is_refused_by_every_verb() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a"})).await;
    let now = anna.patch(&path(&task), json!({"title": "b"})).await.expect(200);
    let stale = anna.with("If-Match", "\"v1\"");
    for reply in [
        stale.put(&path(&task), json!({"title": "c"})).await,
        stale.patch(&path(&task), json!({"title": "c"})).await,
        stale.delete(&path(&task)).await,
        stale.post(&action(&task, "complete"), Value::Null).await,
        stale.post(&action(&task, "reopen"), Value::Null).await,
    ] {
        assert_eq!(reply.expect_problem(412, "stale")["current_etag"], "\"v2\"");
    }
    assert_eq!(anna.get(&path(&task)).await.expect(200), now);
    assert_eq!(anna.with("If-Match", "\"v2\"").delete(&path(&task)).await.status, 204);
}
