//! `/api/v1/tasks` and `/api/v1/tasks/{id}`: what is written is read again.

use crate::{broken, create, known, path, system};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_task_is_made_and_read() {
    let system = system().await;
    let (anna, ben) = (known(&system, "anna").await, known(&system, "ben").await);
    let category = anna.post("/api/v1/categories", json!({"name": "Home"})).await.expect(201);
    let body = json!({
        "title": "Buy milk", "description": "two\nlitres", "priority": "high", "category_id": category["id"],
        "labels": ["shop", "home"], "assignee_id": ben.id(), "due_at": "2026-02-01T10:00:00+01:00", "remind_at": null,
    });
    let reply = anna.post("/api/v1/tasks", body).await;
    assert_eq!(reply.header("etag"), "\"v1\"");
    let location = reply.header("location").to_owned();
    let task = reply.expect(201);
    assert_eq!(location, path(&task));
    assert_eq!(
        task,
        json!({
            "id": task["id"], "title": "Buy milk", "description": "two\nlitres", "status": "todo", "priority": "high",
            "category_id": category["id"], "labels": ["shop", "home"], "creator_id": anna.id(),
            "assignee_id": ben.id(), "due_at": "2026-02-01T09:00:00Z", "remind_at": null, "completed_at": null,
            "completed_by": null, "created_at": task["created_at"], "updated_at": task["created_at"], "version": 1,
        })
    );
    assert_eq!(task["id"].as_str().unwrap().parse::<Uuid>().unwrap().get_version_num(), 7);
    let reply = ben.get(&location).await;
    assert_eq!(reply.header("etag"), "\"v1\"");
    assert_eq!(reply.expect(200), task);
    let reply = anna.with("If-None-Match", "\"v1\"").get(&location).await;
    assert_eq!((reply.status, reply.text.as_str()), (304, ""));
}

#[tokio::test]
async fn the_least_of_a_task_is_its_title() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "Buy milk"})).await;
    for empty in ["description", "category_id", "assignee_id", "due_at", "remind_at"] {
        assert_eq!(task[empty], Value::Null, "{empty}");
    }
    assert_eq!((&task["labels"], &task["priority"]), (&json!([]), &json!("none")));
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_told_at_once() {
    let system = system().await;
    let anna = system.user("anna").await;
    let body = json!({
        "title": "", "description": "\u{7}", "labels": ["a", "a"], "due_at": "tomorrow",
        "remind_at": "9999-12-31T23:59:59-01:00",
    });
    let problem = anna.post("/api/v1/tasks", body).await.expect_problem(422, "validation_failed");
    assert_eq!(
        broken(&problem),
        [
            ("/title", "too_short"),
            ("/description", "forbidden_character"),
            ("/labels/1", "duplicate"),
            ("/due_at", "invalid_datetime"),
            ("/remind_at", "out_of_range"),
        ]
    );
    for (body, pointer) in [
        (json!({}), "/title"),
        (json!({"title": 7}), "/title"),
        (json!({"title": "a\r\nBcc: b"}), "/title"),
        (json!({"title": "a", "priority": "dire"}), "/priority"),
        (json!({"title": "a", "assignee_id": "ben"}), "/assignee_id"),
        (json!({"title": "a", "labels": vec!["x"; 21]}), "/labels"),
        (json!({"title": "a", "labels": ["x".repeat(51)]}), "/labels/0"),
    ] {
        let problem = anna.post("/api/v1/tasks", body).await.expect_problem(422, "validation_failed");
        assert_eq!(broken(&problem)[0].0, pointer, "{problem}");
    }
    assert_eq!(anna.get("/api/v1/tasks").await.expect(200), json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn what_the_server_decides_cannot_be_written() {
    let system = system().await;
    let anna = system.user("anna").await;
    for field in ["id", "status", "creator_id", "completed_at", "completed_by", "created_at", "updated_at", "version"] {
        let body = json!({"title": "a", field: null});
        let problem = anna.post("/api/v1/tasks", body).await.expect_problem(422, "unknown_field");
        assert_eq!(broken(&problem)[0].0, format!("/{field}"));
    }
    let task = create(&anna, json!({"title": "a"})).await;
    for field in ["creator_id", "completed_by", "version"] {
        let problem = anna.patch(&path(&task), json!({field: null})).await.expect_problem(422, "unknown_field");
        assert_eq!(broken(&problem)[0].0, format!("/{field}"));
    }
    assert_eq!(anna.get(&path(&task)).await.expect(200), task);
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let system = system().await;
    let anna = system.user("anna").await;
    let body =
        json!({"title": "a", "description": "d", "priority": "low", "labels": ["x"], "due_at": "2026-02-01T09:00:00Z"});
    let task = create(&anna, body).await;
    let reply = anna.patch(&path(&task), json!({"title": "b", "due_at": null, "labels": null, "priority": null})).await;
    assert_eq!(reply.header("etag"), "\"v2\"");
    let changed = reply.expect(200);
    let mut expected = task.clone();
    for (field, value) in [
        ("title", json!("b")),
        ("due_at", Value::Null),
        ("labels", json!([])),
        ("priority", json!("none")),
        ("version", json!(2)),
        ("updated_at", changed["updated_at"].clone()),
    ] {
        expected[field] = value;
    }
    assert_eq!(changed, expected);
    assert_ne!(changed["updated_at"], task["updated_at"]);
    // The same again is no change, and keeps version and time.
    assert_eq!(anna.patch(&path(&task), json!({"title": "b", "labels": []})).await.expect(200), changed);
    assert_eq!(anna.patch(&path(&task), json!({})).await.expect(200), changed);
    let problem = anna.patch(&path(&task), json!({"title": null, "status": null})).await;
    let problem = problem.expect_problem(422, "validation_failed");
    assert_eq!(broken(&problem), [("/title", "required"), ("/status", "required")]);
}

#[tokio::test]
async fn a_label_is_found_as_long_as_it_is_there() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a", "labels": ["x", "y"]})).await;
    let found = async |filter: &str| {
        let page = anna.get(&format!("/api/v1/tasks?label={filter}")).await.expect(200);
        page["items"].as_array().unwrap().len()
    };
    assert_eq!([found("x").await, found("y").await, found("z").await, found("none").await], [1, 1, 0, 0]);
    let _ = anna.patch(&path(&task), json!({"labels": ["y", "z"]})).await.expect(200);
    assert_eq!([found("x").await, found("y").await, found("z").await, found("none").await], [0, 1, 1, 0]);
    let _ = anna.patch(&path(&task), json!({"labels": []})).await.expect(200);
    assert_eq!([found("x").await, found("y").await, found("z").await, found("none").await], [0, 0, 0, 1]);
}

#[tokio::test]
async fn a_put_empties_what_it_does_not_name_but_keeps_the_status() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a", "description": "d", "priority": "low", "labels": ["x"]})).await;
    let _ = anna.patch(&path(&task), json!({"status": "in_progress"})).await.expect(200);
    let replaced = anna.put(&path(&task), json!({"title": "b"})).await.expect(200);
    for (field, value) in [
        ("title", json!("b")),
        ("description", Value::Null),
        ("priority", json!("none")),
        ("labels", json!([])),
        ("status", json!("in_progress")),
        ("version", json!(3)),
    ] {
        assert_eq!(replaced[field], value, "{field}");
    }
    let problem = anna.put(&path(&task), json!({"status": "done"})).await.expect_problem(422, "validation_failed");
    assert_eq!(broken(&problem), [("/title", "required")]);
    let done = anna.put(&path(&task), json!({"title": "b", "status": "done"})).await.expect(200);
    assert_eq!((&done["status"], &done["completed_by"]), (&json!("done"), &json!(anna.id())));
}

#[tokio::test]
async fn a_deleted_task_is_gone() {
    let system = system().await;
    let anna = system.user("anna").await;
    let task = create(&anna, json!({"title": "a", "labels": ["x"]})).await;
    let reply = anna.delete(&path(&task)).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    anna.get(&path(&task)).await.expect_problem(404, "not_found");
    anna.delete(&path(&task)).await.expect_problem(404, "not_found");
    assert_eq!(anna.get("/api/v1/tasks?label=x").await.expect(200)["items"], json!([]));
}
