//! `DELETE /categories/{id}`.

use super::{TaskState, problems::not_found};
use crate::app::{self, DeleteCategory, DeleteCategoryError};
use crate::domain::Actor;
use actix_web::{HttpResponse, web::Data};
use contracts::CategoryId;
use web::openapi::Operation;
use web::{Answer, Call, FreshCaller, Id, NoParams, Params, Problem, ProblemCode};

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("deleteCategory", "Deletes a category, if no task is filed under it")
        .tag("categories")
        .signed_in()
        .if_match()
        .no_content()
        .problem(ProblemCode::NotEmpty)
}

pub(super) async fn delete_category(
    state: Data<TaskState>,
    call: Call,
    _: FreshCaller,
    Id(category): Id<CategoryId>,
    _: Params<NoParams>,
) -> Result<HttpResponse, Problem> {
    let command = DeleteCategory { category, by: Actor::from(&call.caller), if_match: call.if_match };
    web::command(&state.db, &call, &command, app::delete_category, |()| Answer::no_content()).await
}

impl From<DeleteCategoryError> for Problem {
    fn from(error: DeleteCategoryError) -> Self {
        match error {
            DeleteCategoryError::NotFound => not_found(),
            DeleteCategoryError::Stale(stale) => stale.into(),
            DeleteCategoryError::NotEmpty => {
                Self::new(ProblemCode::NotEmpty).detail("tasks are filed under this category")
            }
            DeleteCategoryError::Db(error) => error.into(),
        }
    }
}
