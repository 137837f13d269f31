//! The shipped binary of this domain: what `cargo run -p user` starts. Rule: it serves its domain alone, on the port of
//! its own, and says in one line what it lacks.

use testkit::{Client, Shipped, own_host, shipped};

const PROGRAM: &str = env!("CARGO_BIN_EXE_cleave-user");

#[tokio::test]
async fn it_serves_its_domain_on_its_own_port_and_stops_when_told() {
    let host = own_host();
    let running = Shipped::start(PROGRAM, tempfile::tempdir().unwrap(), |command| {
        command.args(["--host", &host]);
    });
    let (screen, address) = (&running.screen, format!("{host}:8001"));
    assert_eq!(running.address, address);
    for expected in [&format!("http://{address}/health"), "user", "./data/user.db"] {
        assert!(screen.contains(expected), "{expected} is not on the screen:\n{screen}");
    }
    let nobody = Client::nobody(&address);
    let live = nobody.get("/health/live").await;
    assert_eq!(live.status, 200);
    assert_eq!(nobody.get("/health/ready").await.status, 200);
    let password = std::fs::read_to_string(running.directory.path().join("data/admin-password")).unwrap();
    let login = serde_json::json!({"login": "admin", "password": password.trim()});
    let tokens = nobody.post("/api/v1/auth/login", login).await.expect(200);
    let admin = nobody.with_token(tokens["access_token"].as_str().unwrap());
    assert_eq!(admin.get("/api/v1/users/me").await.expect(200)["role"], "admin");
    assert_eq!(nobody.get("/.well-known/jwks.json").await.expect(200)["keys"].as_array().unwrap().len(), 1);
    nobody.get("/api/v1/tasks").await.expect_problem(404, "not_found");
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(0));
}

#[test]
fn its_help_tells_its_own_defaults() {
    let directory = tempfile::tempdir().unwrap();
    let help = shipped(PROGRAM, directory.path()).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: cleave-user serve") && help.contains("0 picks a free one [default: 8001]"), "{help}");
    assert!(help.contains("or off [default: off]") && !help.contains("--domains"), "{help}");
}
