//! What PostgreSQL answers to a commit is kept from the process. Rule: nobody is told that a write is done before the process
//! has that answer; and each of its sessions waits for the disk, whatever the server would do by itself.

use crate::ALONE;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Topology, eventually};
use tests::faults::caller::{Caller, PASSWORD};
use tests::faults::fleet::{Fleet, Place};
use tests::faults::postgres::PrivatePostgres;
use tests::faults::store::connect;
use tests::faults::trial::last;
use tests::faults::watch::{Stores, rest};
use tests::faults::wire::{Network, Weather};

const PATIENCE: Duration = Duration::from_secs(20);
/// How often each kind of command is asked for.
const ROUNDS: usize = 5;
/// A process that does not wait for the commit's answer would have answered long before.
const UNANSWERED: Duration = Duration::from_millis(150);
/// Longer than a process waits for its server.
const SILENCE: Duration = Duration::from_secs(4);
const CONNECTIONS: &str = "max_connections=100";

/// A command, and what its domain's database shows once it is committed.
struct Write {
    method: Method,
    path: String,
    body: Option<Value>,
    domain: &'static str,
    committed: String,
}

impl Write {
    fn new(method: Method, path: &str, body: Option<Value>, domain: &'static str, committed: String) -> Self {
        Self { method, path: path.to_owned(), body, domain, committed }
    }
}

/// A system behind a network, and the harness beside it.
struct Bench {
    network: Network,
    caller: Arc<Caller>,
    stores: Stores,
    user: String,
}

impl Bench {
    /// Asks; the answer of PostgreSQL to the commit is held until the write is seen to be committed and nobody was told.
    async fn held(&self, write: Write) -> Value {
        self.network.set(Weather::CommitsHeld);
        let (held, name) = (self.network.held(), format!("{} {}", write.method, write.path));
        let (caller, user) = (Arc::clone(&self.caller), self.user.clone());
        let Write { method, path, body, domain, committed } = write;
        let asking = tokio::spawn(async move { caller.write(&user, method, &path, body).await });
        let is_committed = async || {
            let rows = self.stores[domain].rows(&committed).await.ok()?;
            (!rows.is_empty()).then_some(())
        };
        eventually(&format!("{name} is committed"), PATIENCE, is_committed).await;
        last(UNANSWERED).await;
        assert!(!asking.is_finished(), "{name} was answered without a commit's answer: {:?}", asking.await);
        assert!(self.network.held() > held);
        self.network.set(Weather::Fine);
        let (status, text) = asking.await.unwrap().unwrap();
        assert!((200..300).contains(&status), "{name}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn task(&self, method: Method, task: &str, verb: &str, body: Option<Value>, committed: &str) {
        let committed = format!("SELECT 1 FROM task WHERE id = '{task}' AND {committed}");
        self.held(Write::new(method, &format!("/api/v1/tasks/{task}{verb}"), body, "task", committed)).await;
    }

    /// Each kind of command once; how many they are.
    async fn every_kind(&self, n: usize, other: &str) -> usize {
        let name = format!("held-{n}");
        let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
        let committed = format!("SELECT 1 FROM users WHERE username = '{name}'");
        self.held(Write::new(Method::POST, "/api/v1/auth/register", Some(body), "user", committed)).await;
        let committed = format!("SELECT 1 FROM users WHERE display_name = '{name}'");
        let body = Some(json!({"display_name": name}));
        self.held(Write::new(Method::PATCH, "/api/v1/users/me", body, "user", committed)).await;
        let committed = format!("SELECT 1 FROM category WHERE name = '{name}'");
        self.held(Write::new(Method::POST, "/api/v1/categories", Some(json!({"name": name})), "task", committed)).await;
        let committed = format!("SELECT 1 FROM task WHERE title = '{name}'");
        let made =
            self.held(Write::new(Method::POST, "/api/v1/tasks", Some(json!({"title": name})), "task", committed)).await;
        let task = made["id"].as_str().unwrap();
        self.task(Method::PATCH, task, "", Some(json!({"title": "renamed"})), "title = 'renamed'").await;
        let given = format!("assignee_id = '{other}'");
        self.task(Method::PATCH, task, "", Some(json!({"assignee_id": other})), &given).await;
        self.task(Method::POST, task, "/complete", None, "status = 'done'").await;
        self.task(Method::POST, task, "/reopen", None, "status = 'todo'").await;
        let gone = format!("SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM task WHERE id = '{task}')");
        self.held(Write::new(Method::DELETE, &format!("/api/v1/tasks/{task}"), None, "task", gone)).await;
        let (action, is) = if n.is_multiple_of(2) { ("read", "IS NOT NULL") } else { ("unread", "IS NULL") };
        let committed = format!("SELECT 1 FROM notification WHERE recipient_id = '{}' AND read_at {is}", self.user);
        let body = Some(json!({"action": action, "all": true}));
        self.held(Write::new(Method::POST, "/api/v1/notifications/mark", body, "notification", committed)).await;
        10
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_acknowledged_before_the_answer_to_its_commit() {
    let _alone = ALONE.lock().await;
    let Some(server) = PrivatePostgres::start(&[CONNECTIONS]).await else { return };
    let place = Place::Database(server.database("held").await);
    let network = Network::before_postgres(server.address()).await;
    let mut fleet = Fleet::prepare(Topology::MONOLITH_PG, place, None);
    // The harness looks past the network.
    fleet.set("cleave", "CLEAVE_DATABASE_URL", Some(&server.url_at(network.address(), "held")));
    fleet.spawn("cleave");
    fleet.ready().await;
    let (caller, stores) = (Arc::new(Caller::new(&fleet.addresses())), fleet.stores());
    let users = caller.register(2).await;
    rest(&stores, PATIENCE).await.unwrap();
    let bench = Bench { network, caller, stores, user: users[0].clone() };
    let mut writes = 0;
    for n in 0..ROUNDS {
        writes += bench.every_kind(n, &users[1]).await;
    }
    println!("{writes} writes, none acknowledged before the answer to its commit; {} held", bench.network.held());

    // Held for longer than anybody waits, it is no answer either.
    bench.network.set(Weather::CommitsHeld);
    let body = Some(json!({"title": "not known"}));
    let answer = bench.caller.write(&bench.user, Method::POST, "/api/v1/tasks", body).await;
    assert!(answer.as_ref().is_ok_and(|(status, _)| *status == 503), "{answer:?}");
    last(SILENCE).await;
    bench.network.set(Weather::Fine);
    rest(&bench.stores, PATIENCE).await.unwrap();
    let made = bench.stores["task"].read("SELECT 1 FROM task WHERE title = 'not known'").await;
    assert_eq!(made.len(), 1, "it was committed, and nobody knew");
    fleet.assert_nobody_ended();
}

/// Notes with what settings a session writes, whatever it writes.
const NOTE: &str = "
    CREATE TABLE public.noted (place text, synchronous_commit text, fsync text, full_page_writes text);
    CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.noted VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, current_setting('synchronous_commit'),
            current_setting('fsync'), current_setting('full_page_writes'));
        RETURN NULL;
    END $$";

/// The statements that have it note every table, each by itself: a system that runs locks them in another order.
const NOTE_EACH: &str = "SELECT format('CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON %I.%I
    FOR EACH STATEMENT EXECUTE FUNCTION public.note()', schemaname, tablename)
    FROM pg_tables WHERE schemaname IN ('user', 'task', 'notification')";

/// Of commands, listeners, relays and their leases.
const WRITTEN: [&str; 8] = [
    "user.users",
    "user.outbox",
    "task.task",
    "task.outbox",
    "task.inbox",
    "task.relay_lease",
    "notification.inbox",
    "notification.notification",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_that_writes_waits_for_the_disk_also_where_the_server_would_not() {
    let _alone = ALONE.lock().await;
    let careless = [CONNECTIONS, "synchronous_commit=off"];
    let Some(server) = PrivatePostgres::start(&careless).await else { return };
    let url = server.database("noted").await;
    let fleet = Fleet::start(Topology::MONOLITH_PG, Place::Database(url.clone()), None).await;
    let harness = connect(&url).await.unwrap();
    harness.batch_execute(NOTE).await.unwrap();
    for each in harness.query(NOTE_EACH, &[]).await.unwrap() {
        harness.batch_execute(each.get(0)).await.unwrap();
    }
    let careless = harness.query_one("SHOW synchronous_commit", &[]).await.unwrap();
    assert_eq!(careless.get::<_, &str>(0), "off", "whoever does not ask for it does not get it");
    let (caller, stores) = (Caller::new(&fleet.addresses()), fleet.stores());
    let users = caller.register(2).await;
    rest(&stores, PATIENCE).await.unwrap();
    let body = Some(json!({"title": "One", "assignee_id": users[1]}));
    let (status, text) = caller.write(&users[0], Method::POST, "/api/v1/tasks", body).await.unwrap();
    assert_eq!(status, 201, "{text}");
    rest(&stores, PATIENCE).await.unwrap();
    let sql = "SELECT place, synchronous_commit, fsync, full_page_writes FROM public.noted GROUP BY 1, 2, 3, 4";
    // A lease is renewed every three seconds.
    let noted = eventually("all of it was written to", PATIENCE, async || {
        let rows = harness.query(sql, &[]).await.ok()?;
        let noted: Vec<[String; 4]> = rows.iter().map(|row| [0, 1, 2, 3].map(|at| row.get(at))).collect();
        WRITTEN.iter().all(|place| noted.iter().any(|[known, ..]| known == place)).then_some(noted)
    })
    .await;
    for [place, settings @ ..] in &noted {
        assert_eq!(settings, &["on", "on", "on"], "{place}");
    }
    println!("sessions that wrote to {} tables waited for the disk", noted.len());
}
