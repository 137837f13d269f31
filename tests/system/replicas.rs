//! Two processes that are the same. Rule: what one of them accepts has its effect once, whichever of them makes it happen,
//! and either can die.

use chrono::TimeDelta;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Client, Part, System, Topology, eventually};

const ALL: &[&str] = &["user", "task", "notification"];
const REPLICAS: &[Part] = &[Part::new("one", ALL), Part::new("two", ALL)];
/// The relay's lease, and the look of who wants it.
const TAKE_OVER: Duration = Duration::from_secs(12);

async fn told_of(client: &Client, task: &Value) -> usize {
    let inbox = client.get("/api/v1/notifications?limit=100").await.expect(200);
    let action = json!(format!("/api/v1/tasks/{}", task["id"].as_str().unwrap()));
    inbox["items"].as_array().unwrap().iter().filter(|item| item["action_url"] == action).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_have_each_effect_once_and_either_goes_on_alone() {
    if !Topology::MONOLITH_PG.can_run() {
        return;
    }
    // Both start at once on an empty database, and both migrate it.
    let mut system = System::start(app::serve, Topology::MONOLITH_PG.with_processes(REPLICAS)).await;
    for domain in ALL {
        let twice = "SELECT count(*) - count(DISTINCT version) FROM seaql_migrations";
        assert_eq!(system.count(domain, twice).await, 0, "{domain}");
        assert!(system.count(domain, "SELECT count(*) FROM seaql_migrations").await > 0, "{domain}");
    }
    assert_eq!(system.count("user", "SELECT count(*) FROM users").await, 1, "one administrator");
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let at = |process: &str, client: &Client| system.at(process).with_token(client.token().unwrap());
    let (anna_at_two, ben_at_two) = (at("two", &anna), at("two", &ben));
    let body = |n: usize| json!({"title": format!("Task {n}"), "assignee_id": ben.id()});
    for n in 0..20 {
        let client = if n % 2 == 0 { &anna } else { &anna_at_two };
        client.post("/api/v1/tasks", body(n)).await.expect(201);
    }
    system.settle().await;
    for client in [&ben, &ben_at_two] {
        let inbox = client.get("/api/v1/notifications").await.expect(200);
        assert_eq!(inbox["counts"]["total"], 21, "welcomed, and told of each task once");
    }

    let before = anna.post("/api/v1/tasks", body(20)).await.expect(201);
    system.kill("one");
    let killed = Instant::now();
    let after = anna_at_two.post("/api/v1/tasks", body(21)).await.expect(201);
    for task in [&before, &after] {
        eventually("the other goes on", TAKE_OVER.saturating_sub(killed.elapsed()), async || {
            (told_of(&ben_at_two, task).await == 1).then_some(())
        })
        .await;
    }
    println!("the other went on after {:?}", killed.elapsed());
    system.settle().await;
    assert_eq!(ben_at_two.get("/api/v1/notifications").await.expect(200)["counts"]["total"], 23);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_change_their_keys_once_and_believe_each_others_tokens_all_the_while() {
    if !Topology::MONOLITH_PG.can_run() {
        return;
    }
    let system = System::start(app::serve, Topology::MONOLITH_PG.with_processes(REPLICAS)).await;
    let anna = system.user("anna").await;
    let body = json!({"login": "anna", "password": system.password()});
    let keys = async |expected: &[&str]| {
        let states = "SELECT state FROM signing_key ORDER BY state";
        eventually("the keys are there", TAKE_OVER, async || {
            (system.column("user", states).await == expected).then_some(())
        })
        .await;
    };
    let login = async |process: &str| {
        let tokens = system.at(process).post("/api/v1/auth/login", body.clone()).await.expect(200);
        tokens["access_token"].as_str().unwrap().to_owned()
    };
    // A quarter of an hour is over in an instant here. Who knows of a logout at the other has looked since then.
    let everywhere = async || {
        for (from, at) in [("one", "two"), ("two", "one")] {
            let out = login(from).await;
            system.at(from).with_token(&out).post("/api/v1/auth/logout", Value::Null).await.expect(204);
            let elsewhere = system.at(at).with_token(&out);
            let refused = async || (elsewhere.get("/api/v1/tasks").await.status == 401).then_some(());
            eventually("the other has looked", TAKE_OVER, refused).await;
        }
        for from in ["one", "two"] {
            let token = login(from).await;
            for at in ["one", "two"] {
                let reply = system.at(at).with_token(&token).get("/api/v1/tasks").await;
                assert_eq!(reply.status, 200, "a token of {from}, at {at}");
            }
        }
    };
    keys(&["active"]).await;
    everywhere().await;
    // Both are woken at the same instant, each time.
    system.advance(TimeDelta::days(30));
    keys(&["active", "next"]).await;
    everywhere().await;
    system.advance(TimeDelta::minutes(15));
    keys(&["active", "retired"]).await;
    everywhere().await;
    system.advance(TimeDelta::hours(1));
    keys(&["active"]).await;
    everywhere().await;
    anna.get("/api/v1/tasks").await.expect_problem(401, "invalid_token");
}
