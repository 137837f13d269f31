//! What a process makes when it finds nothing.

use crate::{serve, sign_in, system};
use secrecy::SecretString;
use serde_json::json;
use testkit::{System, Topology};

#[tokio::test]
async fn a_random_password_of_the_first_administrator_is_in_a_private_file() {
    let mut system = System::start_with(serve, Topology::EMBEDDED, |config| config.admin_password = None).await;
    let path = system.directory().join("admin-password");
    let password = std::fs::read_to_string(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let login = json!({"login": "admin", "password": password.trim_end()});
    let _ = system.anonymous().post("/api/v1/auth/login", login.clone()).await.expect(200);

    std::fs::remove_file(&path).unwrap();
    system.restart().await;
    assert!(!path.exists(), "there is an administrator by now");
    let _ = system.anonymous().post("/api/v1/auth/login", login).await.expect(200);
}

#[tokio::test]
async fn a_given_password_is_taken_and_written_nowhere() {
    let system = system().await;
    sign_in(&system, "admin").await;
    assert!(!system.directory().join("admin-password").exists());
}

#[tokio::test]
async fn where_nobody_administrates_and_the_name_is_taken_the_start_says_so() {
    let mut system = System::start(serve, Topology::EMBEDDED).await;
    system.stop().await;
    let users = rusqlite::Connection::open(system.directory().join("user.db")).unwrap();
    assert_eq!(users.execute("UPDATE users SET role = 'user' WHERE username = 'admin'", []).unwrap(), 1);
    drop(users);
    system.restart().await;
    let screen = system.server().screen();
    let expected = "there is no administrator, and somebody has the username admin or the address \
                    admin@cleave.invalid: make one with `cleave users create-admin`";
    assert!(screen.contains(expected), "{screen}");
}

#[tokio::test]
async fn a_weak_given_password_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut config = runtime::Config::embedded(directory.path().to_owned());
    config.admin_password = Some(SecretString::from("password1"));
    let error = runtime::serve(config, vec![user::module()]).await.unwrap_err().to_string();
    assert_eq!(error, "CLEAVE_ADMIN_PASSWORD is among the first that are guessed: set another one");
}

#[tokio::test]
async fn another_secret_stops_the_start_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let config = |secret: &str| {
        let mut config = runtime::Config::embedded(directory.path().to_owned());
        config.keys_secret = Some(SecretString::from(secret));
        config
    };
    let (one, other) = ("1".repeat(64), "2".repeat(64));
    runtime::serve(config(&one), vec![user::module()]).await.unwrap().stop().await;
    let error = runtime::serve(config(&other), vec![user::module()]).await.unwrap_err().to_string();
    assert!(error.contains("does not open with the present CLEAVE_KEYS_SECRET"), "{error}");
    runtime::serve(config(&one), vec![user::module()]).await.unwrap().stop().await;
}
