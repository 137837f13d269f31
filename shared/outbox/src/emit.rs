//! Emitting. Rule: the event is one more row of the writer's transaction, and its sequence is taken from the stream
//! that was read under the same lock as the aggregate.

use crate::due::AT_ONCE;
use crate::entity::outbox::{ActiveModel, Column, Entity};
use crate::row::Headers;
use contracts::{ERASED, Event, Stream};
use db::{DbError, Tx};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use uuid::Uuid;

/// Emits an event: raises `stream.seq` and pushes the outbox row. The caller writes the raised sequence back with the
/// aggregate's fields, in the same transaction.
pub fn emit<E: Event>(tx: &mut Tx, event: E, stream: &mut Stream) {
    stream.seq += 1;
    let context = tx.context();
    let headers = Headers {
        correlationid: context.correlation_id.clone(),
        causationid: context.causation_id,
        traceparent: context.traceparent.clone(),
        authid: context.caller,
        time: None,
        streamepoch: None,
    };
    #[expect(clippy::expect_used, reason = "a payload is a struct of plain fields and always has a JSON form")]
    let payload = serde_json::to_vec(&event).expect("payload");
    let headers = headers.to_text();
    let epoch = tx.mark_new(payload.len() + headers.len());
    let row = ActiveModel {
        id: ActiveValue::NotSet,
        event_id: Set(tx.new_id()),
        aggregate_type: Set(stream.aggregate.to_owned()),
        aggregate_id: Set(stream.id.to_string()),
        aggregate_seq: Set(stream.seq),
        stream_epoch: Set(epoch),
        event_type: Set(E::event_type()),
        schema_version: Set(E::VERSION),
        routing_key: Set(E::routing_key()),
        headers: Set(headers),
        payload: Set(payload),
        occurred_at: Set(tx.now()),
        published_at: Set(None),
        attempts: Set(0),
        next_attempt_at: Set(AT_ONCE),
        last_error: Set(None),
    };
    tx.push(Entity::insert(row));
}

/// Blanks the payloads of an aggregate's events, because the person they speak of has a right to be forgotten. The
/// sequence stays; consumers count a blanked event as handled. Call it before the last event is emitted.
///
/// # Errors
/// See [`DbError`].
pub async fn erase(tx: &mut Tx, aggregate: &'static str, id: Uuid) -> Result<(), DbError> {
    let blank = Entity::update_many()
        .col_expr(Column::Payload, Expr::value(ERASED.as_bytes().to_vec()))
        .filter(Column::AggregateType.eq(aggregate))
        .filter(Column::AggregateId.eq(id.to_string()));
    tx.run(blank).await.map(drop)
}
