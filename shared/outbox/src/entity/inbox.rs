//! Events that a consumer has taken: done, waiting, dead or skipped.

use sea_orm::Condition;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;

/// Waits: for its turn, or for the next attempt.
pub(crate) const WAITING: i16 = 0;
/// Its effect is committed.
pub(crate) const DONE: i16 = 1;
/// Given up.
pub(crate) const DEAD: i16 = 2;
/// Passed by an operator.
pub(crate) const SKIPPED: i16 = 3;

/// Rows of that status. Written out: a plan that is kept for any number could not use the index that holds this one alone,
/// and would go through all rows of the consumer.
pub(crate) fn is(status: i16) -> Condition {
    Condition::all().add(Expr::cust(format!(r#""inbox"."status" = {status}"#)))
}

/// Rows that wait or are dead.
pub(crate) fn is_open() -> Condition {
    Condition::any().add(is(WAITING)).add(is(DEAD))
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    pub source: String,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub aggregate_seq: i64,
    pub event_type: String,
    pub schema_version: i32,
    pub status: i16,
    pub attempts: i32,
    pub next_attempt_at: DateTimeUtc,
    pub replays: i32,
    pub last_error: Option<String>,
    /// JSON, kept as text: one row that somebody damaged must not keep the others from being read.
    pub headers: String,
    pub payload: Option<Vec<u8>>,
    pub received_at: DateTimeUtc,
    pub done_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
