//! What only several processes can suffer: one of them dies. Rule: whoever does not need it notices nothing, and nobody
//! helps it back.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Client, Part, Reply, System, Topology, eventually};

/// What no clock of ours drives.
const SOON: Duration = Duration::from_secs(30);

/// Two processes serve the tasks.
const TWO_FOR_TASKS: &[Part] = &[
    Part::new("user", &["user"]),
    Part::new("task", &["task"]),
    Part::new("task-2", &["task"]),
    Part::new("notification", &["notification"]),
    Part::gateway(),
];

async fn works(client: &Client, path: &str) -> Option<()> {
    (client.get(path).await.status == 200).then_some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_dies_takes_nobody_along_and_comes_back_without_help() {
    if !Topology::SPLIT.can_run() {
        return;
    }
    let mut system = System::start(app::serve, Topology::SPLIT).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let task = anna.post("/api/v1/tasks", json!({"title": "Before", "assignee_id": ben.id()})).await.expect(201);
    system.settle().await;

    system.kill("task");
    let killed = Instant::now();
    let refused = eventually("tasks are refused", Duration::from_secs(1), async || {
        let reply = anna.get("/api/v1/tasks").await;
        (reply.status == 503).then_some(reply)
    })
    .await;
    println!("refused {:?} after the kill", killed.elapsed());
    assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
    assert_is_unavailable(refused);
    for _ in 0..20 {
        let asked = Instant::now();
        assert_is_unavailable(anna.post("/api/v1/tasks", json!({"title": "Meanwhile"})).await);
        assert!(asked.elapsed() < Duration::from_secs(1), "nobody waits for who is away: {:?}", asked.elapsed());
        anna.get("/api/v1/users/me").await.expect(200);
        let inbox = ben.get("/api/v1/notifications").await.expect(200);
        assert_eq!(inbox["counts"]["total"], 2, "welcomed, and told of the task");
    }
    // Registering and being welcomed needs no task domain.
    let carl = system.user("carl").await;
    eventually("carl is welcomed", SOON, async || {
        let inbox = carl.get("/api/v1/notifications").await.expect(200);
        (inbox["counts"]["total"] == 1).then_some(())
    })
    .await;
    let health = system.anonymous().get("/health").await.expect(200);
    assert_eq!(health["status"], "degraded");
    let services = json!({"user": "healthy", "task": "unhealthy", "notification": "healthy"});
    assert_eq!(health["services"], services);

    system.revive("task");
    eventually("tasks are served again", SOON, async || works(&anna, "/api/v1/tasks").await).await;
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    ben.post(&format!("{path}/complete"), Value::Null).await.expect(200);
    // It hears what happened while it was away.
    system.settle().await;
    anna.post("/api/v1/tasks", json!({"title": "For Carl", "assignee_id": carl.id()})).await.expect(201);
    eventually("all are healthy", SOON, async || {
        (system.anonymous().get("/health").await.body["status"] == "healthy").then_some(())
    })
    .await;
    let admin = system.admin().await;
    let services = admin.get("/api/v1/gateway/services").await.expect(200);
    for service in services["items"].as_array().unwrap() {
        assert_eq!(service["targets"][0]["breaker"], "closed", "{service}");
    }
}

fn assert_is_unavailable(reply: Reply) {
    let wait: u64 = reply.header("retry-after").parse().unwrap_or_else(|_| panic!("no Retry-After: {reply:?}"));
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(reply.body["code"], "unavailable", "{}", reply.text);
    reply.expect_problem(503, "unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_targets_one_may_die_and_nobody_who_may_ask_again_sees_it() {
    if !Topology::SPLIT.can_run() {
        return;
    }
    let mut system = System::start(app::serve, Topology::SPLIT.with_processes(TWO_FOR_TASKS)).await;
    let anna = system.user("anna").await;
    let made = anna.post("/api/v1/tasks", json!({"title": "One"})).await.expect(201);
    let path = format!("/api/v1/tasks/{}", made["id"].as_str().unwrap());
    for _ in 0..10 {
        join_all((0..4).map(|_| anna.get(&path))).await.into_iter().for_each(|reply| drop(reply.expect(200)));
    }
    system.kill("task");
    for n in 0..50 {
        let title = json!({ "title": format!("Title {n}") });
        let (read, put) = tokio::join!(anna.get(&path), anna.put(&path, title));
        read.expect(200);
        put.expect(200);
    }
    let health = system.anonymous().get("/health").await.expect(200);
    assert_eq!((&health["status"], &health["services"]["task"]), (&json!("degraded"), &json!("degraded")));
    system.settle().await;
    assert_eq!(anna.get(&path).await.expect(200)["title"], "Title 49");
}
