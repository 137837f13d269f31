//! From the answer to `complete` to the notification in the creator's inbox, as a client sees it.

use crate::ALONE;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Client, Part, System, Topology};

const COMPLETIONS: usize = 1_000;
const AT_ONCE: usize = 20;
const ALL: &[&str] = &["user", "task", "notification"];
const REPLICAS: &[Part] = &[Part::new("one", ALL), Part::new("two", ALL)];

async fn tasks(anna: &Client, ben: &Client, count: usize) -> Vec<String> {
    let one = |n: usize| async move {
        let body = json!({"title": format!("Task {n}"), "assignee_id": ben.id()});
        anna.post("/api/v1/tasks", body).await.expect(201)["id"].as_str().unwrap().to_owned()
    };
    stream::iter(0..count).map(one).buffer_unordered(AT_ONCE).collect().await
}

/// How long after its answer a completion shows in the creator's inbox.
async fn completion(anna: &Client, ben: &Client, task: &str) -> Duration {
    ben.post(&format!("/api/v1/tasks/{task}/complete"), Value::Null).await.expect(200);
    let answered = Instant::now();
    let wanted = json!(format!("/api/v1/tasks/{task}"));
    // A look is an HTTP request of its own, so the wait is never idle and needs no pause.
    while answered.elapsed() < Duration::from_secs(30) {
        let inbox = anna.get("/api/v1/notifications?category=task.completed&limit=20").await.expect(200);
        if inbox["items"].as_array().unwrap().iter().any(|item| item["action_url"] == wanted) {
            return answered.elapsed();
        }
    }
    panic!("no notification for {task}")
}

fn percentiles(mut waits: Vec<Duration>) -> (Duration, Duration) {
    waits.sort_unstable();
    (waits[waits.len() / 2], waits[waits.len() * 95 / 100])
}

async fn wake_up_alone() {
    let system = System::start_with(app::serve, Topology::EMBEDDED, |config| config.seams.relay.polling = false).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    let mut waits = Vec::with_capacity(COMPLETIONS);
    for task in tasks(&anna, &ben, COMPLETIONS).await {
        waits.push(completion(&anna, &ben, &task).await);
    }
    let (p50, p95) = percentiles(waits);
    println!("wake-up on, polling off, {COMPLETIONS} completions: p50 {p50:?}, p95 {p95:?} (bound 50 ms)");
    assert!(p95 < Duration::from_millis(50), "{p95:?}");
}

async fn polling_alone() {
    let system = System::start_with(app::serve, Topology::EMBEDDED, |config| config.seams.wake_up = false).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    let interval = outbox::Tuning::default().poll.1;
    let tasks = tasks(&anna, &ben, COMPLETIONS).await;
    let mut waits = Vec::with_capacity(COMPLETIONS);
    for some in tasks.chunks(AT_ONCE) {
        waits.extend(join_all(some.iter().map(|task| completion(&anna, &ben, task))).await);
    }
    let (p50, p95) = percentiles(waits);
    println!(
        "wake-up off, polling on, {COMPLETIONS} completions: p50 {p50:?}, p95 {p95:?} (bound {interval:?}, the longest interval)"
    );
    assert!(p95 < interval, "{p95:?}");
}

/// The relay of a replica that does not hold the lease has to be told by the one that committed.
async fn two_replicas() {
    let system = System::start(app::serve, Topology::MONOLITH_PG.with_processes(REPLICAS)).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    let at = |process: &str, client: &Client| system.at(process).with_token(client.token().unwrap());
    let (anna, ben_everywhere) = ([at("one", &anna), at("two", &anna)], [at("one", &ben), at("two", &ben)]);
    let tasks = tasks(&anna[0], &ben, COMPLETIONS).await;
    system.settle().await;
    let mut waits = [Vec::new(), Vec::new()];
    for (n, task) in tasks.iter().enumerate() {
        // Committed on either, and seen through the other.
        waits[n % 2].push(completion(&anna[1 - n % 2], &ben_everywhere[n % 2], task).await);
    }
    let mut late = Vec::new();
    for (replica, mut waits) in ["one", "two"].into_iter().zip(waits) {
        waits.sort_unstable();
        let (p50, p95, p99) = (waits[waits.len() / 2], waits[waits.len() * 95 / 100], waits[waits.len() * 99 / 100]);
        println!("committed on {replica} of two replicas: p50 {p50:?}, p95 {p95:?} (bound 50 ms), p99 {p99:?}");
        late.extend((p95 >= Duration::from_millis(50)).then(|| format!("committed on {replica}: p95 {p95:?}")));
    }
    assert!(late.is_empty(), "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_either_tells_what_was_committed_on_it_in_time() {
    let _alone = ALONE.lock().await;
    if Topology::MONOLITH_PG.can_run() {
        two_replicas().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completion_is_told_in_time_by_wake_up_and_by_polling() {
    let _alone = ALONE.lock().await;
    wake_up_alone().await;
    polling_alone().await;
}
