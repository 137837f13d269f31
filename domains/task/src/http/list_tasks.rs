//! `GET /tasks`.

use super::{
    TaskState,
    task_view::{self, TaskView},
};
use crate::domain::Actor;
use crate::store::{self, TaskFilter};
use actix_web::{HttpResponse, web::Data};
use web::openapi::Operation;
use web::{Caller, Page, Problem, SortedListing};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("listTasks", "The tasks that the caller made or is to do; of an administrator, all")
        .tag("tasks")
        .signed_in()
        .sorted_list::<TaskFilter>(store::task_sorts())
        .page::<TaskView<'_>>(task_view::page_example)
}

pub(super) async fn list_tasks(
    state: Data<TaskState>,
    caller: Caller,
    listing: SortedListing<TaskFilter>,
) -> Result<HttpResponse, Problem> {
    let SortedListing { filters, paging } = listing;
    let now = state.db.clock().now();
    let tasks = store::list_tasks(state.db.reader(), Actor::from(&caller), &filters, &paging, now).await?;
    web::list(&Page { items: tasks.items.iter().map(TaskView::from).collect(), next_cursor: tasks.next_cursor })
}
