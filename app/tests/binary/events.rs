//! `cleave events …`, at a running process: an operator finds what failed and brings it on.

use crate::running::{cleave, done, refused, start, start_in};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;
use testkit::{Client, Shipped, eventually};

const PASSWORD: &str = "a long enough secret";
const SOON: Duration = Duration::from_secs(20);

struct Operator<'a> {
    running: &'a Shipped,
    token: String,
}

impl Operator<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = cleave(self.running.directory.path());
        command.arg("events").args(args).env("CLEAVE_TOKEN", &self.token);
        command
    }

    /// What it prints when it goes well.
    fn does(&self, args: &[&str]) -> String {
        let (code, shown) = done(&mut self.command(args));
        assert_eq!(code, Some(0), "{args:?}: {shown}");
        shown
    }

    fn asks(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.does(args)).unwrap()
    }
}

async fn signed_in(nobody: &Client, login: &str) -> Client {
    let tokens = nobody.post("/api/v1/auth/login", json!({"login": login, "password": PASSWORD})).await.expect(200);
    nobody.with_token(tokens["access_token"].as_str().unwrap())
}

async fn registered(nobody: &Client, name: &str) -> (Client, Value) {
    let body = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
    let user = nobody.post("/api/v1/auth/register", body).await.expect(201);
    (signed_in(nobody, name).await, user["id"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_finds_what_failed_and_brings_it_on_from_the_command_line() {
    let running = start(|command| {
        command.env("CLEAVE_ADMIN_PASSWORD", PASSWORD);
    });
    let nobody = Client::nobody(&running.address);
    let (anna, _) = registered(&nobody, "anna").await;
    let (ben, ben_id) = registered(&nobody, "ben").await;
    let admin = signed_in(&nobody, "admin").await;
    let operator = Operator { running: &running, token: admin.token().unwrap().to_owned() };

    let database = rusqlite::Connection::open(running.directory.path().join("data/notification.db")).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON notification WHEN NEW.category = 'task.completed'
        BEGIN SELECT RAISE(ABORT, 'poisoned'); END";
    database.execute_batch(poison).unwrap();
    let task = anna.post("/api/v1/tasks", json!({"title": "Mind the gap", "assignee_id": ben_id})).await.expect(201);
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    ben.post(&format!("{path}/complete"), Value::Null).await.expect(200);

    let failing = eventually("a failing event", Duration::from_secs(5), async || {
        operator.asks(&["list", "--status", "failing", "--json"])["items"].as_array().unwrap().first().cloned()
    })
    .await;
    let id = failing["id"].as_str().unwrap().to_owned();
    let listed = operator.does(&["list", "--type", "task.completed"]);
    assert!(listed.contains(&id) && listed.contains("notification: failing ("), "{listed}");
    assert_eq!(operator.does(&["dead"]), "none");
    let shown = operator.does(&["show", &id]);
    assert!(shown.contains("task.completed.v1") && shown.contains("poisoned") && shown.contains("<- this"), "{shown}");
    assert_eq!(operator.does(&["skip", &id]), "nothing to skip: no consumer has it as dead");

    database.execute_batch("DROP TRIGGER poison").unwrap();
    operator.does(&["retry", &id]);
    eventually("the notification", Duration::from_secs(10), async || {
        let told = anna.get("/api/v1/notifications").await.expect(200);
        told["items"].as_array().unwrap().iter().any(|item| item["category"] == "task.completed").then_some(())
    })
    .await;
    assert_eq!(operator.does(&["retry", &id]), "nothing to retry: no consumer has it as dead or failing");
    assert_eq!(operator.does(&["replay", &id]), "task: replay, now pending");
    assert_eq!(operator.asks(&["show", &id, "--json"])["consumers"][0]["status"], "done");

    let mut login = cleave(running.directory.path());
    login.args(["events", "list", "--limit", "1", "--login", "admin"]).env("CLEAVE_ADMIN_PASSWORD", PASSWORD);
    let (code, page) = done(&mut login);
    assert!(code == Some(0) && page.contains("more: --cursor "), "{page}");
}

/// Until everybody has heard what a domain has to say.
async fn all_heard(nobody: &Client, domain: &str) {
    eventually("everything heard", SOON, async || {
        let health = nobody.get("/health?verbose=true").await.body;
        (health["checks"][domain]["messaging"]["pending"] == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_backup_was_put_back_one_word_of_the_operator_leads_on() {
    let with_admin = |command: &mut Command| {
        command.env("CLEAVE_ADMIN_PASSWORD", PASSWORD);
    };
    let running = start(with_admin);
    let nobody = Client::nobody(&running.address);
    let (anna, _) = registered(&nobody, "anna").await;
    anna.post("/api/v1/tasks", json!({"title": "Kept"})).await.expect(201);
    all_heard(&nobody, "task").await;
    let (data, copy) = (running.directory.path().join("data"), running.directory.path().join("copy.db"));
    let database = rusqlite::Connection::open(data.join("task.db")).unwrap();
    database.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    drop(database);
    anna.post("/api/v1/tasks", json!({"title": "Gone"})).await.expect(201);
    all_heard(&nobody, "task").await;
    running.signal("TERM");
    let (status, directory) = running.end();
    assert!(status.success());
    for rest in ["task.db-wal", "task.db-shm"] {
        let _ = std::fs::remove_file(data.join(rest));
    }
    std::fs::copy(&copy, data.join("task.db")).unwrap();

    let running = start_in(directory, with_admin);
    let nobody = Client::nobody(&running.address);
    let (anna, admin) = (signed_in(&nobody, "anna").await, signed_in(&nobody, "admin").await);
    let operator = Operator { running: &running, token: admin.token().unwrap().to_owned() };
    let why = eventually("it is noticed", SOON, async || {
        let health = nobody.get("/health?verbose=true").await.body;
        health["checks"]["task"]["messaging"]["refusing"].as_str().map(str::to_owned)
    })
    .await;
    assert!(why.contains("cleave events restored task"), "what health says is what helps: {why}");
    anna.post("/api/v1/tasks", json!({"title": "Too early"})).await.expect_problem(503, "unavailable");
    let elsewhere = operator.does(&["restored", "user"]);
    assert_eq!(elsewhere, "user: nothing to do, its database is not older than what others heard of it");
    anna.post("/api/v1/tasks", json!({"title": "Still too early"})).await.expect_problem(503, "unavailable");
    let restored = operator.does(&["restored", "task"]);
    assert_eq!(restored, "task: goes on with what its database holds, as stream epoch 2");
    let again = operator.asks(&["restored", "task", "--json"]);
    assert_eq!((&again["changed"], &again["stream_epoch"]), (&json!(false), &json!(2)));
    eventually("it goes on", SOON, async || {
        (anna.post("/api/v1/tasks", json!({"title": "New"})).await.status == 201).then_some(())
    })
    .await;
    for (token, domain, said) in [(&admin, "nobody", "404 not_found: "), (&anna, "task", "403 insufficient_scope: ")] {
        let operator = Operator { running: &running, token: token.token().unwrap().to_owned() };
        let output = operator.command(&["restored", domain]).output().unwrap();
        let line = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && line.starts_with(said), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_exit_code_1_and_nobody_to_ask_is_2() {
    let running = start(|command| {
        command.env("CLEAVE_ADMIN_PASSWORD", PASSWORD);
    });
    let nobody = Client::nobody(&running.address);
    let (anna, _) = registered(&nobody, "anna").await;
    let admin = signed_in(&nobody, "admin").await;
    let answer = |client: &Client, args: &[&str]| {
        let operator = Operator { running: &running, token: client.token().unwrap().to_owned() };
        let output = operator.command(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = answer(&anna, &["dead"]);
    assert!(code == Some(1) && said.starts_with("403 insufficient_scope: "), "{said}");
    let (code, said) = answer(&admin, &["show", "01890a5d-ac96-774b-bcce-b302099a8057"]);
    assert!(code == Some(1) && said.starts_with("404 not_found: "), "{said}");
    let (code, said) = answer(&admin, &["retry", "../audit", "--domain", "task"]);
    assert!(code == Some(1) && said.starts_with("404 not_found: "), "{said}");
    let (code, said) = answer(&admin, &["list", "--status", "lost"]);
    assert!(code == Some(1) && said.starts_with("400 invalid_parameter: "), "{said}");
    let (code, _) = answer(&admin, &["lost"]);
    assert_eq!(code, Some(2));

    let line = refused(cleave(running.directory.path()).args(["events", "dead"]));
    assert!(line.starts_with("nobody is signed in: give --login"), "{line}");
    let mut away = cleave(running.directory.path());
    let away = away.args(["events", "dead", "--url", "http://127.0.0.1:1"]).env("CLEAVE_TOKEN", "t");
    assert_eq!(refused(away), "http://127.0.0.1:1/ cannot be reached: is it running? --url names another");
    let elsewhere = tempfile::tempdir().unwrap();
    let line = refused(cleave(elsewhere.path()).args(["events", "dead"]).env("CLEAVE_TOKEN", "t"));
    assert!(line.starts_with("there is no ./data/cleave.addr"), "{line}");
}
