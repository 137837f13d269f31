//! An administrator at three in the morning, in every topology: finds the event that nobody could handle, sees why and
//! what its request caused, and brings it on with one call; and what everybody else is told.

use crate::poison::{poison_and_cure, task, told_of};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Client, Reply, System, Topology, eventually};

testkit::in_every_topology!(
    a_dead_letter_is_found_retried_once_and_noted,
    lists_are_for_administrators_and_walk_every_event_once,
);

const SOON: Duration = Duration::from_secs(10);

async fn items(client: &Client, path: &str) -> Vec<Value> {
    let list = client.get(path).await.expect(200);
    assert_eq!(list["unanswered"], json!([]), "{list}");
    list["items"].as_array().unwrap().clone()
}

fn consumer<'a>(event: &'a Value, name: &str) -> &'a Value {
    let consumers = event["consumers"].as_array().unwrap();
    consumers.iter().find(|consumer| consumer["consumer"] == name).unwrap_or(&Value::Null)
}

async fn a_dead_letter_is_found_retried_once_and_noted(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let admin = system.admin().await;
    let poison = task(&anna, &ben).await;
    system.settle().await;
    let (poisoned, cured) = poison_and_cure(system.on_postgres(), &poison);
    system.execute("notification", &poisoned).await;
    let complete = format!("/api/v1/tasks/{poison}/complete");
    ben.with("X-Request-Id", "night-1").post(&complete, Value::Null).await.expect(200);

    let failing = eventually("the first failure among the events", Duration::from_secs(5), async || {
        items(&admin, "/api/v1/ops/events?status=failing").await.pop()
    })
    .await;
    let id = failing["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&failing["type"], &failing["subject"]),
        (&json!("task.completed.v1"), &json!(format!("task/{poison}")))
    );
    assert_eq!(failing["correlationid"], "night-1");
    assert!(failing.get("data").is_none(), "a list shows no payload: {failing}");
    anna.post(&format!("/api/v1/tasks/{poison}/reopen"), Value::Null).await.expect(200);
    ben.post(&complete, Value::Null).await.expect(200);

    // Only the last attempt makes it dead, and that is seen at once.
    for _ in 0..13 {
        system.advance(TimeDelta::minutes(11));
        system.settle_with_failures().await;
    }
    let admin = system.sign_in("admin", admin.id()).await;
    let dead = items(&admin, "/api/v1/ops/dead-letters").await;
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert_eq!(dead[0]["id"], id.as_str());
    let told = consumer(&dead[0], "notification");
    assert_eq!((&told["status"], &told["attempts"]), (&json!("dead"), &json!(12)), "{told}");
    assert!(told["last_error"].as_str().unwrap().contains("poisoned"), "{told}");
    assert_eq!(
        admin.get("/api/v1/ops/notification/events?status=parked").await.expect(200)["items"].as_array().unwrap().len(),
        2,
        "those behind it wait"
    );

    let one = admin.get(&format!("/api/v1/ops/events/{id}")).await.expect(200);
    assert_eq!((&one["publication"]["status"], &one["unanswered"]), (&json!("published"), &json!([])), "{one}");
    assert_eq!(consumer(&one, "notification")["status"], "dead");
    assert_eq!(one["data"]["task_id"], poison.as_str());
    let tree = one["causation"]["events"].as_array().unwrap();
    assert_eq!((&one["causation"]["correlation_id"], tree.len()), (&json!("night-1"), 1), "{one}");
    assert_eq!((&tree[0]["id"], &tree[0]["caused"]), (&json!(id), &json!([])));

    let subscriptions = items(&admin, "/api/v1/ops/subscriptions").await;
    let tasks = |item: &&Value| item["consumer"] == "notification" && item["source"] == "task";
    let stream = subscriptions.iter().find(tasks).unwrap();
    assert_eq!((&stream["dead"], &stream["parked"], &stream["lag"]), (&json!(1), &json!(2), &json!(3)), "{stream}");

    system.execute("notification", cured).await;
    let retry = format!("/api/v1/ops/notification/dead-letters/{id}/retry");
    let first = admin.with("Idempotency-Key", "night").post(&retry, Value::Null).await;
    let again = admin.with("Idempotency-Key", "night").post(&retry, Value::Null).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.expect(202), again.expect(202));
    let anna = system.sign_in("anna", anna.id()).await;
    eventually("all three in order", SOON, async || (told_of(&anna, &poison).await.len() == 2).then_some(())).await;
    system.settle().await;
    let late = admin.post(&retry, Value::Null).await.expect(202);
    assert_eq!((&late["changed"], &late["status"]), (&json!(false), &json!("done")), "{late}");
    let order = "SELECT aggregate_seq FROM inbox WHERE aggregate_id = 'ID' AND consumer = 'notification' AND status = 1 ORDER BY done_at, aggregate_seq";
    assert_eq!(system.column("notification", &order.replace("ID", &poison)).await, ["1", "2", "3", "4", "5"]);
    assert_eq!(told_of(&anna, &poison).await, [json!("task.completed"), json!("task.completed")], "once each");

    let entries = admin.get("/api/v1/ops/notification/audit").await.expect(200);
    let entries = entries["items"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "one change, one entry: {entries:?}");
    assert_eq!((&entries[0]["action"], &entries[0]["target"]), (&json!("retry"), &json!(format!("notification/{id}"))));
    assert_eq!(entries[0]["actor_id"], admin.id().to_string());
    assert_eq!(items(&admin, "/api/v1/ops/dead-letters").await, Vec::<Value>::new());

    // What was done is published again, and nothing happens twice.
    let replay = admin.post(&format!("/api/v1/ops/task/events/{id}/replay"), Value::Null).await.expect(202);
    assert_eq!((&replay["changed"], &replay["status"]), (&json!(true), &json!("pending")));
    system.settle().await;
    assert_eq!(told_of(&anna, &poison).await.len(), 2);
    let one = admin.get(&format!("/api/v1/ops/events/{id}")).await.expect(200);
    // The sending of a notification is below the event that made it.
    let below = one["causation"]["events"][0]["caused"].as_array().unwrap();
    assert!(below.iter().any(|event| event["type"] == "notification.sent.v1"), "{one}");
}

fn refused(reply: Reply, status: u16, code: &str) {
    reply.expect_problem(status, code);
}

async fn lists_are_for_administrators_and_walk_every_event_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let admin = system.admin().await;
    for _ in 0..4 {
        task(&anna, &ben).await;
    }
    system.settle().await;
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    let lists = ["modules", "events", "dead-letters", "subscriptions", "outbox", "task/events", "task/audit"];
    for path in lists.map(|list| format!("/api/v1/ops/{list}")) {
        refused(anna.get(&path).await, 403, "insufficient_scope");
        refused(system.anonymous().get(&path).await, 401, "unauthorized");
        refused(admin.get(&format!("{path}?statu=dead")).await, 400, "unknown_parameter");
        admin.get(&path).await.expect(200);
    }
    for path in ["task/events", "task/outbox", "notification/dead-letters", "user/subscriptions", "user/undecodable"] {
        admin.get(&format!("/api/v1/ops/{path}")).await.expect(200);
    }
    let act = format!("/api/v1/ops/notification/dead-letters/{nowhere}/retry");
    refused(anna.post(&act, Value::Null).await, 403, "insufficient_scope");
    refused(admin.post(&act, Value::Null).await, 404, "not_found");
    refused(admin.post(&act, json!({"force": true})).await, 422, "unknown_field");
    refused(admin.get(&act).await, 405, "method_not_allowed");
    refused(admin.get(&format!("/api/v1/ops/events/{nowhere}")).await, 404, "not_found");
    refused(admin.get("/api/v1/ops/events?status=lost").await, 400, "invalid_parameter");
    refused(admin.get("/api/v1/ops/events?subject=task").await, 400, "invalid_parameter");
    refused(admin.get("/api/v1/ops/events?sort=id").await, 400, "unknown_parameter");
    refused(admin.get("/api/v1/ops/events?cursor=nonsense").await, 400, "invalid_cursor");

    let whole = items(&admin, "/api/v1/ops/events?limit=100").await;
    let (mut walked, mut next) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/api/v1/ops/events?limit=3{next}")).await.expect(200);
        walked.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        refused(
            admin.get(&format!("/api/v1/ops/events?type=task.created&cursor={cursor}")).await,
            400,
            "cursor_mismatch",
        );
        next = format!("&cursor={cursor}");
        // What comes meanwhile moves nothing.
        task(&anna, &ben).await;
    }
    system.settle().await;
    let ids = |events: &[Value]| events.iter().map(|event| event["id"].to_string()).collect::<Vec<_>>();
    let (walked, whole) = (ids(&walked), ids(&whole));
    assert!(walked.windows(2).all(|pair| pair[0] > pair[1]), "newest first, and none twice: {walked:?}");
    // The clock stands still, so what came meanwhile is of the same millisecond and may stand anywhere.
    let there_before: Vec<_> = walked.into_iter().filter(|id| whole.contains(id)).collect();
    assert_eq!(there_before, whole, "every event that was there");
    let done = items(&admin, "/api/v1/ops/events?type=task.created&limit=1").await;
    assert_eq!(done[0]["publication"]["status"], "published");
    assert_eq!(consumer(&done[0], "notification")["status"], "done", "{}", done[0]);
    let id = done[0]["id"].as_str().unwrap();
    let conflict = admin.post(&format!("/api/v1/ops/notification/dead-letters/{id}/retry"), Value::Null).await;
    assert_eq!(conflict.expect_problem(409, "conflict")["event_status"], "done");
}
