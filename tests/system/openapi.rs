//! The document of the API: it is well-formed, it is whole, and it is true. Rule: what is asked is read from the document
//! itself, so that a new endpoint is covered without an edit; only who may ask without a token stands here.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use testkit::{Client, Reply, System, Topology};
use tests::api::{Judge, Operation, bodies, objections, operations, texts};
use tests::{snapshot, tree};

testkit::in_every_topology!(
    every_process_serves_the_document_of_what_it_serves,
    what_is_not_public_is_401_without_a_token,
    every_get_refuses_an_unknown_parameter_and_names_the_nearest,
    every_answer_of_a_day_is_one_that_the_document_describes,
);

/// Everything that anybody may ask.
const PUBLIC: [&str; 14] = [
    "GET /",
    "GET /.well-known/jwks.json",
    "GET /docs",
    "GET /docs/errors",
    "GET /docs/{file}",
    "GET /health",
    "GET /health/live",
    "GET /health/ready",
    "GET /health/{service}",
    "GET /openapi.json",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/verify",
];

#[test]
fn the_document_is_the_one_that_is_kept() {
    let found = serde_json::to_string_pretty(&app::openapi()).unwrap() + "\n";
    snapshot::compare(&tree::root().join("tests/snapshots/openapi.json"), &found);
}

#[test]
fn the_document_is_well_formed() {
    let document = app::openapi();
    assert!(operations(&document).len() > 50, "the routes were found");
    assert_eq!(objections(&document), Vec::<String>::new());
}

#[test]
fn every_example_is_what_its_schema_says() {
    let judge = Judge::new(app::openapi());
    let document = judge.document();
    let (mut examples, mut wrong) = (0, Vec::new());
    let mut check = |what: String, media: &str, content: &Value| {
        let example = content.get("example").unwrap_or_else(|| panic!("{what} {media} has no example"));
        examples += 1;
        let found = judge.objections(&content["schema"], example);
        wrong.extend(found.into_iter().map(|objection| format!("{what} {media}: {objection}")));
    };
    for operation in operations(document) {
        let contents = |value: &Value| value.get("content").and_then(Value::as_object).cloned().unwrap_or_default();
        for (media, content) in contents(&operation.value["requestBody"]) {
            check(operation.name(), &media, &content);
        }
        for (status, answer) in operation.answers(document) {
            if status.starts_with('2') {
                for (media, content) in contents(answer) {
                    check(format!("{} {status}", operation.name()), &media, &content);
                }
            }
        }
    }
    for (name, example) in document["components"]["examples"].as_object().unwrap() {
        let problem = json!({ "$ref": "#/components/schemas/Problem" });
        wrong.extend(judge.objections(&problem, &example["value"]).into_iter().map(|why| format!("{name}: {why}")));
    }
    assert!(examples > 80, "the examples were found: {examples}");
    assert_eq!(wrong, Vec::<String>::new());
}

/// Where actix-web's own ways to register a route may be used.
const THE_PLACE: &str = "shared/web/src/routes.rs";

#[test]
fn a_route_is_registered_with_its_description_or_not_at_all() {
    let ways = ["web::resource(", "web::scope(", "scope(\"", "resource(\"", ".route(", "Resource::new", "Scope::new"];
    let mut found = Vec::new();
    let mut read = 0;
    for (path, text) in tree::rust_files() {
        let shown = path.display().to_string();
        let source = (shown.starts_with("shared/") || shown.starts_with("domains/") || shown.starts_with("app/"))
            && shown.contains("/src/");
        if !source || shown == THE_PLACE {
            continue;
        }
        read += 1;
        found.extend(ways.iter().filter(|way| text.contains(**way)).map(|way| format!("{shown}: {way}…")));
        // A service of its own would be in no table; the listener for the metrics is no part of the API.
        if text.contains(".service(") && shown != "shared/runtime/src/metrics/listener.rs" {
            found.push(format!("{shown}: .service(…"));
        }
    }
    assert!(read > 200, "the sources were read: {read}");
    assert_eq!(found, Vec::<String>::new(), "put it into a table of web::At, for web::register");
}

#[test]
fn a_table_of_routes_is_registered_as_it_is_described() {
    for domain in ["user", "task", "notification"] {
        let read = |file: &str| std::fs::read_to_string(tree::root().join("domains").join(domain).join(file)).unwrap();
        assert_eq!(read("src/module.rs").matches(".described_by(http::table)").count(), 1, "{domain}");
        let http = read("src/http.rs");
        let whole = http.matches("web::register(config, table())").count()
            + http.matches("web::register(cfg, table())").count();
        assert_eq!((whole, http.matches("web::register").count()), (1, 1), "{domain}");
    }
}

#[test]
fn only_what_is_listed_here_is_public() {
    let document = app::openapi();
    let public: BTreeSet<String> =
        operations(&document).iter().filter(|operation| operation.is_public()).map(Operation::name).collect();
    assert_eq!(public, PUBLIC.map(str::to_owned).into());
}

async fn every_process_serves_the_document_of_what_it_serves(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let whole = system.anonymous().get("/openapi.json").await;
    assert_eq!((whole.header("content-type"), whole.header("cache-control")), ("application/json", "no-cache"));
    let whole = whole.expect(200);
    assert_eq!(whole, app::openapi());
    if topology != Topology::SPLIT {
        return;
    }
    let parts = ["user", "task", "notification"].map(|name| (name, system.at(name)));
    let mut together = json!({});
    for (name, client) in parts {
        let part = client.get("/openapi.json").await.expect(200);
        let foreign = operations(&part).into_iter().find(|operation| {
            let own = |other: &str| {
                other != name && operation.value["tags"][0].as_str().is_some_and(|tag| tag.starts_with(other))
            };
            ["user", "task", "notification"].into_iter().any(own)
        });
        assert!(foreign.is_none(), "{name} serves what is not its own: {foreign:?}");
        assert_eq!(objections(&part), Vec::<String>::new(), "{name}");
        join(&mut together, &part["paths"]);
    }
    let mut paths = whole["paths"].clone();
    in_order(&mut paths);
    in_order(&mut together);
    assert_eq!(together, paths, "the whole is what its parts are together");
}

/// The names of domains that a parameter may have are those of all parts.
fn join(whole: &mut Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                join(whole.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(whole), Value::Array(part)) if whole.iter().chain(part).all(Value::is_string) => {
            let new: Vec<Value> = part.iter().filter(|value| !whole.contains(value)).cloned().collect();
            whole.extend(new);
        }
        (Value::Array(whole), Value::Array(part)) if whole.len() == part.len() => {
            whole.iter_mut().zip(part).for_each(|(whole, part)| join(whole, part));
        }
        (whole, part) => *whole = part.clone(),
    }
}

fn in_order(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(in_order),
        Value::Array(items) if items.iter().all(Value::is_string) => items.sort_by_key(ToString::to_string),
        Value::Array(items) => items.iter_mut().for_each(in_order),
        _ => {}
    }
}

async fn ask(client: &Client, operation: &Operation<'_>, address: &str, body: Option<&Value>) -> Reply {
    let method = Method::from_bytes(operation.method.to_uppercase().as_bytes()).unwrap();
    client.send(method, address, body.map(|body| ("application/json", body.to_string().into_bytes()))).await
}

async fn what_is_not_public_is_401_without_a_token(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let judge = Judge::new(app::openapi());
    let (nobody, mut asked) = (system.anonymous(), 0);
    for operation in operations(judge.document()) {
        if PUBLIC.contains(&operation.name().as_str()) {
            continue;
        }
        asked += 1;
        let reply = ask(&nobody, &operation, &operation.address(judge.document()), None).await;
        assert_eq!(reply.header("www-authenticate"), "Bearer", "{}: {reply:?}", operation.name());
        assert_eq!(judge.faults(&operation, &reply), Vec::<String>::new(), "{}", operation.name());
        reply.expect_problem(401, "unauthorized");
    }
    assert!(asked > 40, "{asked}");
}

async fn every_get_refuses_an_unknown_parameter_and_names_the_nearest(topology: Topology) {
    let system = System::start(app::serve, topology).await;
    let admin = system.admin().await;
    let judge = Judge::new(app::openapi());
    let mut named = 0;
    for operation in operations(judge.document()).into_iter().filter(|operation| operation.method == "get") {
        let address = operation.address(judge.document());
        let known = operation.parameters(judge.document(), "query");
        let names: Vec<&str> = known.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
        for name in names.iter().copied().chain(names.is_empty().then_some("nonsense")) {
            // Like a slip of the finger: a letter twice.
            let slip = format!("{name}{}", name.chars().last().unwrap());
            let reply = admin.get(&format!("{address}?{slip}=1")).await;
            assert_eq!(judge.faults(&operation, &reply), Vec::<String>::new(), "{}", operation.name());
            let problem = reply.expect_problem(400, "unknown_parameter");
            let allowed: BTreeSet<&str> =
                problem["allowed"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(allowed, names.iter().copied().collect(), "{}", operation.name());
            if names.is_empty() {
                assert_eq!(problem.get("nearest"), None, "{}", operation.name());
                continue;
            }
            named += 1;
            assert_eq!(problem["nearest"], name, "{}", operation.name());
            let question = format!("did you mean `{name}`?");
            assert!(problem["detail"].as_str().unwrap().ends_with(&question), "{problem}");
        }
    }
    assert!(named > 50, "{named}");
}

/// Codes that say what a schema cannot: who else there is, what was there before, and what is guessed first.
const BEYOND: [&str; 5] =
    ["unknown_user", "unknown_category", "idempotency_key_reused", "password_common", "cursor_mismatch"];

/// Whether the answer says that the request was not well-formed, or, where its schema accepts it, that it was not for
/// a reason that no schema knows.
fn is_refused(reply: &Reply, accepted: bool) -> bool {
    let code = |at: &str| reply.body.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let beyond = BEYOND.contains(&code("/code").as_str())
        || (code("/errors/0/code") == "password_common"
            && reply.body["errors"].as_array().is_some_and(|all| all.len() == 1));
    [400, 415, 422].contains(&reply.status) && !(accepted && beyond)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_accepted_exactly_when_its_schema_accepts_it() {
    let system = System::start(app::serve, Topology::EMBEDDED).await;
    let admin = system.admin().await;
    let judge = Judge::new(app::openapi());
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for operation in operations(judge.document()) {
        let Some((schema, example)) = operation.body() else { continue };
        let address = operation.address(judge.document());
        let variants = variants(judge.document(), schema, example);
        for some in variants.chunks(16) {
            let replies = join_all(some.iter().map(|body| ask(&admin, &operation, &address, Some(body)))).await;
            for (body, reply) in some.iter().zip(replies) {
                let said = judge.accepts(schema, body);
                let done = !is_refused(&reply, said);
                *(if done { &mut accepted } else { &mut refused }) += 1;
                if said != done {
                    let body: String = body.to_string().chars().take(200).collect();
                    wrong.push(format!("{} {body}: the schema says {said}, {}", operation.name(), reply.text));
                }
                wrong.extend(
                    judge.faults(&operation, &reply).into_iter().map(|fault| format!("{}: {fault}", operation.name())),
                );
            }
        }
    }
    println!("{accepted} bodies were accepted, {refused} refused");
    assert!(accepted > 500 && refused > 5_000, "{accepted} {refused}");
    assert!(wrong.is_empty(), "{} differences, among them\n{}", wrong.len(), few(&wrong));
}

/// One of a kind is enough to read.
fn few(wrong: &[String]) -> String {
    wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n")
}

/// The example with each of its schema's fields as each of the values, without each, and what is no object.
fn variants(document: &Value, schema: &Value, example: &Value) -> Vec<Value> {
    let mut variants = vec![json!(null), json!([]), json!("x"), json!(1), json!({}), example.clone()];
    let mut names = BTreeSet::from(["nonsense".to_owned()]);
    fields(document, schema, &mut names);
    for name in names {
        let mut without = example.clone();
        without.as_object_mut().unwrap().remove(&name);
        variants.push(without.clone());
        for value in bodies() {
            let mut body = without.clone();
            body.as_object_mut().unwrap().insert(name.clone(), value);
            variants.push(body);
        }
    }
    variants
}

fn fields(document: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    let schema = tests::api::resolved(document, schema);
    names.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    schema["oneOf"].as_array().into_iter().flatten().for_each(|one| fields(document, one, names));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_is_accepted_exactly_when_its_schema_accepts_it() {
    let system = System::start(app::serve, Topology::EMBEDDED).await;
    let admin = system.admin().await;
    let judge = Judge::new(app::openapi());
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    let texts: Vec<String> = texts().into_iter().filter(|text| text.len() < 9_000).collect();
    for operation in operations(judge.document()) {
        let address = operation.address(judge.document());
        for parameter in operation.parameters(judge.document(), "query") {
            let name = parameter["name"].as_str().unwrap();
            // A cursor is what the server gave.
            if name == "cursor" || operation.path == "/api/v1/auth/logout" {
                continue;
            }
            for some in texts.chunks(16) {
                let addresses: Vec<String> =
                    some.iter().map(|text| format!("{address}?{name}={}", encoded(text))).collect();
                let replies = join_all(addresses.iter().map(|address| ask(&admin, &operation, address, None))).await;
                for (text, reply) in some.iter().zip(replies) {
                    let said = judge.accepts_text(&parameter["schema"], text);
                    let done = !is_refused(&reply, said);
                    *(if done { &mut accepted } else { &mut refused }) += 1;
                    if said != done {
                        let text: String = text.chars().take(80).collect();
                        wrong.push(format!(
                            "{} {name}={text:?}: the schema says {said}, {}",
                            operation.name(),
                            reply.text
                        ));
                    }
                    wrong.extend(
                        judge
                            .faults(&operation, &reply)
                            .into_iter()
                            .map(|fault| format!("{} {name}={text:?}: {fault}", operation.name())),
                    );
                }
            }
        }
    }
    println!("{accepted} parameters were accepted, {refused} refused");
    assert!(accepted > 200 && refused > 5_000, "{accepted} {refused}");
    assert!(wrong.is_empty(), "{} differences, among them\n{}", wrong.len(), few(&wrong));
}

fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

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

async fn every_answer_of_a_day_is_one_that_the_document_describes(topology: Topology) {
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

/// Members in the order of their names, as they are kept.
#[test]
fn the_document_is_sorted() {
    let text = serde_json::to_string(&app::openapi()).unwrap();
    let read: Map<String, Value> = serde_json::from_str(&text).unwrap();
    let names: Vec<&String> = read.keys().collect();
    assert!(names.is_sorted(), "{names:?}");
}
