//! What the server reads for one event. Rule: a few rows, however many there are, also by plans that were made when the
//! tables were empty and that no statistics have corrected.

use crate::pair::Pair;
use crate::place::{Kind, Place};
use crate::{event, offer, somebody};
use bus::{EventBus, Published};
use chrono::TimeDelta;
use contracts::{Control, Started};
use std::time::Duration;

/// Rows of one table for each event; a batch of the relay may be read again and again while it is under way.
const A_FEW: i64 = 40;
const USERS: u32 = 20;
const EVENTS: u32 = 800;
const WAITING: u32 = 2_000;
/// How often a consumer is asked what it heard, and the most that it reads for each answer; 100 events are told.
const QUESTIONS: i64 = 200;
const FOR_AN_ANSWER: i64 = 150;
/// How often it is looked for gaps.
const LOOKS: i64 = 1_000;
const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_costs_a_look_at_all_others() {
    let Some(mut pair) = Pair::started(Kind::Postgres).await else { return };
    if let Place::Postgres(scratch) = &*pair.place {
        scratch.execute("ALTER TABLE task.inbox SET (autovacuum_enabled = false)").await;
    }
    events_of(&pair, USERS).await;
    ended(&mut pair).await;
    // Living rows: what is dead stays in an index for as long as anybody on the server, in whatever database, may see it.
    let read = "SELECT max(idx_tup_fetch)::bigint FROM pg_stat_user_tables
        WHERE relname IN ('inbox', 'inbox_head', 'outbox')";
    let read = pair.place.column("task", read).await[0];
    println!("{read} rows of one table read for {EVENTS} events");
    let (least, most) = (i64::from(EVENTS), A_FEW * i64::from(EVENTS));
    assert!((least..most).contains(&read), "{read} rows of one table for {EVENTS} events");
}

/// What nobody hears of, so many that it is not worth it to go through all.
const MANY_DONE: &str = "ALTER TABLE outbox SET (autovacuum_enabled = false);
    INSERT INTO outbox (event_id, aggregate_type, aggregate_id, aggregate_seq, event_type, schema_version, routing_key,
        payload, occurred_at, published_at, next_attempt_at)
    SELECT gen_random_uuid(), 'old', n, 1, 'old.made.v1', 1, 'user.old.made.v1', '', 'epoch',
        timestamptz 'epoch' + n * interval '1 second', 'epoch' FROM generate_series(1, 50000) n;
    ANALYZE outbox;
    UPDATE outbox SET attempts = 1 WHERE id <= 5000";

/// The server believes that nothing ever waits and nothing was ever refused; then everything waits, of users who all have
/// something that does, and much was refused once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_offered_without_a_look_at_all_that_waits() {
    let Some(mut pair) = Pair::new(Kind::Postgres).await else { return };
    pair.place.execute("user", MANY_DONE).await;
    for n in 0..USERS {
        pair.emit(somebody(n.into()), WAITING / USERS).await;
    }
    pair.start_consumer().await;
    pair.start_publisher().await;
    all_published(&pair).await;
    ended(&mut pair).await;
    let read = "SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE schemaname = 'user' AND relname = 'outbox'";
    let read = pair.place.column("user", read).await[0];
    println!("{read} rows read for {WAITING} events that waited");
    let (least, most) = (i64::from(WAITING), A_FEW * i64::from(WAITING));
    assert!((least..most).contains(&read), "{read} rows read for {WAITING} events that waited");
}

/// A pair on PostgreSQL of whose inbox the server knows nothing.
async fn without_statistics() -> Option<Pair> {
    let pair = Pair::new(Kind::Postgres).await?;
    for table in ["inbox", "inbox_head"] {
        pair.place.execute("task", &format!("ALTER TABLE {table} SET (autovacuum_enabled = false)")).await;
    }
    Some(pair)
}

/// All events, of that many users; done at the end.
async fn events_of(pair: &Pair, users: u32) {
    for n in 0..users {
        pair.emit(somebody(n.into()), EVENTS / users).await;
    }
    all_published(pair).await;
}

/// Asked so that no index is read for it, and nothing of the consumer: how often depends on how busy the machine is.
async fn all_published(pair: &Pair) {
    let waiting = "SELECT count(*) FILTER (WHERE published_at IS NULL) FROM outbox";
    pair.eventually("all is published", async || pair.place.column("user", waiting).await == [0]).await;
}

/// Nobody uses the tables any more: what a connection has read is told at the latest when it ends.
async fn ended(pair: &mut Pair) {
    // What was asked is answered before it stops.
    pair.stop().await;
    pair.user.close().await;
    pair.task.close().await;
    let used = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    pair.eventually("all connections end", async || pair.place.column("task", used).await == [0]).await;
}

/// What was read of the consumer's tables, once nobody uses them any more.
async fn read_in_all(pair: &mut Pair) -> i64 {
    ended(pair).await;
    let read = "SELECT (sum(seq_tup_read) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
        WHERE schemaname = 'task' AND relname IN ('inbox', 'inbox_head')))::bigint
        FROM pg_stat_user_tables WHERE schemaname = 'task' AND relname IN ('inbox', 'inbox_head')";
    pair.place.column("task", read).await[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_look_for_gaps_costs_a_look_at_all_events() {
    let Some(mut pair) = without_statistics().await else { return };
    // Far more looks than events.
    pair.tuning.gap.0 = Duration::from_millis(1);
    pair.start_publisher().await;
    pair.start_consumer().await;
    events_of(&pair, EVENTS).await;
    // Nobody can say what is missing before this one, so that it waits for ever.
    let publisher = pair.running.remove(0);
    publisher.stop_relay().await;
    publisher.stop_inbox().await;
    assert_eq!(offer(&pair, &[event(somebody(u128::from(EVENTS)), 2, 1)]).await, [Published::Accepted]);
    pair.advance(TimeDelta::seconds(61));
    let looks = "SELECT idx_scan FROM pg_stat_user_indexes WHERE schemaname = 'task' AND indexrelname = 'inbox_due'";
    let looked = async || pair.place.column("task", looks).await[0];
    let before = looked().await;
    pair.eventually("it looks for gaps", async || looked().await > before + LOOKS).await;
    let read = read_in_all(&mut pair).await;
    println!("{read} rows read for {EVENTS} events and {LOOKS} looks");
    assert!(read < A_FEW * i64::from(EVENTS), "{read} rows read for {EVENTS} events, and to look for gaps");
}

/// Which are few of all: the server knows that, and may go by the order in which they were done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_say_what_was_heard_costs_a_look_at_what_is_said() {
    let Some(mut pair) = without_statistics().await else { return };
    pair.start_publisher().await;
    pair.start_consumer().await;
    events_of(&pair, USERS).await;
    pair.place.execute("task", "ANALYZE inbox; ANALYZE inbox_head").await;
    for _ in 0..QUESTIONS {
        let started = Control::Started(Started { source: "user".to_owned(), epoch: 1 });
        assert_eq!(pair.bus.tell("task", &started, SOON).await, Published::Accepted);
    }
    let read = read_in_all(&mut pair).await;
    println!("{read} rows read for {EVENTS} events and {QUESTIONS} answers");
    let most = A_FEW * i64::from(EVENTS) + FOR_AN_ANSWER * QUESTIONS;
    assert!(read < most, "{read} rows read for {EVENTS} events and {QUESTIONS} answers, and not {most}");
}
