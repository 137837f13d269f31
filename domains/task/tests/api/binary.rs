//! The shipped binary of this domain: what `cargo run -p task` starts. Rule: it serves its domain alone, on the port of
//! its own, and says in one line what it lacks.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use testkit::Client;

/// A command that reads nothing of its surroundings.
fn binary(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cleave-task"));
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLEAVE_")) {
        command.env_remove(name);
    }
    command
}

/// An address of this machine on which nobody else takes the standard port.
fn own_host() -> String {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    format!("127.{}.{b}.{}", a | 128, c.max(1))
}

/// Ended also when the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already is the usual case.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What it prints until it serves.
fn screen(running: &mut Running) -> String {
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut screen = String::new();
    for line in lines.map_while(Result::ok) {
        screen.push_str(&line);
        screen.push('\n');
        if screen.contains("/health") {
            break;
        }
    }
    assert!(screen.contains("/health"), "it does not serve: {screen}");
    screen
}

#[tokio::test]
async fn it_serves_its_domain_on_its_own_port_and_stops_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let host = own_host();
    let mut command = binary(directory.path());
    // Nobody serves the users: it waits for the keys, and says whom it asks.
    command.env("CLEAVE_INTERNAL_TOKEN", "7".repeat(64)).env("CLEAVE_USER_URL", "http://127.0.0.1:1");
    let mut running = Running(command.args(["--host", &host]).stderr(Stdio::null()).spawn().unwrap());
    let screen = screen(&mut running);
    let address = format!("{host}:8002");
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
    let told = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

#[test]
fn its_help_tells_its_own_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let help = binary(directory.path()).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: cleave-task serve") && help.contains("0 picks a free one [default: 8002]"), "{help}");
    assert!(help.contains("not yet applied [default: off]") && !help.contains("--domains"), "{help}");
}

#[test]
fn what_it_lacks_is_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let refused = binary(directory.path()).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        "cleave-task: CLEAVE_INTERNAL_TOKEN is missing: the user domain is served elsewhere, and shows its revocations to \
         nobody else; make it with `openssl rand -hex 32` and give it to every process\n"
    );
    assert!(!directory.path().join("data").exists());
}
