//! How the domain is put into a process: its name, its place, its tables, and what it brings along. Wiring only.

use crate::http::{self, TaskState};
use crate::{app, listen, snapshots};
use actix_web::web::{Data, ServiceConfig};
use futures_util::future::BoxFuture;
use runtime::{Deps, Endpoint, Job, Module, Mounted, StartError};
use std::time::Duration;

/// How often it is looked whether a deleted user left tasks.
const FORGETTING: Duration = Duration::from_secs(1);

const ENDPOINTS: &[Endpoint] = &[
    ("GET", "/api/v1/tasks", "the tasks you made or are to do, with filters and sorting"),
    ("POST", "/api/v1/tasks", "make a task"),
    ("GET", "/api/v1/tasks/{id}", "one task"),
    ("PUT", "/api/v1/tasks/{id}", "replace its fields"),
    ("PATCH", "/api/v1/tasks/{id}", "change some of its fields"),
    ("DELETE", "/api/v1/tasks/{id}", "delete it"),
    ("POST", "/api/v1/tasks/{id}/complete", "finish it"),
    ("POST", "/api/v1/tasks/{id}/reopen", "open it again"),
    ("GET", "/api/v1/categories", "your categories, by name"),
    ("POST", "/api/v1/categories", "make a category"),
    ("GET", "/api/v1/categories/{id}", "one category"),
    ("PUT", "/api/v1/categories/{id}", "replace its fields"),
    ("PATCH", "/api/v1/categories/{id}", "change some of its fields"),
    ("DELETE", "/api/v1/categories/{id}", "delete it, if no task is filed under it"),
];

/// The task domain, for the process that serves it.
#[must_use]
pub fn module() -> Module {
    Module::new("task")
        .prefixes(&["/api/v1/tasks", "/api/v1/categories"])
        .endpoints(ENDPOINTS)
        .port(8002)
        .migrations::<migration_task::Migrator>()
        .mount(mount)
}

fn mount(deps: Deps) -> BoxFuture<'static, Result<Mounted, StartError>> {
    let state = Data::new(TaskState { db: deps.db });
    let forgetting = Job::every(FORGETTING, "forget deleted users", |db| {
        Box::pin(async move { app::forget_users(db).await.map_err(|error| error.to_string()) })
    });
    let mounted = Mounted::new()
        .routes(move |cfg: &mut ServiceConfig| http::routes(cfg, &state))
        .listeners(listen::listeners())
        .snapshots(snapshots::snapshots())
        .job(forgetting);
    Box::pin(async { Ok(mounted) })
}
