//! Domains that another process serves, or nobody. Rule: what does not answer is a problem document and never a reason not
//! to start; what cannot work together is said.

use crate::running::{cleave, start, start_in};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;
use testkit::{Client, eventually};

const SOON: Duration = Duration::from_secs(10);
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_domain_that_does_not_answer_is_503_and_one_that_is_nowhere_is_404() {
    let nobody_there = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    // Who mounts nothing has no events, and asks for no broker.
    let gateway = start_in(directory, |command| {
        command
            .env("CLEAVE_DOMAINS", format!("task=http://{nobody_there}"))
            .env("CLEAVE_BUS", "amqp://nowhere.invalid");
    });
    assert!(gateway.screen.contains(&format!("task  http://{nobody_there}  elsewhere")), "{}", gateway.screen);
    let nobody = Client::nobody(&gateway.address);
    assert_eq!(nobody.get("/health/ready").await.status, 200, "a gateway is ready at once");
    for path in ["/api/v1/tasks", "/api/v1/categories"] {
        let away = nobody.get(path).await;
        let wait: u64 = away.header("retry-after").parse().unwrap();
        assert!(wait >= 1, "{wait}");
        away.expect_problem(503, "unavailable");
    }
    for path in ["/api/v1/users/me", "/api/v1/auth/login", "/api/v1/notifications"] {
        nobody.get(path).await.expect_problem(404, "domain_absent");
    }
    nobody.get("/api/v1/nothing").await.expect_problem(404, "not_found");
    eventually("the target is known to be away", SOON, async || {
        (nobody.get("/health").await.body["services"] == json!({"task": "unhealthy"})).then_some(())
    })
    .await;
    let health = nobody.get("/health").await.expect(200);
    assert_eq!(health["status"], "degraded");
    assert_eq!(nobody.get("/health/task").await.status, 503);
    nobody.get("/health/user").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_process_that_expects_other_tokens_than_are_issued_says_so_and_is_not_ready() {
    let users = start(|command| {
        command.env("CLEAVE_DOMAINS", "user").env("CLEAVE_INTERNAL_TOKEN", TOKEN);
    });
    let directory = tempfile::tempdir().unwrap();
    let tasks = |public_url: &str| {
        let mut command = cleave(directory.path());
        command.args(["--port", "0", "--public-url", public_url]).stderr(Stdio::piped());
        command.env("CLEAVE_DOMAINS", "task").env("CLEAVE_INTERNAL_TOKEN", TOKEN);
        command.env("CLEAVE_USER_URL", format!("http://{}", users.address)).spawn().unwrap()
    };
    let address = async || {
        let file = directory.path().join("data/cleave.addr");
        eventually("it listens", SOON, async || std::fs::read_to_string(&file).ok()).await.trim().to_owned()
    };
    let mut child = tasks("http://other.example");
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let said = log.find(|line| line.contains("set both to the same")).expect("a line in the log");
    assert!(said.contains("http://other.example") && said.contains(&users.address), "{said}");
    let nobody = Client::nobody(&address().await);
    let ready = nobody.get("/health/ready").await;
    assert_eq!((ready.status, &ready.body["reason"]), (503, &json!("the token keys are not loaded")));
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(directory.path().join("data/cleave.addr")).unwrap();

    let mut child = tasks(&format!("http://{}", users.address));
    let nobody = Client::nobody(&address().await);
    eventually("ready", SOON, async || {
        let reply = nobody.try_send(reqwest::Method::GET, "/health/ready", None).await.ok()?;
        (reply.status == 200).then_some(())
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
}
