//! The shipped binary on PostgreSQL, where nobody migrates but who is told to.

use crate::running::{cleave, done, done_typing, start};
use db::testing::Scratch;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Client, eventually, read_screen};

const SOON: Duration = Duration::from_secs(30);
const PASSWORD: &str = "a long enough secret";

fn on(scratch: &Scratch, directory: &Path) -> Command {
    let mut command = cleave(directory);
    command.env("CLEAVE_DATABASE_URL", scratch.url()).env("CLEAVE_KEYS_SECRET", "7".repeat(64));
    command
}

async fn sign_in(address: &str, login: &str, password: &str) -> Client {
    let nobody = Client::nobody(address);
    let tokens = nobody.post("/api/v1/auth/login", json!({"login": login, "password": password})).await.expect(200);
    nobody.with_token(tokens["access_token"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_somebody_to_migrate_and_then_serves_without_being_started_again() {
    let Some(scratch) = Scratch::new().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    let mut child = on(&scratch, directory.path()).args(["--port", "0"]).stderr(Stdio::null()).spawn().unwrap();
    let told = async || fs::read_to_string(data.join("cleave.addr")).ok();
    let address = eventually("an address", SOON, told).await.trim().to_owned();
    let nobody = Client::nobody(&address);
    let ready = async || nobody.try_send(reqwest::Method::GET, "/health/ready", None).await.ok();
    let waiting = eventually("an answer", SOON, ready).await;
    assert_eq!(
        (waiting.status, &waiting.body["reason"]),
        (503, &json!("migrations are pending: run cleave migrate up"))
    );
    assert_eq!(nobody.get("/health/live").await.status, 200);
    nobody.get("/api/v1/tasks").await.expect_problem(503, "unavailable");
    let health = nobody.get("/health").await;
    let unhealthy = json!({"user": "unhealthy", "task": "unhealthy", "notification": "unhealthy"});
    assert_eq!((health.status, &health.body["services"]), (503, &unhealthy));
    assert_eq!(nobody.get("/health/task").await.status, 503);

    let (code, status) = done(on(&scratch, directory.path()).args(["migrate", "status"]));
    assert!(code == Some(1) && status.contains("schema task  0 applied, pending: m2026"), "{status}");
    assert!(!status.contains("postgres@"), "who connects is nobody's business: {status}");
    let at_once: Vec<_> =
        (0..3).map(|_| on(&scratch, directory.path()).args(["migrate", "up"]).spawn().unwrap()).collect();
    let mut applied = 0;
    for child in at_once {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        applied += String::from_utf8(output.stdout).unwrap().matches(" of them now").count();
    }
    assert_eq!(applied, 3, "each domain once");
    let (code, status) = done(on(&scratch, directory.path()).args(["migrate", "status"]));
    assert_eq!((code, status.matches(" applied, pending: none").count()), (Some(0), 3), "{status}");

    let is_ready = async || (ready().await?.status == 200).then_some(());
    eventually("ready", SOON, is_ready).await;
    let screen = read_screen(&mut child, "/health");
    assert!(screen.contains("schema notification  5 migrations applied\n"), "{screen}");
    let password = fs::read_to_string(data.join("admin-password")).unwrap();
    let admin = sign_in(&address, "admin", password.trim()).await;
    let task = admin.post("/api/v1/tasks", json!({"title": "One"})).await.expect(201);
    admin.get(&format!("/api/v1/tasks/{}", task["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(
        fs::read_dir(&data)
            .unwrap()
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "db"))
            .count(),
        0
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_migrations_stops_when_told() {
    let Some(scratch) = Scratch::new().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let address = directory.path().join("data/cleave.addr");
    fs::create_dir(directory.path().join("data")).unwrap();
    let mut child = on(&scratch, directory.path()).args(["--port", "0"]).stderr(Stdio::null()).spawn().unwrap();
    eventually("an address", SOON, async || address.exists().then_some(())).await;
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!address.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_killed_in_the_middle_is_applied_once_by_the_next() {
    let Some(scratch) = Scratch::new().await else { return };
    let directory = tempfile::tempdir().unwrap();
    // Whoever applies the first migration of `task` waits for us when it writes down that it did.
    let books = "CREATE SCHEMA task; CREATE TABLE task.seaql_migrations \
                 (version varchar NOT NULL PRIMARY KEY, applied_at bigint NOT NULL);";
    scratch.execute(books).await;
    let scratch = Arc::new(scratch);
    let held = Arc::clone(&scratch);
    let holder = tokio::spawn(async move {
        held.column("BEGIN; LOCK TABLE task.seaql_migrations IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(60)").await;
    });
    let holds = "SELECT count(*) FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND granted AND relation = 'task.seaql_migrations'::regclass";
    let is_held = async || (scratch.column(holds).await == [Some("1".to_owned())]).then_some(());
    eventually("the books are held", SOON, is_held).await;
    let mut killed = on(&scratch, directory.path()).args(["migrate", "up"]).spawn().unwrap();
    let waits = async |count: &str| {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        (scratch.column(waiting).await == [Some(count.to_owned())]).then_some(())
    };
    eventually("it is in the middle", SOON, async || waits("1").await).await;
    killed.kill().unwrap();
    killed.wait().unwrap();
    let next = on(&scratch, directory.path()).args(["migrate", "up"]).spawn().unwrap();
    // The server has not noticed that nobody waits for the first any more.
    eventually("both are in the middle", SOON, async || waits("2").await).await;
    holder.abort();
    let release = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()";
    scratch.column(release).await;
    let next = next.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&next.stderr);
    assert!(next.status.success(), "{said}");
    let twice = "SELECT count(*) - count(DISTINCT version) FROM task.seaql_migrations";
    assert_eq!(scratch.column(twice).await, [Some("0".to_owned())]);
    let (code, status) = done(on(&scratch, directory.path()).args(["migrate", "status"]));
    assert_eq!((code, status.matches(" applied, pending: none").count()), (Some(0), 3), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_replicas_that_start_at_once_in_one_directory_one_tells_the_password_that_is_good() {
    let Some(scratch) = Scratch::new().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    fs::create_dir(&data).unwrap();
    assert_eq!(done(on(&scratch, directory.path()).args(["migrate", "up"])).0, Some(0));
    let mut replicas: Vec<_> = (0..3)
        .map(|_| on(&scratch, directory.path()).args(["--port", "0"]).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    let screens: Vec<String> = replicas.iter_mut().map(|child| read_screen(child, "/health")).collect();
    let address = screens[0].split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let password = fs::read_to_string(data.join("admin-password")).unwrap();
    sign_in(&address, "admin", password.trim()).await;
    let files = fs::read_dir(&data).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let passwords: Vec<String> = files.filter(|name| name.starts_with("admin-password")).collect();
    assert_eq!(passwords, ["admin-password"], "no draft is left");
    for child in &mut replicas {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_directory_it_starts_without_an_administrator_and_says_how_to_make_one() {
    let Some(scratch) = Scratch::new().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let (code, _) = done(on(&scratch, directory.path()).args(["migrate", "up"]));
    assert_eq!(code, Some(0));
    let start =
        |port: &str| on(&scratch, directory.path()).args(["--port", port]).stderr(Stdio::null()).spawn().unwrap();
    let mut child = start("0");
    let screen = read_screen(&mut child, "users create-admin");
    assert!(screen.contains(
        "there is no administrator, and nowhere to put a password: make one with `cleave users create-admin`"
    ));
    assert!(!directory.path().join("data").exists(), "it needs no directory");
    let address = screen.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();

    let mut create = on(&scratch, directory.path());
    create.args(["users", "create-admin", "--username", "root", "--email", "root@example.org"]);
    let made = done_typing(&mut create, PASSWORD);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let root = sign_in(&address, "root", PASSWORD).await;
    assert_eq!(root.get("/api/v1/users").await.expect(200)["items"][0]["role"], "admin");
    let welcomed = async || {
        let inbox = root.get("/api/v1/notifications").await.expect(200);
        (inbox["counts"]["total"] != 0).then_some(())
    };
    eventually("the welcome of somebody whom another process made", SOON, welcomed).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_one_line_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = cleave(directory.path());
    command
        .env("CLEAVE_DATABASE_URL", "postgres://anna:hidden@127.0.0.1:1/none")
        .env("CLEAVE_KEYS_SECRET", "7".repeat(64));
    let line = crate::running::refused(command.args(["--port", "0"]));
    assert!(line.starts_with("cannot use postgres://127.0.0.1:1/none, schema user: "), "{line}");
    assert!(line.contains("Connection refused"), "{line}");
    assert!(!line.contains("hidden") && !line.contains("anna"), "{line}");
    assert!(start(|_| {}).screen.contains("user.db"), "SQLite stays the default");
}
