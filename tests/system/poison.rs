//! One event that cannot be handled, in every topology.

use chrono::TimeDelta;
use contracts::EventId;
use outbox::replay;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, System, Topology, eventually};

testkit::in_every_topology!(a_poison_event_delays_nobody_else_and_a_replay_delivers_in_order);

pub(crate) async fn task(by: &Client, to: &Client) -> String {
    let body = json!({"title": "Mind the gap", "assignee_id": to.id()});
    by.post("/api/v1/tasks", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn told_of(client: &Client, task: &str) -> Vec<Value> {
    let inbox = client.get("/api/v1/notifications?limit=100").await.expect(200);
    let action = json!(format!("/api/v1/tasks/{task}"));
    let items = inbox["items"].as_array().unwrap().iter();
    items.filter(|item| item["action_url"] == action).map(|item| item["category"].clone()).collect()
}

async fn a_poison_event_delays_nobody_else_and_a_replay_delivers_in_order(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    let poison = task(&anna, &ben).await;
    system.settle().await;

    // The notification database refuses every row about that one task: no seam of ours, a fault as it comes.
    let (poisoned, cured) = poison_and_cure(system.on_postgres(), &poison);
    system.execute("notification", &poisoned).await;
    let complete = |id: &str| format!("/api/v1/tasks/{id}/complete");
    ben.post(&complete(&poison), Value::Null).await.expect(200);
    let (failing, waited) = first_failure(&system, &poison).await;
    assert!(waited < Duration::from_secs(5), "first failure visible after {waited:?}");
    assert_eq!(failing["event_type"], "task.completed.v1");

    // Nobody else is delayed, and what follows on the poisoned task waits behind it.
    anna.post(&format!("/api/v1/tasks/{poison}/reopen"), Value::Null).await.expect(200);
    ben.post(&complete(&poison), Value::Null).await.expect(200);
    for _ in 0..20 {
        let other = task(&anna, &ben).await;
        ben.post(&complete(&other), Value::Null).await.expect(200);
        eventually("another task's notification", Duration::from_secs(5), async || {
            (!told_of(&anna, &other).await.is_empty()).then_some(())
        })
        .await;
    }
    assert!(told_of(&anna, &poison).await.is_empty());

    for _ in 0..13 {
        system.advance(TimeDelta::minutes(11));
        system.settle_with_failures().await;
    }
    let failures = system.settle_with_failures().await;
    let [dead] = failures.as_slice() else { panic!("one event is dead, the others only wait: {failures:?}") };
    assert!(dead.dead && dead.attempts == 12, "{dead:?}");
    let health = system.anonymous().get("/health?verbose=true").await.expect(200);
    assert_eq!(health["services"]["notification"], "degraded");
    assert_eq!(health["checks"]["notification"]["messaging"]["dead"], 1);
    assert_eq!(health["services"]["task"], "healthy");

    system.execute("notification", cured).await;
    for _ in 0..2 {
        replay(system.db("notification"), "notification", EventId(dead.event_id)).await.unwrap();
    }
    system.settle().await;
    let anna = system.sign_in("anna", anna.id()).await;
    assert_eq!(told_of(&anna, &poison).await, [json!("task.completed"), json!("task.completed")], "both, once each");
    let sql = format!(
        "SELECT aggregate_seq FROM inbox WHERE aggregate_id = '{poison}' AND consumer = 'notification' AND status = 1
         ORDER BY done_at"
    );
    let order = system.column("notification", &sql).await;
    assert_eq!(order, ["1", "2", "3", "4", "5"], "created, assigned, completed, reopened, completed");
}

/// What makes the database refuse every row about that task, and what ends it.
pub(crate) fn poison_and_cure(on_postgres: bool, task: &str) -> (String, &'static str) {
    if on_postgres {
        let poison = format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''poisoned''; END';
             CREATE TRIGGER poison BEFORE INSERT ON notification FOR EACH ROW
             WHEN (NEW.action_url LIKE '%{task}') EXECUTE FUNCTION refuse()"
        );
        return (poison, "DROP TRIGGER poison ON notification");
    }
    let poison = format!(
        "CREATE TRIGGER poison BEFORE INSERT ON notification WHEN NEW.action_url LIKE '%{task}%'
         BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
    );
    (poison, "DROP TRIGGER poison")
}

/// The failure as health names it, and how long that took.
async fn first_failure(system: &System, task: &str) -> (Value, Duration) {
    let started = std::time::Instant::now();
    let failing = eventually("the failure in /health", Duration::from_secs(10), async || {
        let health = system.anonymous().get("/health?verbose=true").await.expect(200);
        let blocked = health["checks"]["notification"]["messaging"]["blocked"].as_array().unwrap().clone();
        blocked.into_iter().find(|event| event["subject"] == format!("task/{task}"))
    })
    .await;
    (failing, started.elapsed())
}
