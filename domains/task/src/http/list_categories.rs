//! `GET /categories`: the caller's own, by name.

use super::{
    TaskState,
    category_view::{self, CategoryView},
};
use crate::store;
use actix_web::{HttpResponse, web::Data};
use web::openapi::Operation;
use web::{Caller, Listing, NoParams, Page, Problem};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("listCategories", "The caller's own categories, by name")
        .tag("categories")
        .signed_in()
        .list::<NoParams>()
        .page::<CategoryView<'_>>(category_view::page_example)
}

pub(super) async fn list_categories(
    state: Data<TaskState>,
    caller: Caller,
    listing: Listing<NoParams>,
) -> Result<HttpResponse, Problem> {
    let categories = store::list_categories(state.db.reader(), caller.user_id, &listing.paging).await?;
    let items = categories.items.iter().map(CategoryView::from).collect();
    web::list(&Page { items, next_cursor: categories.next_cursor })
}
