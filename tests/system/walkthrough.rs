//! The two sentences that the system exists for, and what else happens to people, over HTTP, in every topology.

use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::{Client, System, Topology};

testkit::in_every_topology!(
    who_registers_is_welcomed,
    who_made_a_task_hears_that_it_is_done,
    who_leaves_leaves_nothing_behind,
    what_is_under_way_survives_a_restart,
    whose_token_was_stolen_is_told_once,
);

async fn inbox(client: &Client) -> Value {
    client.get("/api/v1/notifications").await.expect(200)
}

fn categories(inbox: &Value) -> Vec<&str> {
    inbox["items"].as_array().unwrap().iter().map(|item| item["category"].as_str().unwrap()).collect()
}

async fn who_registers_is_welcomed(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let anna = system.user("anna").await;
    system.settle().await;
    let inbox = inbox(&anna).await;
    assert_eq!(categories(&inbox), ["user.created"]);
    assert_eq!(inbox["counts"], json!({"unread": 1, "total": 1}));
    let welcome = &inbox["items"][0];
    assert_eq!(welcome["recipient_id"], json!(anna.id()));
    assert_eq!(welcome["state"], "sent");
    assert_eq!(welcome["source_event"]["type"], "user.created.v1");
    assert_eq!(welcome["deliveries"][0]["state"], "delivered");
    let admin = system.admin().await;
    let others = admin.get(&format!("/api/v1/notifications?recipient_id={}&box=all", anna.id())).await.expect(200);
    assert_eq!(others["items"].as_array().unwrap().len(), 1, "one welcome, not two");
}

async fn who_made_a_task_hears_that_it_is_done(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, ben, carl) = (system.user("anna").await, system.user("ben").await, system.user("carl").await);
    system.settle().await;
    let task =
        anna.post("/api/v1/tasks", json!({"title": "Write the plan", "assignee_id": ben.id()})).await.expect(201);
    let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
    system.settle().await;
    assert_eq!(categories(&inbox(&ben).await), ["task.assigned", "user.created"]);
    assert_eq!(categories(&inbox(&anna).await), ["user.created"], "nobody is told what they did themselves");

    let done = ben.post(&format!("{path}/complete"), Value::Null).await.expect(200);
    assert_eq!((done["status"].as_str(), &done["completed_by"]), (Some("done"), &json!(ben.id())));
    system.settle().await;
    let told = inbox(&anna).await;
    assert_eq!(categories(&told), ["task.completed", "user.created"]);
    assert_eq!(told["items"][0]["action_url"], path.as_str());
    assert_eq!(told["counts"], json!({"unread": 2, "total": 2}));
    assert_eq!(categories(&inbox(&ben).await), ["task.assigned", "user.created"]);
    assert_eq!(categories(&inbox(&carl).await), ["user.created"], "who has nothing to do with it hears nothing");

    let again = ben.post(&format!("{path}/complete"), Value::Null).await.expect(200);
    assert_eq!(again["version"], done["version"]);
    system.settle().await;
    assert_eq!(inbox(&anna).await["counts"]["total"], 2, "done twice is done once");
    carl.get(&path).await.expect_problem(404, "not_found");
}

async fn who_leaves_leaves_nothing_behind(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    anna.post("/api/v1/tasks", json!({"title": "For Ben", "assignee_id": ben.id()})).await.expect(201);
    system.settle().await;
    let gone = ben.delete_with("/api/v1/users/me", json!({"password": system.password()})).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    system.settle().await;
    let admin = system.admin().await;
    admin.get(&format!("/api/v1/users/{}", ben.id())).await.expect_problem(404, "not_found");
    let left = admin.get(&format!("/api/v1/notifications?recipient_id={}&box=all", ben.id())).await.expect(200);
    assert_eq!(left["items"], json!([]));
    anna.post("/api/v1/tasks", json!({"title": "Too late", "assignee_id": ben.id()}))
        .await
        .expect_problem(422, "unknown_user");
    // What is on the disk no longer names him.
    for domain in ["user", "task", "notification"] {
        let payload = if system.on_postgres() { "convert_from(payload, 'UTF8')" } else { "CAST(payload AS TEXT)" };
        let named = |who: &str| format!("SELECT count(*) FROM outbox WHERE {payload} LIKE '%{who}@example.org%'");
        assert_eq!(system.count(domain, &named("ben")).await, 0, "{domain}");
        assert_eq!(system.count(domain, &named("anna")).await > 0, domain == "user", "what is there is found");
    }
}

async fn what_is_under_way_survives_a_restart(topology: Topology) {
    let mut system = System::start(app::serve, topology).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    system.settle().await;
    for n in 0..20 {
        let body = json!({"title": format!("Task {n}"), "assignee_id": ben.id()});
        anna.post("/api/v1/tasks", body).await.expect(201);
    }
    system.restart().await;
    system.settle().await;
    let ben = system.sign_in("ben", ben.id()).await;
    assert_eq!(inbox(&ben).await["counts"]["total"], 21, "welcomed, and told of each task once");
    // Tokens outlive the process that made them.
    let anna = system.anonymous().with_token(anna.token().unwrap());
    assert_eq!(anna.get("/api/v1/tasks").await.expect(200)["items"].as_array().unwrap().len(), 20);
}

async fn whose_token_was_stolen_is_told_once(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let (anna, ben) = (system.user("anna").await, system.user("ben").await);
    let nobody = system.anonymous();
    let refresh = async |tokens: &Value| {
        nobody.post("/api/v1/auth/refresh", json!({"refresh_token": tokens["refresh_token"]})).await
    };
    let body = json!({"login": "anna", "password": system.password()});
    let stolen = nobody.post("/api/v1/auth/login", body).await.expect(200);
    let next = refresh(&stolen).await.expect(200);
    // A reply that was lost is no theft.
    refresh(&stolen).await.expect(200);
    system.settle().await;
    assert_eq!(categories(&inbox(&anna).await), ["user.created"]);

    system.advance(TimeDelta::seconds(11));
    refresh(&stolen).await.expect_problem(401, "refresh_reused");
    for token in [&stolen, &next] {
        refresh(token).await.expect_problem(401, "refresh_invalid");
    }
    system.settle().await;
    // Her other sign-in goes on, and is where she reads it.
    let told = inbox(&anna).await;
    assert_eq!(categories(&told), ["user.access_revoked", "user.created"]);
    assert_eq!(told["items"][0]["source_event"]["type"], "user.access_revoked.v1");
    assert_eq!(told["counts"], json!({"unread": 2, "total": 2}));
    assert_eq!(categories(&inbox(&ben).await), ["user.created"], "nobody else hears of it");
}
