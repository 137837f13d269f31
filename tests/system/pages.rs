//! Every list, walked from end to end while a thousand rows are written and taken away again: what was there before and is
//! still there afterwards is seen exactly once, in every order. Rule: the orders are those that the API itself names.

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::{Client, Reply, System, Topology};

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
    dead_letters_and_audit_entries_are_each_seen_once,
);

/// Rows that are there before, and rows that come and go while the list is walked.
const BEFORE: usize = 60;
const MEANWHILE: usize = 1_000;
/// Writes at once.
const AT_ONCE: usize = 8;
/// Not a divisor of anything here.
const PAGE: usize = 7;

/// A list, as one client asks for it.
#[derive(Debug, Clone)]
struct List {
    path: &'static str,
    /// The member of an item that identifies it.
    key: &'static str,
    sort: Option<String>,
}

impl List {
    const fn new(path: &'static str) -> Self {
        Self { path, key: "id", sort: None }
    }

    /// The same list in every order: each field in both directions, and every pair of fields.
    async fn in_every_order(self, client: &Client) -> Vec<Self> {
        let refused = client.get(&self.ask("sort=no_such_field")).await.expect_problem(400, "invalid_sort");
        let fields: Vec<&str> =
            refused["allowed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let signed: Vec<String> = fields.iter().flat_map(|field| [(*field).to_owned(), format!("-{field}")]).collect();
        let bare = |field: &str| field.trim_start_matches('-').to_owned();
        let pairs = signed.iter().flat_map(|first| {
            signed.iter().filter(|second| bare(first) < bare(second)).map(move |second| format!("{second},{first}"))
        });
        let sorts = signed.iter().cloned().chain(pairs);
        sorts.map(|sort| Self { sort: Some(sort), ..self.clone() }).collect()
    }

    fn ask(&self, more: &str) -> String {
        format!("{}{}{more}", self.path, if self.path.contains('?') { "&" } else { "?" })
    }

    /// The keys of all items, page by page.
    async fn walk(&self, client: &Client) -> Vec<String> {
        let sort = self.sort.as_ref().map(|sort| format!("&sort={sort}")).unwrap_or_default();
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = client.get(&self.ask(&format!("limit={PAGE}{sort}{next}"))).await.expect(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= PAGE, "{self:?}: {page}");
            seen.extend(items.iter().map(|item| item[self.key].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return seen,
            }
        }
    }
}

/// Walks the lists again and again, each at least once, until `busy` is over; each walk with the list it was of.
async fn walks(client: &Client, lists: &[List], busy: impl Future<Output = ()>) -> Vec<(List, Vec<String>)> {
    let over = Arc::new(AtomicBool::new(false));
    let walking = async {
        let (mut walked, mut round) = (Vec::new(), 0);
        while round == 0 || !over.load(Ordering::Relaxed) {
            for list in lists {
                walked.push((list.clone(), list.walk(client).await));
            }
            round += 1;
        }
        walked
    };
    let writing = async {
        busy.await;
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(walking, writing).0
}

/// Nothing twice, and everything that outlived the walk.
fn each_once(walked: &[(List, Vec<String>)], survivors: &BTreeSet<String>) {
    assert!(survivors.len() >= BEFORE / 2, "there is something to be seen: {}", survivors.len());
    for (list, seen) in walked {
        let mut times = BTreeMap::<&str, usize>::new();
        for key in seen {
            *times.entry(key).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{list:?} shows twice: {twice:?}");
        let missing: Vec<_> = survivors.iter().filter(|key| !times.contains_key(key.as_str())).collect();
        assert!(missing.is_empty(), "{list:?} leaves out: {missing:?}");
    }
}

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

/// Makes a thousand rows, and takes each away again; and every other one of those that were there before.
async fn come_and_go<M, D>(before: &BTreeSet<String>, make: M, delete: D)
where
    M: AsyncFn(usize) -> Reply,
    D: AsyncFn(String) -> Reply,
{
    let (make, delete) = (&make, &delete);
    let leaving: Vec<&String> = before.iter().step_by(2).collect();
    stream::iter(0..MEANWHILE)
        .for_each_concurrent(AT_ONCE, |n| {
            let every = MEANWHILE / leaving.len();
            let also = n.is_multiple_of(every).then(|| leaving.get(n / every)).flatten();
            async move {
                let made = id(&make(n).await.expect(201));
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

async fn make_all<M: AsyncFn(usize) -> Reply>(make: M) -> BTreeSet<String> {
    let make = &make;
    stream::iter(0..BEFORE).map(|n| async move { id(&make(n).await.expect(201)) }).buffered(AT_ONCE).collect().await
}

/// Many have the same value of every field, and some have none.
fn task(n: usize) -> Value {
    let due = (n % 3 != 0).then(|| format!("2026-02-0{}T00:00:00Z", 1 + n % 5));
    let priority = ["none", "low", "medium", "high", "urgent"][n % 5];
    json!({"title": format!("Task {}", n % 11), "priority": priority, "due_at": due})
}

async fn tasks_and_their_events_are_each_seen_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, admin) = (system.user("anna").await, system.admin().await);
    let make = async |n: usize| anna.post("/api/v1/tasks", task(n)).await;
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
    let make = async |n: usize| anna.post("/api/v1/categories", json!({"name": format!("Category {n}")})).await;
    let before = make_all(make).await;
    let delete = async |id: String| anna.delete(&format!("/api/v1/categories/{id}")).await;
    let make = async |n: usize| make(n + BEFORE).await;
    let walked = walks(&anna, &[List::new("/api/v1/categories")], come_and_go(&before, make, delete)).await;
    each_once(&walked, &left(&before));

    system.settle().await;
    let body = json!({"recipient_id": anna.id(), "title": "To myself", "send": true});
    let make = async |_| anna.post("/api/v1/notifications", body.clone()).await;
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
        let (name, role) = (format!("user-{n}"), if n % 4 == 0 { "admin" } else { "user" });
        let email = format!("{}{n}@example.org", ["A", "b", "C"][n % 3]);
        let body = json!({"username": name, "email": email, "password": system.password(), "role": role});
        admin.post("/api/v1/users", body).await
    };
    let before = make_all(make).await;
    let lists = List::new("/api/v1/users").in_every_order(&admin).await;
    let make = async |n: usize| make(n + BEFORE).await;
    let delete = async |id: String| admin.delete(&format!("/api/v1/users/{id}")).await;
    let walked = walks(&admin, &lists, come_and_go(&before, make, delete)).await;
    each_once(&walked, &left(&before));
}

/// What no client can make in numbers is put into the table past the domain.
async fn dead_letters_and_audit_entries_are_each_seen_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, admin) = (system.user("anna").await, system.admin().await);
    let made = stream::iter(0..2 * BEFORE).map(|n| anna.post("/api/v1/tasks", task(n))).buffered(AT_ONCE);
    made.for_each(async |made| drop(made.expect(201))).await;
    system.settle().await;
    let events = List::new("/api/v1/ops/task/events").walk(&admin).await;
    let (stay, come_and_go) = events.split_at(BEFORE);
    let payload = if system.on_postgres() { "'{}'::bytea" } else { "x'7b7d'" };
    let (dead, done) = (format!("status = 2, payload = {payload}"), "status = 1, payload = NULL".to_owned());
    let mark = async |events: &[String], as_what: &str| {
        let ids = events.iter().map(|id| literal(&system, id)).collect::<Vec<_>>().join(", ");
        let of = format!("consumer = 'notification' AND event_id IN ({ids})");
        system.execute("notification", &format!("UPDATE inbox SET {as_what} WHERE {of}")).await;
    };
    mark(stay, &dead).await;
    let replay =
        async |id: &String| admin.post(&format!("/api/v1/ops/task/events/{id}/replay"), Value::Null).await.expect(202);
    for id in stay {
        replay(id).await;
    }
    let entries: BTreeSet<String> = List::new("/api/v1/ops/task/audit").walk(&admin).await.into_iter().collect();
    let writing = async {
        for n in 0..MEANWHILE / come_and_go.len() + 1 {
            for some in come_and_go.chunks(10) {
                mark(some, if n % 2 == 0 { &dead } else { &done }).await;
                replay(&some[n % some.len()]).await;
            }
        }
        mark(come_and_go, &done).await;
    };
    let lists = [
        List::new("/api/v1/ops/notification/dead-letters"),
        List::new("/api/v1/ops/dead-letters"),
        List::new("/api/v1/ops/task/audit"),
    ];
    let walked = walks(&admin, &lists, writing).await;
    let stay = stay.iter().cloned().collect();
    for (list, seen) in walked {
        let expected = if list.path.ends_with("audit") { &entries } else { &stay };
        each_once(&[(list, seen)], expected);
    }
}

/// An id as the database's own statement has it.
fn literal(system: &System, id: &str) -> String {
    if system.on_postgres() { format!("'{id}'") } else { format!("x'{}'", id.replace('-', "")) }
}
