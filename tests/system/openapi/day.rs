//! A day in the life of a system, with a judge who reads every answer along. Rule: everything that the document describes is
//! done well once, but for what needs trouble first.

use super::ask;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use testkit::{Client, Reply, System, Topology};
use tests::api::{Judge, operations};

/// A person, and a judge who reads along.
struct Watched<'a> {
    judge: &'a Judge,
    seen: BTreeMap<String, BTreeSet<u16>>,
}

impl Watched<'_> {
    /// Asks for the operation of that name; `segments` are what its path has between braces, in order.
    async fn ask(&mut self, client: &Client, id: &str, segments: &[&str], query: &str, body: Value) -> Reply {
        let operations = operations(self.judge.document());
        let operation = operations.iter().find(|operation| operation.value["operationId"] == id).unwrap();
        let mut address = String::new();
        let mut segments = segments.iter();
        for part in operation.path.split('/').skip(1) {
            let part = if part.starts_with('{') { segments.next().unwrap() } else { part };
            address = format!("{address}/{part}");
        }
        let reply =
            ask(client, operation, &format!("{address}{query}"), Some(&body).filter(|body| !body.is_null())).await;
        assert_eq!(self.judge.faults(operation, &reply), Vec::<String>::new(), "{id}: {}", reply.text);
        self.seen.entry(id.to_owned()).or_default().insert(reply.status);
        reply
    }
}

pub(super) async fn every_answer_of_a_day_is_one_that_the_document_describes(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let judge = Judge::new(app::openapi());
    let mut watched = Watched { judge: &judge, seen: BTreeMap::new() };
    let (nobody, admin, anna, ben) =
        (system.anonymous(), system.admin().await, system.user("anna").await, system.user("ben").await);
    system.settle().await;
    accounts(&mut watched, &system, &nobody, &admin, &anna).await;
    work(&mut watched, &anna, &ben).await;
    system.settle().await;
    boxes(&mut watched, &anna).await;
    system.settle().await;
    operations_of_the_system(&mut watched, &nobody, &admin).await;
    let all: BTreeSet<String> = operations(judge.document())
        .iter()
        .filter_map(|one| one.value["operationId"].as_str().map(str::to_owned))
        .collect();
    let well: BTreeSet<String> = watched
        .seen
        .iter()
        .filter(|(_, seen)| seen.iter().any(|status| *status < 300))
        .map(|(id, _)| id.clone())
        .collect();
    // Nothing goes wrong on this day.
    let need_trouble = ["retryEvent", "skipEvent", "skipOutboxEvent"].map(str::to_owned);
    let not_done: Vec<&String> = all.difference(&well).filter(|id| !need_trouble.contains(id)).collect();
    assert!(not_done.is_empty(), "{not_done:?}");
}

async fn accounts(watched: &mut Watched<'_>, system: &System, nobody: &Client, admin: &Client, anna: &Client) {
    let account = json!({ "username": "zoe", "email": "zoe@example.org", "password": system.password(), "display_name": " Zoe " });
    watched.ask(nobody, "register", &[], "", account.clone()).await.expect(201);
    watched.ask(nobody, "register", &[], "", account).await.expect(409);
    let login = json!({ "login": "zoe", "password": system.password() });
    let tokens = watched.ask(nobody, "login", &[], "", login.clone()).await.expect(200);
    watched.ask(nobody, "login", &[], "", json!({ "login": "zoe", "password": "wrong" })).await.expect(401);
    let zoe = nobody.with_token(tokens["access_token"].as_str().unwrap());
    watched.ask(nobody, "verifyToken", &[], "", json!({ "token": tokens["access_token"] })).await.expect(200);
    watched.ask(nobody, "verifyToken", &[], "", json!({ "token": "nonsense" })).await.expect(200);
    watched.ask(nobody, "refresh", &[], "", json!({ "refresh_token": tokens["refresh_token"] })).await.expect(200);
    watched.ask(nobody, "refresh", &[], "", json!({ "refresh_token": "nonsense" })).await.expect(401);
    watched.ask(&zoe, "getMe", &[], "", Value::Null).await.expect(200);
    watched.ask(&zoe.with("If-None-Match", "*"), "getMe", &[], "", Value::Null).await.expect(304);
    watched.ask(&zoe, "patchMe", &[], "", json!({ "timezone": "Europe/Berlin" })).await.expect(200);
    watched.ask(&zoe.with("If-Match", "\"v1\""), "patchMe", &[], "", json!({ "display_name": null })).await.expect(412);
    watched.ask(&zoe, "logout", &[], "?all=true", Value::Null).await.expect(204);
    let again = watched.ask(nobody, "login", &[], "", login).await.expect(200);
    let zoe = nobody.with_token(again["access_token"].as_str().unwrap());
    let password = sessions(watched, system.password(), nobody, &zoe).await;
    watched.ask(&zoe, "deleteMe", &[], "", json!({ "password": "wrong" })).await.expect(403);
    watched.ask(&zoe, "deleteMe", &[], "", json!({ "password": password })).await.expect(204);
    let made = json!({ "username": "max", "email": "max@example.org", "password": "long enough, Max", "role": "user" });
    let max = watched.ask(&admin.with("Idempotency-Key", "max"), "createUser", &[], "", made).await.expect(201);
    let max = max["id"].as_str().unwrap();
    watched.ask(admin, "listUsers", &[], "?limit=1&sort=-username", Value::Null).await.expect(200);
    watched.ask(anna, "listUsers", &[], "", Value::Null).await.expect(403);
    watched.ask(admin, "getUser", &[max], "", Value::Null).await.expect(200);
    watched.ask(anna, "getUser", &[max], "", Value::Null).await.expect(200);
    watched.ask(admin, "replaceUser", &[max], "", json!({ "display_name": "Max" })).await.expect(200);
    watched.ask(anna, "patchUser", &[&anna.id().to_string()], "", json!({ "role": "admin" })).await.expect(403);
    watched.ask(admin, "patchUser", &[max], "", json!({ "is_active": false })).await.expect(200);
    watched.ask(admin, "deleteUser", &[max], "", Value::Null).await.expect(204);
    watched.ask(admin, "deleteUser", &[max], "", Value::Null).await.expect(404);
    watched.ask(nobody, "getKeys", &[], "", Value::Null).await.expect(200);
}

/// Another password, and another session that comes and goes; the new password.
async fn sessions(watched: &mut Watched<'_>, password: &str, nobody: &Client, zoe: &Client) -> &'static str {
    const NEXT: &str = "another long secret";
    let change = |from: &str, to: &str| json!({ "current_password": from, "new_password": to });
    watched.ask(zoe, "changeMyPassword", &[], "", change("wrong", NEXT)).await.expect(403);
    watched.ask(zoe, "changeMyPassword", &[], "", change(password, password)).await.expect(422);
    watched.ask(zoe, "changeMyPassword", &[], "", change(password, NEXT)).await.expect(204);
    watched.ask(nobody, "login", &[], "", json!({ "login": "zoe", "password": NEXT })).await.expect(200);
    let list = watched.ask(zoe, "listMySessions", &[], "?sort=-last_used_at", Value::Null).await.expect(200);
    let other = list["items"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    let other = other["id"].as_str().unwrap();
    watched.ask(zoe, "endMySession", &[other], "", Value::Null).await.expect(204);
    watched.ask(zoe, "endMySession", &[other], "", Value::Null).await.expect(404);
    NEXT
}

async fn work(watched: &mut Watched<'_>, anna: &Client, ben: &Client) {
    let drawer =
        watched.ask(anna, "createCategory", &[], "", json!({ "name": "Home", "color": "#fff" })).await.expect(201);
    watched.ask(anna, "createCategory", &[], "", json!({ "name": "Home" })).await.expect(409);
    let drawer = drawer["id"].as_str().unwrap();
    watched.ask(anna, "listCategories", &[], "", Value::Null).await.expect(200);
    watched.ask(anna, "getCategory", &[drawer], "", Value::Null).await.expect(200);
    watched.ask(anna, "replaceCategory", &[drawer], "", json!({ "name": "House" })).await.expect(200);
    watched.ask(anna, "patchCategory", &[drawer], "", json!({ "color": "red" })).await.expect(200);
    let task = json!({
        "title": "Write", "assignee_id": ben.id(), "category_id": drawer, "labels": ["a"], "due_at": "2026-01-31T10:00:00+01:00",
    });
    let keyed = anna.with("Idempotency-Key", "write");
    let made = watched.ask(&keyed, "createTask", &[], "", task.clone()).await.expect(201);
    assert_eq!(watched.ask(&keyed, "createTask", &[], "", task).await.header("idempotency-replayed"), "true");
    watched.ask(&keyed, "createTask", &[], "", json!({ "title": "Other" })).await.expect(422);
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    watched.ask(anna, "createTask", &[], "", json!({ "title": "To nobody", "assignee_id": nowhere })).await.expect(422);
    let task = made["id"].as_str().unwrap();
    watched.ask(ben, "listTasks", &[], "?assignee_id=me&sort=-priority,due_at&limit=1", Value::Null).await.expect(200);
    watched.ask(ben, "listTasks", &[], "?cursor=bm9uc2Vuc2U", Value::Null).await.expect(400);
    watched.ask(ben, "listTasks", &[], "?sort=nonsense", Value::Null).await.expect(400);
    watched.ask(ben, "getTask", &[task], "", Value::Null).await.expect(200);
    watched.ask(ben, "replaceTask", &[task], "", json!({ "title": "Mine" })).await.expect(403);
    watched
        .ask(anna, "replaceTask", &[task], "", json!({ "title": "Write it", "assignee_id": ben.id() }))
        .await
        .expect(200);
    watched.ask(ben, "patchTask", &[task], "", json!({ "status": "in_progress" })).await.expect(200);
    watched.ask(ben, "completeTask", &[task], "", Value::Null).await.expect(200);
    watched.ask(ben, "patchTask", &[task], "", json!({ "status": "cancelled" })).await.expect(409);
    watched.ask(ben, "reopenTask", &[task], "", json!({})).await.expect(200);
    watched.ask(ben, "deleteTask", &[task], "", Value::Null).await.expect(403);
    watched.ask(ben, "completeTask", &[task], "", Value::Null).await.expect(200);
    watched.ask(anna, "deleteTask", &[nowhere], "", Value::Null).await.expect(404);
    watched.ask(anna, "deleteTask", &[task], "", Value::Null).await.expect(204);
    watched.ask(anna, "deleteCategory", &[drawer], "", Value::Null).await.expect(204);
}

async fn boxes(watched: &mut Watched<'_>, anna: &Client) {
    let inbox = watched.ask(anna, "listNotifications", &[], "?box=all", Value::Null).await.expect(200);
    let first = inbox["items"][0]["id"].as_str().unwrap();
    watched.ask(anna, "getNotification", &[first], "", Value::Null).await.expect(200);
    watched.ask(anna, "patchNotification", &[first], "", json!({ "read": true })).await.expect(200);
    watched.ask(anna, "markNotifications", &[], "", json!({ "action": "unread", "ids": [first] })).await.expect(200);
    watched.ask(anna, "markNotifications", &[], "", json!({ "action": "read" })).await.expect(422);
    let draft = json!({ "recipient_id": anna.id(), "title": "Lunch", "channels": ["in_app"], "action_url": "/x" });
    let draft = watched.ask(anna, "createNotification", &[], "", draft).await.expect(201);
    let draft = draft["id"].as_str().unwrap();
    watched.ask(anna, "patchNotification", &[draft], "", json!({ "read": true })).await.expect(409);
    watched.ask(anna, "sendNotification", &[draft], "", Value::Null).await.expect(202);
    watched.ask(anna, "sendNotification", &[draft], "", Value::Null).await.expect(409);
    watched.ask(anna, "deleteNotification", &[draft], "", Value::Null).await.expect(204);
}

async fn operations_of_the_system(watched: &mut Watched<'_>, nobody: &Client, admin: &Client) {
    for id in ["getRoot", "getOpenApi", "getDocs", "getErrors", "getHealth", "getLiveness", "getReadiness"] {
        watched.ask(nobody, id, &[], "", Value::Null).await.expect(200);
    }
    watched.ask(nobody, "getHealth", &[], "?verbose=true", Value::Null).await.expect(200);
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "start.js"] {
        watched.ask(nobody, "getDocsFile", &[file], "", Value::Null).await.expect(200);
    }
    for id in [
        "getMetrics",
        "listServices",
        "listServiceRoutes",
        "listModules",
        "listEvents",
        "listDeadLetters",
        "listSubscriptions",
        "listOutbox",
    ] {
        watched.ask(admin, id, &[], "", Value::Null).await.expect(200);
    }
    let events = watched.ask(admin, "listEvents", &[], "?type=task.completed&limit=1", Value::Null).await.expect(200);
    let event = events["items"][0]["id"].as_str().unwrap();
    watched.ask(admin, "getEvent", &[event], "", Value::Null).await.expect(200);
    for domain in ["user", "task", "notification"] {
        watched.ask(nobody, "getDomainHealth", &[domain], "?verbose=true", Value::Null).await.expect(200);
        for id in [
            "listDomainEvents",
            "listDomainDeadLetters",
            "listDomainSubscriptions",
            "listDomainOutbox",
            "listDomainUndecodable",
            "listDomainAudit",
        ] {
            watched.ask(admin, id, &[domain], "", Value::Null).await.expect(200);
        }
    }
    watched.ask(admin, "getDomainEvent", &["task", event], "", Value::Null).await.expect(200);
    watched.ask(admin, "replayEvent", &["task", event], "", Value::Null).await.expect(202);
    watched.ask(admin, "retryEvent", &["notification", event], "", Value::Null).await;
    watched.ask(admin, "skipEvent", &["notification", event], "", Value::Null).await;
    watched.ask(admin, "goOnRestored", &["task"], "", Value::Null).await.expect(202);
    watched.ask(admin, "listDomainAudit", &["task"], "", Value::Null).await.expect(200);
}
