//! The document of the API: it is well-formed, it is whole, and it is true. Rule: what is asked is read from the document
//! itself, so that a new endpoint is covered without an edit; only who may ask without a token stands here.

mod day;
mod values;

use day::every_answer_of_a_day_is_one_that_the_document_describes;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use testkit::{Client, Reply, System, Topology};
use tests::api::{Judge, Operation, objections, operations};
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

/// Members in the order of their names, as they are kept.
#[test]
fn the_document_is_sorted() {
    let text = serde_json::to_string(&app::openapi()).unwrap();
    let read: Map<String, Value> = serde_json::from_str(&text).unwrap();
    let names: Vec<&String> = read.keys().collect();
    assert!(names.is_sorted(), "{names:?}");
}
