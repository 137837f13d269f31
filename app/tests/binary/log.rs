//! A log that takes no line any more, as on a full disk. Rule: lines are lost, and nothing else.

use crate::running::start;
use serde_json::{Value, json};
use std::fs::File;
use std::time::Duration;
use testkit::{Client, eventually};

const PASSWORD: &str = "a long enough secret";

#[tokio::test]
async fn a_log_that_cannot_be_written_ends_no_task() {
    let running = start(|command| {
        command.stderr(File::options().write(true).open("/dev/full").unwrap());
    });
    let nobody = Client::nobody(&running.address);
    let anna = json!({"username": "anna", "email": "anna@example.org", "password": PASSWORD});
    nobody.post("/api/v1/auth/register", anna).await.expect(201);
    let tokens = nobody.post("/api/v1/auth/login", json!({"login": "anna", "password": PASSWORD})).await.expect(200);
    let anna = nobody.with_token(tokens["access_token"].as_str().unwrap());
    eventually("the welcome", Duration::from_secs(20), async || {
        let inbox = anna.get("/api/v1/notifications").await.expect(200);
        (inbox["counts"]["total"] == 1).then_some(())
    })
    .await;
    let health = nobody.get("/health?verbose=true").await.expect(200);
    for domain in ["user", "task", "notification"] {
        let messaging: &Value = &health["checks"][domain]["messaging"];
        assert_eq!(messaging["relay"]["restarts"], 0, "{health}");
        assert_ne!(messaging["inbox"]["restarts"], 1, "{health}");
    }
}
