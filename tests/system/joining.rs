//! A domain that is added to a system that is a year old. Rule: it knows what there is, and has no news for anybody; what
//! happens from then on it hears like everybody.

use chrono::TimeDelta;
use runtime::Config;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Starting, System, Topology, eventually};

/// Notifications are not served before there is a file of this name.
const GROWN: &str = "grown";
const SOON: Duration = Duration::from_secs(20);

fn growing(mut config: Config) -> Starting {
    if !config.data_dir.join(GROWN).exists() {
        config.domains = vec!["user".to_owned(), "task".to_owned()];
    }
    app::serve(config)
}

async fn inbox(client: &Client) -> Vec<Value> {
    let inbox = client.get("/api/v1/notifications").await.expect(200);
    inbox["items"].as_array().unwrap().iter().map(|item| item["category"].clone()).collect()
}

async fn a_domain_that_is_added_a_year_later_knows_all_and_tells_nobody(topology: Topology) {
    let mut system = System::start(growing, topology).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    let plan = anna.post("/api/v1/tasks", json!({"title": "Plan", "assignee_id": ben.id()})).await.expect(201);
    system.settle().await;
    // What was published goes in the end; what the newcomer needs is not there any more.
    system.advance(TimeDelta::days(365));
    for domain in ["user", "task"] {
        eventually("its events go", SOON, async || {
            outbox::last_sequences(system.db(domain), domain).await.unwrap().is_empty().then_some(())
        })
        .await;
    }

    std::fs::write(system.directory().join(GROWN), "").unwrap();
    system.restart().await;
    system.settle().await;
    let (anna, ben) = (system.sign_in("anna", anna.id()).await, system.sign_in("ben", ben.id()).await);
    let heads = outbox::heads(system.db("notification"), "notification").await.unwrap();
    let heard = |aggregate: &str| heads.iter().filter(|head| head.aggregate == aggregate && head.seq > 0).count();
    // Those two and the administrator; the one task.
    assert_eq!((heard("user"), heard("task")), (3, 1), "{heads:?}");
    assert_eq!((inbox(&anna).await, inbox(&ben).await), (vec![], vec![]), "nobody is told what was a year ago");

    // What happens now is news, once.
    let done = format!("/api/v1/tasks/{}/complete", plan["id"].as_str().unwrap());
    ben.post(&done, Value::Null).await.expect(200);
    let carl = system.user("carl").await;
    system.settle().await;
    assert_eq!(inbox(&anna).await, ["task.completed"]);
    assert_eq!(inbox(&carl).await, ["user.created"]);
    system.restart().await;
    system.settle().await;
    let (anna, carl) = (system.sign_in("anna", anna.id()).await, system.sign_in("carl", carl.id()).await);
    assert_eq!((inbox(&anna).await, inbox(&carl).await), (vec![json!("task.completed")], vec![json!("user.created")]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_files() {
    a_domain_that_is_added_a_year_later_knows_all_and_tells_nobody(Topology::EMBEDDED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql() {
    if Topology::MONOLITH_PG.can_run() {
        a_domain_that_is_added_a_year_later_knows_all_and_tells_nobody(Topology::MONOLITH_PG).await;
    }
}
