//! What the domain brings into a process: wiring and nothing else.

use crate::app::erase_next;
use crate::{http, listen};
use actix_web::web::Data;
use db::{Context, Db, DbError};
use runtime::{Deps, Job, Module, Mounted, StartError};
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

/// The notification domain.
#[must_use]
pub fn module() -> Module {
    Module::new("notification")
        .prefixes(&["/api/v1/notifications"])
        .described_by(http::table)
        .port(8003)
        .migrations::<migration_notification::Migrator>()
        .mount(mount)
}

fn mount(deps: Deps) -> Pin<Box<dyn Future<Output = Result<Mounted, StartError>> + Send>> {
    let service = Data::new(http::Service { db: deps.db });
    let mounted = Mounted::new()
        .routes(move |config| http::routes(config, &service))
        .listeners(listen::listeners())
        .job(Job::every(Duration::from_secs(60), "erase departed recipients", |db| Box::pin(erase_departed(db))));
    Box::pin(ready(Ok(mounted)))
}

/// Works off what the listener left, one transaction after the other, so that others get their turn in between.
async fn erase_departed(db: Db) -> Result<(), String> {
    let erased: Result<(), DbError> = async {
        while db.write(&Context::default(), &(), erase_next).await? {}
        Ok(())
    }
    .await;
    erased.map_err(|error| error.to_string())
}
