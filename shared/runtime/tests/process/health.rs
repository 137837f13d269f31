//! Health tells what is wrong, and only what cannot write is unhealthy.

use crate::support::{domain, get, place, with};
use contracts::user::v1::UserDeleted;
use contracts::{Envelope, Event, EventId, NewEnvelope, UserId};
use db::{Context, DbError, Tx};
use outbox::{Heard, ListenError, Listeners};
use runtime::{Mounted, Server};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_healthy_process_says_so_everywhere() {
    let (_directory, config) = place();
    let modules = vec![domain("notes", &["/api/v1/notes"]), domain("lists", &["/api/v1/lists"])];
    let server = runtime::serve(config, modules).await.unwrap();
    let health = get(&server, "/health").await;
    assert_eq!((health.status, &health.body["status"]), (200, &json!("healthy")));
    assert_eq!(health.body["services"], json!({ "notes": "healthy", "lists": "healthy" }));
    assert!(health.body.get("checks").is_none());
    let timestamp = health.body["timestamp"].as_str().unwrap();
    assert!(timestamp.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(timestamp).is_ok(), "{timestamp}");
    let checks = &get(&server, "/health?verbose=true").await.body["checks"];
    assert_eq!(checks["notes"]["database"], json!({ "writable": true }));
    assert_eq!(checks["notes"]["migrations"], json!({ "applied": 4, "pending": 0 }));
    assert_eq!(checks["notes"]["messaging"]["pending"], 0);
    assert_eq!(checks["bus"], json!({ "kind": "in-process", "trouble": null }));
    assert_eq!(checks["keys"], json!({ "loaded": true, "stale": false }));
    for (path, status) in [("/health/live", "healthy"), ("/health/ready", "ready"), ("/health/lists", "healthy")] {
        let reply = get(&server, path).await;
        assert_eq!((reply.status, reply.body["status"].as_str()), (200, Some(status)), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_dead_letter_makes_its_domain_degraded_and_is_named_without_its_error() {
    let module = with("task", &["/api/v1/tasks"], || {
        Mounted::new().listeners(Listeners::new("task").on::<UserDeleted, _>(refuse))
    });
    let (_directory, config) = place();
    let server = runtime::serve(config, vec![module, domain("notes", &["/api/v1/notes"])]).await.unwrap();
    let event = deleted_user();
    let offered = server.bus().publish_batch(std::slice::from_ref(&event), Duration::from_secs(5)).await;
    assert_eq!(offered, [bus::Published::Accepted]);
    let health = get(&server, "/health?verbose=true").await;
    assert_eq!((health.status, &health.body["status"]), (200, &json!("degraded")));
    assert_eq!(health.body["services"], json!({ "task": "degraded", "notes": "healthy" }));
    let messaging = &health.body["checks"]["task"]["messaging"];
    assert_eq!((&messaging["dead"], &messaging["failing"]), (&json!(1), &json!(0)), "{messaging}");
    assert_eq!(messaging["blocked"][0]["event_id"], json!(event.id));
    assert!(!health.body.to_string().contains("a private reason"));
    assert_eq!(get(&server, "/health/task").await.status, 200);
    assert_eq!(get(&server, "/health/ready").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_domain_that_cannot_write_is_unhealthy_until_it_can() {
    let (_directory, config) = place();
    let file = config.data_dir.join("notes.db");
    let modules = vec![domain("notes", &["/api/v1/notes"]), domain("lists", &["/api/v1/lists"])];
    let server = runtime::serve(config, modules).await.unwrap();
    let stranger = rusqlite::Connection::open(file).unwrap();
    stranger.busy_timeout(Duration::from_secs(10)).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    write(&server).await.expect_err("the file is locked");
    for path in ["/health", "/health/notes", "/health/ready"] {
        assert_eq!(get(&server, path).await.status, 503, "{path}");
    }
    let health = get(&server, "/health").await.body;
    assert_eq!(health["status"], "unhealthy");
    assert_eq!(health["services"], json!({ "notes": "unhealthy", "lists": "healthy" }));
    assert_eq!(get(&server, "/health/live").await.status, 200);
    assert_eq!(get(&server, "/health/lists").await.status, 200);
    stranger.execute_batch("ROLLBACK").unwrap();
    write(&server).await.unwrap();
    assert_eq!(get(&server, "/health").await.body["status"], "healthy");
    assert_eq!(get(&server, "/health/ready").await.status, 200);
    server.stop().await;
}

async fn write(server: &Server) -> Result<(), DbError> {
    server.domains()[0].db.write(&Context::default(), &(), nothing).await
}

async fn nothing(_: &mut Tx, (): &()) -> Result<(), DbError> {
    Ok(())
}

async fn refuse(_: &mut Tx, _: &Heard<UserDeleted>) -> Result<(), ListenError> {
    Err(ListenError::Permanent("a private reason".to_owned()))
}

fn deleted_user() -> Envelope {
    let user = Uuid::from_u128(7);
    let data = serde_json::value::to_raw_value(&UserDeleted { user_id: UserId(user) }).unwrap();
    Envelope::new(NewEnvelope {
        id: EventId(Uuid::from_u128(1)),
        domain: UserDeleted::DOMAIN,
        aggregate: UserDeleted::AGGREGATE,
        aggregate_id: user,
        event_type: UserDeleted::event_type(),
        time: chrono::DateTime::UNIX_EPOCH,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
        sequence: 1,
        stream_epoch: 1,
        auth_id: None,
        data,
    })
}
