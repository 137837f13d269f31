//! Clean-up, hour after hour. Rule: what is kept does not grow with the age of the system, what has not been published or
//! done stays, and an event that is older than every row that knew of it is still refused.

use chrono::TimeDelta;
use contracts::user::Role;
use contracts::user::v1::UserCreated;
use contracts::{Clock, UserId};
use serde_json::json;
use std::time::Duration;
use testkit::{System, Topology, eventually};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);
const WELCOMES: &str = "SELECT count(*) FROM notification WHERE category = 'user.created'";

async fn what_is_kept_does_not_grow_and_an_old_event_is_refused(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    let id = UserId(Uuid::from_u128(7));
    let created = UserCreated {
        user_id: id,
        username: "old".to_owned(),
        email: "old@example.org".to_owned(),
        display_name: None,
        timezone: "UTC".to_owned(),
        role: Role::User,
        is_active: true,
    };
    let old = system.injector().envelope(&created, id.uuid(), None);
    system.injector().deliver(&old).await;
    let plan = anna.post("/api/v1/tasks", json!({"title": "Plan"})).await.expect(201);
    system.settle().await;
    let welcomes = system.count("notification", WELCOMES).await;

    system.advance(TimeDelta::days(40));
    let (mut anna, address) =
        (system.sign_in("anna", anna.id()).await, format!("/api/v1/tasks/{}", plan["id"].as_str().unwrap()));
    let mut most = 0;
    for hour in 0..48 {
        // A token does not last for an hour.
        if hour > 0 {
            system.advance(TimeDelta::hours(1));
            anna = system.sign_in("anna", anna.id()).await;
        }
        anna.patch(&address, json!({"title": format!("Plan {hour}")})).await.expect(200);
        system.settle().await;
        most = most.max(system.count("task", "SELECT count(*) FROM outbox").await);
    }
    // Those of 40 days ago have gone, those of the last two days have not.
    assert!(most <= 49, "{most} events are kept");
    eventually("the old ones go", SOON, async || {
        system.advance(TimeDelta::microseconds(1));
        let kept = system.count("task", "SELECT count(*) FROM outbox").await;
        let done = system.count("notification", "SELECT count(*) FROM inbox").await;
        (kept == 48 && done <= 60).then_some(())
    })
    .await;
    let heads = system.count("notification", "SELECT count(*) FROM inbox_head").await;
    assert!(heads >= 3, "watermarks stay");
    let known = format!("SELECT count(*) FROM inbox WHERE aggregate_id = '{id}'");
    assert_eq!(system.count("notification", &known).await, 0, "no row knows the old event");
    assert!(system.clock().now() - old.time > TimeDelta::days(40));
    system.injector().deliver(&old).await;
    system.settle().await;
    assert_eq!(system.count("notification", WELCOMES).await, welcomes, "an event of 40 days ago is known");
    assert_eq!(anna.get(&address).await.expect(200)["title"], "Plan 47");
    let mut system = system;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_files() {
    what_is_kept_does_not_grow_and_an_old_event_is_refused(Topology::EMBEDDED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql() {
    if Topology::MONOLITH_PG.can_run() {
        what_is_kept_does_not_grow_and_an_old_event_is_refused(Topology::MONOLITH_PG).await;
    }
}
