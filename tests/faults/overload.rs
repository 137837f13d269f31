//! Far more clients than a system can serve. Rule: everybody is answered; whoever is not served is told when to come again, and what
//! was acknowledged is there; and when they are gone, it serves as before.

use crate::ALONE;
use db::testing::Scratch;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use testkit::Topology;
use tests::faults::caller::Caller;
use tests::faults::checker::check_effects;
use tests::faults::facts::Facts;
use tests::faults::fleet::{Fleet, Place};
use tests::faults::watch::rest;

/// Clients, each of which asks again as soon as it is answered.
const SOME: usize = 64;
const MANY: usize = 10 * SOME;
const SPAN: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon after the crowd has gone a command is served.
const RECOVERY: Duration = Duration::from_secs(10);

/// What a crowd was told.
#[derive(Default)]
struct Told {
    /// How long each that was served had to wait.
    served: Vec<Duration>,
    /// How many were not, by status, code and when they may come again.
    refused: BTreeMap<(u16, String, Option<String>), usize>,
}

impl Told {
    fn add(&mut self, other: Self) {
        self.served.extend(other.served);
        for (refusal, times) in other.refused {
            *self.refused.entry(refusal).or_default() += times;
        }
    }
}

async fn one(caller: &Caller, user: &str) -> Told {
    let (started, mut told) = (Instant::now(), Told::default());
    while started.elapsed() < SPAN {
        let asked = Instant::now();
        let answer = caller.refusal(user).await;
        if answer.status == 201 {
            told.served.push(asked.elapsed());
        } else {
            *told.refused.entry((answer.status, answer.code, answer.retry_after)).or_default() += 1;
        }
    }
    told
}

async fn crowd(caller: &Caller, users: &[String], clients: usize) -> Told {
    let mut all = Told::default();
    let asking = users.iter().cycle().take(clients).map(|user| one(caller, user));
    join_all(asking).await.into_iter().for_each(|told| all.add(told));
    all.served.sort_unstable();
    let (served, at) = (all.served.len(), |percent: usize| all.served.get(all.served.len() * percent / 100).copied());
    println!("{clients} clients: {served} served, p50 {:.1?}, p99 {:.1?}; refused {:?}", at(50), at(99), all.refused);
    all
}

async fn overloaded(topology: Topology, place: Place) {
    let fleet = Fleet::start(topology, place, None).await;
    let caller = Caller::new(&fleet.addresses());
    let users = caller.register(6).await;
    let stores = fleet.stores();
    let calm = crowd(&caller, &users, SOME).await;
    let pressed = crowd(&caller, &users, MANY).await;
    let since = Instant::now();
    while caller.refusal(&users[0]).await.status != 201 {
        assert!(since.elapsed() < RECOVERY, "nobody is served: {}", fleet.said());
    }
    for (status, code, retry_after) in calm.refused.keys().chain(pressed.refused.keys()) {
        assert_eq!((*status, code.as_str()), (503, "unavailable"), "{}", fleet.said());
        assert!(retry_after.as_ref().is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{retry_after:?}");
    }
    rest(&stores, PATIENCE).await.unwrap_or_else(|error| panic!("{error}\n{}", fleet.said()));
    fleet.assert_nobody_ended();
    let facts = Facts::read(&stores).await;
    let served = calm.served.len() + pressed.served.len();
    assert!(pressed.served.len() > SOME, "hardly anybody is served under pressure");
    assert!(facts.tasks.len() > served, "what was acknowledged is there, and the last one");
    let violations = check_effects(&facts);
    assert!(violations.is_empty(), "{violations:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_as_many_clients_are_served_or_told_when_to_come_again() {
    let _alone = ALONE.lock().await;
    overloaded(Topology::EMBEDDED, Place::Files).await;
    if let Some(scratch) = Scratch::new().await {
        overloaded(Topology::MONOLITH_PG, Place::Database(scratch.url())).await;
    }
}
