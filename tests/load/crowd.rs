//! Many systems in one process.

use crate::ALONE;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{System, Topology};

const SYSTEMS: usize = 50;

async fn live_and_stop(n: usize) {
    let mut system = System::start(app::serve, Topology::EMBEDDED).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    let body = json!({"title": format!("Task of system {n}"), "assignee_id": ben.id()});
    let task = anna.post("/api/v1/tasks", body).await.expect(201);
    ben.post(&format!("/api/v1/tasks/{}/complete", task["id"].as_str().unwrap()), Value::Null).await.expect(200);
    system.settle().await;
    let inbox = anna.get("/api/v1/notifications").await.expect(200);
    let titles: Vec<&str> =
        inbox["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(titles[0].contains(&format!("Task of system {n}")), "its own task and nobody else's: {titles:?}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_systems_live_side_by_side() {
    let _alone = ALONE.lock().await;
    let systems = (0..SYSTEMS).map(|n| tokio::spawn(live_and_stop(n)));
    for system in join_all(systems).await {
        system.unwrap();
    }
}
