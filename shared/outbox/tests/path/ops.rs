//! What an operator sees and does, on both databases: every state is told, every act may be done twice and leaves one
//! entry, and no listener does its work again.

use crate::pair::Pair;
use crate::place::Kind;
use crate::script::{self, Mood};
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{EventId, UserId};
use db::{Context, Db, DbError, Tx};
use outbox::ops::{self, Acted, Criteria, EventRecord, EventStatus, OpsError, Target, Window};
use uuid::Uuid;

macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(super::Kind::Sqlite).await; })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(super::Kind::Postgres).await; })+
        }
    };
}

on_both_databases!(
    a_dead_letter_is_retried_once_in_order_and_noted_once,
    a_failing_event_is_tried_now_instead_of_after_its_backoff,
    a_skipped_event_lets_those_behind_it_go,
    a_replay_reaches_the_bus_and_no_listener_twice,
    a_damaged_event_is_shown_and_given_up_without_a_gap,
    events_are_found_by_what_is_known_of_them,
    streams_and_backlog_say_how_far_everything_is,
);

const ALL: Window = Window { behind: None, limit: 100 };

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn admin() -> Context {
    Context { caller: Some(user(0xad)), ..Context::default() }
}

async fn emitted(pair: &Pair) -> Vec<EventRecord> {
    let mut events = ops::events(&pair.user, "user", &Criteria::default(), ALL).await.unwrap();
    events.reverse();
    events
}

async fn status(pair: &Pair, id: EventId) -> EventStatus {
    ops::event(&pair.task, "task", id).await.unwrap().unwrap().consumers[0].status
}

fn target(domain: &str, event: &EventRecord) -> Target {
    Target { domain: domain.to_owned(), event: EventId(event.attributes.id) }
}

macro_rules! act {
    ($db:expr, $act:ident, $target:expr) => {{
        async fn run(tx: &mut Tx, target: &Target) -> Result<Acted, OpsError> {
            ops::$act(tx, target).await
        }
        $db.write(&admin(), $target, run).await
    }};
}

async fn entries(db: &Db) -> Vec<(String, String, String)> {
    let audited = ops::audited(db, ALL).await.unwrap();
    audited.into_iter().rev().map(|entry| (entry.actor_id, entry.action, entry.target)).collect()
}

fn entry(action: &str, target: &Target) -> (String, String, String) {
    (user(0xad).to_string(), action.to_owned(), format!("{}/{}", target.domain, target.event))
}

async fn a_dead_letter_is_retried_once_in_order_and_noted_once(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    pair.mood(user(1), Some(Mood::Refuses));
    pair.emit(user(1), 4).await;
    pair.still_unpublished(0).await;
    let events = emitted(&pair).await;
    let first = target("task", &events[0]);
    pair.eventually("dead", async || status(&pair, first.event).await == EventStatus::Dead).await;
    let dead = ops::dead_letters(&pair.task, "task", &Criteria::default(), ALL).await.unwrap();
    assert_eq!(dead.len(), 1);
    let told = &dead[0].consumers[0];
    assert_eq!((told.attempts, told.last_error.as_deref()), (1, Some("never")));
    assert_eq!(dead[0].attributes.subject, format!("user/{}", user(1)));
    assert_eq!(status(&pair, EventId(events[1].attributes.id)).await, EventStatus::Parked);

    pair.mood(user(1), None);
    let changed = act!(pair.task, retry, &first).unwrap();
    assert_eq!((changed.changed, changed.status), (true, EventStatus::Parked));
    pair.running.iter().for_each(outbox::Messaging::wake);
    pair.heard(user(1), 4).await;
    for _ in 0..3 {
        let again = act!(pair.task, retry, &first).unwrap();
        assert_eq!((again.changed, again.status), (false, EventStatus::Done));
    }
    assert_eq!(pair.effects(user(1)).await, [1, 2, 4], "the third has no listener");
    assert_eq!(entries(&pair.task).await, [entry("retry", &first)]);
    let never_dead = act!(pair.task, retry, &target("task", &events[2])).unwrap_err();
    assert!(matches!(never_dead, OpsError::Status(EventStatus::Done)), "{never_dead:?}");
    let nothing = act!(pair.task, retry, &Target { domain: "task".to_owned(), event: EventId(Uuid::nil()) });
    assert!(matches!(nothing, Err(OpsError::NotFound)));
    assert_eq!(entries(&pair.task).await.len(), 1, "what was refused is not noted as done");
    pair.stop().await;
}

async fn a_failing_event_is_tried_now_instead_of_after_its_backoff(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    pair.mood(user(1), Some(Mood::Fails(1)));
    pair.emit(user(1), 1).await;
    let events = emitted(&pair).await;
    let event = target("task", &events[0]);
    pair.eventually("failing", async || {
        let known = ops::event(&pair.task, "task", event.event).await.unwrap();
        known.is_some_and(|known| known.consumers[0].status == EventStatus::Failing)
    })
    .await;
    // The clock stands still, so nothing but the operator brings it on.
    assert!(act!(pair.task, retry, &event).unwrap().changed);
    pair.running.iter().for_each(outbox::Messaging::wake);
    pair.heard(user(1), 1).await;
    assert_eq!(entries(&pair.task).await, [entry("retry", &event)]);
    assert_eq!(pair.effects(user(1)).await, [1]);
    pair.stop().await;
}

async fn a_skipped_event_lets_those_behind_it_go(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    pair.mood(user(1), Some(Mood::Refuses));
    pair.emit(user(1), 3).await;
    pair.still_unpublished(0).await;
    let events = emitted(&pair).await;
    let first = target("task", &events[0]);
    pair.eventually("dead", async || status(&pair, first.event).await == EventStatus::Dead).await;
    let done = act!(pair.task, skip, &target("task", &events[1])).unwrap_err();
    assert!(matches!(done, OpsError::Status(EventStatus::Parked)), "{done:?}");
    pair.mood(user(1), None);
    assert!(act!(pair.task, skip, &first).unwrap().changed);
    assert!(!act!(pair.task, skip, &first).unwrap().changed);
    pair.running.iter().for_each(outbox::Messaging::wake);
    pair.heard(user(1), 3).await;
    assert_eq!(pair.effects(user(1)).await, [2]);
    assert_eq!(status(&pair, first.event).await, EventStatus::Skipped);
    assert_eq!(entries(&pair.task).await, [entry("skip", &first)]);
    pair.stop().await;
}

async fn a_replay_reaches_the_bus_and_no_listener_twice(kind: Kind) {
    let Some(mut pair) = Pair::started(kind).await else { return };
    pair.emit(user(1), 3).await;
    pair.heard(user(1), 3).await;
    pair.still_unpublished(0).await;
    let events = emitted(&pair).await;
    let before = events[0].publication.as_ref().unwrap().published_at.unwrap();
    pair.advance(TimeDelta::seconds(5));
    let owned = target("user", &events[0]);
    let replayed = act!(pair.user, replay, &owned).unwrap();
    assert_eq!((replayed.changed, replayed.status), (true, EventStatus::Pending));
    pair.eventually("published again", async || {
        let publication = emitted(&pair).await.swap_remove(0).publication.unwrap();
        publication.published_at.is_some_and(|at| at > before)
    })
    .await;
    assert_eq!(pair.effects(user(1)).await, [1, 2]);
    assert_eq!(entries(&pair.user).await, [entry("replay", &owned)]);
    // At its consumer: done stays done.
    let heard = act!(pair.task, replay, &target("task", &events[0])).unwrap();
    assert_eq!((heard.changed, heard.status), (false, EventStatus::Done));
    assert_eq!(entries(&pair.task).await, []);
    pair.stop().await;
}

/// Somebody wrote into the table.
async fn damage(tx: &mut Tx, id: &Uuid) -> Result<(), DbError> {
    use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
    let mut update = Query::update();
    update.table(Alias::new("outbox")).value(Alias::new("headers"), "no JSON");
    update.and_where(Expr::col(Alias::new("event_id")).eq(*id));
    tx.run(Raw(update)).await.map(drop)
}

/// A plain statement.
struct Raw(sea_orm::sea_query::UpdateStatement);

impl sea_orm::QueryTrait for Raw {
    type QueryStatement = sea_orm::sea_query::UpdateStatement;

    fn query(&mut self) -> &mut Self::QueryStatement {
        &mut self.0
    }

    fn as_query(&self) -> &Self::QueryStatement {
        &self.0
    }

    fn into_query(self) -> Self::QueryStatement {
        self.0
    }
}

async fn a_damaged_event_is_shown_and_given_up_without_a_gap(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.emit(user(1), 3).await;
    let events = emitted(&pair).await;
    pair.user.write(&Context::default(), &events[0].attributes.id, damage).await.unwrap();
    let bad = target("user", &events[0]);
    let early = act!(pair.user, give_up, &bad).unwrap_err();
    assert!(matches!(early, OpsError::Status(EventStatus::Pending)), "{early:?}");
    pair.start_publisher().await;
    pair.start_consumer().await;
    let waits = async || ops::unpublished(&pair.user, &[EventStatus::Failing], ALL).await.unwrap();
    pair.eventually("refused", async || waits().await.len() == 1).await;
    let failing = waits().await.swap_remove(0);
    assert!(failing.damaged.as_deref().unwrap().starts_with("headers: "), "{failing:?}");
    assert!(failing.publication.unwrap().last_error.unwrap().contains("is damaged"));
    let backlog = ops::backlog(&pair.user).await.unwrap();
    assert_eq!((backlog.pending, backlog.failing), (3, 1));

    assert!(act!(pair.user, give_up, &bad).unwrap().changed);
    pair.running.iter().for_each(outbox::Messaging::wake);
    pair.heard(user(1), 3).await;
    pair.still_unpublished(0).await;
    assert_eq!(pair.effects(user(1)).await, [2], "the first is given up, the third has no listener");
    assert!(!act!(pair.user, give_up, &bad).unwrap().changed);
    assert!(emitted(&pair).await[0].erased);
    assert_eq!(entries(&pair.user).await, [entry("give_up", &bad)]);
    pair.stop().await;
}

async fn events_are_found_by_what_is_known_of_them(kind: Kind) {
    let Some(pair) = Pair::new(kind).await else { return };
    let context = |correlation: &str, cause: Option<u128>| Context {
        correlation_id: Some(correlation.to_owned()),
        causation_id: cause.map(Uuid::from_u128),
        ..Context::default()
    };
    for (n, correlation, cause) in [(1, "Req_1", None), (2, "req_1", Some(7)), (3, "Reqx1", Some(8))] {
        pair.user.write(&context(correlation, cause), &user(n), script::emit_one).await.unwrap();
        pair.advance(TimeDelta::seconds(10));
    }
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let found = async |criteria: Criteria| -> Vec<u128> {
        let events = ops::events(&pair.user, "user", &criteria, ALL).await.unwrap();
        let subject = |event: &EventRecord| event.attributes.partitionkey.parse::<Uuid>().unwrap().as_u128();
        events.iter().map(subject).collect()
    };
    let any = Criteria::default;
    assert_eq!(found(any()).await, [3, 2, 1], "newest first");
    let correlated = |id: &str| Criteria { correlation_id: Some(id.to_owned()), ..any() };
    assert_eq!(found(correlated("Req_1")).await, [1], "letter by letter");
    assert_eq!(found(correlated("Req")).await, []);
    assert_eq!(found(Criteria { causes: vec![Uuid::from_u128(7), Uuid::from_u128(8)], ..any() }).await, [3, 2]);
    let of_type = |name: &str| Criteria { types: vec![name.to_owned()], ..any() };
    assert_eq!(found(of_type("user.created")).await, [3, 2, 1]);
    assert_eq!(found(of_type("user.created.v1")).await, [3, 2, 1]);
    assert_eq!(found(of_type("user.created.v2")).await, []);
    assert_eq!(found(of_type("user.creat")).await, []);
    assert_eq!(found(Criteria { subject: Some(("user".to_owned(), user(2).to_string())), ..any() }).await, [2]);
    assert_eq!(found(Criteria { statuses: vec![EventStatus::Pending], ..any() }).await, [3, 2, 1]);
    assert_eq!(found(Criteria { statuses: vec![EventStatus::Published, EventStatus::Dead], ..any() }).await, []);
    let (since, until) = (start + TimeDelta::seconds(5), start + TimeDelta::seconds(15));
    assert_eq!(found(Criteria { since: Some(since), until: Some(until), ..any() }).await, [2]);
    let page = ops::events(&pair.user, "user", &any(), Window { behind: None, limit: 2 }).await.unwrap();
    let behind = Window { behind: Some(page[1].attributes.id), limit: 2 };
    assert_eq!(ops::events(&pair.user, "user", &any(), behind).await.unwrap().len(), 1);
    assert!(page.iter().all(|event| event.data.is_none()), "a list shows no payload");
    let one = ops::event(&pair.user, "user", EventId(page[0].attributes.id)).await.unwrap().unwrap();
    assert_eq!(one.data.unwrap()["username"], "u");
}

async fn streams_and_backlog_say_how_far_everything_is(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.emit(user(1), 2).await;
    pair.emit(user(2), 3).await;
    let emitted = ops::emitted_streams(&pair.user).await.unwrap();
    assert_eq!((emitted[0].aggregate.as_str(), emitted[0].emitted), ("user", 5));
    let waiting = ops::unpublished(&pair.user, &[], ALL).await.unwrap();
    assert!(waiting.windows(2).all(|pair| pair[0].attributes.id < pair[1].attributes.id), "oldest first");
    let backlog = ops::backlog(&pair.user).await.unwrap();
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!((backlog.pending, backlog.failing, backlog.oldest_pending_at), (5, 0, Some(start)));
    let task = pair.task.clone();
    let heard = async || ops::heard_streams(&task, "task", &[("user", "user")]).await.unwrap().swap_remove(0);
    let nothing = heard().await;
    assert_eq!((nothing.handled, nothing.last_handled_at), (0, None));

    pair.mood(user(2), Some(Mood::Refuses));
    pair.start_publisher().await;
    pair.start_consumer().await;
    pair.heard(user(1), 2).await;
    pair.still_unpublished(0).await;
    let now = heard().await;
    assert_eq!((now.handled, now.dead, now.parked, now.failing), (2, 1, 2, 0), "{now:?}");
    assert_eq!((now.aggregates, now.last_handled_at, now.oldest_waiting_at), (1, Some(start), Some(start)));
    assert_eq!(ops::backlog(&pair.user).await.unwrap(), ops::Backlog::default());
    pair.stop().await;
}
