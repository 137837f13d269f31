//! Reads of one resource: tags and 304.

use crate::world::{Reply, World, ask, serve, undescribed};
use actix_web::test::TestRequest;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};
use web::{At, Problem, one, one_public};

async fn full(request: HttpRequest) -> Result<HttpResponse, Problem> {
    one(&request, 7, &json!({"secret": 1}))
}

async fn public(request: HttpRequest) -> Result<HttpResponse, Problem> {
    one_public(&request, 7, &json!({"name": 1}))
}

async fn get(path: &str, known: Option<&str>) -> Reply {
    let world = World::new().await;
    let app = serve!(world, At::new("/full").get(full, undescribed()), At::new("/public").get(public, undescribed()));
    let mut request = TestRequest::get().uri(path);
    if let Some(known) = known {
        request = request.insert_header(("if-none-match", known));
    }
    ask(&app, request.to_request()).await
}

#[actix_web::test]
async fn a_resource_carries_its_tag_and_may_be_kept_by_its_reader() {
    for (path, tag, body) in [("/full", "\"v7\"", json!({"secret": 1})), ("/public", "\"v7-p\"", json!({"name": 1}))] {
        for (known, status) in [(None, 200), (Some("\"v6\""), 200), (Some(tag), 304), (Some("*"), 304)] {
            let reply = get(path, known).await;
            assert_eq!(reply.status, status, "{path} {known:?}");
            assert_eq!(reply.header("etag"), Some(tag));
            assert_eq!(reply.header("cache-control"), Some("private, no-cache"));
            assert_eq!(reply.header("vary"), Some("Authorization, Origin"));
            assert_eq!(reply.body, if status == 200 { body.clone() } else { Value::Null });
        }
    }
    assert_eq!(get("/full", Some("\"v7-p\"")).await.status, 200, "whoever became an admin gets the full resource");
    assert_eq!(get("/public", Some("\"v7\"")).await.status, 200);
}
