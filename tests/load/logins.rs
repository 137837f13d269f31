//! Two hundred people who sign in at once: what that costs in memory, and what everybody else notices of it.
#![cfg(target_os = "linux")]

use crate::ALONE;
use futures_util::future::join_all;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::{Client, Reply, Topology};
use tests::faults::fleet::{Fleet, Place};

const AT_ONCE: usize = 200;
const INTERLEAVED: usize = 200;
/// What hashing one password takes.
const MEBIBYTES_EACH: u64 = 19;
/// What all else may take.
const MEBIBYTES_MORE: u64 = 64;
const PASSWORD: &str = "a long enough secret";

/// A line of `/proc/<id>/status`, in mebibytes.
fn mebibytes(process: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let found = status.lines().find_map(|found| found.strip_prefix(line)).unwrap();
    found.trim_start_matches(':').trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
}

async fn sign_in(client: &Client, n: usize, login: &str) -> Reply {
    let password = if n.is_multiple_of(4) { PASSWORD } else { "another long secret" };
    client.post("/api/v1/auth/login", json!({ "login": login, "password": password })).await
}

/// How long answers to `/health` take until somebody says that it is over.
async fn watch(health: Client, over: Arc<AtomicBool>) -> Vec<Duration> {
    let (mut took, mut ticks) = (Vec::new(), tokio::time::interval(Duration::from_millis(2)));
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let began = Instant::now();
        assert_eq!(health.get("/health").await.status, 200);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sign_ins_at_once_cost_bounded_memory_and_nobody_elses_time() {
    let _alone = ALONE.lock().await;
    let mut fleet = Fleet::start(Topology::EMBEDDED, Place::Files, None).await;
    let (name, address) = (fleet.names()[0], fleet.addresses().remove(0));
    let process = fleet.process(name);
    let client = Client::nobody(&address);
    let body = json!({"username": "anna", "email": "anna@example.org", "password": PASSWORD});
    client.post("/api/v1/auth/register", body).await.expect(201);
    sign_in(&client, 0, "anna").await.expect(200);

    let before = mebibytes(process, "VmRSS");
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let health = tokio::spawn(watch(Client::nobody(&address), Arc::clone(&over)));
    let began = Instant::now();
    let all = (0..AT_ONCE).map(|n| sign_in(&client, n, if n.is_multiple_of(2) { "anna" } else { "nobody" }));
    let replies = join_all(all).await;
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let health = health.await.unwrap();
    let grown = mebibytes(process, "VmHWM").saturating_sub(before);

    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    for reply in &replies {
        assert!(matches!(reply.status, 200 | 401 | 429 | 503), "{}: {}", reply.status, reply.text);
        assert!(matches!(reply.status, 200 | 401) || !reply.header("retry-after").is_empty(), "{}", reply.status);
    }
    let permits = u64::try_from(std::thread::available_parallelism().unwrap().get()).unwrap();
    let bound = permits * MEBIBYTES_EACH + MEBIBYTES_MORE;
    let p99 = health[health.len() * 99 / 100];
    println!(
        "{AT_ONCE} sign-ins at once in {took:?}: 200 {}, 401 {}, 429 {}, 503 {}; memory +{grown} MiB (bound {bound}); \
         /health {} times, p99 {p99:?} (bound 100 ms)",
        count(200),
        count(401),
        count(429),
        count(503),
        health.len()
    );
    assert!(grown <= bound, "{grown} MiB");
    assert!(p99 < Duration::from_millis(100), "{p99:?}");

    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..INTERLEAVED {
        let (login, took) = if n.is_multiple_of(2) { ("ben", &mut unknown) } else { ("anna", &mut known) };
        let began = Instant::now();
        sign_in(&client, 1, login).await.expect(401);
        took.push(began.elapsed());
    }
    println!(
        "{INTERLEAVED} refused in turn: account known {:?}, unknown {:?} (medians)",
        median(known),
        median(unknown)
    );
}
