//! A domain's database is put back from an old copy. Rule: it is noticed before the first command, nothing is done that
//! consumers would take for old, reading goes on, and one decision of an administrator leads on.

use runtime::Config;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use testkit::{Client, Starting, System, Topology, eventually};

const COPY: &str = "task.db.copy";
/// The copy takes the place of the database at the next start.
const PUT_BACK: &str = "put-back";
const SOON: Duration = Duration::from_secs(20);

fn putting_back(config: Config) -> Starting {
    let directory = config.data_dir.clone();
    if std::fs::remove_file(directory.join(PUT_BACK)).is_ok() {
        for rest in ["task.db-wal", "task.db-shm"] {
            let _ = std::fs::remove_file(directory.join(rest));
        }
        std::fs::copy(directory.join(COPY), directory.join("task.db")).unwrap();
    }
    app::serve(config)
}

fn copy(directory: &Path) {
    let file = rusqlite::Connection::open(directory.join("task.db")).unwrap();
    file.execute("VACUUM INTO ?1", [directory.join(COPY).to_str().unwrap()]).unwrap();
}

async fn inbox(client: &Client) -> Vec<Value> {
    let inbox = client.get("/api/v1/notifications").await.expect(200);
    let mut items: Vec<Value> =
        inbox["items"].as_array().unwrap().iter().map(|item| item["category"].clone()).collect();
    items.sort_by_key(Value::to_string);
    items
}

async fn titles(client: &Client) -> Vec<Value> {
    let tasks = client.get("/api/v1/tasks").await.expect(200);
    tasks["items"].as_array().unwrap().iter().map(|task| task["title"].clone()).collect()
}

async fn refusing(system: &System) -> Option<String> {
    let health = system.anonymous().get("/health?verbose=true").await.body;
    health["checks"]["task"]["messaging"]["refusing"].as_str().map(str::to_owned)
}

async fn a_database_that_was_put_back_is_noticed_and_followed_after_a_decision(topology: Topology) {
    let mut system = System::start(putting_back, topology).await;
    let (anna, ben, admin) = (system.user("anna").await, system.user("ben").await, system.admin().await);
    let plan = anna.post("/api/v1/tasks", json!({"title": "Plan", "assignee_id": ben.id()})).await.expect(201);
    system.settle().await;
    copy(system.directory());
    let complete = format!("/api/v1/tasks/{}/complete", plan["id"].as_str().unwrap());
    ben.post(&complete, Value::Null).await.expect(200);
    anna.post("/api/v1/tasks", json!({"title": "Lost"})).await.expect(201);
    system.settle().await;
    assert_eq!(inbox(&anna).await, ["task.completed", "user.created"]);

    std::fs::write(system.directory().join(PUT_BACK), "").unwrap();
    system.restart().await;
    let (anna, ben) = (system.sign_in("anna", anna.id()).await, system.sign_in("ben", ben.id()).await);
    let admin = system.sign_in("admin", admin.id()).await;
    let why = eventually("it is noticed", SOON, async || refusing(&system).await).await;
    assert!(why.contains("cleave events restored task"), "{why}");
    let health = system.anonymous().get("/health").await;
    assert_eq!((health.status, &health.body["services"]["task"]), (503, &json!("unhealthy")));
    assert_eq!(titles(&anna).await, ["Plan"], "it can be read");
    let refused = anna.post("/api/v1/tasks", json!({"title": "Too early"})).await;
    assert_eq!(refused.header("retry-after"), "5");
    refused.expect_problem(503, "unavailable");
    ben.post(&complete, Value::Null).await.expect_problem(503, "unavailable");
    anna.patch("/api/v1/users/me", json!({"display_name": "Anna"})).await.expect(200);

    let decision = "/api/v1/ops/task/outbox/restored";
    anna.post(decision, Value::Null).await.expect_problem(403, "insufficient_scope");
    let decided = admin.post(decision, Value::Null).await.expect(202);
    assert_eq!((&decided["changed"], &decided["stream_epoch"]), (&json!(true), &json!(2)));
    assert_eq!(admin.post(decision, Value::Null).await.expect(202)["changed"], false);
    let audit = admin.get("/api/v1/ops/task/audit").await.expect(200);
    assert_eq!((&audit["items"][0]["action"], &audit["items"][1]), (&json!("restored"), &Value::Null));
    eventually("it goes on", SOON, async || refusing(&system).await.is_none().then_some(())).await;

    ben.post(&complete, Value::Null).await.expect(200);
    anna.post("/api/v1/tasks", json!({"title": "New", "assignee_id": ben.id()})).await.expect(201);
    eventually("what happens now is heard", SOON, async || (inbox(&ben).await.len() == 3).then_some(())).await;
    assert_eq!(inbox(&ben).await, ["task.assigned", "task.assigned", "user.created"]);
    eventually("the second completion is heard", SOON, async || (inbox(&anna).await.len() == 3).then_some(())).await;
    assert_eq!(inbox(&anna).await, ["task.completed", "task.completed", "user.created"], "both happened");
    system.settle().await;
    system.restart().await;
    assert_eq!(refusing(&system).await, None);
    system.settle().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn within_one_process() {
    a_database_that_was_put_back_is_noticed_and_followed_after_a_decision(Topology::EMBEDDED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_broker() {
    if Topology::EMBEDDED_RABBIT.can_run() {
        a_database_that_was_put_back_is_noticed_and_followed_after_a_decision(Topology::EMBEDDED_RABBIT).await;
    }
}
