//! `GET /categories/{id}`.

use super::{
    TaskState,
    category_view::{self, CategoryView},
    problems::not_found,
};
use crate::domain::Actor;
use crate::store;
use actix_web::{HttpRequest, HttpResponse, web::Data};
use contracts::CategoryId;
use web::openapi::Operation;
use web::{Caller, Id, NoParams, Params, Problem};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("getCategory", "One category")
        .tag("categories")
        .signed_in()
        .one::<CategoryView<'_>>(category_view::example)
}

pub(super) async fn get_category(
    state: Data<TaskState>,
    request: HttpRequest,
    caller: Caller,
    Id(category): Id<CategoryId>,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let found = store::get_category(state.db.reader(), category, Actor::from(&caller)).await?;
    let category = found.ok_or_else(not_found)?;
    web::one(&request, category.version, &CategoryView::from(&category))
}
