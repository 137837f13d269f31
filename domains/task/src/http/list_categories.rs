//! `GET /categories`: the caller's own, by name.

use super::{TaskState, category_view::CategoryView};
use crate::store;
use actix_web::{HttpResponse, web::Data};
use web::{Caller, Listing, NoParams, Page, Problem};

pub(super) async fn list_categories(
    state: Data<TaskState>,
    caller: Caller,
    listing: Listing<NoParams>,
) -> Result<HttpResponse, Problem> {
    let categories = store::list_categories(state.db.reader(), caller.user_id, &listing.paging).await?;
    let items = categories.items.iter().map(CategoryView::from).collect();
    web::list(&Page { items, next_cursor: categories.next_cursor })
}
