//! Bad input: the exact answer, and nothing half written, in every topology.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Reply, System, Topology};

testkit::in_every_topology!(
    a_body_that_cannot_be_read_is_refused_and_leaves_nothing,
    a_field_that_is_not_known_or_not_good_is_named,
    a_parameter_that_is_not_known_is_refused_and_never_ignored,
    a_cursor_is_good_only_as_it_was_given,
    a_foreign_task_looks_like_one_that_never_was,
    without_a_good_token_nothing_is_told,
    of_two_registrations_of_one_address_one_wins,
    two_hundred_writers_of_one_task_lose_nothing_and_overtake_nobody,
    one_idempotency_key_has_one_effect_and_one_answer,
);

struct World {
    system: System,
    anna: Client,
    stranger: Client,
    task: String,
}

async fn world(topology: Topology) -> World {
    let system = System::start(app::serve, topology).await;
    let (anna, stranger) = (system.user("anna").await, system.user("stranger").await);
    let task = anna.post("/api/v1/tasks", json!({"title": "Anna's"})).await.expect(201);
    let task = task["id"].as_str().unwrap().to_owned();
    system.settle().await;
    World { system, anna, stranger, task }
}

impl World {
    /// Everything that was ever written, as one number for each table.
    async fn rows(&self) -> Vec<(String, i64)> {
        let mut rows = Vec::new();
        for domain in ["user", "task", "notification"] {
            for table in self.system.tables(domain).await {
                if table != "relay_lease" {
                    let count = self.system.count(domain, &format!("SELECT count(*) FROM \"{table}\"")).await;
                    rows.push((format!("{domain}.{table}"), count));
                }
            }
        }
        assert!(rows.len() > 20, "the tables were found: {rows:?}");
        rows
    }

    async fn post_raw(&self, kind: &str, body: Vec<u8>) -> Reply {
        self.anna.send(Method::POST, "/api/v1/tasks", Some((kind, body))).await
    }
}

async fn a_body_that_cannot_be_read_is_refused_and_leaves_nothing(topology: Topology) {
    let world = world(topology).await;
    let before = world.rows().await;
    let json = "application/json";
    world.post_raw(json, br#"{"title": "cut o"#.to_vec()).await.expect_problem(400, "invalid_json");
    world.post_raw(json, Vec::new()).await.expect_problem(400, "invalid_json");
    world.post_raw(json, b"\xff\xfe{}".to_vec()).await.expect_problem(400, "invalid_json");
    let deep = [b"[".repeat(1_000), b"]".repeat(1_000)].concat();
    world.post_raw(json, deep).await.expect_problem(400, "invalid_json");
    let large = json!({"title": "t", "description": "x".repeat(300 * 1024)}).to_string().into_bytes();
    world.post_raw(json, large).await.expect_problem(413, "payload_too_large");
    let form = world.post_raw("application/x-www-form-urlencoded", b"title=t".to_vec()).await;
    form.expect_problem(415, "unsupported_media_type");
    assert_eq!(world.rows().await, before);
}

async fn a_field_that_is_not_known_or_not_good_is_named(topology: Topology) {
    let world = world(topology).await;
    let before = world.rows().await;
    let unknown = world.anna.post("/api/v1/tasks", json!({"title": "t", "creator_id": world.anna.id()})).await;
    let problem = unknown.expect_problem(422, "unknown_field");
    assert_eq!(problem["errors"][0]["pointer"], "/creator_id");
    let bad = json!({"title": "", "priority": "very", "labels": ["a", "a"], "due_at": "tomorrow"});
    let problem = world.anna.post("/api/v1/tasks", bad).await.expect(422);
    assert!(!problem["errors"].as_array().unwrap().is_empty(), "{problem}");
    let control = world.anna.post("/api/v1/tasks", json!({"title": "a\u{0}b"})).await;
    assert_eq!(control.expect_problem(422, "validation_failed")["errors"][0]["pointer"], "/title");
    assert_eq!(world.rows().await, before);
}

async fn a_parameter_that_is_not_known_is_refused_and_never_ignored(topology: Topology) {
    let world = world(topology).await;
    let asked = world.anna.get("/api/v1/tasks?assignee=me").await.expect_problem(400, "unknown_parameter");
    assert!(asked["detail"].as_str().unwrap().contains("assignee"), "{asked}");
    world.anna.get("/api/v1/tasks?sort=creator").await.expect_problem(400, "invalid_sort");
    for limit in ["0", "101", "-1", "many"] {
        assert_eq!(world.anna.get(&format!("/api/v1/tasks?limit={limit}")).await.status, 400, "limit {limit}");
    }
    for path in
        [format!("/api/v1/tasks/{}?x=1", world.task), "/api/v1/notifications?x=1".into(), "/api/v1/users/me?x=1".into()]
    {
        world.anna.get(&path).await.expect_problem(400, "unknown_parameter");
    }
}

async fn a_cursor_is_good_only_as_it_was_given(topology: Topology) {
    let world = world(topology).await;
    for n in 0..4 {
        world.anna.post("/api/v1/tasks", json!({"title": format!("Task {n}")})).await.expect(201);
    }
    let page = world.anna.get("/api/v1/tasks?limit=2&status=todo").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let with = |cursor: &str, rest: &str| format!("/api/v1/tasks?limit=2&cursor={cursor}{rest}");
    let next = world.anna.get(&with(cursor, "&status=todo")).await.expect(200);
    assert_eq!(next["items"].as_array().unwrap().len(), 2);
    world.anna.get(&with(cursor, "")).await.expect_problem(400, "cursor_mismatch");
    world.anna.get(&with(cursor, "&status=done")).await.expect_problem(400, "cursor_mismatch");
    world.anna.get(&with(cursor, "&status=todo&sort=title")).await.expect_problem(400, "cursor_mismatch");
    world.anna.get(&with("bm90IGEgY3Vyc29y", "&status=todo")).await.expect_problem(400, "invalid_cursor");
    world.anna.get(&with(&"A".repeat(10_000), "&status=todo")).await.expect_problem(400, "invalid_cursor");
    let (head, tail) = cursor.split_at(cursor.len() / 2);
    let flipped = if tail.starts_with('A') { "B" } else { "A" };
    let tampered = format!("{head}{flipped}{}", &tail[1..]);
    assert_eq!(world.anna.get(&with(&tampered, "&status=todo")).await.status, 400);
}

async fn a_foreign_task_looks_like_one_that_never_was(topology: Topology) {
    let world = world(topology).await;
    let before = world.rows().await;
    let nowhere = "01890a5d-ac96-774b-bcce-b302099a8057";
    let bare = |reply: Reply, id: &str| {
        let mut body = reply.expect_problem(404, "not_found");
        body.as_object_mut().unwrap().remove("request_id");
        body.to_string().replace(id, "{id}")
    };
    for (method, suffix, body) in [
        (Method::GET, "", None),
        (Method::PATCH, "", Some(json!({"title": "Mine"}))),
        (Method::PUT, "", Some(json!({"title": "Mine"}))),
        (Method::DELETE, "", None),
        (Method::POST, "/complete", None),
        (Method::POST, "/reopen", None),
    ] {
        let body: Option<Vec<u8>> = body.map(|body: Value| body.to_string().into_bytes());
        let ask = async |id: &str| {
            let body = body.clone().map(|bytes| ("application/json", bytes));
            world.stranger.send(method.clone(), &format!("/api/v1/tasks/{id}{suffix}"), body).await
        };
        assert_eq!(bare(ask(&world.task).await, &world.task), bare(ask(nowhere).await, nowhere), "{method} {suffix}");
    }
    assert_eq!(world.stranger.get("/api/v1/tasks").await.expect(200)["items"], json!([]));
    world.stranger.get("/api/v1/tasks/not-an-id").await.expect_problem(404, "not_found");
    assert_eq!(world.rows().await, before);
}

async fn without_a_good_token_nothing_is_told(topology: Topology) {
    let world = world(topology).await;
    let before = world.rows().await;
    let path = format!("/api/v1/tasks/{}", world.task);
    let nobody = world.system.anonymous().get(&path).await;
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    nobody.expect(401);
    world.system.advance(TimeDelta::minutes(11));
    for reply in [world.anna.get(&path).await, world.anna.post("/api/v1/tasks", json!({"title": "Late"})).await] {
        assert_eq!(reply.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        let problem = reply.expect(401);
        assert!(!problem.to_string().contains("expired"), "the reason goes to the log: {problem}");
    }
    assert_eq!(world.rows().await, before);
}

async fn of_two_registrations_of_one_address_one_wins(topology: Topology) {
    let world = world(topology).await;
    let register = |name: &str, email: &str| {
        let body = json!({"username": name, "email": email, "password": world.system.password()});
        let anonymous = world.system.anonymous();
        async move { anonymous.post("/api/v1/auth/register", body).await }
    };
    for round in 0..5 {
        let (first, second) = (format!("first{round}"), format!("second{round}"));
        let (upper, lower) = (format!("One{round}@Example.org"), format!("one{round}@example.ORG"));
        let (first, second) = tokio::join!(register(&first, &upper), register(&second, &lower));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        let loser = if first.status == 409 { first } else { second };
        loser.expect_problem(409, "email_taken");
    }
    register("anna", "other@example.org").await.expect_problem(409, "username_taken");
    world.system.settle().await;
    let users =
        world.rows().await.into_iter().find(|(table, _)| table == "user.user" || table == "user.users").unwrap();
    assert_eq!(users.1, 8, "the admin, two at the start, one a round");
}

async fn two_hundred_writers_of_one_task_lose_nothing_and_overtake_nobody(topology: Topology) {
    const WRITERS: i64 = 200;
    let world = world(topology).await;
    let path = format!("/api/v1/tasks/{}", world.task);
    let patch = |client: Client, title: String| {
        let path = path.clone();
        async move { client.patch(&path, json!({ "title": title })).await }
    };
    let replies = join_all((0..WRITERS).map(|n| patch(world.anna.clone(), format!("Title {n}")))).await;
    let mut versions: Vec<i64> =
        replies.into_iter().map(|reply| reply.expect(200)["version"].as_i64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=WRITERS + 1).collect::<Vec<i64>>());

    let current = world.anna.get(&path).await.header("etag").to_owned();
    assert_eq!(current, format!("\"v{}\"", WRITERS + 1));
    let careful = world.anna.with("If-Match", &current);
    let replies = join_all((0..WRITERS).map(|n| patch(careful.clone(), format!("Careful {n}")))).await;
    let (won, lost): (Vec<Reply>, Vec<Reply>) = replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 199));
    for reply in lost {
        assert_eq!(reply.expect_problem(412, "stale")["current_etag"], format!("\"v{}\"", WRITERS + 2));
    }
    world.system.settle().await;
    let found = async |column: &str| {
        let sql = format!("SELECT {column} FROM outbox WHERE aggregate_id = '{}'", world.task);
        world.system.count("task", &sql).await
    };
    let (events, newest) = (found("count(*)").await, found("max(aggregate_seq)").await);
    assert_eq!((events, newest), (WRITERS + 2, WRITERS + 2), "created, and one for each that was answered 200");
}

async fn one_idempotency_key_has_one_effect_and_one_answer(topology: Topology) {
    let world = world(topology).await;
    let keyed = world.anna.with("Idempotency-Key", "once");
    let body = json!({"title": "Only once"});
    let replies = join_all((0..10).map(|_| keyed.post("/api/v1/tasks", body.clone()))).await;
    let first = replies[0].body["id"].clone();
    let replayed = replies.iter().filter(|reply| reply.header("idempotency-replayed") == "true").count();
    assert_eq!(replayed, 9);
    for reply in replies {
        assert_eq!(reply.header("location"), format!("/api/v1/tasks/{}", first.as_str().unwrap()));
        assert_eq!(reply.expect(201)["id"], first);
    }
    keyed.post("/api/v1/tasks", json!({"title": "Another"})).await.expect_problem(422, "idempotency_key_reused");
    let stranger = world.stranger.with("Idempotency-Key", "once").post("/api/v1/tasks", body).await;
    assert_ne!(stranger.expect(201)["id"], first, "a key is its owner's");
    assert_eq!(world.anna.get("/api/v1/tasks").await.expect(200)["items"].as_array().unwrap().len(), 2);
}
