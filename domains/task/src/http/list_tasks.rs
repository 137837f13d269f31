//! `GET /tasks`.

use super::{TaskState, task_view::TaskView};
use crate::domain::Actor;
use crate::store::{self, TaskFilter};
use actix_web::{HttpResponse, web::Data};
use web::{Caller, Listing, Page, Problem};

pub(super) async fn list_tasks(
    state: Data<TaskState>,
    caller: Caller,
    listing: Listing<TaskFilter>,
) -> Result<HttpResponse, Problem> {
    let Listing { filters, paging } = listing;
    let now = state.db.clock().now();
    let tasks = store::list_tasks(state.db.reader(), Actor::from(&caller), &filters, &paging, now).await?;
    web::list(&Page { items: tasks.items.iter().map(TaskView::from).collect(), next_cursor: tasks.next_cursor })
}
