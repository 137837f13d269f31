//! Going on with a database that was put back. Rule: one transaction: the epoch is raised above all that anybody heard,
//! what waits belongs to it, and every consumer gets all living aggregates again, as one that has just been added.

use crate::entity::stream_epoch::{Column, Entity, ONE};
use crate::entity::{outbox, outbox_consumer};
use crate::ops;
use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BegunAnew {
    /// False where the database is not older than what others heard of it: there is nothing to decide.
    pub changed: bool,
    /// The epoch of what is emitted now.
    pub epoch: i32,
}

/// Goes on with a database that is older than what others heard of it. What was heard of it beyond that is given up: its
/// consumers take over how everything is here. Doing it twice is doing it once.
///
/// # Errors
/// See [`DbError`].
pub async fn begin_anew(tx: &mut Tx, domain: &&'static str) -> Result<BegunAnew, DbError> {
    let row = tx.one(Entity::find_by_id(ONE).lock_exclusive()).await?;
    let row = row.ok_or_else(|| DbError::Decode("stream_epoch has no row".to_owned()))?;
    if row.older_since.is_none() {
        return Ok(BegunAnew { changed: false, epoch: row.epoch });
    }
    let epoch = row.epoch.max(row.heard).saturating_add(1);
    let begun = Entity::update_many()
        .col_expr(Column::Epoch, Expr::value(epoch))
        .col_expr(Column::OlderSince, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(Column::Evidence, Expr::value(Option::<String>::None))
        .filter(Column::Id.eq(ONE));
    tx.run(begun).await?;
    tx.run(restamp(epoch)).await?;
    // What goes out from now on is all that consumers may count on; a batch that was under way may have been marked with
    // this very instant, and went out in the older epoch.
    let since = match last_published(tx).await? {
        Some(last) => tx.now().max(last + TimeDelta::microseconds(1)),
        None => tx.now(),
    };
    tx.run(outbox_consumer::Entity::update_many().col_expr(outbox_consumer::Column::Since, Expr::value(since))).await?;
    ops::note(tx, "restored", format!("{domain}/epoch {epoch}"));
    tx.mark_emitted();
    Ok(BegunAnew { changed: true, epoch })
}

async fn last_published(tx: &mut Tx) -> Result<Option<DateTime<Utc>>, DbError> {
    let last = outbox::Entity::find().select_only().column_as(outbox::Column::PublishedAt.max(), "last");
    Ok(tx.rows::<(Option<DateTime<Utc>>,)>(last).await?.pop().and_then(|(last,)| last))
}

/// What waits belongs to the epoch that holds.
pub(crate) fn restamp(epoch: i32) -> sea_orm::UpdateMany<outbox::Entity> {
    outbox::Entity::update_many()
        .col_expr(outbox::Column::StreamEpoch, Expr::value(epoch))
        .filter(outbox::Column::PublishedAt.is_null())
        .filter(outbox::Column::StreamEpoch.lt(epoch))
}
