//! Stopping loses nothing and leaves nothing.

use crate::support::{client, domain, get, own_address, place, send, with};
use actix_web::HttpResponse;
use runtime::Mounted;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use web::At;
use web::openapi::Operation;

#[tokio::test]
async fn a_request_under_way_is_finished_and_no_new_one_is_taken() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, waited) = (Arc::clone(&entered), Arc::clone(&release));
    let slow = with("notes", &["/api/v1/notes"], move || {
        let (told, waited) = (Arc::clone(&told), Arc::clone(&waited));
        Mounted::new().routes(move |config| {
            let (told, waited) = (Arc::clone(&told), Arc::clone(&waited));
            let handler = move || {
                let (told, waited) = (Arc::clone(&told), Arc::clone(&waited));
                async move {
                    told.notify_one();
                    waited.notified().await;
                    HttpResponse::Ok().body("finished")
                }
            };
            config.service(At::new("/api/v1/notes").get(handler, Operation::new("get", "Something slow")));
        })
    });
    let (_directory, config) = place();
    let server = runtime::serve(config, vec![slow]).await.unwrap();
    let address = server.address();
    let request = tokio::spawn(send(client().get(format!("http://{address}/api/v1/notes"))));
    entered.notified().await;
    let stopping = tokio::spawn(server.stop());
    // Only the listener's end tells that the server has begun to stop.
    while TcpStream::connect(address).is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    release.notify_one();
    let reply = request.await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, Some("finished")));
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_draining_process_is_not_ready_and_still_serves() {
    let (_directory, mut config) = place();
    config.drain_delay = Duration::from_secs(3);
    let server = runtime::serve(config, vec![domain("notes", &["/api/v1/notes"])]).await.unwrap();
    let url = format!("http://{}", server.address());
    assert_eq!(get(&server, "/health/ready").await.body["status"], "ready");
    let stopping = tokio::spawn(server.stop());
    let refused = loop {
        let reply = send(client().get(format!("{url}/health/ready"))).await;
        if reply.status != 200 {
            break reply;
        }
    };
    assert_eq!(refused.status, 503);
    assert_eq!(
        (refused.body["status"].as_str(), refused.body["reason"].as_str()),
        (Some("not_ready"), Some("stopping"))
    );
    assert_eq!(refused.header("content-type"), "application/json", "a health answer keeps its shape");
    assert_eq!(send(client().get(format!("{url}/health/live"))).await.status, 200);
    assert_eq!(send(client().get(format!("{url}/api/v1/notes"))).await.status, 200);
    stopping.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_the_process() {
    let (_directory, config) = place();
    let server = runtime::serve(config, vec![domain("notes", &["/api/v1/notes"])]).await.unwrap();
    let client = client();
    assert_eq!(send(client.get(format!("http://{}/", server.address()))).await.status, 200);
    let begun = Instant::now();
    server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(client);
}

#[tokio::test]
async fn port_and_files_are_released() {
    let (_directory, mut config) = place();
    own_address(&mut config, 8);
    let data = config.data_dir.clone();
    for _ in 0..3 {
        let server = runtime::serve(config.clone(), vec![domain("notes", &["/api/v1/notes"])]).await.unwrap();
        // The same port again: were it still held, the next start would fail.
        config.port = server.address().port();
        let notes = server.domains()[0].db.clone();
        server.stop().await;
        assert!(!data.join("cleave.addr").exists());
        let wal = std::fs::metadata(data.join("notes.db-wal")).map_or(0, |file| file.len());
        assert_eq!(wal, 0, "the write-ahead log was copied back");
        assert!(notes.write(&db::Context::default(), &(), nothing).await.is_err(), "the database is closed");
    }
}

#[tokio::test]
async fn a_server_that_is_dropped_lets_go_of_its_files() {
    let (_directory, config) = place();
    drop(runtime::serve(config.clone(), vec![domain("notes", &["/api/v1/notes"])]).await.unwrap());
    runtime::serve(config, vec![domain("notes", &["/api/v1/notes"])]).await.unwrap().stop().await;
}

async fn nothing(_: &mut db::Tx, (): &()) -> Result<(), db::DbError> {
    Ok(())
}
