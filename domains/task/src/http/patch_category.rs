//! `PATCH /categories/{id}`: a JSON Merge Patch. Null empties a field; the name has no empty value.

use super::{
    TaskState,
    category_view::{self, CategoryView},
};
use crate::app::{self, UpdateCategory};
use crate::domain::{Actor, Category, CategoryEdit, CategoryName, Color, Description};
use actix_web::{HttpResponse, web::Data};
use contracts::CategoryId;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use web::openapi::Operation;
use web::{Answer, Body, Call, FieldErrors, Id, NoParams, Params, Patch, Problem, ProblemCode};

/// A JSON Merge Patch of a category.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "PatchCategory")]
pub(super) struct PatchCategoryBody {
    #[schemars(with = "CategoryName")]
    name: Patch<String>,
    #[schemars(with = "Patch<Color>")]
    color: Patch<String>,
    #[schemars(with = "Patch<Description>")]
    description: Patch<String>,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("patchCategory", "Changes some fields of a category; null empties one")
        .tag("categories")
        .signed_in()
        .body::<PatchCategoryBody>(|| json!({ "color": null }))
        .keyed()
        .if_match()
        .changed::<CategoryView<'_>>(category_view::example)
        .problem(ProblemCode::NameTaken)
}

pub(super) async fn patch_category(
    state: Data<TaskState>,
    call: Call,
    Id(category): Id<CategoryId>,
    _: Params<NoParams>,
    Body(body): Body<PatchCategoryBody>,
) -> Result<HttpResponse, Problem> {
    let edit = body.parse()?;
    let command = UpdateCategory { category, edit, by: Actor::from(&call.caller), if_match: call.if_match };
    let answer = |category: &Category| Answer::ok(category.version, &CategoryView::from(category));
    web::command(&state.db, &call, &command, app::update_category, answer).await
}

impl PatchCategoryBody {
    fn parse(self) -> Result<CategoryEdit, Problem> {
        let mut errors = FieldErrors::new();
        let name = errors.check_patch_required("/name", self.name, CategoryName::parse);
        let color = errors.check_patch("/color", self.color, Color::parse).into_nested();
        let description = errors.check_patch("/description", self.description, Description::parse).into_nested();
        errors.finish()?;
        Ok(CategoryEdit { name, color, description })
    }
}
