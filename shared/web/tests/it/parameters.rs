//! Query strings and path ids.

use crate::world::{Reply, World, anna, ask, ben, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::test::TestRequest;
use contracts::TaskId;
use contracts::task::Status;
use serde::Deserialize;
use serde_json::json;
use web::{AnyOf, AnyOrNone, At, Caller, Id, Instant, Listing, NoParams, Params, Problem, SortedListing, UserRef};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filters {
    status: Option<AnyOf<Status>>,
    category_id: Option<AnyOrNone<TaskId>>,
    assignee_id: Option<UserRef>,
    overdue: Option<bool>,
    due_before: Option<Instant>,
    depth: Option<u32>,
}

fn shown(filters: &Filters, caller: &Caller) -> serde_json::Value {
    json!({
        "status": filters.status.as_ref().map(|any| any.0.iter().map(|s| s.as_str()).collect::<Vec<_>>()),
        "category_id": filters.category_id.as_ref().map(|any| json!({"none": any.none, "values": any.values})),
        "assignee_id": filters.assignee_id.map(|user| user.resolve(caller)),
        "overdue": filters.overdue, "due_before": filters.due_before.map(|instant| instant.0), "depth": filters.depth,
    })
}

async fn list(caller: Caller, listing: Listing<Filters>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"filters": shown(&listing.filters, &caller), "limit": listing.paging.limit()}))
}

async fn sorted(caller: Caller, listing: SortedListing<Filters>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"filters": shown(&listing.filters, &caller), "limit": listing.paging.limit()}))
}

async fn nothing(_: Params<NoParams>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

async fn params(caller: Caller, Params(filters): Params<Filters>) -> HttpResponse {
    HttpResponse::Ok().json(shown(&filters, &caller))
}

async fn by_id(Id(id): Id<TaskId>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(json!({"id": id})))
}

async fn get(uri: &str) -> Reply {
    let world = World::new().await;
    let app = serve!(
        world,
        At::new("/list").get(list, undescribed()),
        At::new("/sorted").get(sorted, undescribed()),
        At::new("/nothing").get(nothing, undescribed()),
        At::new("/params").get(params, undescribed()),
        At::new("/tasks/{id}").get(by_id, undescribed())
    );
    let token = format!("Bearer {}", world.token(anna()));
    ask(&app, TestRequest::get().uri(uri).insert_header(("authorization", token)).to_request()).await
}

#[actix_web::test]
async fn every_kind_of_filter_is_read() {
    let ben = ben();
    let reply = get(&format!(
        "/list?status=todo,in_progress&category_id=none,{ben}&assignee_id=me&overdue=true&due_before=2026-01-02T03:04:05Z&depth=3&limit=7"
    ))
    .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let expected = json!({"limit": 7, "filters": {
        "status": ["todo", "in_progress"], "category_id": {"none": true, "values": [ben]}, "assignee_id": anna(),
        "overdue": true, "due_before": "2026-01-02T03:04:05Z", "depth": 3}});
    assert_eq!(reply.body, expected);
    let bare = get("/list").await;
    assert_eq!(bare.body["limit"], 50);
    assert!(bare.body["filters"].as_object().unwrap().values().all(serde_json::Value::is_null));
    assert_eq!(get(&format!("/list?assignee_id={ben}")).await.body["filters"]["assignee_id"], json!(ben));
    assert_eq!(
        get("/params?due_before=2026-01-02T04%3A04%3A05%2B01%3A00").await.body["due_before"],
        "2026-01-02T03:04:05Z"
    );
}

#[actix_web::test]
async fn an_unknown_parameter_is_400_and_is_named() {
    let reply = get("/list?stauts=todo").await;
    assert_eq!(reply.problem(), (400, "unknown_parameter"));
    assert_eq!(reply.body["parameter"], "stauts");
    assert_eq!(reply.body["nearest"], "status");
    assert_eq!(reply.body["detail"], "`stauts` is not a parameter of this endpoint; did you mean `status`?");
    let allowed = json!(["status", "category_id", "assignee_id", "overdue", "due_before", "depth", "limit", "cursor"]);
    assert_eq!(reply.body["allowed"], allowed);
    let sorted = get("/sorted?srt=title").await;
    assert_eq!((&sorted.body["nearest"], &sorted.body["allowed"][8]), (&json!("sort"), &json!("sort")));
    assert_eq!(get("/list?sort=title").await.problem(), (400, "unknown_parameter"));
    let none = get("/nothing?x=1").await;
    assert_eq!(none.problem(), (400, "unknown_parameter"));
    assert_eq!(none.body["detail"], "`x` is not a parameter of this endpoint, which has none");
    assert_eq!((&none.body["nearest"], &none.body["allowed"]), (&json!(null), &json!([])));
    let single = get("/params?limit=3").await;
    assert_eq!(single.problem(), (400, "unknown_parameter"));
    assert!(!single.body["allowed"].as_array().unwrap().contains(&json!("limit")));
}

#[actix_web::test]
async fn a_value_that_is_not_allowed_is_400_and_its_parameter_is_named() {
    for (query, parameter) in [
        ("status=todo,grand", "status"),
        ("status=", "status"),
        ("status=todo,,done", "status"),
        ("status=none", "status"),
        ("status=todo&status=done", "status"),
        ("category_id=7", "category_id"),
        ("assignee_id=you", "assignee_id"),
        ("overdue=yes", "overdue"),
        ("due_before=soon", "due_before"),
        ("due_before=2026-01-02", "due_before"),
        ("due_before=2026-01-02%2000:00:00Z", "due_before"),
        ("depth=-1", "depth"),
        ("depth=4294967296", "depth"),
        ("status=todo%00", "status"),
        ("status=%ff", "status"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=%2B5", "limit"),
        ("limit=", "limit"),
        ("limit=07", "limit"),
        ("limit=1&limit=2", "limit"),
    ] {
        let reply = get(&format!("/list?{query}")).await;
        assert_eq!(reply.problem(), (400, "invalid_parameter"), "{query}");
        assert_eq!(reply.body["parameter"], parameter, "{query}");
    }
    let many = vec!["todo"; 101].join(",");
    assert_eq!(get(&format!("/list?status={many}")).await.problem(), (400, "invalid_parameter"));
}

#[actix_web::test]
async fn a_malformed_id_is_404() {
    let id = "0190f5a0-1b2c-7d3e-8f40-112233445566";
    assert_eq!(get(&format!("/tasks/{id}")).await.body["id"], id);
    assert_eq!(get(&format!("/tasks/{}", id.to_uppercase())).await.status, 200);
    let simple = id.replace('-', "");
    for other in
        ["7", "me", &simple, &format!("%7B{id}%7D"), &format!("urn:uuid:{id}"), &format!("{id}0"), "%00", "..%2f"]
    {
        assert_eq!(get(&format!("/tasks/{other}")).await.problem(), (404, "not_found"), "{other}");
    }
}
