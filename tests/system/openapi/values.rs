//! Hundreds of values into every field and every parameter. Rule: one is accepted exactly when its schema accepts it.

use super::ask;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{Reply, System, Topology};
use tests::api::{Judge, bodies, operations, texts};

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
