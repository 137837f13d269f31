//! Who sees and who may do what.

use crate::{action, assign, create, known, path, system};
use serde_json::{Value, json};
use testkit::Reply;

/// What does not differ from one missing task to another.
fn bare(reply: Reply) -> Value {
    let mut problem = reply.expect_problem(404, "not_found");
    problem["instance"] = Value::Null;
    problem["request_id"] = Value::Null;
    problem
}

#[tokio::test]
async fn a_strangers_task_is_as_one_that_never_was() {
    let system = system().await;
    let (anna, ben, carl) = (known(&system, "anna").await, known(&system, "ben").await, system.user("carl").await);
    let task = assign(&anna, &ben).await;
    let nowhere = "/api/v1/tasks/01890a5d-ac96-774b-bcce-b302099a8057";
    let missing = bare(carl.get(nowhere).await);
    for reply in [
        carl.get(&path(&task)).await,
        carl.put(&path(&task), json!({"title": "mine"})).await,
        carl.patch(&path(&task), json!({"status": "done"})).await,
        carl.delete(&path(&task)).await,
        carl.post(&action(&task, "complete"), Value::Null).await,
        carl.post(&action(&task, "reopen"), Value::Null).await,
        carl.get("/api/v1/tasks/1").await,
    ] {
        assert_eq!(bare(reply), missing);
    }
    assert_eq!(carl.get(&format!("/api/v1/tasks?creator_id={}", anna.id())).await.expect(200)["items"], json!([]));
    assert_eq!(anna.get(&path(&task)).await.expect(200), task);
}

#[tokio::test]
async fn the_assignee_moves_the_status_and_nothing_else() {
    let system = system().await;
    let (anna, ben) = (known(&system, "anna").await, known(&system, "ben").await);
    let task = assign(&anna, &ben).await;
    for reply in [
        ben.patch(&path(&task), json!({"title": "mine"})).await,
        ben.patch(&path(&task), json!({"status": "done", "assignee_id": null})).await,
        ben.patch(&path(&task), json!({"category_id": "01890a5d-ac96-774b-bcce-b302099a8057"})).await,
        ben.put(&path(&task), json!({"title": "mine"})).await,
        ben.delete(&path(&task)).await,
    ] {
        reply.expect_problem(403, "forbidden");
    }
    assert_eq!(anna.get(&path(&task)).await.expect(200), task);
    let begun = ben.patch(&path(&task), json!({"status": "in_progress"})).await.expect(200);
    assert_eq!(begun["status"], "in_progress");
    // Everything as it is, and the status: that is the status only.
    let whole = json!({"title": "Buy milk", "assignee_id": ben.id(), "status": "done"});
    assert_eq!(ben.put(&path(&task), whole).await.expect(200)["status"], "done");
    // Whom it is taken from sees it no more.
    let _ = anna.patch(&path(&task), json!({"assignee_id": null})).await.expect(200);
    ben.get(&path(&task)).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_administrator_does_everything() {
    let system = system().await;
    let (anna, root) = (known(&system, "anna").await, system.admin().await);
    let task = create(&anna, json!({"title": "a"})).await;
    assert_eq!(root.get("/api/v1/tasks").await.expect(200)["items"], json!([task]));
    let renamed = root.patch(&path(&task), json!({"title": "b", "assignee_id": anna.id()})).await.expect(200);
    assert_eq!((&renamed["title"], &renamed["creator_id"]), (&json!("b"), &json!(anna.id())));
    let done = root.post(&action(&task, "complete"), Value::Null).await.expect(200);
    assert_eq!(done["completed_by"], json!(root.id()));
    assert_eq!(root.delete(&path(&task)).await.status, 204);
}

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a"})).await;
    let nobody = system.anonymous();
    for reply in [
        nobody.get("/api/v1/tasks").await,
        nobody.get("/api/v1/tasks?nonsense=1").await,
        nobody.post("/api/v1/tasks", json!({"nonsense": 1})).await,
        nobody.get(&path(&task)).await,
        nobody.put(&path(&task), json!({"title": "b"})).await,
        nobody.patch(&path(&task), json!({"title": "b"})).await,
        nobody.delete(&path(&task)).await,
        nobody.post(&action(&task, "complete"), Value::Null).await,
        nobody.post(&action(&task, "reopen"), Value::Null).await,
        nobody.get("/api/v1/categories").await,
        nobody.post("/api/v1/categories", json!({"name": "a"})).await,
        nobody.get("/api/v1/categories/1").await,
        nobody.put("/api/v1/categories/1", json!({"name": "a"})).await,
        nobody.patch("/api/v1/categories/1", json!({"name": "a"})).await,
        nobody.delete("/api/v1/categories/1").await,
    ] {
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        reply.expect_problem(401, "unauthorized");
    }
    assert_eq!(anna.get(&path(&task)).await.expect(200), task);
}
