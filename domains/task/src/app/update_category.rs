//! PUT and PATCH of a category.

use crate::domain::{Actor, Category, CategoryEdit};
use crate::store;
use contracts::CategoryId;
use db::{DbError, Tx};
use web::{IfMatch, Stale};

pub(crate) struct UpdateCategory {
    pub(crate) category: CategoryId,
    pub(crate) edit: CategoryEdit,
    pub(crate) by: Actor,
    pub(crate) if_match: IfMatch,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum UpdateCategoryError {
    #[error("no such category for this caller")]
    NotFound,
    #[error(transparent)]
    Stale(#[from] Stale),
    #[error("the owner has a category of this name")]
    NameTaken,
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for UpdateCategoryError {
    fn from(error: DbError) -> Self {
        if store::is_taken_category_name(&error) { Self::NameTaken } else { Self::Db(error) }
    }
}

pub(crate) async fn update_category(tx: &mut Tx, cmd: &UpdateCategory) -> Result<Category, UpdateCategoryError> {
    let found = store::get_category_for_update(tx, cmd.category, cmd.by).await?;
    let mut category = found.ok_or(UpdateCategoryError::NotFound)?;
    cmd.if_match.require(category.version)?;
    if category.edit(&cmd.edit, tx.now()) {
        store::update_category(tx, &mut category).await?;
    }
    Ok(category)
}
