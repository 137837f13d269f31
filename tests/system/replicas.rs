//! Two processes that are the same. Rule: what one of them accepts has its effect once, whichever of them makes it happen,
//! and either can die.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Client, Part, System, Topology, eventually};

const ALL: &[&str] = &["user", "task", "notification"];
const REPLICAS: &[Part] = &[Part::new("one", ALL), Part::new("two", ALL)];
/// The relay's lease, and the look of who wants it.
const TAKE_OVER: Duration = Duration::from_secs(12);

async fn told_of(client: &Client, task: &Value) -> usize {
    let inbox = client.get("/api/v1/notifications?limit=100").await.expect(200);
    let action = json!(format!("/api/v1/tasks/{}", task["id"].as_str().unwrap()));
    inbox["items"].as_array().unwrap().iter().filter(|item| item["action_url"] == action).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_have_each_effect_once_and_either_goes_on_alone() {
    if !Topology::MONOLITH_PG.can_run() {
        return;
    }
    // Both start at once on an empty database, and both migrate it.
    let mut system = System::start(app::serve, Topology::MONOLITH_PG.with_processes(REPLICAS)).await;
    for domain in ALL {
        let twice = "SELECT count(*) - count(DISTINCT version) FROM seaql_migrations";
        assert_eq!(system.count(domain, twice).await, 0, "{domain}");
        assert!(system.count(domain, "SELECT count(*) FROM seaql_migrations").await > 0, "{domain}");
    }
    assert_eq!(system.count("user", "SELECT count(*) FROM users").await, 1, "one administrator");
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let at = |process: &str, client: &Client| system.at(process).with_token(client.token().unwrap());
    let (anna_at_two, ben_at_two) = (at("two", &anna), at("two", &ben));
    let body = |n: usize| json!({"title": format!("Task {n}"), "assignee_id": ben.id()});
    for n in 0..20 {
        let client = if n % 2 == 0 { &anna } else { &anna_at_two };
        client.post("/api/v1/tasks", body(n)).await.expect(201);
    }
    system.settle().await;
    for client in [&ben, &ben_at_two] {
        let inbox = client.get("/api/v1/notifications").await.expect(200);
        assert_eq!(inbox["counts"]["total"], 21, "welcomed, and told of each task once");
    }

    let before = anna.post("/api/v1/tasks", body(20)).await.expect(201);
    system.kill("one");
    let killed = Instant::now();
    let after = anna_at_two.post("/api/v1/tasks", body(21)).await.expect(201);
    for task in [&before, &after] {
        eventually("the other goes on", TAKE_OVER.saturating_sub(killed.elapsed()), async || {
            (told_of(&ben_at_two, task).await == 1).then_some(())
        })
        .await;
    }
    println!("the other went on after {:?}", killed.elapsed());
    system.settle().await;
    assert_eq!(ben_at_two.get("/api/v1/notifications").await.expect(200)["counts"]["total"], 23);
}
