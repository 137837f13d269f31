//! `PUT /categories/{id}`: every writable field; one that is absent is emptied.

use super::create_category::{CategoryBody, body_example};
use super::{
    TaskState,
    category_view::{self, CategoryView},
    problems::not_found,
};
use crate::app::{self, UpdateCategory, UpdateCategoryError};
use crate::domain::{Actor, Category, CategoryEdit};
use actix_web::{HttpResponse, web::Data};
use contracts::CategoryId;
use web::openapi::Operation;
use web::{Answer, Body, Call, Id, NoParams, Params, Problem, ProblemCode};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("replaceCategory", "Replaces every field of a category")
        .tag("categories")
        .signed_in()
        .body::<CategoryBody>(body_example)
        .if_match()
        .changed::<CategoryView<'_>>(category_view::example)
        .problem(ProblemCode::NameTaken)
}

pub(super) async fn replace_category(
    state: Data<TaskState>,
    call: Call,
    Id(category): Id<CategoryId>,
    _: Params<NoParams>,
    Body(body): Body<CategoryBody>,
) -> Result<HttpResponse, Problem> {
    let new = body.parse()?;
    let edit = CategoryEdit { name: Some(new.name), color: Some(new.color), description: Some(new.description) };
    let command = UpdateCategory { category, edit, by: Actor::from(&call.caller), if_match: call.if_match };
    let answer = |category: &Category| Answer::ok(category.version, &CategoryView::from(category));
    web::command(&state.db, &call, &command, app::update_category, answer).await
}

impl From<UpdateCategoryError> for Problem {
    fn from(error: UpdateCategoryError) -> Self {
        match error {
            UpdateCategoryError::NotFound => not_found(),
            UpdateCategoryError::Stale(stale) => stale.into(),
            UpdateCategoryError::NameTaken => Self::new(ProblemCode::NameTaken),
            UpdateCategoryError::Db(error) => error.into(),
        }
    }
}
