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
pub(crate) fn table() -> Vec<At> {
    vec![
        At::new("/api/v1/notifications").get(list::list, list::operation()).post(create::create, create::operation()),
        At::new("/api/v1/notifications/mark").post(mark::mark, mark::operation()),
        At::new("/api/v1/notifications/{id}")
            .get(get::get, get::operation())
            .patch(patch::patch, patch::operation())
            .delete(delete::delete, delete::operation()),
        At::new("/api/v1/notifications/{id}/send").post(send::send, send::operation()),
    ]
}

pub(crate) fn routes(config: &mut ServiceConfig, state: &Data<Service>) {
    config.app_data(state.clone());
    web::register(config, table());
}

impl From<&Caller> for Viewer {
    fn from(caller: &Caller) -> Self {
        Self { user: caller.user_id, is_admin: caller.is_admin() }
    }
}
