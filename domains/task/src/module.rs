//! How the domain is put into a process: its name, its place, its tables, and what it brings along. Wiring only.

use crate::http::{self, TaskState};
use crate::{app, listen, snapshots};
use actix_web::web::{Data, ServiceConfig};
use futures_util::future::BoxFuture;
use runtime::{Deps, Job, Module, Mounted, StartError};
use std::time::Duration;

/// How often it is looked whether a deleted user left tasks.
const FORGETTING: Duration = Duration::from_secs(1);

/// The task domain, for the process that serves it.
#[must_use]
pub fn module() -> Module {
    Module::new("task")
        .prefixes(&["/api/v1/tasks", "/api/v1/categories"])
        .described_by(http::table)
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
