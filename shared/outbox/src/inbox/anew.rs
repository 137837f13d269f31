//! A stream that begins anew, because its publisher's database was put back. Rule: what is held of the older epoch never
//! reaches a listener, and what this consumer has done is not done again because it comes a second time.

use super::head::Key;
use crate::due::AT_ONCE;
use crate::entity::inbox::{Column, DEAD, Entity, Model, SKIPPED, WAITING};
use crate::entity::inbox_head;
use crate::restored::epoch_of;
use db::{DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};
use uuid::Uuid;

/// Sets a watermark to `seq` of a newer epoch.
pub(crate) async fn switch(tx: &mut Tx, key: &Key, epoch: i32, seq: i64) -> Result<(), DbError> {
    let held = of(key).filter(Column::Status.is_in([WAITING, DEAD]));
    for row in tx.all(held.lock_exclusive()).await? {
        let (status, error) = match epoch_of(&row.headers) < epoch {
            true => (SKIPPED, Some("its publisher's database was put back to before it".to_owned())),
            false => (row.status, row.last_error.clone()),
        };
        let update = Entity::update_many()
            .col_expr(Column::Status, Expr::value(status))
            .col_expr(Column::LastError, Expr::value(error))
            .col_expr(Column::NextAttemptAt, Expr::value(AT_ONCE))
            .filter(Column::Consumer.eq(key.consumer))
            .filter(Column::EventId.eq(row.event_id));
        tx.run(update).await?;
    }
    let now = tx.now();
    let head = inbox_head::Entity::update_many()
        .col_expr(inbox_head::Column::LastSeq, Expr::value(seq))
        .col_expr(inbox_head::Column::StreamEpoch, Expr::value(epoch))
        .col_expr(inbox_head::Column::UpdatedAt, Expr::value(now))
        .filter(inbox_head::Column::Consumer.eq(key.consumer))
        .filter(inbox_head::Column::Source.eq(&key.source))
        .filter(inbox_head::Column::AggregateType.eq(&key.aggregate_type))
        .filter(inbox_head::Column::AggregateId.eq(&key.aggregate_id));
    tx.run(head).await.map(drop)
}

/// Whether another event than this one stood at a place of the stream, as far as that is kept.
pub(crate) async fn is_taken(tx: &mut Tx, key: &Key, seq: i64, event: Uuid) -> Result<bool, DbError> {
    let there: Option<Model> = tx.one(of(key).filter(Column::AggregateSeq.eq(seq))).await?;
    Ok(there.is_some_and(|row| row.event_id != event))
}

/// Takes away what another event of an older epoch left at a place of the stream.
pub(crate) async fn make_room(tx: &mut Tx, key: &Key, seq: i64, event: Uuid, epoch: i32) -> Result<(), DbError> {
    let there: Option<Model> = tx.one(of(key).filter(Column::AggregateSeq.eq(seq)).lock_exclusive()).await?;
    let Some(there) = there.filter(|row| row.event_id != event && epoch_of(&row.headers) < epoch) else {
        return Ok(());
    };
    let delete =
        Entity::delete_many().filter(Column::Consumer.eq(key.consumer)).filter(Column::EventId.eq(there.event_id));
    tx.run(delete).await.map(drop)
}

fn of(key: &Key) -> Select<Entity> {
    Entity::find()
        .filter(Column::Consumer.eq(key.consumer))
        .filter(Column::Source.eq(&key.source))
        .filter(Column::AggregateType.eq(&key.aggregate_type))
        .filter(Column::AggregateId.eq(&key.aggregate_id))
}
