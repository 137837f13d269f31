//! What would break only after a split breaks in one process. Rule: each fault is seeded next to its sound twin, and the
//! same check passes on the one and fails on the other; none of it needs a broker.

mod consumer;

use chrono::TimeDelta;
use consumer::{Mail, OtherTables, Sound, consumer};
use contracts::task::v1::TaskAssigned;
use contracts::topology::{TASKS, USERS};
use contracts::user::Role;
use contracts::user::v1::UserCreated;
use contracts::{Envelope, TaskId};
use futures_util::FutureExt;
use serde_json::Value;
use serde_json::value::to_raw_value;
use std::panic::AssertUnwindSafe;
use testkit::{Start, System, Topology};
use tests::wiring::{objections, published};

/// The user domain, and somebody who hears of users.
macro_rules! users_and {
    ($listeners:expr) => {
        (|config| Box::pin(runtime::serve(config, vec![user::module(), consumer($listeners)]))) as Start
    };
}

/// The real notification domain, by itself.
const NOTIFICATION: Start = |config| Box::pin(runtime::serve(config, vec![notification::module()]));

/// What a check says about a fault.
async fn refusal(check: impl Future<Output = ()>) -> String {
    let Err(panic) = AssertUnwindSafe(check).catch_unwind().await else { panic!("the fault goes unnoticed") };
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or_default().to_owned()
}

/// Who is heard of is welcomed; with the event as `bend` leaves it.
async fn welcomes(bend: impl FnOnce(&mut Envelope)) {
    let system = System::start(NOTIFICATION, Topology::EMBEDDED).await;
    let anna = system.user("anna").await;
    let created = UserCreated {
        user_id: anna.id(),
        username: "anna".to_owned(),
        email: "anna@example.org".to_owned(),
        display_name: None,
        timezone: "UTC".to_owned(),
        role: Role::User,
        is_active: true,
    };
    let mut event = system.injector().envelope(&created, anna.id().uuid(), Some(anna.id()));
    bend(&mut event);
    system.injector().deliver(&event).await;
    system.settle().await;
    let inbox = anna.get("/api/v1/notifications").await.expect(200);
    assert_eq!(inbox["counts"]["total"], 1, "welcomed");
}

#[tokio::test]
async fn a_renamed_event_is_noticed_by_who_is_not_welcomed_and_by_the_wiring() {
    welcomes(|_| {}).await;
    let said = refusal(welcomes(|event| event.event_type = "user.registered.v1".to_owned())).await;
    assert!(said.contains("welcomed"), "{said}");

    let listens_to = ["user.created.v1", "user.deleted.v1"].map(str::to_owned);
    let renamed = |event: String| if event == "user.created.v1" { "user.registered.v1".to_owned() } else { event };
    assert_eq!(objections("task", &listens_to, &[USERS], &published()), Vec::<String>::new());
    let renamed: Vec<String> = published().into_iter().map(renamed).collect();
    let said = objections("task", &listens_to, &[USERS], &renamed);
    assert_eq!(said, ["task listens to user.created.v1, which nobody publishes"]);
}

#[tokio::test]
async fn an_event_that_lost_a_field_is_dead_and_names_it() {
    for field in ["user_id", "username", "email", "timezone", "role", "is_active"] {
        let said = refusal(welcomes(|event| {
            let mut data: Value = serde_json::from_str(event.data.get()).unwrap();
            assert!(data.as_object_mut().unwrap().remove(field).is_some(), "{field}");
            event.data = to_raw_value(&data).unwrap();
        }))
        .await;
        assert!(said.contains(&format!("missing field `{field}`")) && said.contains("is dead"), "{said}");
    }
}

/// Registers somebody, and waits until everybody knows.
async fn registers(start: Start, topology: Topology) -> System {
    let system = System::start(start, topology).await;
    let anna = system.user("anna").await;
    let settled = AssertUnwindSafe(system.settle()).catch_unwind().await;
    // Whatever a consumer makes of it, what was answered with 201 stays.
    let me = anna.get("/api/v1/users/me").await.expect(200);
    assert_eq!(me["username"], "anna");
    if let Err(failed) = settled {
        std::panic::resume_unwind(failed);
    }
    system
}

#[tokio::test]
async fn a_listener_that_counts_on_the_publishers_transaction_is_found_out() {
    registers(users_and!(|_| Sound::listeners()), Topology::EMBEDDED).await;
    // It refuses, and believes that this undoes the registration.
    let said = refusal(registers(users_and!(|_| Sound::refuses()), Topology::EMBEDDED).map(drop)).await;
    assert!(said.contains("user.created.v1") && said.contains("nobody may register today"), "{said}");
}

/// A task is assigned to somebody of whom nothing was heard yet.
async fn assigned_before_created(start: Start) -> System {
    let system = System::start(start, Topology::EMBEDDED).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let task = TaskId(anna.id().uuid());
    let assigned = TaskAssigned { task_id: task, title: "Early".to_owned(), assignee_id: ben.id(), by: anna.id() };
    system.injector().event(&assigned, task.uuid(), Some(anna.id())).await;
    system.injector().user_created(ben.id(), "ben").await;
    system.settle().await;
    system
}

#[tokio::test]
async fn a_listener_that_counts_on_the_order_of_two_streams_is_found_out() {
    let system = assigned_before_created(NOTIFICATION).await;
    assert_eq!(system.count("notification", "SELECT count(*) FROM notification").await, 2, "told and welcomed");
    let hasty: Start = |config| Box::pin(runtime::serve(config, vec![consumer(|_| Sound::knows_everybody())]));
    let said = refusal(assigned_before_created(hasty).map(drop)).await;
    assert!(said.contains("task.assigned.v1") && said.contains("is dead"), "{said}");
}

/// Somebody registers, the mail server takes the mail and hangs up before it says so.
async fn mails_once(start: Start) {
    let system = System::start(start, Topology::EMBEDDED).await;
    system.user("anna").await;
    let failures = system.settle_with_failures().await;
    assert_eq!(failures[0].attempts, 1, "{failures:?}");
    system.advance(TimeDelta::hours(1));
    system.settle().await;
    let heard = system.count("notification", "SELECT count(*) FROM inbox WHERE event_type = 'user.created.v1'").await;
    let mails = i64::try_from(Mail::sent(system.directory())).unwrap();
    assert_eq!(mails, heard, "a mail for each event");
}

#[tokio::test]
async fn a_listener_that_is_not_idempotent_is_found_out_when_it_fails_once() {
    mails_once(users_and!(Mail::by_event)).await;
    let said = refusal(mails_once(users_and!(Mail::each_time))).await;
    assert!(said.contains("a mail for each event"), "{said}");
}

#[tokio::test]
async fn a_listener_without_a_binding_is_found_in_the_table() {
    let listens_to = ["task.created.v1", "user.created.v1"].map(str::to_owned);
    assert_eq!(objections("notification", &listens_to, &[USERS, TASKS], &published()), Vec::<String>::new());
    let said = objections("notification", &listens_to, &[USERS], &published());
    assert_eq!(said, ["notification has a listener for task.created.v1, and the table does not give it that stream"]);
    let said = objections("notification", &listens_to[1..], &[USERS, TASKS], &published());
    assert_eq!(said, ["notification hears task and listens to none of it"]);
    // And it is not called: the in-process bus takes no more from the table than a broker would.
    let deaf: Start = |config| Box::pin(runtime::serve(config, vec![consumer(|_| Sound::hears_notifications())]));
    let system = System::start(deaf, Topology::EMBEDDED).await;
    let sent = contracts::notification::v1::NotificationSent {
        notification_id: contracts::NotificationId(uuid::Uuid::nil()),
        recipient_id: system.user("anna").await.id(),
        channels: Vec::new(),
    };
    system.injector().event(&sent, uuid::Uuid::nil(), None).await;
    system.settle().await;
    assert_eq!(system.count("notification", "SELECT count(*) FROM inbox").await, 0, "nothing arrived");
}

#[tokio::test]
async fn a_panic_in_a_listener_is_told_and_takes_nobody_along() {
    let said = refusal(registers(users_and!(|_| Sound::panics()), Topology::EMBEDDED).map(drop)).await;
    assert!(said.contains("panicked: the consumer lost its head"), "{said}");
}

#[tokio::test]
async fn a_query_against_another_domains_table_fails_on_both_databases() {
    let others = users_and!(|_| OtherTables::listeners());
    let said = refusal(registers(others, Topology::EMBEDDED).map(drop)).await;
    assert!(said.contains("no such table: users"), "{said}");
    if Topology::MONOLITH_PG.can_run() {
        let said = refusal(registers(others, Topology::MONOLITH_PG).map(drop)).await;
        assert!(said.contains("relation \"users\" does not exist"), "{said}");
    }
}
