//! `/metrics` on a listener of its own.

use crate::running::{cleave, refused, start};
use std::net::TcpListener;
use testkit::Client;

#[tokio::test]
async fn a_listener_of_its_own_shows_the_metrics_to_anybody_and_nothing_else() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let running = start(|command| {
        command.env("CLEAVE_METRICS_ADDR", &address);
    });
    let (scraper, client) = (Client::nobody(&address), Client::nobody(&running.address));
    client.get("/health").await.expect(200);
    let metrics = scraper.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4");
    let health = r#"cleave_http_requests_total{method="GET",route="/health",status="200"} 1"#;
    assert!(metrics.text.contains(health), "{}", metrics.text);
    assert!(metrics.text.contains(r#"cleave_outbox_pending{domain="user"} "#), "{}", metrics.text);
    assert_eq!(scraper.get("/health").await.status, 404);
    client.get("/metrics").await.expect_problem(401, "unauthorized");
}

#[test]
fn a_listener_that_cannot_be_had_is_one_line_that_names_the_setting() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused(cleave(directory.path()).args(["--port", "0"]).env("CLEAVE_METRICS_ADDR", &address));
    assert!(line.starts_with(&format!("cannot listen on {address} (CLEAVE_METRICS_ADDR): ")), "{line}");
    assert_eq!(
        refused(cleave(directory.path()).env("CLEAVE_METRICS_ADDR", "9100")),
        "CLEAVE_METRICS_ADDR=9100 is not an address and a port (127.0.0.1:9100)"
    );
}
