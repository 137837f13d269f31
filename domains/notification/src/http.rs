//! The routes of notifications.

mod create;
mod delete;
mod get;
mod list;
mod mark;
mod patch;
mod rules;
mod send;
mod view;

use crate::store::Viewer;
use actix_web::web::{Data, ServiceConfig};
use db::Db;
use web::{At, Caller};

/// What the handlers work with.
pub(crate) struct Service {
    pub(crate) db: Db,
}

/// The route table.
pub(crate) fn routes(config: &mut ServiceConfig, state: &Data<Service>) {
    config
        .app_data(state.clone())
        .service(At::new("/api/v1/notifications").get(list::list).post(create::create))
        .service(At::new("/api/v1/notifications/mark").post(mark::mark))
        .service(At::new("/api/v1/notifications/{id}").get(get::get).patch(patch::patch).delete(delete::delete))
        .service(At::new("/api/v1/notifications/{id}/send").post(send::send));
}

impl From<&Caller> for Viewer {
    fn from(caller: &Caller) -> Self {
        Self { user: caller.user_id, is_admin: caller.is_admin() }
    }
}
