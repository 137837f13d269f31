//! What an operator does about a dead event. Rule: both go through the same watermark as everything else, and doing
//! either twice is doing it once.

use crate::due::AT_ONCE;
use crate::entity::inbox::{Column, DEAD, Entity, SKIPPED, WAITING};
use crate::entity::inbox_head;
use contracts::EventId;
use contracts::failpoint::{self, Point};
use db::{Context, Db, DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};

/// Why a dead letter could not be replayed or skipped.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// The consumer never took that event.
    #[error("the consumer has no such event")]
    NotFound,
    /// The consumer has the event, and it is not dead.
    #[error("the event is not dead")]
    NotDead,
    /// The database refused.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Which event, in whose inbox.
pub(crate) struct Target {
    pub(crate) consumer: String,
    pub(crate) event: EventId,
}

/// Hands a dead event to its listener again, with a fresh count of attempts; those behind it follow in order. An
/// event that waits already is left as it is.
///
/// # Errors
/// [`DeadLetterError`].
pub async fn replay(db: &Db, consumer: &str, event: EventId) -> Result<(), DeadLetterError> {
    let target = Target { consumer: consumer.to_owned(), event };
    db.write(&Context::default(), &target, replay_one).await
}

/// Passes a dead event, so that those behind it go on without its effect. An event that was skipped already is left
/// as it is.
///
/// # Errors
/// [`DeadLetterError`].
pub async fn skip(db: &Db, consumer: &str, event: EventId) -> Result<(), DeadLetterError> {
    let target = Target { consumer: consumer.to_owned(), event };
    db.write(&Context::default(), &target, skip_one).await
}

pub(crate) async fn replay_one(tx: &mut Tx, target: &Target) -> Result<(), DeadLetterError> {
    match status(tx, target).await? {
        WAITING => Ok(()),
        DEAD => {
            tx.push(
                Entity::update_many()
                    .col_expr(Column::Status, Expr::value(WAITING))
                    .col_expr(Column::Attempts, Expr::value(0))
                    .col_expr(Column::NextAttemptAt, Expr::value(AT_ONCE))
                    .col_expr(Column::Replays, Expr::col(Column::Replays).add(1))
                    .filter(Column::Consumer.eq(&target.consumer))
                    .filter(Column::EventId.eq(target.event.uuid())),
            );
            failpoint::pass(Point::MidRetry);
            Ok(())
        }
        _ => Err(DeadLetterError::NotDead),
    }
}

pub(crate) async fn skip_one(tx: &mut Tx, target: &Target) -> Result<(), DeadLetterError> {
    match status(tx, target).await? {
        SKIPPED => return Ok(()),
        DEAD => {}
        _ => return Err(DeadLetterError::NotDead),
    }
    let select = Entity::find().filter(Column::Consumer.eq(&target.consumer));
    let row = tx.one(select.filter(Column::EventId.eq(target.event.uuid()))).await?.ok_or(DeadLetterError::NotFound)?;
    tx.push(
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(SKIPPED))
            .filter(Column::Consumer.eq(&target.consumer))
            .filter(Column::EventId.eq(target.event.uuid())),
    );
    // Under the policy `skip` the watermark has passed it already.
    let now = tx.now();
    tx.run(
        inbox_head::Entity::update_many()
            .col_expr(inbox_head::Column::LastSeq, Expr::value(row.aggregate_seq))
            .col_expr(inbox_head::Column::UpdatedAt, Expr::value(now))
            .filter(inbox_head::Column::Consumer.eq(&target.consumer))
            .filter(inbox_head::Column::Source.eq(row.source))
            .filter(inbox_head::Column::AggregateType.eq(row.aggregate_type))
            .filter(inbox_head::Column::AggregateId.eq(row.aggregate_id))
            .filter(inbox_head::Column::LastSeq.eq(row.aggregate_seq - 1)),
    )
    .await?;
    Ok(())
}

async fn status(tx: &mut Tx, target: &Target) -> Result<i16, DeadLetterError> {
    let select = Entity::find()
        .filter(Column::Consumer.eq(&target.consumer))
        .filter(Column::EventId.eq(target.event.uuid()))
        .lock_exclusive();
    tx.one(select).await?.map(|row| row.status).ok_or(DeadLetterError::NotFound)
}
