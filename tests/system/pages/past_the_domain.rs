//! Lists of what no client can make in numbers: their rows are put into the table past the domain. Rule: they leave the
//! way that they do in life wherever there is one.

use super::walk::{List, each_once, walks};
use super::{AT_ONCE, BEFORE, MEANWHILE, come_and_go, left, make_all, task};
use futures_util::stream::{self, StreamExt};
use serde_json::Value;
use std::collections::BTreeSet;
use testkit::{System, Topology};
use uuid::Uuid;

/// Odd, so that no two numbers become one, and large, so that the ids come in no order.
const SPREAD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;

/// A sign-in costs the hash of a password, so a thousand of them are copies of one; they are ended by their user.
pub(super) async fn sessions_are_each_seen_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let owner = literal(&system, &anna.id().to_string());
    let own = List::new("/api/v1/users/me/sessions").walk(&anna).await;
    let [own] = own.as_slice() else { panic!("{own:?}") };
    let copied = literal(&system, own);
    // Many were made at the same instant, and used at the same.
    let ago = |seconds: usize| {
        if system.on_postgres() { format!("interval '{seconds} s'") } else { format!("{seconds}000000") }
    };
    let make = async |n: usize| {
        let id = Uuid::from_u128(SPREAD.wrapping_mul(1 + n as u128)).to_string();
        let sql = format!(
            "INSERT INTO session (id, user_id, created_at, last_used_at, absolute_exp)
             SELECT {}, user_id, created_at - {}, last_used_at - {}, absolute_exp FROM session
             WHERE id = {copied} AND user_id = {owner}",
            literal(&system, &id),
            ago(n % 5),
            ago(n % 3)
        );
        system.execute("user", &sql).await;
        id
    };
    let before = make_all(make).await;
    let lists = List::new("/api/v1/users/me/sessions").in_every_order(&anna).await;
    assert_eq!(lists.len(), 8, "{lists:?}");
    let make = async |n: usize| make(n + BEFORE).await;
    let end = async |id: String| anna.delete(&format!("/api/v1/users/me/sessions/{id}")).await;
    let walked = walks(&anna, &lists, come_and_go(&before, make, end)).await;
    let mut stay = left(&before);
    stay.insert(own.clone());
    each_once(&walked, &stay);
}

pub(super) async fn dead_letters_and_audit_entries_are_each_seen_once(topology: Topology) {
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

/// Events that the bus has refused, and messages that were none.
pub(super) async fn outboxes_and_undecodable_messages_are_each_seen_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, admin) = (system.user("anna").await, system.admin().await);
    let made = stream::iter(0..2 * BEFORE).map(|n| anna.post("/api/v1/tasks", task(n))).buffered(AT_ONCE);
    made.for_each(async |made| drop(made.expect(201))).await;
    system.settle().await;
    // Its own, and none of those that it heard.
    let events = List::new("/api/v1/ops/task/events?type=task.created").walk(&admin).await;
    // Not due while this lasts, and no longer off than a refused event can be.
    let pause = if system.on_postgres() { "interval '5 min'" } else { "300000000" };
    let held = format!("published_at = NULL, attempts = 1, next_attempt_at = occurred_at + {pause}");
    let mark = async |events: &[String], as_what: &str| {
        let ids = events.iter().map(|id| literal(&system, id)).collect::<Vec<_>>().join(", ");
        system.execute("task", &format!("UPDATE outbox SET {as_what} WHERE event_id IN ({ids})")).await;
    };
    // Those that stay lie between those that come and go.
    let every_other = |first| events.iter().skip(first).step_by(2).cloned().collect::<Vec<String>>();
    let (stay, others) = (every_other(0), every_other(1));
    mark(&stay, &held).await;
    let stray = |error: &str, times: usize| {
        let (headers, body) = if system.on_postgres() { ("'{}'::jsonb", "'{'::bytea") } else { ("'{}'", "x'7b'") };
        let row = format!(
            "('notification', '{error}', {headers}, {body}, {})",
            if system.on_postgres() { "now()" } else { "0" }
        );
        let rows = vec![row; times].join(", ");
        format!("INSERT INTO undecodable (consumer, error, headers, body, received_at) VALUES {rows};")
    };
    for _ in 0..BEFORE {
        system.execute("notification", &(stray("stays", 1) + &stray("goes", 1))).await;
    }
    let strays = system.column("notification", "SELECT id FROM undecodable WHERE error = 'stays'").await;
    let go =
        "DELETE FROM undecodable WHERE id IN (SELECT id FROM undecodable WHERE error = 'goes' ORDER BY id LIMIT 10);";
    let writing = async {
        for n in 0..MEANWHILE / 10 {
            let chunk = n % others.len().div_ceil(10) * 10;
            let some: Vec<String> = others.iter().skip(chunk).take(10).cloned().collect();
            mark(&some, if n % 2 == 0 { &held } else { "published_at = occurred_at" }).await;
            system.execute("notification", &(stray("goes", 10) + go)).await;
        }
    };
    let lists = [
        List::new("/api/v1/ops/task/outbox"),
        List::new("/api/v1/ops/outbox"),
        List::new("/api/v1/ops/notification/undecodable"),
    ];
    let walked = walks(&admin, &lists, writing).await;
    let (stay, strays) = (stay.into_iter().collect(), strays.into_iter().collect());
    for (list, seen) in walked {
        let expected = if list.path.ends_with("undecodable") { &strays } else { &stay };
        each_once(&[(list, seen)], expected);
    }
}

/// An id as the database's own statement has it.
fn literal(system: &System, id: &str) -> String {
    if system.on_postgres() { format!("'{id}'") } else { format!("x'{}'", id.replace('-', "")) }
}
