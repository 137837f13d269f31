//! `POST /categories`.

use super::{
    TaskState,
    category_view::{self, CategoryView},
};
use crate::app::{self, CreateCategory, CreateCategoryError};
use crate::domain::{Actor, Category, CategoryName, Color, Description, NewCategory};
use actix_web::{HttpResponse, web::Data};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use web::openapi::Operation;
use web::{Answer, Body, Call, FieldErrors, NoParams, Params, Problem, ProblemCode};

/// A category as it shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WriteCategory")]
pub(super) struct CategoryBody {
    /// Unique among the caller's.
    #[schemars(with = "CategoryName")]
    name: String,
    #[schemars(with = "Option<Color>")]
    color: Option<String>,
    #[schemars(with = "Option<Description>")]
    description: Option<String>,
}

/// For the document.
pub(super) fn operation() -> Operation {
    Operation::new("createCategory", "Makes a category")
        .tag("categories")
        .signed_in()
        .body::<CategoryBody>(body_example)
        .keyed()
        .created::<CategoryView<'_>>(category_view::example)
        .problem(ProblemCode::NameTaken)
}

pub(super) fn body_example() -> Value {
    json!({ "name": "Home", "color": "#ffcc00" })
}

pub(super) async fn create_category(
    state: Data<TaskState>,
    call: Call,
    _: Params<NoParams>,
    Body(body): Body<CategoryBody>,
) -> Result<HttpResponse, Problem> {
    let command = CreateCategory { category: body.parse()?, by: Actor::from(&call.caller) };
    let answer = |made: &Category| {
        Answer::created(&format!("/api/v1/categories/{}", made.id), made.version, &CategoryView::from(made))
    };
    web::command(&state.db, &call, &command, app::create_category, answer).await
}

impl CategoryBody {
    /// Also what PUT replaces a category with.
    pub(super) fn parse(self) -> Result<NewCategory, Problem> {
        let mut errors = FieldErrors::new();
        let name = errors.check("/name", CategoryName::parse(self.name));
        let color = errors.check_optional("/color", self.color, Color::parse);
        let description = errors.check_optional("/description", self.description, Description::parse);
        match name {
            Some(name) if errors.is_empty() => Ok(NewCategory { name, color, description }),
            Some(_) | None => Err(errors.into_problem()),
        }
    }
}

impl From<CreateCategoryError> for Problem {
    fn from(error: CreateCategoryError) -> Self {
        match error {
            CreateCategoryError::NameTaken => Self::new(ProblemCode::NameTaken),
            CreateCategoryError::Db(error) => error.into(),
        }
    }
}
