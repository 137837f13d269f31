//! Who may do what to whose things: one table, every cell of it asked over HTTP. Rule: to whom something is not shown, it
//! answers letter by letter like something that never was, and what was refused changed nothing.

use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Client, Reply, System, Topology};

testkit::in_every_topology!(
    every_cell_of_the_table_answers_as_it_says,
    what_belongs_to_others_cannot_be_named_in_ones_own_things,
    only_administrators_administrate_and_not_even_they_set_a_password,
    an_answer_never_holds_what_is_secret_or_somebody_elses,
);

/// An id that nothing has.
const NOWHERE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

const ACTORS: [&str; 5] = ["owner", "assignee", "stranger", "nobody", "admin"];

/// What is asked, of what, and the status for each of [`ACTORS`]. Of a list, 200 says that it holds the thing, and 404
/// that it does not.
const TABLE: &[(&str, &str, [u16; 5])] = &[
    ("task", "GET", [200, 200, 404, 401, 200]),
    ("task", "PUT", [200, 403, 404, 401, 200]),
    ("task", "PATCH", [200, 403, 404, 401, 200]),
    ("task", "DELETE", [204, 403, 404, 401, 204]),
    ("task", "list", [200, 200, 404, 401, 200]),
    ("category", "GET", [200, 404, 404, 401, 200]),
    ("category", "PUT", [200, 404, 404, 401, 200]),
    ("category", "PATCH", [200, 404, 404, 401, 200]),
    ("category", "DELETE", [204, 404, 404, 401, 204]),
    ("category", "list", [200, 404, 404, 401, 404]),
    ("notification", "GET", [200, 404, 404, 401, 200]),
    ("notification", "PUT", [405, 405, 405, 405, 405]),
    ("notification", "PATCH", [200, 404, 404, 401, 200]),
    ("notification", "DELETE", [204, 404, 404, 401, 204]),
    ("notification", "list", [200, 404, 404, 401, 404]),
    ("session", "GET", [405, 405, 405, 405, 405]),
    ("session", "PUT", [405, 405, 405, 405, 405]),
    ("session", "PATCH", [405, 405, 405, 405, 405]),
    ("session", "DELETE", [204, 404, 404, 401, 404]),
    ("session", "list", [200, 404, 404, 401, 404]),
    // Everybody who is signed in sees the name.
    ("user", "GET", [200, 200, 200, 401, 200]),
    ("user", "PUT", [200, 404, 404, 401, 200]),
    ("user", "PATCH", [200, 404, 404, 401, 200]),
    ("user", "DELETE", [204, 404, 404, 401, 204]),
    ("user", "list", [403, 403, 403, 401, 200]),
];

/// Who there is.
struct World {
    system: System,
    assignee: Client,
    stranger: Client,
    admin: Client,
    made: std::cell::Cell<usize>,
}

/// Something of somebody's.
struct Thing {
    owner: Client,
    /// The address of its kind.
    list: String,
    id: String,
}

impl Thing {
    fn path(&self) -> String {
        format!("{}/{}", self.list, self.id)
    }
}

async fn world(topology: Topology) -> World {
    let system = System::start(app::serve, topology).await;
    let (assignee, stranger, admin) =
        (system.user("assignee").await, system.user("stranger").await, system.admin().await);
    system.settle().await;
    World { system, assignee, stranger, admin, made: std::cell::Cell::new(0) }
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap_or_else(|| panic!("an id in {body}")).to_owned()
}

impl World {
    async fn somebody(&self) -> Client {
        let number = self.made.get();
        self.made.set(number + 1);
        self.system.user(&format!("owner{number}")).await
    }

    /// A new one, of somebody new.
    async fn make(&self, kind: &str) -> Thing {
        let owner = self.somebody().await;
        let number = self.made.get();
        let (list, id) = match kind {
            "task" => {
                let body = json!({"title": "Theirs", "assignee_id": self.assignee.id()});
                ("/api/v1/tasks", id(&owner.post("/api/v1/tasks", body).await.expect(201)))
            }
            "category" => {
                let body = json!({"name": format!("Theirs {number}")});
                ("/api/v1/categories", id(&owner.post("/api/v1/categories", body).await.expect(201)))
            }
            "notification" => {
                self.system.settle().await;
                let body = json!({"recipient_id": owner.id(), "title": "Theirs", "send": true});
                ("/api/v1/notifications", id(&owner.post("/api/v1/notifications", body).await.expect(201)))
            }
            "session" => {
                let sessions = owner.get("/api/v1/users/me/sessions").await.expect(200);
                ("/api/v1/users/me/sessions", id(&sessions["items"][0]))
            }
            _ => ("/api/v1/users", owner.id().to_string()),
        };
        Thing { owner, list: list.to_owned(), id }
    }

    fn actor(&self, name: &str, thing: &Thing) -> Client {
        match name {
            "owner" => thing.owner.clone(),
            "assignee" => self.assignee.clone(),
            "stranger" => self.stranger.clone(),
            "nobody" => self.system.anonymous(),
            _ => self.admin.clone(),
        }
    }

    /// What somebody would send who may.
    fn body(&self, kind: &str, verb: &str, actor: &str) -> Value {
        match (kind, verb) {
            ("task", "PUT") => json!({"title": format!("Changed by {actor}"), "assignee_id": self.assignee.id()}),
            ("task", "PATCH") => json!({"title": format!("Changed by {actor}")}),
            ("category", "PUT" | "PATCH") => json!({"name": format!("Changed {}", self.made.get())}),
            ("notification", "PUT" | "PATCH") => json!({"read": true}),
            ("user", "PUT") if actor == "admin" => {
                json!({"display_name": "Changed", "role": "user", "is_active": true})
            }
            ("user", "PUT" | "PATCH") => json!({"display_name": "Changed"}),
            ("user", "DELETE") if actor == "owner" => json!({"password": self.system.password()}),
            _ => Value::Null,
        }
    }

    async fn ask(&self, client: &Client, verb: &str, path: &str, body: &Value) -> Reply {
        let method: Method = verb.parse().unwrap();
        let body = (!body.is_null()).then(|| ("application/json", body.to_string().into_bytes()));
        client.send(method, path, body).await
    }

    /// The status of a list: 200 where it holds the thing, 404 where it does not.
    async fn listed(&self, client: &Client, thing: &Thing) -> u16 {
        let reply = client.get(&format!("{}?limit=100", thing.list)).await;
        let holds = |items: &Value| items.as_array().unwrap().iter().any(|item| item["id"] == *thing.id);
        match reply.status {
            200 if holds(&reply.body["items"]) => 200,
            200 => 404,
            other => other,
        }
    }
}

/// The refusal without what names the request and the thing.
fn bare(reply: Reply, id: &str) -> String {
    let mut body = reply.body;
    body.as_object_mut().unwrap().remove("request_id");
    let headers: BTreeMap<&str, &str> = ["content-type", "cache-control", "www-authenticate", "vary"]
        .into_iter()
        .map(|name| (name, reply.headers.get(name).map_or("", |value| value.to_str().unwrap())))
        .collect();
    format!("{headers:?} {body}").replace(id, "{id}")
}

async fn every_cell_of_the_table_answers_as_it_says(topology: Topology) {
    let world = world(topology).await;
    for (kind, verb, statuses) in TABLE {
        let mut thing = world.make(kind).await;
        for (actor, expected) in ACTORS.iter().zip(statuses) {
            let cell = format!("{verb} of a {kind} by {actor}");
            let client = world.actor(actor, &thing);
            if *verb == "list" {
                assert_eq!(world.listed(&client, &thing).await, *expected, "{cell}");
                continue;
            }
            let readable = !matches!(*kind, "session");
            let before = if readable { thing.owner.get(&thing.path()).await.text } else { String::new() };
            let body = world.body(kind, verb, actor);
            let reply = world.ask(&client, verb, &thing.path(), &body).await;
            assert_eq!(reply.status, *expected, "{cell}: {}", reply.text);
            if *expected >= 400 && readable {
                assert_eq!(thing.owner.get(&thing.path()).await.text, before, "{cell}: something changed");
            }
            if *expected == 404 {
                let elsewhere = format!("{}/{NOWHERE}", thing.list);
                let never = world.ask(&client, verb, &elsewhere, &body).await;
                assert_eq!(bare(reply, &thing.id), bare(never, NOWHERE), "{cell}");
            }
            if *expected == 204 {
                thing = world.make(kind).await;
            }
        }
    }
    assert_eq!(TABLE.len(), 25, "five kinds, five verbs");
}

async fn what_belongs_to_others_cannot_be_named_in_ones_own_things(topology: Topology) {
    let world = world(topology).await;
    let (foreign, own) = (world.make("category").await, world.make("task").await);
    let events = async || world.system.count("task", "SELECT count(*) FROM outbox").await;
    let before = (own.owner.get(&own.path()).await.text, events().await);
    for (member, value, code) in [
        ("category_id", foreign.id.as_str(), "unknown_category"),
        ("category_id", NOWHERE, "unknown_category"),
        ("assignee_id", NOWHERE, "unknown_user"),
    ] {
        own.owner.patch(&own.path(), json!({member: value})).await.expect_problem(422, code);
        own.owner.put(&own.path(), json!({"title": "t", member: value})).await.expect_problem(422, code);
        own.owner.post("/api/v1/tasks", json!({"title": "t", member: value})).await.expect_problem(422, code);
    }
    let server_fields = [
        ("creator_id", json!(world.stranger.id())),
        ("owner_id", json!(world.stranger.id())),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("completed_at", json!("2020-01-01T00:00:00Z")),
        ("version", json!(9)),
        ("id", json!(NOWHERE)),
    ];
    for (member, value) in server_fields {
        for client in [&own.owner, &world.assignee] {
            client.patch(&own.path(), json!({member: value})).await.expect_problem(422, "unknown_field");
        }
        own.owner
            .post("/api/v1/tasks", json!({"title": "t", member: value}))
            .await
            .expect_problem(422, "unknown_field");
    }
    let to_others = json!({"recipient_id": world.stranger.id(), "title": "Spam", "send": true});
    own.owner.post("/api/v1/notifications", to_others).await.expect(403);
    assert_eq!((own.owner.get(&own.path()).await.text, events().await), before);
    world.system.settle().await;
    let told = world.stranger.get("/api/v1/notifications").await.expect(200);
    assert_eq!(told["counts"]["total"], 1, "nothing but the welcome");
}

async fn only_administrators_administrate_and_not_even_they_set_a_password(topology: Topology) {
    let world = world(topology).await;
    let thing = world.make("user").await;
    for path in [
        "/api/v1/users",
        "/api/v1/ops/modules",
        "/api/v1/ops/task/dead-letters",
        "/api/v1/gateway/services",
        "/metrics",
    ] {
        thing.owner.get(path).await.expect_problem(403, "insufficient_scope");
        world.system.anonymous().get(path).await.expect_problem(401, "unauthorized");
    }
    let account = json!({"username": "made", "email": "made@example.org", "password": world.system.password()});
    thing.owner.post("/api/v1/users", account).await.expect_problem(403, "insufficient_scope");
    for right in [json!({"role": "admin"}), json!({"is_active": false})] {
        thing.owner.patch(&thing.path(), right.clone()).await.expect_problem(403, "insufficient_scope");
        thing.owner.patch("/api/v1/users/me", right).await.expect_problem(422, "unknown_field");
    }
    for member in ["password", "password_hash", "token_epoch", "email_verified", "email", "username"] {
        world.admin.patch(&thing.path(), json!({member: "x"})).await.expect_problem(422, "unknown_field");
    }
    let own = format!("/api/v1/users/{}", world.admin.id());
    world.admin.patch(&own, json!({"role": "user"})).await.expect_problem(409, "last_admin");
    world.admin.patch(&own, json!({"is_active": false})).await.expect_problem(409, "last_admin");
    let password = json!({"password": world.system.password()});
    world.admin.delete_with(&own, password).await.expect_problem(409, "last_admin");
    world.admin.get("/api/v1/users").await.expect(200);
}

async fn an_answer_never_holds_what_is_secret_or_somebody_elses(topology: Topology) {
    let world = world(topology).await;
    let thing = world.make("task").await;
    world.system.settle().await;
    let hash = world.system.column("user", "SELECT password_hash FROM users WHERE username = 'owner0'").await.remove(0);
    let user = format!("/api/v1/users/{}", thing.owner.id());
    for path in [
        "/api/v1/users",
        "/api/v1/users/me",
        "/api/v1/users/me/sessions",
        &user,
        "/api/v1/tasks",
        "/api/v1/notifications",
    ] {
        for client in [&thing.owner, &world.stranger, &world.assignee, &world.admin] {
            let text = client.get(path).await.text;
            for secret in [hash.as_str(), "$argon2", "password", "\"hash\"", "token_epoch", "private"] {
                assert!(!text.contains(secret), "{path} shows {secret}: {text}");
            }
            let is_theirs = client.name() == "owner0" || client.name() == "admin";
            assert!(
                is_theirs || !text.contains("owner0@example.org"),
                "{path} shows {} an address: {text}",
                client.name()
            );
        }
    }
    let shown = world.stranger.get(&user).await.expect(200);
    let mut members: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["display_name", "id", "username"]);
}
