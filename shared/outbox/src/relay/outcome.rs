//! What a batch came to. Rule: per aggregate, only the longest accepted prefix is marked; the first that was refused
//! backs off, and what is behind it is offered again in order.

use crate::backoff;
use crate::entity::outbox::{Column, Entity, Model};
use crate::few_texts::padded;
use crate::row;
use bus::Published;
use contracts::Envelope;
use db::{DbError, Tx};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

/// The rows to mark.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub accepted: Vec<i64>,
    pub refused: Vec<Refused>,
    /// Why something is undecided, if anything is.
    pub unsure: Option<String>,
}

impl Marks {
    /// Whether everything was accepted.
    pub(super) const fn is_clean(&self) -> bool {
        self.refused.is_empty() && self.unsure.is_none()
    }
}

/// A row that the bus refused.
#[derive(Debug)]
pub(super) struct Refused {
    pub id: i64,
    pub event_id: Uuid,
    pub error: String,
}

/// Rows on their way to the bus.
#[derive(Debug, Default)]
pub(super) struct Batch {
    ids: Vec<i64>,
    pub envelopes: Vec<Envelope>,
    damaged: Vec<Refused>,
}

impl Batch {
    /// Reads rows that are in storage order. One that cannot be read is refused, and its aggregate goes no further.
    pub(super) fn of(rows: Vec<Model>) -> Self {
        let mut batch = Self::default();
        let mut held: HashSet<(String, String)> = HashSet::new();
        for row in rows {
            let (id, aggregate) = (row.id, (row.aggregate_type.clone(), row.aggregate_id.clone()));
            if held.contains(&aggregate) {
                continue;
            }
            match row::emitted(row) {
                Ok(envelope) => {
                    batch.ids.push(id);
                    batch.envelopes.push(envelope);
                }
                Err(damaged) => {
                    batch.damaged.push(Refused { id, event_id: damaged.event_id, error: damaged.to_string() });
                    held.insert(aggregate);
                }
            }
        }
        batch
    }

    /// Sorts the outcomes, which are in the order of `envelopes`.
    pub(super) fn sort(self, outcomes: Vec<Published>) -> Marks {
        let mut marks = Marks { refused: self.damaged, ..Marks::default() };
        let mut held: HashSet<(&str, Uuid)> = HashSet::new();
        for ((id, envelope), outcome) in self.ids.iter().zip(&self.envelopes).zip(outcomes) {
            let aggregate = (envelope.aggregate(), envelope.aggregate_id);
            if held.contains(&aggregate) {
                continue;
            }
            let refused = |error: String| Refused { id: *id, event_id: envelope.id.uuid(), error };
            match outcome {
                Published::Accepted => {
                    marks.accepted.push(*id);
                    continue;
                }
                Published::NoRoute => marks.refused.push(refused("no queue takes it".to_owned())),
                Published::Rejected(error) => marks.refused.push(refused(error)),
                Published::Unknown(reason) => marks.unsure = Some(reason),
            }
            held.insert(aggregate);
        }
        marks
    }
}

/// A batch's marks, to be written.
pub(super) struct Mark {
    pub marks: Marks,
    pub backoff: (Duration, Duration),
}

/// Writes the marks.
pub(super) async fn mark(tx: &mut Tx, command: &Mark) -> Result<(), DbError> {
    let now = tx.now();
    if !command.marks.accepted.is_empty() {
        let published = Entity::update_many()
            .col_expr(Column::PublishedAt, Expr::value(now))
            .filter(Column::Id.is_in(padded(command.marks.accepted.clone())))
            .filter(Column::PublishedAt.is_null());
        tx.run(published).await?;
    }
    for refused in &command.marks.refused {
        let row = tx.one(Entity::find().filter(Column::Id.eq(refused.id))).await?;
        let attempts = row.map_or(0, |row| row.attempts) + 1;
        let next = now + backoff::after(refused.event_id, attempts, command.backoff);
        let failed = Entity::update_many()
            .col_expr(Column::Attempts, Expr::value(attempts))
            .col_expr(Column::NextAttemptAt, Expr::value(next))
            .col_expr(Column::LastError, Expr::value(refused.error.clone()))
            .filter(Column::Id.eq(refused.id));
        tx.run(failed).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{EventId, NewEnvelope};
    use serde_json::value::to_raw_value;

    fn event(aggregate: u128, sequence: i64) -> Envelope {
        Envelope::new(NewEnvelope {
            id: EventId(Uuid::from_u128(aggregate * 100 + u128::try_from(sequence).unwrap())),
            domain: "task",
            aggregate: "task",
            aggregate_id: Uuid::from_u128(aggregate),
            event_type: "task.created.v1".to_owned(),
            time: "2026-01-01T00:00:00Z".parse().unwrap(),
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            sequence,
            stream_epoch: 1,
            auth_id: None,
            data: to_raw_value(&()).unwrap(),
        })
    }

    /// Two aggregates, three events each, in storage order; `outcome` is that of the first aggregate's second event.
    fn sorted(outcome: Published) -> Marks {
        let batch: Vec<Envelope> = (1..=3).flat_map(|seq| [event(1, seq), event(2, seq)]).collect();
        let mut outcomes = vec![Published::Accepted; 6];
        outcomes[2] = outcome;
        Batch { ids: vec![10, 11, 12, 13, 14, 15], envelopes: batch, damaged: Vec::new() }.sort(outcomes)
    }

    #[test]
    fn behind_a_refused_event_nothing_of_its_aggregate_is_marked() {
        let refused = [Published::Rejected("no".to_owned()), Published::NoRoute];
        for outcome in refused {
            let marks = sorted(outcome);
            assert_eq!(marks.accepted, [10, 11, 13, 15], "the other aggregate goes on");
            assert_eq!(marks.refused.iter().map(|refused| refused.id).collect::<Vec<_>>(), [12]);
            assert_eq!(marks.unsure, None);
        }
    }

    #[test]
    fn behind_an_undecided_event_nothing_is_marked_and_no_attempt_is_counted() {
        let marks = sorted(Published::Unknown("silence".to_owned()));
        assert_eq!(marks.accepted, [10, 11, 13, 15]);
        assert!(marks.refused.is_empty());
        assert_eq!(marks.unsure.as_deref(), Some("silence"));
    }
}
