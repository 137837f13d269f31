//! What only a server can do to us: it is killed, it hangs, its answer is lost, it has no room.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at what it did not expect")]

#[path = "postgres/proxy.rs"]
mod proxy;
#[path = "runner/things.rs"]
mod things;

use db::{Context, Db, DbError, DbOptions, OpenError, Server, Tx, lock_for_migrations, migration_connection};
use futures_util::future::{FutureExt, join_all};
use proxy::{Fault, Proxy};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use sea_orm_migration::MigratorTrait;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use things::{Kind, Place, Refused, count_up, insert, named, names, open, thing};
use tokio::sync::{Barrier, Notify};
use tokio::time::{interval, timeout};
use uuid::Uuid;

async fn write_name(db: &Db, name: &str) -> Result<Uuid, Refused> {
    db.write(&Context::default(), &name.to_owned(), insert).await
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    let mut looks = interval(Duration::from_millis(5));
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        looks.tick().await;
    }
}

/// A proxy before the server, and a database behind it.
async fn open_through_proxy(change: impl FnOnce(&mut DbOptions)) -> Option<(Db, Place, Proxy)> {
    let (direct, place) = open(Kind::Postgres, |_| {}).await?;
    let server = server_address(&place);
    let proxy = Proxy::start(server).await;
    direct.close().await;
    let mut options = DbOptions::postgres(place.scratch().url_through(proxy.address), "test");
    change(&mut options);
    Some((Db::open(options).await.unwrap(), place, proxy))
}

fn server_address(place: &Place) -> std::net::SocketAddr {
    let location = Server::new(place.scratch().url(), "test").location();
    let address = location.trim_start_matches("postgres://").split('/').next().unwrap().to_owned();
    std::net::ToSocketAddrs::to_socket_addrs(&address.replace("localhost", "127.0.0.1")).unwrap().next().unwrap()
}

const KILL_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";
const LEFT_OPEN: &str = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'";

/// Reads, says so, waits, and writes.
async fn pauses(tx: &mut Tx, (name, begun, go): &(String, Arc<Notify>, Arc<Notify>)) -> Result<Uuid, Refused> {
    tx.all(thing::Entity::find().lock_exclusive()).await?;
    begun.notify_one();
    go.notified().await;
    insert(tx, name).await
}

fn pause(name: &str) -> (String, Arc<Notify>, Arc<Notify>) {
    (name.to_owned(), Arc::new(Notify::new()), Arc::new(Notify::new()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_commit_is_unknown_and_the_work_is_there() {
    async fn read_and_insert(tx: &mut Tx, name: &String) -> Result<Uuid, Refused> {
        tx.all(thing::Entity::find()).await?;
        insert(tx, name).await
    }
    let Some((db, _place, proxy)) = open_through_proxy(|_| {}).await else { return };
    proxy.set(Fault::LostCommit);
    let after_a_read = db.write(&Context::default(), &"after a read".to_owned(), read_and_insert).await;
    assert!(matches!(after_a_read, Err(Refused::Db(DbError::Unknown(_)))), "{after_a_read:?}");
    assert!(db.trouble().is_some(), "health knows of it");
    proxy.set(Fault::None);
    write_name(&db, "then").await.unwrap();
    assert_eq!(db.trouble(), None);
    assert_eq!(names(&db).await, ["after a read", "then"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_sent_together_with_its_statements_is_unknown_when_its_answer_is_lost() {
    async fn two(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        insert(tx, &"one".to_owned()).await?;
        insert(tx, &"two".to_owned()).await.map(drop)
    }
    let Some((db, _place, proxy)) = open_through_proxy(|_| {}).await else { return };
    proxy.set(Fault::LostCommit);
    let lost = db.write(&Context::default(), &(), two).await;
    assert!(matches!(lost, Err(Refused::Db(DbError::Unknown(_)))), "{lost:?}");
    proxy.set(Fault::None);
    assert_eq!(names(&db).await, ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_is_given_up_and_used_again_when_it_speaks() {
    let short = |options: &mut DbOptions| options.limits.silence = Duration::from_millis(200);
    let Some((db, _place, proxy)) = open_through_proxy(short).await else { return };
    write_name(&db, "before").await.unwrap();
    assert_eq!(names(&db).await, ["before"]);
    proxy.set(Fault::Silence);
    let started = Instant::now();
    let read = db.reader().one(thing::Entity::find()).await;
    assert!(matches!(read, Err(DbError::Unavailable(_))), "{read:?}");
    let command = pause("in between");
    command.2.notify_one();
    let write = db.write(&Context::default(), &command, pauses).await;
    assert!(matches!(write, Err(Refused::Db(DbError::Unavailable(_)))), "nothing was sent for good: {write:?}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    proxy.set(Fault::None);
    write_name(&db, "after").await.unwrap();
    assert_eq!(names(&db).await, ["after", "before"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_killed_in_the_middle_keeps_nothing_and_the_next_write_goes_on() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let command = pause("half");
    let writing = tokio::spawn({
        let (db, command) = (db.clone(), command.clone());
        async move { db.write(&Context::default(), &command, pauses).await }
    });
    command.1.notified().await;
    place.scratch().column(KILL_ALL).await;
    command.2.notify_one();
    let killed = writing.await.unwrap();
    assert!(matches!(killed, Err(Refused::Db(DbError::Unavailable(_)))), "{killed:?}");
    write_name(&db, "next").await.unwrap();
    assert_eq!(names(&db).await, ["next"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_sessions_are_killed_what_is_acknowledged_is_there_and_what_is_refused_is_not() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let done = Arc::new(AtomicUsize::new(0));
    let killing = async {
        while done.load(Ordering::Acquire) < 4 {
            place.scratch().column(KILL_ALL).await;
        }
    };
    let writers = join_all((0..4).map(|writer| {
        let (db, done) = (db.clone(), Arc::clone(&done));
        async move {
            let (mut kept, mut refused) = (Vec::new(), Vec::new());
            for n in 0..150 {
                let name = format!("{writer}-{n}");
                let command = pause(&name);
                command.2.notify_one();
                let written = match n % 2 {
                    0 => write_name(&db, &name).await,
                    _ => db.write(&Context::default(), &command, pauses).await,
                };
                match written {
                    Ok(_) => kept.push(name),
                    Err(Refused::Db(DbError::Unavailable(_) | DbError::Conflict)) => refused.push(name),
                    Err(Refused::Db(DbError::Unknown(_))) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
            done.fetch_add(1, Ordering::Release);
            (kept, refused)
        }
    }));
    let (outcomes, ()) = tokio::join!(writers, killing);
    eventually("the connections do not come back", async || write_name(&db, "last").await.is_ok()).await;
    let stored = names(&db).await;
    let (mut kept, mut refused) = (0, 0);
    for (acknowledged, taken_back) in outcomes {
        assert!(acknowledged.iter().all(|name| stored.contains(name)), "an acknowledged write is missing");
        assert!(!taken_back.iter().any(|name| stored.contains(name)), "a refused write is there");
        kept += acknowledged.len();
        refused += taken_back.len();
    }
    assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused: the test tests nothing");
}

/// Both rows or none.
async fn write_pair(tx: &mut Tx, (anchor, n): &(Uuid, usize)) -> Result<(), Refused> {
    if !n.is_multiple_of(3) {
        tx.one(thing::Entity::find_by_id(*anchor).lock_shared()).await?;
    }
    insert(tx, &format!("a-{n}")).await?;
    if n.is_multiple_of(5) {
        tx.run(thing::Entity::insert(named(tx.new_id(), &format!("b-{n}"), None))).await?;
        return Ok(());
    }
    insert(tx, &format!("b-{n}")).await.map(drop)
}

/// Lets go of thousands of writes, at any instant of their lives.
async fn let_go(db: &Db, place: &Place, rounds: usize, longest: u64) {
    let anchor = write_name(db, "anchor").await.unwrap();
    let patience = |n: usize| Duration::from_micros((n as u64 * 7_919) % longest);
    let acknowledged = join_all((0..4).map(|lane| {
        let db = db.clone();
        async move {
            let mut acknowledged = Vec::new();
            for n in (lane..rounds).step_by(4) {
                let (context, command) = (Context::default(), (anchor, n));
                match timeout(patience(n), db.write(&context, &command, write_pair)).await {
                    Ok(Ok(())) => acknowledged.push(n),
                    Ok(Err(Refused::Db(DbError::Busy))) | Err(_) => {}
                    Ok(Err(other)) => panic!("{other:?}"),
                }
            }
            acknowledged
        }
    }))
    .await
    .concat();
    eventually("a transaction stays open", async || place.scratch().column(LEFT_OPEN).await.is_empty()).await;
    let stored = names(db).await;
    let holds = |name: String| stored.binary_search(&name).is_ok();
    for n in 0..rounds {
        assert_eq!(holds(format!("a-{n}")), holds(format!("b-{n}")), "write {n} is half done");
    }
    assert!(acknowledged.iter().all(|n| holds(format!("a-{n}"))), "an acknowledged write is missing");
    let (kept, lost) = (acknowledged.len(), rounds - acknowledged.len());
    assert!(kept > rounds / 20 && lost > rounds / 20, "{kept} kept, {lost} let go: the test tests nothing");
    // Every connection is good for a transaction of its own again.
    let after = join_all((0..24).map(|n| {
        let db = db.clone();
        async move { write_name(&db, &format!("after-{n}")).await }
    }));
    assert!(after.await.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_callers_that_go_away_leave_nothing_half_done_and_no_poisoned_connection() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let_go(&db, &place, 4_000, 4_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_from_a_slow_server_leave_nothing_half_done() {
    let Some((db, place, proxy)) = open_through_proxy(|_| {}).await else { return };
    proxy.set(Fault::Slow(Duration::from_millis(3)));
    let_go(&db, &place, 600, 80_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_room_is_said_at_once() {
    let Some((_, mut place)) = open(Kind::Postgres, |_| {}).await else { return };
    place.scratch().execute("GRANT USAGE ON SCHEMA test TO PUBLIC; GRANT ALL ON test.thing TO PUBLIC").await;
    let Place::Postgres(scratch) = &mut place else { unreachable!("a test of PostgreSQL") };
    let db = Db::open(DbOptions::postgres(scratch.role("CONNECTION LIMIT 1").await, "test")).await.unwrap();
    let command = pause("first");
    let first = tokio::spawn({
        let (db, command) = (db.clone(), command.clone());
        async move { db.write(&Context::default(), &command, pauses).await }
    });
    command.1.notified().await;
    let started = Instant::now();
    let second = write_name(&db, "second").await;
    assert!(matches!(second, Err(Refused::Db(DbError::Unavailable(_)))), "{second:?}");
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    command.2.notify_one();
    first.await.unwrap().unwrap();
    write_name(&db, "third").await.unwrap();
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_waited_for_up_to_its_limit_and_the_use_case_is_not_run_again() {
    async fn counted(tx: &mut Tx, (id, runs): &(Uuid, Arc<AtomicUsize>)) -> Result<i64, Refused> {
        runs.fetch_add(1, Ordering::Relaxed);
        count_up(tx, id).await
    }
    let short = |options: &mut DbOptions| options.limits.lock = Duration::from_millis(100);
    let Some((db, _place)) = open(Kind::Postgres, short).await else { return };
    let id = write_name(&db, "counter").await.unwrap();
    let command = pause("holder");
    let holder = tokio::spawn({
        let (db, command) = (db.clone(), command.clone());
        async move { db.write(&Context::default(), &command, pauses).await }
    });
    command.1.notified().await;
    let late = (id, Arc::new(AtomicUsize::new(0)));
    let refused = db.write(&Context::default(), &late, counted).await;
    assert_eq!(refused, Err(Refused::Db(DbError::Conflict)));
    assert_eq!(late.1.load(Ordering::Relaxed), 1);
    command.2.notify_one();
    holder.await.unwrap().unwrap();
    assert_eq!(db.write(&Context::default(), &late, counted).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_loses_in_a_deadlock_is_run_again() {
    type Crossing = (Uuid, Uuid, Arc<Barrier>, Arc<AtomicUsize>);
    async fn cross(tx: &mut Tx, (first, second, both, runs): &Crossing) -> Result<(), Refused> {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        count_up(tx, first).await?;
        tx.all(thing::Entity::find()).await?;
        if run == 0 {
            both.wait().await;
        }
        count_up(tx, second).await.map(drop)
    }
    let patient = |options: &mut DbOptions| {
        options.limits.lock = Duration::from_secs(5);
        options.limits.statement = Duration::from_secs(6);
        options.limits.silence = Duration::from_secs(8);
        options.limits.idle_in_transaction = Duration::from_secs(10);
    };
    let Some((db, _place)) = open(Kind::Postgres, patient).await else { return };
    let (a, b) = (write_name(&db, "a").await.unwrap(), write_name(&db, "b").await.unwrap());
    let both = Arc::new(Barrier::new(2));
    let there: Crossing = (a, b, Arc::clone(&both), Arc::default());
    let back: Crossing = (b, a, both, Arc::default());
    let context = Context::default();
    let (one, other) = tokio::join!(db.write(&context, &there, cross), db.write(&context, &back, cross));
    assert_eq!((one, other), (Ok(()), Ok(())));
    assert_eq!(there.3.load(Ordering::Relaxed) + back.3.load(Ordering::Relaxed), 3, "one of them twice");
    let counts: Vec<i64> = db.reader().all(thing::Entity::find()).await.unwrap().iter().map(|row| row.count).collect();
    assert_eq!(counts, [2, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_ended_by_the_server() {
    async fn sleeps(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        let slow = thing::Entity::find().select_only().expr(Expr::cust("pg_sleep(20)::text"));
        tx.rows::<(String,)>(slow).await.map(drop).map_err(Refused::from)
    }
    let short = |options: &mut DbOptions| options.limits.statement = Duration::from_millis(100);
    let Some((db, _place)) = open(Kind::Postgres, short).await else { return };
    write_name(&db, "row").await.unwrap();
    assert_eq!(db.write(&Context::default(), &(), sleeps).await, Err(Refused::Db(DbError::Deadline)));
    let slow = thing::Entity::find().select_only().expr(Expr::cust("pg_sleep(20)::text"));
    assert_eq!(db.reader().rows::<(String,)>(slow).await, Err(DbError::Deadline));
    write_name(&db, "next").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_case_that_swallows_a_failure_cannot_keep_its_work() {
    #[expect(clippy::ptr_arg, reason = "the type of the command, which is owned")]
    async fn swallows(tx: &mut Tx, name: &String) -> Result<(), Refused> {
        insert(tx, &"before".to_owned()).await?;
        let twice = tx.run(thing::Entity::insert(named(tx.new_id(), name, None))).await;
        assert_eq!(twice, Err(DbError::Unique { constraint: "thing.name".to_owned() }));
        insert(tx, &"after".to_owned()).await.map(drop)
    }
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    write_name(&db, "taken").await.unwrap();
    let kept = db.write(&Context::default(), &"taken".to_owned(), swallows).await;
    assert_eq!(kept, Err(Refused::Db(DbError::Unique { constraint: "thing.name".to_owned() })));
    assert_eq!(names(&db).await, ["taken"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_case_that_abandons_a_statement_cannot_keep_its_work() {
    async fn abandons(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        tx.all(thing::Entity::find()).await?;
        let id = tx.new_id();
        let inserting = tx.run(thing::Entity::insert(named(id, "abandoned", None)));
        assert_eq!(inserting.now_or_never(), None);
        Ok(())
    }
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    let kept = db.write(&Context::default(), &(), abandons).await;
    assert!(matches!(kept, Err(Refused::Db(DbError::Statement(_)))), "{kept:?}");
    assert!(names(&db).await.is_empty());
    write_name(&db, "next").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_cannot_be_sent_stops_what_comes_after_it() {
    async fn misfit(tx: &mut Tx, (): &()) -> Result<(), Refused> {
        insert(tx, &"first".to_owned()).await?;
        let wrong = thing::Entity::update_many().col_expr(thing::Column::Count, Expr::value("no number"));
        tx.push(wrong.filter(thing::Column::Name.eq("first")));
        insert(tx, &"last".to_owned()).await.map(drop)
    }
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    let kept = db.write(&Context::default(), &(), misfit).await;
    assert!(matches!(kept, Err(Refused::Db(DbError::Statement(_)))), "{kept:?}");
    assert!(names(&db).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_keeps_its_kind_where_its_place_tells_none() {
    let Some((db, _place)) = open(Kind::Postgres, |_| {}).await else { return };
    let id = write_name(&db, "row").await.unwrap();
    let now = db.clock().now();
    let values = thing::Entity::find()
        .select_only()
        .expr(Expr::value(7_i32))
        .expr(Expr::value(id))
        .expr(Expr::value(now))
        .expr(Expr::value("text"))
        .expr(Expr::value(Option::<i64>::None));
    let rows = db.reader().rows::<(i32, Uuid, chrono::DateTime<chrono::Utc>, String, Option<i64>)>(values).await;
    assert_eq!(rows, Ok(vec![(7, id, now, "text".to_owned(), None)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reader_cannot_write() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    place.scratch().execute("CREATE SEQUENCE test.numbers").await;
    write_name(&db, "row").await.unwrap();
    let next = thing::Entity::find().select_only().expr(Expr::cust("nextval('numbers')"));
    let refused = db.reader().rows::<(i64,)>(next).await;
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
    assert_eq!(names(&db).await, ["row"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_uniqueness_rule_is_named_by_its_columns_also_when_it_is_younger_than_the_process() {
    let Some((db, place)) = open(Kind::Postgres, |_| {}).await else { return };
    place.scratch().execute("CREATE UNIQUE INDEX odd_name ON test.thing (flag, count) WHERE count > 0").await;
    for name in ["a", "b"] {
        let id = write_name(&db, name).await.unwrap();
        let counted = db.write(&Context::default(), &id, count_up).await;
        let taken = Err(Refused::Db(DbError::Unique { constraint: "thing.flag, thing.count".to_owned() }));
        assert_eq!(counted, if name == "a" { Ok(1) } else { taken });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_does_not_lead_wakes_the_one_that_does() {
    async fn emits(tx: &mut Tx, name: &String) -> Result<(), Refused> {
        tx.mark_emitted();
        insert(tx, name).await.map(drop)
    }
    let Some((leader, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let follower = Db::open(DbOptions::postgres(place.scratch().url(), "test")).await.unwrap();
    leader.leads(true);
    let told = async |db: &Db| timeout(Duration::from_secs(10), db.committed().notified()).await.is_ok();
    assert!(told(&leader).await, "once, when it hears");
    for n in 0..20 {
        follower.write(&Context::default(), &format!("{n}"), emits).await.unwrap();
        assert!(told(&leader).await, "by the follower");
    }
    // Roles change without either being opened anew.
    leader.leads(false);
    follower.leads(true);
    let mut rounds = interval(Duration::from_millis(50));
    while timeout(Duration::from_millis(1), follower.committed().notified()).await.is_ok() {
        rounds.tick().await;
    }
    assert!(told(&follower).await, "once, when it hears");
    leader.write(&Context::default(), &"last".to_owned(), emits).await.unwrap();
    assert!(told(&follower).await, "by the one that led");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_opened_is_one_line_without_a_password() {
    let Some((_, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let elsewhere = place.scratch().url_through(server_address(&place)) + "_not_there";
    for url in [format!("postgres://anna:sesame@{free}/work"), elsewhere, "http://anna:sesame@db/work".to_owned()] {
        let refused = Db::open(DbOptions::postgres(url, "test")).await.err().unwrap();
        let line = refused.to_string();
        assert!(matches!(refused, OpenError::Connect { .. } | OpenError::Address { .. }), "{refused:?}");
        assert!(!line.contains('\n') && !line.contains("sesame"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_at_a_time_may_migrate_a_schema() {
    let Some((_, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let (user, task) = (Server::new(place.scratch().url(), "user"), Server::new(place.scratch().url(), "task"));
    let held = lock_for_migrations(&user).await.unwrap();
    drop(lock_for_migrations(&task).await.unwrap());
    let waiting = tokio::spawn(async move { lock_for_migrations(&user).await.map(drop) });
    let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("nobody waits", async || !place.scratch().column(waits).await.is_empty()).await;
    assert!(!waiting.is_finished());
    drop(held);
    waiting.await.unwrap().unwrap();
    let schemas = "SELECT nspname FROM pg_namespace WHERE nspname IN ('user', 'task') ORDER BY 1";
    assert_eq!(place.scratch().column(schemas).await, [Some("task".to_owned()), Some("user".to_owned())]);
}

/// What `cleave migrate up` does.
async fn migrate<M: MigratorTrait>(server: &Server) {
    let lock = lock_for_migrations(server).await.unwrap();
    let connection = migration_connection(server).await.unwrap();
    M::up(&connection, None).await.unwrap();
    connection.close().await.unwrap();
    drop(lock);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schemas_of_all_domains_are_made_once_also_by_two_at_once() {
    let Some((_, place)) = open(Kind::Postgres, |_| {}).await else { return };
    let server = |domain| Server::new(place.scratch().url(), domain);
    for _ in 0..2 {
        let (user, task, notification) = (server("user"), server("task"), server("notification"));
        tokio::join!(
            migrate::<migration_user::Migrator>(&user),
            migrate::<migration_user::Migrator>(&user),
            migrate::<migration_task::Migrator>(&task),
            migrate::<migration_task::Migrator>(&task),
            migrate::<migration_notification::Migrator>(&notification),
        );
    }
    for (domain, table) in [("user", "users"), ("task", "task"), ("notification", "notification_view")] {
        let applied = place.scratch().column(&format!("SELECT version FROM \"{domain}\".seaql_migrations")).await;
        assert_eq!(applied.len(), 2, "{domain}: {applied:?}");
        assert!(place.scratch().column(&format!("SELECT 1 FROM \"{domain}\".{table}")).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocations_become_visible_in_the_order_of_their_numbers() {
    mod revocation {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "revocation")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub n: i64,
            pub session_id: Option<Uuid>,
            pub valid_until: DateTimeUtc,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    }
    async fn revoke(tx: &mut Tx, pauses: &Option<(Arc<Notify>, Arc<Notify>)>) -> Result<(), Refused> {
        let row = revocation::ActiveModel {
            n: ActiveValue::NotSet,
            session_id: Set(Some(tx.new_id())),
            valid_until: Set(tx.now()),
        };
        tx.run(revocation::Entity::insert(row)).await?;
        if let Some((numbered, go)) = pauses {
            numbered.notify_one();
            go.notified().await;
        }
        Ok(())
    }
    let Some((_, place)) = open(Kind::Postgres, |_| {}).await else { return };
    migrate::<migration_user::Migrator>(&Server::new(place.scratch().url(), "user")).await;
    let db = Db::open(DbOptions::postgres(place.scratch().url(), "user")).await.unwrap();
    let (numbered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let first = tokio::spawn({
        let (db, pauses) = (db.clone(), Some((Arc::clone(&numbered), Arc::clone(&go))));
        async move { db.write(&Context::default(), &pauses, revoke).await }
    });
    numbered.notified().await;
    let second = tokio::spawn({
        let db = db.clone();
        async move { db.write(&Context::default(), &None, revoke).await }
    });
    let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    eventually("the second does not wait", async || !place.scratch().column(waits).await.is_empty()).await;
    assert!(db.reader().all(revocation::Entity::find()).await.unwrap().is_empty(), "nothing overtakes the first");
    go.notify_one();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let numbers: Vec<i64> =
        db.reader().all(revocation::Entity::find()).await.unwrap().iter().map(|row| row.n).collect();
    assert_eq!(numbers, [1, 2]);
}
