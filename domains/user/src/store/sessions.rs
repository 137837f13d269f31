//! Sign-ins. Rule: a session ends once, for the first reason; every end is also a revocation of the access tokens that are
//! left, in the same transaction.

use super::entity::session::{ActiveModel, Column, Entity, Model};
use super::revocations;
use crate::domain::{REFRESH_GRACE, REFRESH_IDLE, REVOCATION};
use chrono::{DateTime, Utc};
use contracts::{SessionId, UserId};
use db::{DbError, Reader, Tx};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set};
use web::{Keyset, Network, Page, Paging, Problem};

/// A sign-in that can still be used.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) absolute_exp: DateTime<Utc>,
}

/// Where a sign-in came from, for the user who looks at the list of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Device {
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<String>,
}

/// A session as its user sees it.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) id: SessionId,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_used_at: DateTime<Utc>,
    pub(crate) device: Device,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Logout,
    LogoutAll,
    Reused,
    Disabled,
    /// By its user, from another session.
    ByUser,
    PasswordChanged,
}

impl Ended {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::Reused => "reused",
            Self::Disabled => "disabled",
            Self::ByUser => "by_user",
            Self::PasswordChanged => "password_changed",
        }
    }
}

pub(crate) fn insert(tx: &mut Tx, session: &Session, device: &Device) {
    tx.push(Entity::insert(ActiveModel {
        id: Set(session.id.uuid()),
        user_id: Set(session.user_id.uuid()),
        created_at: Set(session.created_at),
        last_used_at: Set(session.created_at),
        absolute_exp: Set(session.absolute_exp),
        revoked_at: Set(None),
        revoke_reason: Set(None),
        user_agent: Set(device.user_agent.clone()),
        ip: Set(device.ip.clone()),
    }));
}

/// The session, unless it has ended.
pub(crate) async fn find_live(tx: &mut Tx, id: SessionId) -> Result<Option<Session>, DbError> {
    let now = tx.now();
    let live = Entity::find_by_id(id.uuid()).filter(Column::RevokedAt.is_null()).filter(Column::AbsoluteExp.gt(now));
    Ok(tx.one(live).await?.map(session))
}

/// Whether the user has a session that has not been ended.
pub(crate) async fn any_live(reader: &Reader, user: UserId) -> Result<bool, DbError> {
    let live = Entity::find().filter(Column::UserId.eq(user.uuid())).filter(Column::RevokedAt.is_null()).limit(1);
    Ok(reader.one(live).await?.is_some())
}

/// The most sessions of a user that are looked through.
const LOOKED_THROUGH: u64 = 200;

/// Whether the user has a session that can still be used and was opened in that network.
pub(crate) async fn any_live_in(
    reader: &Reader,
    user: UserId,
    network: Network,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let newest = Entity::find().filter(live(user, now)).order_by_desc(Column::LastUsedAt).limit(LOOKED_THROUGH);
    let opened_in = |row: Model| row.ip.and_then(|ip| ip.parse().ok()).map(|ip| Network::of(Some(ip)));
    Ok(reader.all(newest).await?.into_iter().filter_map(opened_in).any(|opened_in| opened_in == network))
}

/// What the list of sessions can be sorted by.
const SORTABLE: &[(&str, Column)] = &[("created_at", Column::CreatedAt), ("last_used_at", Column::LastUsedAt)];

/// What a client may sort by.
pub(crate) fn sorts() -> impl Iterator<Item = &'static str> {
    SORTABLE.iter().map(|(name, _)| *name)
}

/// The sessions of a user that can still be used.
pub(crate) async fn page(
    reader: &Reader,
    user: UserId,
    now: DateTime<Utc>,
    paging: &Paging,
) -> Result<Page<SignIn>, Problem> {
    let keyset: Keyset<Entity> = paging.keyset(SORTABLE, "-created_at", Column::Id)?;
    let rows = reader.all(keyset.select(Entity::find().filter(live(user, now)))).await?;
    keyset.page(rows, sign_in)
}

pub(crate) fn touch(tx: &mut Tx, id: SessionId) {
    let row = ActiveModel { last_used_at: Set(tx.now()), ..ActiveModel::default() };
    tx.push(Entity::update_many().set(row).filter(Column::Id.eq(id.uuid())));
}

/// Ends one session; nothing happens to one that has ended. Whether it was this that ended it.
pub(crate) async fn end(tx: &mut Tx, id: SessionId, why: Ended) -> Result<bool, DbError> {
    let ending =
        Entity::update_many().set(ended(tx, why)).filter(Column::Id.eq(id.uuid())).filter(Column::RevokedAt.is_null());
    let was_live = tx.run(ending).await? > 0;
    if was_live {
        revocations::session(tx, id);
    }
    Ok(was_live)
}

/// Ends a session of that user; whether there was one to end.
pub(crate) async fn end_of(tx: &mut Tx, user: UserId, id: SessionId, why: Ended) -> Result<bool, DbError> {
    let ending =
        Entity::update_many().set(ended(tx, why)).filter(live(user, tx.now())).filter(Column::Id.eq(id.uuid()));
    let was_live = tx.run(ending).await? > 0;
    if was_live {
        revocations::session(tx, id);
    }
    Ok(was_live)
}

/// Ends all sessions of a user but one, whom the caller has locked; each has a revocation of its own, because the epoch
/// would end that one as well. Best done last: until the commit nobody else revokes anything.
pub(crate) async fn end_others(tx: &mut Tx, user: UserId, but: SessionId, why: Ended) -> Result<(), DbError> {
    let others = live(user, tx.now()).add(Column::Id.ne(but.uuid()));
    if tx.run(Entity::update_many().set(ended(tx, why)).filter(others)).await? == 0 {
        return Ok(());
    }
    let ended_now = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.eq(user.uuid()))
        .filter(Column::RevokedAt.eq(tx.now()))
        .filter(Column::Id.ne(but.uuid()))
        // One that was used longer ago has no access token left.
        .filter(Column::LastUsedAt.gt(tx.now() - REFRESH_GRACE - REVOCATION))
        .order_by_asc(Column::Id);
    revocations::sessions(tx, ended_now.into_query()).await
}

/// Ends all sessions of a user. The caller raises the user's epoch, which revokes their access tokens in one row.
pub(crate) async fn end_all(tx: &mut Tx, user: UserId, why: Ended) -> Result<(), DbError> {
    let ending = Entity::update_many()
        .set(ended(tx, why))
        .filter(Column::UserId.eq(user.uuid()))
        .filter(Column::RevokedAt.is_null());
    tx.run(ending).await.map(drop)
}

/// Removes all sessions of a user, and with them their refresh tokens.
pub(crate) async fn delete_all(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    tx.run(Entity::delete_many().filter(Column::UserId.eq(user.uuid()))).await.map(drop)
}

/// Removes sessions that are past their absolute end; how many.
pub(crate) async fn sweep(tx: &mut Tx, most: u64) -> Result<u64, DbError> {
    let old = Entity::find().select_only().column(Column::Id).filter(Column::AbsoluteExp.lt(tx.now())).limit(most);
    tx.run(Entity::delete_many().filter(Column::Id.in_subquery(old.into_query()))).await
}

/// The sessions of a user that can still be used.
fn live(user: UserId, now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(Column::UserId.eq(user.uuid()))
        .add(Column::RevokedAt.is_null())
        .add(Column::AbsoluteExp.gt(now))
        .add(Column::LastUsedAt.gt(now - REFRESH_IDLE))
}

fn ended(tx: &Tx, why: Ended) -> ActiveModel {
    ActiveModel {
        revoked_at: Set(Some(tx.now())),
        revoke_reason: Set(Some(why.as_str().to_owned())),
        ..ActiveModel::default()
    }
}

fn session(row: Model) -> Session {
    Session {
        id: SessionId(row.id),
        user_id: UserId(row.user_id),
        created_at: row.created_at,
        absolute_exp: row.absolute_exp,
    }
}

fn sign_in(row: Model) -> SignIn {
    SignIn {
        id: SessionId(row.id),
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        device: Device { user_agent: row.user_agent, ip: row.ip },
    }
}
