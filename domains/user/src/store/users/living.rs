//! Accounts as they are, for those who hear of accounts.

use super::super::entity::user::{Column, Entity};
use super::user;
use crate::domain::User;
use db::{DbError, Reader};
use outbox::Living;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

pub(crate) async fn living(reader: &Reader, living: Living) -> Result<Vec<User>, DbError> {
    let find = match living {
        Living::One(id) => Entity::find_by_id(id),
        Living::Page { after, limit } => {
            let after = after.map(|after| Column::Id.gt(after));
            Entity::find().filter(Condition::all().add_option(after)).order_by_asc(Column::Id).limit(limit)
        }
    };
    reader.all(find).await?.into_iter().map(user).collect()
}
