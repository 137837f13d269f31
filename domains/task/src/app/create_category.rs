//! Makes a category for whoever asks.

use crate::domain::{Actor, Category, NewCategory};
use crate::store;
use contracts::CategoryId;
use db::{DbError, Tx};

pub(crate) struct CreateCategory {
    pub(crate) category: NewCategory,
    pub(crate) by: Actor,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateCategoryError {
    #[error("the owner has a category of this name")]
    NameTaken,
    #[error(transparent)]
    Db(DbError),
}

impl From<DbError> for CreateCategoryError {
    fn from(error: DbError) -> Self {
        if store::is_taken_category_name(&error) { Self::NameTaken } else { Self::Db(error) }
    }
}

pub(crate) async fn create_category(tx: &mut Tx, cmd: &CreateCategory) -> Result<Category, CreateCategoryError> {
    let category = Category::new(CategoryId(tx.new_id()), cmd.category.clone(), cmd.by.id, tx.now());
    store::insert_category(tx, &category).await?;
    Ok(category)
}
