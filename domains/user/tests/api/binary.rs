//! The shipped binary of this domain: what `cargo run -p user` starts. Rule: it serves its domain alone, on the port of
//! its own, and says in one line what it lacks.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use testkit::Client;

/// A command that reads nothing of its surroundings.
fn binary(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cleave-user"));
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
    let mut running = Running(command.args(["--host", &host]).stderr(Stdio::null()).spawn().unwrap());
    let screen = screen(&mut running);
    let address = format!("{host}:8001");
    for expected in [&format!("http://{address}/health"), "user", "./data/user.db"] {
        assert!(screen.contains(expected), "{expected} is not on the screen:\n{screen}");
    }
    let nobody = Client::nobody(&address);
    let live = nobody.get("/health/live").await;
    assert_eq!(live.status, 200);
    assert_eq!(nobody.get("/health/ready").await.status, 200);
    let password = std::fs::read_to_string(directory.path().join("data/admin-password")).unwrap();
    let login = serde_json::json!({"login": "admin", "password": password.trim()});
    let tokens = nobody.post("/api/v1/auth/login", login).await.expect(200);
    let admin = nobody.with_token(tokens["access_token"].as_str().unwrap());
    assert_eq!(admin.get("/api/v1/users/me").await.expect(200)["role"], "admin");
    assert_eq!(nobody.get("/.well-known/jwks.json").await.expect(200)["keys"].as_array().unwrap().len(), 1);
    nobody.get("/api/v1/tasks").await.expect_problem(404, "not_found");
    let told = Command::new("kill").args(["-TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

#[test]
fn its_help_tells_its_own_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let help = binary(directory.path()).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: cleave-user serve") && help.contains("0 picks a free one [default: 8001]"), "{help}");
    assert!(help.contains("not yet applied [default: off]") && !help.contains("--domains"), "{help}");
}
