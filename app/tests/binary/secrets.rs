//! What must never be printed. Rule: each secret of the installation and of its people has a text of its own here, and none
//! of them stands in anything that a process prints, however much it is told to log.

use crate::running::{cleave, done, start_in};
use db::testing::Scratch;
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use testkit::{Client, VirtualHost};

const KEYS: &str = "canary-of-the-keys-0123456789abcdef";
const SEAL: &str = "canary-of-the-seal-0123456789abcdef";
const TOKEN: &str = "canary-of-the-services-0123456789ab";
const ADMIN: &str = "canary of the administrator";
const ANNA: &str = "canary of anna";
const NEWER: &str = "canary of anna, the newer one";
const DATABASE: &str = "canary-of-the-database";
const BROKER: &str = "canary-of-the-broker";

fn told(scratch: &Scratch, host: &VirtualHost, user: &str, directory: &Path) -> Command {
    let mut command = cleave(directory);
    let (scheme, rest) = scratch.url().split_once("://").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (login, address) = rest.rsplit_once('@').unwrap();
    let login = login.split(':').next().unwrap();
    command
        .env("CLEAVE_DATABASE_URL", format!("{scheme}://{login}:{DATABASE}@{address}"))
        .env("CLEAVE_BUS", format!("amqp://{user}:{BROKER}@{}/{}", host.server(), host.name()))
        .env("CLEAVE_KEYS_SECRET", KEYS)
        .env("CLEAVE_SEAL_SECRET", SEAL)
        .env("CLEAVE_INTERNAL_TOKEN", TOKEN)
        .env("CLEAVE_ADMIN_PASSWORD", ADMIN)
        .env("CLEAVE_LOG", "trace");
    command
}

/// A user of the broker that is gone with the test.
struct BrokerUser<'a>(&'a VirtualHost, String);

impl<'a> BrokerUser<'a> {
    fn new(host: &'a VirtualHost) -> Self {
        let user = Self(host, host.name().replace("cleave-test", "cleave-test-user"));
        host.control(&["add_user", &user.1, BROKER]).unwrap();
        host.control(&["set_permissions", "-p", host.name(), &user.1, ".*", ".*", ".*"]).unwrap();
        user
    }
}

impl Drop for BrokerUser<'_> {
    fn drop(&mut self) {
        let gone = self.0.control(&["delete_user", &self.1]);
        assert!(gone.is_ok() || std::thread::panicking(), "{gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed_however_much_is_logged() {
    let Some(scratch) = Scratch::new().await else { return };
    let Some(host) = VirtualHost::new() else { return };
    let user = BrokerUser::new(&host);
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("data")).unwrap();
    let log = directory.path().join("log");
    let (code, migrated) = done(told(&scratch, &host, &user.1, directory.path()).args(["migrate", "up"]));
    assert_eq!(code, Some(0));
    let settings = told(&scratch, &host, &user.1, directory.path());
    let running = start_in(directory, |command| {
        command.envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stderr(File::create(&log).unwrap());
    });

    let nobody = Client::nobody(&running.address);
    let register = json!({"username": "anna", "email": "anna@example.org", "password": ANNA});
    nobody.with("Idempotency-Key", "once").post("/api/v1/auth/register", register).await.expect(201);
    nobody.post("/api/v1/auth/login", json!({"login": "anna", "password": "canary that is wrong"})).await.expect(401);
    let tokens = nobody.post("/api/v1/auth/login", json!({"login": "anna", "password": ANNA})).await.expect(200);
    let newer = json!({"refresh_token": tokens["refresh_token"]});
    let newer = nobody.post("/api/v1/auth/refresh", newer).await.expect(200);
    let anna = nobody.with_token(newer["access_token"].as_str().unwrap());
    anna.post("/api/v1/tasks", json!({"title": "One"})).await.expect(201);
    nobody.with_token(TOKEN).get("/internal/revocations?after=0").await.expect(200);
    let wrong = json!({"current_password": "canary that is wrong", "new_password": NEWER});
    anna.put("/api/v1/users/me/password", wrong).await.expect(403);
    let changed = json!({"current_password": ANNA, "new_password": NEWER});
    anna.put("/api/v1/users/me/password", changed).await.expect(204);
    anna.get("/api/v1/users/me/sessions").await.expect(200);
    anna.delete_with("/api/v1/users/me", json!({"password": NEWER})).await.expect(204);
    let hash = scratch.column("SELECT password_hash FROM \"user\".users").await.remove(0).unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    running.signal("TERM");
    let screen = running.screen.clone();
    let (status, directory) = running.end();
    assert_eq!(status.code(), Some(0));

    let printed = [migrated, screen, std::fs::read_to_string(&log).unwrap()].concat();
    assert!(printed.contains(r#""level":"TRACE""#), "as much as can be had");
    let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    let made: Vec<String> = [&tokens, &newer]
        .iter()
        .flat_map(|tokens| [text(tokens, "access_token"), text(tokens, "refresh_token")])
        .chain([hash])
        .collect();
    for secret in [KEYS, SEAL, TOKEN, ADMIN, ANNA, NEWER, "canary that is wrong", DATABASE, BROKER, "canary"]
        .into_iter()
        .chain(made.iter().map(String::as_str))
    {
        let line = printed.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} is printed: {}", line.unwrap_or_default());
    }
    drop(directory);
}
