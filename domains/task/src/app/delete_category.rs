//! Deletes an empty category. Rule: looking and deleting are one statement, so no task can be filed under it between
//! the two.

use crate::domain::Actor;
use crate::store;
use contracts::CategoryId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

pub(crate) struct DeleteCategory {
    pub(crate) category: CategoryId,
    pub(crate) by: Actor,
    pub(crate) if_match: IfMatch,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteCategoryError {
    #[error("no such category for this caller")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error("tasks are filed under the category")]
    NotEmpty,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn delete_category(tx: &mut Tx, cmd: &DeleteCategory) -> Result<(), DeleteCategoryError> {
    let found = store::get_category_for_update(tx, cmd.category, cmd.by).await?;
    let category = found.ok_or(DeleteCategoryError::NotFound)?;
    cmd.if_match.require(category.version)?;
    if store::delete_category_if_empty(tx, category.id).await? { Ok(()) } else { Err(DeleteCategoryError::NotEmpty) }
}
