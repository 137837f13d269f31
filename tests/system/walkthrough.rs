//! The two sentences that the system exists for, over HTTP.

use serde_json::{Value, json};
use testkit::{Client, System, Topology};

async fn inbox(client: &Client) -> Value {
    client.get("/api/v1/notifications").await.expect(200)
}

fn categories(inbox: &Value) -> Vec<&str> {
    inbox["items"].as_array().unwrap().iter().map(|item| item["category"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn who_registers_is_welcomed() {
    let system = System::start(app::serve, Topology::Embedded).await;
    let anna = system.user("anna").await;
    system.settle().await;
    let inbox = inbox(&anna).await;
    assert_eq!(categories(&inbox), ["user.created"]);
    assert_eq!(inbox["counts"], json!({"unread": 1, "total": 1}));
    let welcome = &inbox["items"][0];
    assert_eq!(welcome["recipient_id"], json!(anna.id()));
    assert_eq!(welcome["state"], "sent");
    assert_eq!(welcome["source_event"]["type"], "user.created.v1");
    assert_eq!(welcome["deliveries"][0]["state"], "delivered");
    let admin = system.admin().await;
    let others = admin.get(&format!("/api/v1/notifications?recipient_id={}&box=all", anna.id())).await.expect(200);
    assert_eq!(others["items"].as_array().unwrap().len(), 1, "one welcome, not two");
}

#[tokio::test]
async fn who_made_a_task_hears_that_it_is_done() {
    let system = System::start(app::serve, Topology::Embedded).await;
    let (anna, ben, carl) = (system.user("anna").await, system.user("ben").await, system.user("carl").await);
    system.settle().await;
    let task =
        anna.post("/api/v1/tasks", json!({"title": "Write the plan", "assignee_id": ben.id()})).await.expect(201);
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    system.settle().await;
    assert_eq!(categories(&inbox(&ben).await), ["task.assigned", "user.created"]);
    assert_eq!(categories(&inbox(&anna).await), ["user.created"], "nobody is told what they did themselves");

    let done = ben.post(&format!("{path}/complete"), Value::Null).await.expect(200);
    assert_eq!((done["status"].as_str(), &done["completed_by"]), (Some("done"), &json!(ben.id())));
    system.settle().await;
    let told = inbox(&anna).await;
    assert_eq!(categories(&told), ["task.completed", "user.created"]);
    assert_eq!(told["items"][0]["action_url"], path.as_str());
    assert_eq!(told["counts"], json!({"unread": 2, "total": 2}));
    assert_eq!(categories(&inbox(&ben).await), ["task.assigned", "user.created"]);
    assert_eq!(categories(&inbox(&carl).await), ["user.created"], "who has nothing to do with it hears nothing");

    let again = ben.post(&format!("{path}/complete"), Value::Null).await.expect(200);
    assert_eq!(again["version"], done["version"]);
    system.settle().await;
    assert_eq!(inbox(&anna).await["counts"]["total"], 2, "done twice is done once");
    carl.get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn who_leaves_leaves_nothing_behind() {
    let mut system = System::start(app::serve, Topology::Embedded).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    anna.post("/api/v1/tasks", json!({"title": "For Ben", "assignee_id": ben.id()})).await.expect(201);
    system.settle().await;
    let gone = ben.delete_with("/api/v1/users/me", json!({"password": system.password()})).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    system.settle().await;
    let admin = system.admin().await;
    admin.get(&format!("/api/v1/users/{}", ben.id())).await.expect_problem(404, "not_found");
    let left = admin.get(&format!("/api/v1/notifications?recipient_id={}&box=all", ben.id())).await.expect(200);
    assert_eq!(left["items"], json!([]));
    anna.post("/api/v1/tasks", json!({"title": "Too late", "assignee_id": ben.id()}))
        .await
        .expect_problem(422, "unknown_user");
    // What is on the disk no longer names him.
    system.stop().await;
    for file in ["user.db", "task.db", "notification.db"] {
        let bytes = std::fs::read(system.directory().join(file)).unwrap();
        let rows = rusqlite::Connection::open(system.directory().join(file)).unwrap();
        let payloads: i64 = rows
            .query_row("SELECT count(*) FROM outbox WHERE instr(CAST(payload AS TEXT), 'ben@example.org')", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(payloads, 0, "{file}: {} bytes", bytes.len());
    }
}
