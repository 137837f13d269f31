//! Every list, walked from end to end while a thousand rows are written and taken away again: what was there before and is
//! still there afterwards is seen exactly once, in every order. Rule: the orders are those that the API itself names, and
//! so are the lists (`pages/forgotten.rs`).

mod forgotten;
mod past_the_domain;
mod walk;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use past_the_domain::{
    dead_letters_and_audit_entries_are_each_seen_once, outboxes_and_undecodable_messages_are_each_seen_once,
    sessions_are_each_seen_once,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{Reply, System, Topology};
use walk::{List, each_once, walks};

/// In one process, and through the gateway of several; the rows of either kind of database.
macro_rules! in_one_and_in_several {
    ($($case:ident),+ $(,)?) => {
        mod embedded { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(testkit::Topology::EMBEDDED).await; })+
        }
        mod split { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if testkit::Topology::SPLIT.can_run() { super::$case(testkit::Topology::SPLIT).await; }
            })+
        }
    };
}

in_one_and_in_several!(
    tasks_and_their_events_are_each_seen_once,
    categories_and_notifications_are_each_seen_once,
    accounts_are_each_seen_once,
    sessions_are_each_seen_once,
    dead_letters_and_audit_entries_are_each_seen_once,
    outboxes_and_undecodable_messages_are_each_seen_once,
);

/// Rows that are there before, and rows that come and go while the list is walked.
const BEFORE: usize = 60;
const MEANWHILE: usize = 1_000;
/// Writes at once.
const AT_ONCE: usize = 8;

fn id(made: Reply) -> String {
    made.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Makes a thousand rows, and takes each away again; and every other one of those that were there before.
async fn come_and_go<M, D>(before: &BTreeSet<String>, make: M, delete: D)
where
    M: AsyncFn(usize) -> String,
    D: AsyncFn(String) -> Reply,
{
    let (make, delete) = (&make, &delete);
    let leaving: Vec<&String> = before.iter().step_by(2).collect();
    stream::iter(0..MEANWHILE)
        .for_each_concurrent(AT_ONCE, |n| {
            let every = MEANWHILE / leaving.len();
            let also = n.is_multiple_of(every).then(|| leaving.get(n / every)).flatten();
            async move {
                let made = make(n).await;
                assert_eq!(delete(made).await.status, 204);
                if let Some(old) = also {
                    assert_eq!(delete((*old).clone()).await.status, 204);
                }
            }
        })
        .await;
}

/// What is left of those that were there before.
fn left(before: &BTreeSet<String>) -> BTreeSet<String> {
    before.iter().skip(1).step_by(2).cloned().collect()
}

async fn make_all<M: AsyncFn(usize) -> String>(make: M) -> BTreeSet<String> {
    let make = &make;
    stream::iter(0..BEFORE).map(|n| async move { make(n).await }).buffered(AT_ONCE).collect().await
}

/// Many have the same value of every field, and some have none.
fn task(n: usize) -> Value {
    let due = (!n.is_multiple_of(3)).then(|| format!("2026-02-0{}T00:00:00Z", 1 + n % 5));
    let priority = ["none", "low", "medium", "high", "urgent"][n % 5];
    json!({"title": format!("Task {}", n % 11), "priority": priority, "due_at": due})
}

async fn tasks_and_their_events_are_each_seen_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, admin) = (system.user("anna").await, system.admin().await);
    let make = async |n: usize| id(anna.post("/api/v1/tasks", task(n)).await);
    let before = make_all(make).await;
    system.settle().await;
    let lists = List::new("/api/v1/tasks").in_every_order(&anna).await;
    assert!(lists.len() > 40, "{lists:?}");
    let events = [
        List::new("/api/v1/ops/task/events"),
        List::new("/api/v1/ops/events"),
        List::new("/api/v1/ops/notification/events"),
    ];
    let emitted = join_all(events.iter().map(|list| list.walk(&admin))).await;
    let delete = async |id: String| anna.delete(&format!("/api/v1/tasks/{id}")).await;
    let over = come_and_go(&before, make, delete);
    let (walked, of_events) = tokio::join!(walks(&anna, &lists, over), walks(&admin, &events, async {}));
    each_once(&walked, &left(&before));
    // Events stay when what they tell of has gone.
    for ((list, seen), before) in of_events.into_iter().zip(emitted) {
        each_once(&[(list, seen)], &before.into_iter().collect());
    }
}

async fn categories_and_notifications_are_each_seen_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let make = async |n: usize| id(anna.post("/api/v1/categories", json!({"name": format!("Category {n}")})).await);
    let before = make_all(make).await;
    let delete = async |id: String| anna.delete(&format!("/api/v1/categories/{id}")).await;
    let make = async |n: usize| make(n + BEFORE).await;
    let walked = walks(&anna, &[List::new("/api/v1/categories")], come_and_go(&before, make, delete)).await;
    each_once(&walked, &left(&before));

    system.settle().await;
    let body = json!({"recipient_id": anna.id(), "title": "To myself", "send": true});
    let make = async |_| id(anna.post("/api/v1/notifications", body.clone()).await);
    let before = make_all(make).await;
    let delete = async |id: String| anna.delete(&format!("/api/v1/notifications/{id}")).await;
    let boxes = [List::new("/api/v1/notifications"), List::new("/api/v1/notifications?box=all")];
    let walked = walks(&anna, &boxes, come_and_go(&before, make, delete)).await;
    each_once(&walked, &left(&before));
}

async fn accounts_are_each_seen_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let admin = system.admin().await;
    let make = async |n: usize| {
        let (name, role) = (format!("user-{n}"), if n.is_multiple_of(4) { "admin" } else { "user" });
        let email = format!("{}{n}@example.org", ["A", "b", "C"][n % 3]);
        let body = json!({"username": name, "email": email, "password": system.password(), "role": role});
        id(admin.post("/api/v1/users", body).await)
    };
    let before = make_all(make).await;
    let lists = List::new("/api/v1/users").in_every_order(&admin).await;
    let make = async |n: usize| make(n + BEFORE).await;
    let delete = async |id: String| admin.delete(&format!("/api/v1/users/{id}")).await;
    let walked = walks(&admin, &lists, come_and_go(&before, make, delete)).await;
    each_once(&walked, &left(&before));
}
