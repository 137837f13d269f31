//! `cleave users create-admin`.

use crate::running::{cleave, done, done_typing, refused, start_in};
use serde_json::json;
use std::process::Command;
use testkit::Client;

const PASSWORD: &str = "a long enough secret";

fn create(directory: &std::path::Path) -> Command {
    let mut command = cleave(directory);
    command.args(["users", "create-admin", "--username", "root", "--email", "root@example.org"]);
    command
}

/// What the access token of that login says of its role; none where it is refused.
async fn role(address: &str, login: &str, password: &str) -> Option<String> {
    let nobody = Client::nobody(address);
    let tokens = nobody.post("/api/v1/auth/login", json!({"login": login, "password": password})).await;
    let token = tokens.body["access_token"].as_str()?.to_owned();
    let me = nobody.with_token(&token).get("/api/v1/users/me").await.expect(200);
    Some(me["role"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_administrator_is_made_with_the_password_that_is_typed() {
    let directory = tempfile::tempdir().unwrap();
    let made = done_typing(&mut create(directory.path()), PASSWORD);
    assert_eq!(String::from_utf8_lossy(&made.stdout), "made the administrator root\n");
    let mut again = cleave(directory.path());
    again.args(["users", "create-admin", "--username", "root", "--email", "other@example.org"]);
    assert_eq!(refused(again.env("CLEAVE_ADMIN_PASSWORD", PASSWORD)), "the username root is taken");
    let running = start_in(directory, |_| {});
    assert!(!running.screen.contains("admin-password"), "there is an administrator: {}", running.screen);
    assert!(!running.directory.path().join("data/admin-password").exists());
    assert_eq!(role(&running.address, "root", PASSWORD).await.as_deref(), Some("admin"));
    assert_eq!(role(&running.address, "root@example.org", "another long secret").await, None);
    let line = refused(create(running.directory.path()).env("CLEAVE_ADMIN_PASSWORD", PASSWORD));
    assert!(line.starts_with("another process serves the domain user from ./data"), "{line}");
}

#[test]
fn what_cannot_be_an_account_is_refused_and_nothing_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let with = |args: &[&str], password: &str| {
        let mut command = cleave(directory.path());
        refused(command.args(["users", "create-admin"]).args(args).env("CLEAVE_ADMIN_PASSWORD", password))
    };
    let line = with(&["--username", "Root!", "--email", "root@example.org"], PASSWORD);
    assert!(line.starts_with("--username "), "{line}");
    let line = with(&["--username", "root", "--email", "nowhere"], PASSWORD);
    assert!(line.starts_with("--email "), "{line}");
    let line = with(&["--username", "root", "--email", "root@example.org"], "password1");
    assert_eq!(line, "the password is among the first that are guessed: take another one");
    assert_eq!(
        refused(&mut create(directory.path())),
        "no password was given: set CLEAVE_ADMIN_PASSWORD, or type one",
        "standard input is empty"
    );
    assert_eq!(
        refused(create(directory.path()).env("CLEAVE_DOMAINS", "task").env("CLEAVE_ADMIN_PASSWORD", PASSWORD)),
        "user is not served here: do it where CLEAVE_DOMAINS says that it is"
    );
    let (code, shown) = done(cleave(directory.path()).args(["users", "create-admin", "--help"]));
    assert!(code == Some(0) && shown.contains("--data-dir") && shown.contains("CLEAVE_ADMIN_PASSWORD"), "{shown}");
}

#[test]
fn migrations_of_files_are_told_and_applied() {
    let directory = tempfile::tempdir().unwrap();
    let (code, before) = done(cleave(directory.path()).args(["migrate", "status"]));
    assert_eq!((code, before.lines().count()), (Some(1), 3), "{before}");
    assert!(before.contains("./data/task.db  0 applied, pending: m"), "{before}");
    assert!(!directory.path().join("data").exists(), "a look makes nothing");
    let (code, up) = done(cleave(directory.path()).args(["migrate", "up"]));
    assert!(code == Some(0) && up.contains("task  ./data/task.db  5 migrations applied, 5 of them now"), "{up}");
    let (code, after) = done(cleave(directory.path()).args(["migrate", "status"]));
    assert!(code == Some(0) && after.contains("5 applied, pending: none"), "{after}");
}
