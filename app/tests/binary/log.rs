//! The log. Rule: where it takes no line any more, lines are lost and nothing else; and a line is a record of ours, whatever
//! a client sends.

use crate::running::{start, start_in};
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

#[tokio::test]
async fn nothing_that_a_client_sends_begins_a_line() {
    const FORGED: &str = "2026-01-01T00:00:00Z ERROR forged";
    for format in ["text", "json"] {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let running = start_in(directory, |command| {
            command.env("CLEAVE_LOG", "trace").env("CLEAVE_LOG_FORMAT", format).stderr(File::create(&log).unwrap());
        });
        let nobody = Client::nobody(&running.address);
        for breaking in ["\n", "\r\n", "\r", "\u{2028}", "\u{85}", "\u{1b}[2K\r"] {
            let text = format!("x{breaking}{FORGED}");
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            nobody.get(&format!("/api/v1/{encoded}?{encoded}={encoded}")).await;
            nobody.post("/api/v1/auth/login", json!({"login": text, "password": text})).await.expect(401);
            let account = json!({"username": text, "email": text, "password": text, "display_name": text});
            nobody.post("/api/v1/auth/register", account).await.expect(422);
            nobody.post("/api/v1/auth/refresh", json!({"refresh_token": text, (text.as_str()): 1})).await;
            nobody.with_token(&format!("{FORGED}\t{FORGED}")).get("/api/v1/tasks").await.expect(401);
            for header in
                ["user-agent", "x-request-id", "traceparent", "x-forwarded-for", "idempotency-key", "if-match"]
            {
                nobody.with(header, FORGED).post("/api/v1/auth/login", json!({"login": "x", "password": "y"})).await;
            }
        }
        running.signal("TERM");
        let (_, directory) = running.end();
        let log = std::fs::read_to_string(directory.path().join("log")).unwrap();
        assert!(log.lines().count() > 100, "as much as can be had");
        for line in log.split(['\n', '\r', '\u{2028}', '\u{85}']) {
            assert!(!line.starts_with(FORGED), "{line}");
            if format == "json" && !line.is_empty() {
                serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            }
        }
    }
}
