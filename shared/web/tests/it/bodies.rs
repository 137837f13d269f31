//! Bodies: what is read, and each way to be refused.

use crate::world::{Reply, World, ask, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::test::TestRequest;
use actix_web::web::{Bytes, Data};
use chrono::{DateTime, Utc};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use web::{At, Body, Edge, NoBody, Patch, Problem};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    title: String,
    count: Option<u32>,
    due_at: Option<DateTime<Utc>>,
    kind: Option<Kind>,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    color: Patch<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Plain,
    Fancy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    name: String,
}

async fn echo(Body(note): Body<Note>) -> Result<HttpResponse, Problem> {
    let color = match note.color {
        Patch::Absent => json!("absent"),
        Patch::Null => Value::Null,
        Patch::Value(color) => json!(color),
    };
    let labels: Vec<_> = note.labels.iter().map(|label| &label.name).collect();
    Ok(HttpResponse::Ok().json(json!({"title": note.title, "count": note.count, "due_at": note.due_at,
        "kind": note.kind, "labels": labels, "color": color})))
}

async fn act(_: NoBody) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

async fn send(request: TestRequest) -> Reply {
    let world = World::new().await;
    let app = serve!(world, At::new("/notes").post(echo, undescribed()).patch(echo, undescribed()));
    ask(&app, request.to_request()).await
}

async fn post(body: impl Into<Bytes>) -> Reply {
    send(TestRequest::post().uri("/notes").insert_header(("content-type", "application/json")).set_payload(body)).await
}

#[actix_web::test]
async fn a_body_that_fits_is_read_with_all_its_kinds_of_fields() {
    let due = "2026-02-03T04:05:06.000007Z";
    let reply = post(
        json!({"title": "ä\u{1f600}", "count": 7, "due_at": due, "kind": "fancy", "labels": [{"name": "a"}], "color": null})
            .to_string(),
    )
    .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let expected =
        json!({"title": "ä\u{1f600}", "count": 7, "due_at": due, "kind": "fancy", "labels": ["a"], "color": null});
    assert_eq!(reply.body, expected);
    assert_eq!(post(r#"{"title":"x"}"#).await.body["color"], "absent");
    assert_eq!(post(r#"{"title":"x","color":"red"}"#).await.body["color"], "red");
}

#[actix_web::test]
async fn what_is_not_json_is_400() {
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    let deep_object = format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000));
    for text in [
        "",
        r#"{"title":"x""#,
        r#"{"title":"x"} x"#,
        "{title:1}",
        &deep,
        &deep_object,
        r#"{"title":1e999}"#,
        "\u{feff}{}",
    ] {
        assert_eq!(post(text.to_owned()).await.problem(), (400, "invalid_json"), "{text:.40}");
    }
    assert_eq!(post(&b"{\"title\":\"\xff\"}"[..]).await.problem(), (400, "invalid_json"));
}

#[actix_web::test]
async fn a_field_that_does_not_fit_is_422_with_its_pointer() {
    for (text, code, pointer, rule) in [
        (r#"{"title":"x","rank":1}"#, "unknown_field", "/rank", "unknown_field"),
        (
            r#"{"title":"x","labels":[{"name":"a"},{"name":"a","b/c~d":1}]}"#,
            "unknown_field",
            "/labels/1/b~1c~0d",
            "unknown_field",
        ),
        (r#"{"title":"x","title":"y"}"#, "validation_failed", "/title", "duplicate_field"),
        (
            r#"{"title":"x","labels":[{"name":"a","name":"a"}]}"#,
            "validation_failed",
            "/labels/0/name",
            "duplicate_field",
        ),
        (r#"{"title":"x","rank":1,"rank":1}"#, "validation_failed", "/rank", "duplicate_field"),
        (r#"{"count":1}"#, "validation_failed", "/title", "required"),
        (r#"{"title":7}"#, "validation_failed", "/title", "invalid_type"),
        (r#"{"title":null}"#, "validation_failed", "/title", "invalid_type"),
        (r#"{"title":"x","count":"7"}"#, "validation_failed", "/count", "invalid_type"),
        (r#"{"title":"x","count":-1}"#, "validation_failed", "/count", "invalid_value"),
        (r#"{"title":"x","count":1.5}"#, "validation_failed", "/count", "invalid_type"),
        (r#"{"title":"x","due_at":"soon"}"#, "validation_failed", "/due_at", "invalid_value"),
        (r#"{"title":"x","kind":"grand"}"#, "validation_failed", "/kind", "invalid_value"),
        (r#"{"title":"x","kind":7}"#, "validation_failed", "/kind", "invalid_type"),
        (r#"{"title":"x","labels":{"name":"a"}}"#, "validation_failed", "/labels", "invalid_type"),
        (r#"{"title":"x","labels":["a"]}"#, "validation_failed", "/labels/0", "invalid_type"),
        (r#"{"title":"a\u0000b"}"#, "validation_failed", "/title", "invalid_value"),
        (r#"{"title":"\ud800"}"#, "validation_failed", "", "invalid_value"),
        (r#"{"title":"\ud800\u0041"}"#, "validation_failed", "", "invalid_value"),
        ("[]", "validation_failed", "", "invalid_type"),
        (r#"["x",7,null,null,[],null]"#, "validation_failed", "", "invalid_type"),
        (r#"{"title":"x","labels":[["a"]]}"#, "validation_failed", "/labels/0", "invalid_type"),
        ("7", "validation_failed", "", "invalid_type"),
    ] {
        let reply = post(text).await;
        assert_eq!(reply.problem(), (422, code), "{text}");
        assert_eq!(reply.fields(), [(pointer, rule)], "{text}");
        let told = reply.body.to_string();
        assert!(!told.contains("struct") && !told.contains("Note") && !told.contains("u32"), "a Rust name in {told}");
    }
}

#[actix_web::test]
async fn another_content_type_is_415() {
    let json = r#"{"title":"x"}"#;
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "application/merge-patch+json", "application/problem+json"]
    {
        let request = TestRequest::post().uri("/notes").insert_header(("content-type", content_type)).set_payload(json);
        assert_eq!(send(request).await.problem(), (415, "unsupported_media_type"), "{content_type}");
    }
    let without = send(TestRequest::post().uri("/notes").set_payload(json)).await;
    assert_eq!(without.problem(), (415, "unsupported_media_type"));
    assert_eq!(without.body["allowed"], json!(["application/json"]));
    let coded = TestRequest::post().uri("/notes").insert_header(("content-type", "application/json"));
    let coded = send(coded.insert_header(("content-encoding", "gzip")).set_payload(json)).await;
    assert_eq!(coded.problem(), (415, "unsupported_media_type"));
}

#[actix_web::test]
async fn parameters_of_the_content_type_do_not_matter_and_a_patch_may_be_a_merge_patch() {
    for (request, content_type) in [
        (TestRequest::post(), "application/json; charset=utf-8"),
        (TestRequest::post(), "Application/JSON"),
        (TestRequest::patch(), "application/json"),
        (TestRequest::patch(), "application/merge-patch+json"),
    ] {
        let request =
            request.uri("/notes").insert_header(("content-type", content_type)).set_payload(r#"{"title":"x"}"#);
        assert_eq!(send(request).await.status, 200, "{content_type}");
    }
}

#[actix_web::test]
async fn a_body_of_the_limit_is_read_and_one_byte_more_is_413() {
    let frame = r#"{"title":""}"#.len();
    let body = |length: usize| format!(r#"{{"title":"{}"}}"#, "x".repeat(length - frame));
    assert_eq!(post(body(256 * 1024)).await.status, 200);
    let announced = post(body(256 * 1024 + 1)).await;
    assert_eq!(announced.problem(), (413, "payload_too_large"));
    assert!(announced.closes, "the rest of the body is not waited for");

    let world = World::new().await;
    let app = serve!(world, At::new("/notes").post(echo, undescribed()));
    let chunks = stream::iter((0..300).map(|_| Ok::<_, PayloadError>(Bytes::from(vec![b' '; 1024]))));
    let request = TestRequest::post().uri("/notes").insert_header(("content-type", "application/json")).to_request();
    let (request, _) = request.replace_payload(arriving(chunks));
    assert_eq!(ask(&app, request).await.problem(), (413, "payload_too_large"));
}

#[actix_web::test]
async fn an_action_without_fields_takes_nothing_or_an_empty_object() {
    let world = World::new().await;
    let app = serve!(world, At::new("/act").post(act, undescribed()));
    let empty = ask(&app, TestRequest::post().uri("/act").to_request()).await;
    assert_eq!(empty.status, 204);
    let act = |kind: &'static str, body: String| {
        let request = TestRequest::post().uri("/act").insert_header(("content-type", kind));
        ask(&app, request.set_payload(body).to_request())
    };
    assert_eq!(act("application/json", "{}".to_owned()).await.status, 204);
    let field = act("application/json", r#"{"by":1}"#.to_owned()).await;
    assert_eq!((field.problem(), field.fields()), ((422, "unknown_field"), vec![("/by", "unknown_field")]));
    assert_eq!(act("application/json", "{".to_owned()).await.problem(), (400, "invalid_json"));
    assert_eq!(act("text/plain", "now".to_owned()).await.problem(), (415, "unsupported_media_type"));
    let large = act("application/json", " ".repeat(300 * 1024)).await;
    assert_eq!(large.problem(), (413, "payload_too_large"));
}

#[actix_web::test]
async fn a_body_that_comes_too_slowly_is_408() {
    let mut world = World::new().await;
    world.edge = Data::new(Edge { body_deadline: Duration::from_millis(20), ..Edge::default() });
    let app = serve!(world, At::new("/notes").post(echo, undescribed()));
    let request = TestRequest::post().uri("/notes").insert_header(("content-type", "application/json")).to_request();
    let never = stream::pending::<Result<Bytes, PayloadError>>();
    let (request, _) = request.replace_payload(arriving(never));
    let reply = ask(&app, request).await;
    assert_eq!(reply.problem(), (408, "request_timeout"));
    assert!(reply.closes);
}

/// A body without a length, as chunks bring it.
fn arriving(chunks: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Payload {
    Payload::Stream { payload: Box::pin(chunks) }
}
