//! The longest that a request may be under way.

use crate::world::{World, ask, serve, undescribed};
use actix_web::HttpResponse;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use std::future::pending;
use std::time::Duration;
use web::{At, Edge};

async fn never() -> HttpResponse {
    pending().await
}

#[actix_web::test]
async fn a_handler_without_an_end_is_ended() {
    let mut world = World::new().await;
    world.edge = Data::new(Edge { handler_deadline: Duration::from_millis(50), ..Edge::default() });
    let app = serve!(world, At::new("/never").get(never, undescribed()).post(never, undescribed()));
    let reply = ask(&app, TestRequest::get().uri("/never").to_request()).await;
    assert_eq!((reply.problem(), reply.header("retry-after")), ((503, "unavailable"), Some("1")));
    let reply = ask(&app, TestRequest::post().uri("/never").to_request()).await;
    assert_eq!(reply.problem(), (503, "outcome_unknown"), "what a write did is not known");
}
