//! The route table of the domain. Rule: one file a verb, with its body, its handler and what becomes of its errors.

mod category_view;
mod complete_task;
mod create_category;
mod create_task;
mod delete_category;
mod delete_task;
mod fields;
mod get_category;
mod get_task;
mod list_categories;
mod list_tasks;
mod patch_category;
mod patch_task;
mod problems;
mod reopen_task;
mod replace_category;
mod replace_task;
mod state;
mod task_view;

use actix_web::web::{Data, ServiceConfig};
pub(crate) use state::TaskState;
use web::At;

pub(crate) fn table() -> Vec<At> {
    vec![
        At::new("/api/v1/tasks")
            .get(list_tasks::list_tasks, list_tasks::operation())
            .post(create_task::create_task, create_task::operation()),
        At::new("/api/v1/tasks/{id}")
            .get(get_task::get_task, get_task::operation())
            .put(replace_task::replace_task, replace_task::operation())
            .patch(patch_task::patch_task, patch_task::operation())
            .delete(delete_task::delete_task, delete_task::operation()),
        At::new("/api/v1/tasks/{id}/complete").post(complete_task::complete_task, complete_task::operation()),
        At::new("/api/v1/tasks/{id}/reopen").post(reopen_task::reopen_task, reopen_task::operation()),
        At::new("/api/v1/categories")
            .get(list_categories::list_categories, list_categories::operation())
            .post(create_category::create_category, create_category::operation()),
        At::new("/api/v1/categories/{id}")
            .get(get_category::get_category, get_category::operation())
            .put(replace_category::replace_category, replace_category::operation())
            .patch(patch_category::patch_category, patch_category::operation())
            .delete(delete_category::delete_category, delete_category::operation()),
    ]
}

pub(crate) fn routes(cfg: &mut ServiceConfig, state: &Data<TaskState>) {
    cfg.app_data(state.clone());
    web::register(cfg, table());
}
