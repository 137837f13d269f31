//! A checker that never failed is not trusted. Rule: each harm is done to the database of a run that was clean, and must be
//! found, by the invariant that is there for it.

use crate::ALONE;
use db::testing::Scratch;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use testkit::{Topology, eventually};
use tests::faults::checker::{Harm, Violation, check};
use tests::faults::facts::Facts;
use tests::faults::fleet::{DOMAINS, Fleet, Place};
use tests::faults::ledger::{Ledger, Line};
use tests::faults::liveness::{Leases, i18_new_commands_succeed, i19_one_relay_leads};
use tests::faults::store::{Store, connect};
use tests::faults::trial::Trial;
use tokio::task::block_in_place;

/// What is done to which domain's database, and who must find it. The tables refuse some of it, so they are replaced by
/// others that hold the same and refuse nothing.
const MUTATIONS: &[(&str, &str, &str, &str, Harm)] = &[
    ("an effect is dropped", "notification", DROP_EFFECT, "I6", Harm::Lost),
    ("an effect is there twice", "notification", DUPLICATE_EFFECT, "I8", Harm::Duplicated),
    ("two effects are swapped", "notification", SWAP_EFFECTS, "I7", Harm::OutOfOrder),
    ("a row of the outbox is deleted", "task", DELETE_EVENT, "I4", Harm::Lost),
    ("a notification is forged", "notification", FORGE_NOTIFICATION, "I5", Harm::Phantom),
    ("a notification goes to somebody else", "notification", MISDIRECT, "I6", Harm::Phantom),
    ("an acknowledged change is undone", "task", UNDO_CHANGE, "I1", Harm::Lost),
    (
        "an acknowledged task is gone",
        "task",
        "DELETE FROM task WHERE id = (SELECT min(id) FROM task)",
        "I1",
        Harm::Lost,
    ),
    (
        "a refused change was made",
        "task",
        "UPDATE task SET title = '{refused}' WHERE id = (SELECT min(id) FROM task)",
        "I2",
        Harm::Phantom,
    ),
    ("a command ran twice", "task", RAN_TWICE, "I3", Harm::Duplicated),
    (
        "a row of an inbox is gone",
        "task",
        "DELETE FROM inbox WHERE event_id = (SELECT min(event_id) FROM inbox)",
        "I9",
        Harm::Lost,
    ),
    ("a watermark is ahead", "notification", "UPDATE inbox_head SET last_seq = last_seq + 1", "I7", Harm::Unsound),
    ("a projection is behind", "task", "UPDATE user_projection SET is_active = 0", "I10", Harm::Unsound),
    ("a dead letter does not say why", "notification", NO_REASON, "I11", Harm::Lost),
    (
        "a foreign key dangles",
        "notification",
        "DELETE FROM notification WHERE id = (SELECT min(id) FROM notification)",
        "I12",
        Harm::Unsound,
    ),
    ("an event is given up that could be handled", "notification", GIVEN_UP, "I17", Harm::Unsound),
    ("an event waits", "task", "UPDATE outbox SET published_at = NULL", "I17", Harm::Unsound),
];

const NO_REASON: &str = "
UPDATE inbox SET status = 2, payload = x'7b7d', last_error = NULL WHERE event_id = (SELECT min(event_id) FROM inbox)";
/// With everything that a dead letter needs.
const GIVEN_UP: &str = "
UPDATE inbox SET status = 2, payload = x'7b7d', attempts = 12, last_error = 'too late' WHERE event_id = (SELECT min(event_id) FROM inbox)";
const DROP_EFFECT: &str = "
DELETE FROM delivery WHERE notification_id = (SELECT min(id) FROM notification);
DELETE FROM notification WHERE id = (SELECT min(id) FROM notification)";
const DUPLICATE_EFFECT: &str = "
CREATE TABLE other AS SELECT * FROM notification;
INSERT INTO other SELECT * FROM notification LIMIT 1;
UPDATE other SET id = randomblob(16) WHERE rowid = (SELECT max(rowid) FROM other);
DROP VIEW notification_view;
DROP TABLE notification;
ALTER TABLE other RENAME TO notification";
/// Of one task, those of two events: the second was committed first.
const SWAP_EFFECTS: &str = "
CREATE TABLE pair AS
  SELECT min(o.id) AS early, max(o.id) AS late FROM outbox o
    JOIN inbox i ON lower(hex(i.event_id)) = replace(json_extract(o.headers, '$.causationid'), '-', '')
   WHERE i.aggregate_type = 'task' GROUP BY i.aggregate_id HAVING count(DISTINCT i.event_id) > 1 LIMIT 1;
UPDATE outbox SET id = -1 WHERE id = (SELECT early FROM pair);
UPDATE outbox SET id = (SELECT early FROM pair) WHERE id = (SELECT late FROM pair);
UPDATE outbox SET id = (SELECT late FROM pair) WHERE id = -1";
const DELETE_EVENT: &str = "
DELETE FROM outbox WHERE id = (SELECT max(id) FROM outbox WHERE aggregate_seq > 1)";
const FORGE_NOTIFICATION: &str = "
INSERT INTO notification SELECT randomblob(16), recipient_id, created_by, category, title, body, action_url, channels, state,
  sent_at, read_at, archived_at, randomblob(16), source_event_type, created_at, updated_at, version, event_seq
  FROM notification LIMIT 1";
const MISDIRECT: &str = "
UPDATE notification SET recipient_id = randomblob(16) WHERE id = (SELECT min(id) FROM notification)";
const UNDO_CHANGE: &str = "
UPDATE task SET version = version - 1, title = 'as it was before' WHERE id = (SELECT id FROM task WHERE version > 1 LIMIT 1)";
/// The same command makes the same task once more.
const RAN_TWICE: &str = "
INSERT INTO outbox (event_id, aggregate_type, aggregate_id, aggregate_seq, event_type, schema_version, routing_key, headers,
  payload, occurred_at, published_at)
  SELECT randomblob(16), aggregate_type, lower(hex(randomblob(16))), aggregate_seq, event_type, schema_version, routing_key,
    headers, payload, occurred_at, published_at FROM outbox WHERE event_type = 'task.created.v1' LIMIT 1";

async fn facts(directory: &Path) -> Facts {
    let stores: BTreeMap<&'static str, Store> =
        DOMAINS.into_iter().map(|domain| (domain, Store::File(directory.join(format!("{domain}.db"))))).collect();
    Facts::read(&stores).await
}

/// The same files elsewhere.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().contains(".db") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_harm_is_found_by_the_invariant_that_is_there_for_it() {
    let _alone = ALONE.lock().await;
    let kept = tempfile::tempdir().unwrap();
    let fleet = Fleet::start(Topology::EMBEDDED, Place::Files, None).await;
    let trial = Trial::begin(fleet, 1, 100.0).await;
    trial.more(400).await;
    let directory = trial.fleet.directory().to_owned();
    let (client, user) = trial.client();
    let (report, mut fleet) = trial.finish_and_keep().await;
    let (stores, leases) = (fleet.stores(), Leases::now(&fleet.stores()).await);
    block_in_place(|| fleet.kill("cleave"));
    println!("{report}");
    report.assert_clean(Duration::from_secs(1));
    copy(&directory.join("cleave"), kept.path());
    for domain in DOMAINS {
        // What the kill left in the log goes into the file.
        let file = Connection::open(kept.path().join(format!("{domain}.db"))).unwrap();
        file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    }
    let ledger = Ledger::read(&directory.join("ledger"));
    assert_eq!(check(&ledger, &facts(kept.path()).await), []);

    for (name, domain, sql, invariant, harm) in MUTATIONS {
        let mutated = tempfile::tempdir().unwrap();
        copy(kept.path(), mutated.path());
        let file = Connection::open(mutated.path().join(format!("{domain}.db"))).unwrap();
        file.pragma_update(None, "foreign_keys", false).unwrap();
        file.execute_batch(&sql.replace("{refused}", &refused(&ledger)))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        drop(file);
        let found = check(&ledger, &facts(mutated.path()).await);
        let expected = |violation: &&Violation| violation.invariant == *invariant && violation.harm == *harm;
        assert!(found.iter().any(|violation| expected(&violation)), "{name} was not found by {invariant}: {found:?}");
    }
    // A process that is dead is neither ready nor does it renew a lease.
    let dead = i18_new_commands_succeed(&client, &fleet.all_addresses(), &user).await;
    assert_eq!(dead.len(), 1 + DOMAINS.len(), "{dead:?}");
    assert_eq!(i19_one_relay_leads(&leases, &stores).await.len(), DOMAINS.len());
    // Somebody holds a file.
    let holder = Connection::open(kept.path().join("task.db")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held = check(&ledger, &facts(kept.path()).await);
    assert_eq!(held.iter().map(|violation| violation.invariant).collect::<Vec<_>>(), ["I14"], "{held:?}");
    holder.execute_batch("ROLLBACK").unwrap();
    // And what the client wrote down is no decoration.
    let facts = facts(kept.path()).await;
    let aged: Vec<Line> = ledger.iter().map(one_version_older).collect();
    assert!(check(&aged, &facts).iter().any(|violation| violation.invariant == "I13"));
    let forgetful: Vec<Line> = ledger.iter().map(forget_one_answer(&ledger)).collect();
    assert!(check(&forgetful, &facts).iter().any(|violation| violation.invariant == "I3"));
    assert!(!check(&[], &facts).is_empty(), "tasks that nobody asked for");
}

/// The title of a command that was refused.
fn refused(ledger: &[Line]) -> String {
    let failed: Vec<u64> =
        ledger.iter().filter_map(|line| if let Line::Fail { op, .. } = line { Some(*op) } else { None }).collect();
    let title = |line: &Line| match line {
        Line::Invoke(command) if failed.contains(&command.op) => command.title.clone(),
        _ => None,
    };
    ledger.iter().find_map(title).expect("a refused command")
}

/// What was read right after an answer is what was there before it.
fn one_version_older(line: &Line) -> Line {
    match line {
        Line::Read { op, task, version } => {
            Line::Read { op: *op, task: task.clone(), version: version.map(|version| version - 1) }
        }
        line => line.clone(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_somebody_leaves_open_is_found() {
    let _alone = ALONE.lock().await;
    let Some(scratch) = Scratch::new().await else { return };
    let store = Store::Schema { url: scratch.url(), schema: "public".to_owned() };
    assert_eq!(store.held().await, Vec::<String>::new());
    let careless = connect(&scratch.url()).await.unwrap();
    careless.batch_execute("BEGIN; SELECT 1").await.unwrap();
    let found = eventually("it is found", Duration::from_secs(10), async || store.held().await.pop()).await;
    assert!(found.contains("SELECT 1"), "{found}");
}

/// The second answer of a command that was asked twice is another.
fn forget_one_answer(ledger: &[Line]) -> impl Fn(&Line) -> Line {
    let mut seen = std::collections::BTreeSet::new();
    let ops = ledger.iter().filter_map(|line| if let Line::Ok { op, .. } = line { Some(*op) } else { None });
    let twice = ops.into_iter().find(|op| !seen.insert(*op)).expect("a command that was asked twice");
    let changed = std::cell::Cell::new(false);
    move |line| match line {
        Line::Ok { op, status, task, version, answer } if *op == twice && !changed.replace(true) => {
            Line::Ok { op: *op, status: *status, task: task.clone(), version: *version, answer: answer.wrapping_add(1) }
        }
        line => line.clone(),
    }
}
