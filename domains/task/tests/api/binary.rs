//! The shipped binary of this domain: what `cargo run -p task` starts. Rule: it serves its domain alone, on the port of
//! its own, and says in one line what it lacks.

use testkit::{Client, Shipped, own_host, shipped};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cleave-task");

#[tokio::test]
async fn it_serves_its_domain_on_its_own_port_and_stops_when_told() {
    let host = own_host();
    let running = Shipped::start(PROGRAM, tempfile::tempdir().unwrap(), |command| {
        command.args(["--host", &host]);
        // Nobody serves the users: it waits for the keys, and says whom it asks.
        command.env("CLEAVE_INTERNAL_TOKEN", "7".repeat(64)).env("CLEAVE_USER_URL", "http://127.0.0.1:1");
    });
    let (screen, address) = (&running.screen, format!("{host}:8002"));
    assert_eq!(running.address, address);
    for expected in [&format!("http://{address}/health"), "task", "./data/task.db"] {
        assert!(screen.contains(expected), "{expected} is not on the screen:\n{screen}");
    }
    let nobody = Client::nobody(&address);
    let live = nobody.get("/health/live").await;
    assert_eq!(live.status, 200);
    let ready = nobody.get("/health/ready").await;
    assert_eq!((ready.status, &ready.body["reason"]), (503, &"the token keys are not loaded".into()));
    nobody.get("/api/v1/tasks").await.expect_problem(401, "unauthorized");
    nobody.get("/api/v1/users").await.expect_problem(404, "not_found");
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn its_help_tells_its_own_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let help = shipped(PROGRAM, directory.path()).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: cleave-task serve") && help.contains("0 picks a free one [default: 8002]"), "{help}");
    assert!(help.contains("or off [default: off]") && !help.contains("--domains"), "{help}");
}

#[test]
fn what_it_lacks_is_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let refused = shipped(PROGRAM, directory.path()).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        "cleave-task: CLEAVE_INTERNAL_TOKEN is missing: the user domain is served elsewhere, and shows its revocations to \
         nobody else; make it with `openssl rand -hex 32` and give it to every process\n"
    );
    assert!(!directory.path().join("data").exists());
}
