//! What is measured, as a scraper with an administrator's token reads it. Rule: it names what waits, and its labels are
//! few, whatever is asked for.

use serde_json::json;
use testkit::{Client, System, Topology, in_every_topology};

in_every_topology! {
    administrators_read_what_waits_and_who_asked,
}

/// The number behind a name and its labels.
async fn value(client: &Client, series: &str) -> f64 {
    let text = client.get("/metrics").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("{series}: {text}"));
    line.trim().parse().unwrap()
}

async fn administrators_read_what_waits_and_who_asked(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (admin, anna) = (system.admin().await, system.user("anna").await);
    system.anonymous().get("/metrics").await.expect_problem(401, "unauthorized");
    anna.get("/metrics").await.expect_problem(403, "insufficient_scope");
    anna.post("/api/v1/tasks", json!({"title": "One"})).await.expect(201);
    for n in 0..3 {
        anna.get(&format!("/nowhere/{n}")).await.expect(404);
    }
    system.settle().await;
    // Each process tells of itself; who serves the tasks may be another than who is spoken to.
    let tasks = if system.topology().processes.is_empty() { admin.clone() } else { at(&system, "task", &admin) };
    assert_eq!(value(&tasks, r#"cleave_outbox_pending{domain="task"}"#).await, 0.0);
    assert_eq!(value(&tasks, r#"cleave_inbox_dead{domain="task"}"#).await, 0.0);
    assert_eq!(value(&tasks, r#"cleave_database_writable{domain="task"}"#).await, 1.0);
    for task in ["relay", "inbox"] {
        let labels = format!(r#"{{domain="task",task="{task}"}}"#);
        assert_eq!(value(&tasks, &format!("cleave_task_restarts{labels}")).await, 0.0);
        assert!(value(&tasks, &format!("cleave_task_last_tick_seconds{labels}")).await < 30.0);
    }
    let created = r#"cleave_http_requests_total{method="POST",route="/api/v1/tasks",status="201"}"#;
    assert_eq!(value(&tasks, created).await, 1.0);
    let nowhere = r#"cleave_http_requests_total{method="GET",route="unregistered",status="404"}"#;
    assert_eq!(value(&admin, nowhere).await, 3.0);
    let own = r#"cleave_http_requests_total{method="GET",route="/metrics",status="403"}"#;
    assert_eq!(value(&admin, own).await, 1.0);
    let health = tasks.get("/health/task?verbose=true").await.expect(200);
    assert!(health["checks"]["messaging"]["relay"]["last_tick_seconds"].is_u64(), "{health}");
}

fn at(system: &System, process: &str, who: &Client) -> Client {
    system.at(process).with_token(who.token().unwrap())
}
