//! The rows of `command_dedup`. Rule: a record older than its time counts as none, whether or not the clean-up has
//! been there yet.

use super::Key;
use crate::answer::Answer;
use actix_web::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use db::{DbError, Tx};
use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue::Set, Condition, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "command_dedup")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) caller: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) scope: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) idem_key: String,
    pub(crate) request_hash: Vec<u8>,
    pub(crate) response_status: Option<i32>,
    pub(crate) response_headers: Option<String>,
    pub(crate) response_body: Option<Vec<u8>>,
    pub(crate) created_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How long, and how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) hours: i64,
    pub(crate) per_caller: u64,
    /// One write of so many counts the caller's records, which costs as much as a hundred writes.
    pub(crate) counted: u32,
}

impl Policy {
    /// That 1,000 writes go by of which none counts happens once in 10^14 times; so a caller keeps from 9,000 to 10,000.
    pub(crate) const DEFAULT: Self = Self { hours: 24, per_caller: 9_000, counted: 32 };

    /// Whether this write counts. The end of a new id is random.
    fn counts(&self, tx: &Tx) -> bool {
        let [.., a, b, c, d] = *tx.new_id().as_bytes();
        u32::from_be_bytes([a, b, c, d]).is_multiple_of(self.counted)
    }
}

/// The headers that are replayed with the body.
#[derive(Debug, Serialize, Deserialize)]
struct Headers {
    location: Option<String>,
    etag: Option<String>,
}

/// The living record of a key. A dead one is removed, so that its place is free.
pub(crate) async fn find(tx: &mut Tx, key: &Key, policy: Policy) -> Result<Option<Model>, DbError> {
    let Some(record) = tx.one(Entity::find().filter(of_key(key))).await? else { return Ok(None) };
    if record.created_at > tx.now() - TimeDelta::hours(policy.hours) {
        return Ok(Some(record));
    }
    tx.push(Entity::delete_many().filter(of_key(key)));
    Ok(None)
}

/// The remembered answer.
pub(crate) fn answer(record: Model) -> Result<Answer, DbError> {
    let broken = || DbError::Decode("command_dedup: the answer".to_owned());
    let status = record.response_status.and_then(|status| u16::try_from(status).ok()).ok_or_else(broken)?;
    let headers = record.response_headers.as_deref().ok_or_else(broken)?;
    let headers: Headers = serde_json::from_str(headers).map_err(|_| broken())?;
    Ok(Answer {
        status: StatusCode::from_u16(status).map_err(|_| broken())?,
        location: headers.location,
        etag: headers.etag,
        body: Ok(record.response_body),
    })
}

/// Remembers an answer; of the caller's oldest records beyond the permitted number it rids itself now and then.
pub(crate) async fn keep(tx: &mut Tx, key: &Key, answer: &Answer, policy: Policy) -> Result<(), DbError> {
    let body =
        answer.body.clone().map_err(|problem| DbError::Decode(problem.cause().unwrap_or_default().to_owned()))?;
    let headers = Headers { location: answer.location.clone(), etag: answer.etag.clone() };
    let headers = serde_json::to_string(&headers).map_err(|error| DbError::Decode(error.to_string()))?;
    tx.push(Entity::insert(ActiveModel {
        caller: Set(key.caller.clone()),
        scope: Set(key.scope.clone()),
        idem_key: Set(key.key.clone()),
        request_hash: Set(key.request_hash.clone()),
        response_status: Set(Some(i32::from(answer.status.as_u16()))),
        response_headers: Set(Some(headers)),
        response_body: Set(body),
        created_at: Set(tx.now()),
    }));
    if policy.counts(tx) { trim(tx, key, policy).await } else { Ok(()) }
}

async fn trim(tx: &mut Tx, key: &Key, policy: Policy) -> Result<(), DbError> {
    let newest_surplus = Entity::find()
        .select_only()
        .column(Column::CreatedAt)
        .filter(Column::Caller.eq(&key.caller))
        .order_by_desc(Column::CreatedAt)
        .offset(policy.per_caller)
        .limit(1);
    let Some((surplus,)) = tx.rows::<(DateTime<Utc>,)>(newest_surplus).await?.pop() else { return Ok(()) };
    // Records of one instant have no order among themselves; the one just written stays in any case.
    let old =
        Condition::all().add(Column::Caller.eq(&key.caller)).add(Column::CreatedAt.lte(surplus)).add(of_key(key).not());
    tx.run(Entity::delete_many().filter(old)).await.map(drop)
}

fn of_key(key: &Key) -> Condition {
    Condition::all()
        .add(Column::Caller.eq(&key.caller))
        .add(Column::Scope.eq(&key.scope))
        .add(Column::IdemKey.eq(&key.key))
}
