//! Asking to be let in. Rule: what was asked and taken is kept beside the watermarks, so any replica may go on where
//! another stopped, and a consumer that is complete asks for nothing but how far the streams are.

use crate::entity::inbox_head;
use crate::entity::inbox_source::{ActiveModel, Column, Entity, Model};
use crate::inbox::{Inbox, tick};
use crate::steward::Steward;
use bus::Published;
use contracts::topology::StreamName;
use contracts::{Control, Join};
use db::{Context, Db, DbError, Tx};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select, Set};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// A consumer, and what it hears.
struct Beginning {
    consumer: &'static str,
    streams: Vec<StreamName>,
}

/// Makes the rows of a consumer that starts, before it takes its first event.
///
/// # Errors
/// See [`DbError`].
pub(crate) async fn begin(db: &Db, consumer: &'static str, streams: &[StreamName]) -> Result<(), DbError> {
    let known = db.reader().all(Entity::find().filter(Column::Consumer.eq(consumer))).await?;
    let is_known = |stream: &&StreamName| {
        known.iter().any(|row| row.source == stream.domain && row.aggregate_type == stream.aggregate)
    };
    let streams: Vec<StreamName> = streams.iter().filter(|stream| !is_known(stream)).copied().collect();
    if streams.is_empty() {
        return Ok(());
    }
    db.write(&Context::default(), &Beginning { consumer, streams }, make_rows).await
}

async fn make_rows(tx: &mut Tx, beginning: &Beginning) -> Result<(), DbError> {
    for stream in &beginning.streams {
        let heard = inbox_head::Entity::find()
            .filter(inbox_head::Column::Consumer.eq(beginning.consumer))
            .filter(inbox_head::Column::Source.eq(stream.domain))
            .filter(inbox_head::Column::AggregateType.eq(stream.aggregate));
        let veteran = tx.one(heard).await?.is_some();
        let row = ActiveModel {
            consumer: Set(beginning.consumer.to_owned()),
            source: Set(stream.domain.to_owned()),
            aggregate_type: Set(stream.aggregate.to_owned()),
            began: Set(tx.now()),
            since: Set(None),
            joining: Set(None),
            taken_up_to: Set(None),
            failed: Set(0),
            veteran: Set(veteran),
        };
        let key = [Column::Consumer, Column::Source, Column::AggregateType];
        tx.run(Entity::insert(row).on_conflict(OnConflict::columns(key).do_nothing().to_owned())).await?;
    }
    Ok(())
}

/// Finds the row of one stream.
pub(super) fn find(consumer: &str, source: &str, aggregate: &str) -> Select<Entity> {
    Entity::find()
        .filter(Column::Consumer.eq(consumer))
        .filter(Column::Source.eq(source))
        .filter(Column::AggregateType.eq(aggregate))
}

/// Asks publishers what this consumer needs to begin, and for what it misses. Runs until `stop` says so.
pub(crate) async fn follow(steward: Arc<Steward>, inbox: Inbox, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        for source in inbox.strangers.take() {
            steward.tell_heard(&inbox, &source).await;
        }
        for stream in steward.joins.due() {
            steward.ask_to_join(stream).await;
        }
        match steward.look_for_gaps().await {
            Ok(()) if steward.joins.all_sure() => steward.miss_nothing(),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(consumer = steward.domain, %error, "it could not be looked whether events are missing");
            }
        }
        tokio::select! {
            told = stop.changed() => if told.is_err() { return },
            () = steward.joins.wake.notified() => {}
            () = inbox.strangers.noted.notified() => {}
            () = until(steward.joins.pause()) => {}
            () = tick(steward.tuning.polling, steward.tuning.gap.0) => {}
        }
    }
}

async fn until(pause: Option<Duration>) {
    match pause {
        Some(pause) => sleep(pause).await,
        None => std::future::pending().await,
    }
}

impl Steward {
    fn miss_nothing(&self) {
        if let Some(bus) = self.bus.upgrade() {
            bus.made_good(self.domain);
        }
    }

    async fn tell_heard(&self, inbox: &Inbox, source: &str) {
        if let Err(error) = self.tell_what_was_heard(inbox, source).await {
            tracing::warn!(consumer = self.domain, source, %error, "what was heard of a publisher could not be read");
        }
    }

    async fn ask_to_join(&self, stream: StreamName) {
        self.joins.asks(stream);
        if let Some(inbox) = &self.inbox {
            self.tell_heard(inbox, stream.domain).await;
        }
        let row = self.db.reader().one(find(self.domain, stream.domain, stream.aggregate)).await;
        let told = match row {
            Ok(Some(row)) => self.tell(stream.domain, Control::Join(question(&row))).await == Published::Accepted,
            Ok(None) => {
                let begun = begin(&self.db, self.domain, &[stream]).await;
                tracing::debug!(consumer = self.domain, ?begun, "a stream had no row yet");
                false
            }
            Err(error) => {
                tracing::warn!(consumer = self.domain, %error, "how far it has joined could not be read");
                false
            }
        };
        if !told {
            self.joins.unreached(stream);
        }
    }

    /// Asks for the page behind the one that was taken.
    pub(super) async fn ask_for_more(&self, source: &str, aggregate: &str) -> Result<(), DbError> {
        if let Some(row) = self.db.reader().one(find(self.domain, source, aggregate)).await? {
            self.tell(source, Control::Join(question(&row))).await;
        }
        Ok(())
    }
}

fn question(row: &Model) -> Join {
    Join {
        consumer: row.consumer.clone(),
        aggregate: row.aggregate_type.clone(),
        began: row.began,
        since: row.since,
        under_way: row.joining.zip(row.taken_up_to),
        veteran: row.veteran,
    }
}
