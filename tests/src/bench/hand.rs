//! Two small servers written by hand, for comparison only: the limit that Cleave is measured against. Rule: they do for a request
//! what Cleave does, on copies of the same rows and with the same answer: the token is verified each time, who may not see a
//! task does not find it, a write puts the task, its event with the same envelope and, where a key is sent, the answer into
//! one durable commit. All else is left out: no limits, no log, no metrics, no relay, no fields that nobody sends here, no
//! other resource; and nothing is ordered for a reader or for a change.

mod postgres;
mod sqlite;
mod task;
mod token;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, ETAG, LOCATION};
use actix_web::web::{Bytes, Data, Path, Query, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde::Deserialize;
use std::future::Future;
use std::process::ExitCode;
use task::{Kept, Key, NewTask, Page, Task, Writing};
use token::{Caller, Verifier};
use uuid::Uuid;

/// What it is, as its role says.
pub const ON_POSTGRES: &str = "hand-postgres";
/// The same on a file.
pub const ON_SQLITE: &str = "hand-sqlite";
/// The port that it listens on, where its rows are, and the keys of its tokens.
pub const TOLD: [&str; 3] = ["CLEAVE_TEST_BENCH_PORT", "CLEAVE_TEST_BENCH_ROWS", "CLEAVE_TEST_BENCH_KEYS"];

/// Rows of a page when nobody says how many, and at most.
const LIMITS: (i64, i64) = (50, 100);

/// Why a request fails.
type Failed = Box<dyn std::error::Error>;

/// Where the rows are, for one worker.
trait Rows: 'static {
    /// One task, if the caller may see it.
    fn one(&self, id: Uuid, by: &Caller) -> impl Future<Output = Result<Option<Task>, Failed>>;
    /// The newest that the caller may see; one more than the page shows.
    fn newest(&self, by: &Caller, limit: i64) -> impl Future<Output = Result<Vec<Task>, Failed>>;
    /// Keeps a task, its event and perhaps the answer; what was answered before under the same key, if anything.
    fn keep(&self, writing: Writing) -> impl Future<Output = Result<Option<Kept>, Failed>>;
}

/// What one worker has.
struct Hand<R> {
    rows: R,
    verifier: Verifier,
}

/// Serves until it is killed.
#[must_use]
pub fn serve(role: &str, told: [String; 3]) -> ExitCode {
    let [port, rows, keys] = told;
    let port: u16 = port.parse().expect("a port");
    let served = actix_web::rt::System::new().block_on(async move {
        if role == ON_SQLITE { sqlite::serve(port, rows, keys).await } else { postgres::serve(port, rows, keys).await }
    });
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A server whose workers get their rows from `open`.
async fn listen<R, F>(port: u16, keys: String, open: impl Fn() -> F + Send + Clone + 'static) -> std::io::Result<()>
where
    R: Rows,
    F: Future<Output = R> + 'static,
{
    let server = HttpServer::new(move || {
        let (keys, open) = (keys.clone(), open.clone());
        App::new()
            .data_factory(move || {
                let (verifier, rows) = (Verifier::new(&keys), open());
                async move { Ok::<_, std::io::Error>(Hand { rows: rows.await, verifier }) }
            })
            .route("/api/v1/tasks/{id}", get().to(one::<R>))
            .route("/api/v1/tasks", get().to(list::<R>))
            .route("/api/v1/tasks", post().to(create::<R>))
            .route("/health/ready", get().to(HttpResponse::Ok))
    });
    server.disable_signals().bind(("127.0.0.1", port))?.run().await
}

async fn one<R: Rows>(hand: Data<Hand<R>>, request: HttpRequest, id: Path<Uuid>) -> HttpResponse {
    let Some(caller) = hand.caller(&request) else { return refused(StatusCode::UNAUTHORIZED) };
    match hand.rows.one(*id, &caller).await {
        Ok(Some(task)) => {
            let tag = task.tag();
            HttpResponse::Ok().insert_header((ETAG, tag)).json(task)
        }
        Ok(None) => refused(StatusCode::NOT_FOUND),
        Err(failed) => broken(failed.as_ref()),
    }
}

/// What a list may be asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<i64>,
}

async fn list<R: Rows>(hand: Data<Hand<R>>, request: HttpRequest, asked: Query<Asked>) -> HttpResponse {
    let Some(caller) = hand.caller(&request) else { return refused(StatusCode::UNAUTHORIZED) };
    let limit = asked.limit.unwrap_or(LIMITS.0);
    if !(1..=LIMITS.1).contains(&limit) {
        return refused(StatusCode::BAD_REQUEST);
    }
    match hand.rows.newest(&caller, limit).await {
        Ok(tasks) => HttpResponse::Ok().json(Page::of(tasks, limit)),
        Err(failed) => broken(failed.as_ref()),
    }
}

async fn create<R: Rows>(hand: Data<Hand<R>>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let Some(caller) = hand.caller(&request) else { return refused(StatusCode::UNAUTHORIZED) };
    let new: NewTask = match serde_json::from_slice(&body) {
        Ok(new) => new,
        Err(_) => return refused(StatusCode::BAD_REQUEST),
    };
    if !new.is_sound() {
        return refused(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.map(|key| Key::new(&caller, key, &body));
    let writing = Writing::new(new, &caller, key);
    let (location, tag, answer) = (writing.location(), writing.task.tag(), writing.answer.clone());
    match hand.rows.keep(writing).await {
        Ok(None) => created(location, tag, answer),
        Ok(Some(Kept { is_same: true, location, tag, answer })) => created(location, tag, answer),
        Ok(Some(_)) => refused(StatusCode::UNPROCESSABLE_ENTITY),
        Err(failed) => broken(failed.as_ref()),
    }
}

impl<R> Hand<R> {
    fn caller(&self, request: &HttpRequest) -> Option<Caller> {
        let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        self.verifier.verify(header.strip_prefix("Bearer ")?)
    }
}

fn created(location: String, tag: String, answer: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response
        .insert_header((LOCATION, location))
        .insert_header((ETAG, tag))
        .content_type("application/json")
        .body(answer)
}

fn refused(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status).finish()
}

fn broken(failed: &dyn std::error::Error) -> HttpResponse {
    HttpResponse::InternalServerError().body(format!("{failed:?}"))
}
