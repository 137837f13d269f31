//! Accounts. Rule: what is unique is decided by the insert, never by looking first.

mod living;
mod page;

pub(crate) use living::living;
pub(crate) use page::{Filters, page, sorts};

use super::entity::user::{ActiveModel, Column, Entity, Model};
use crate::domain::{DisplayName, Email, NewUser, Timezone, User, Username};
use contracts::user::Role;
use contracts::{Stream, UserId};
use db::{DbError, Reader, Tx};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use uuid::Uuid;

/// Why an account could not be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InsertError {
    #[error("the username is taken")]
    UsernameTaken,
    #[error("the e-mail address is taken")]
    EmailTaken,
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Stores a new account at once, so that the caller learns which of its names is taken.
pub(crate) async fn insert(tx: &mut Tx, user: &User) -> Result<(), InsertError> {
    let row = ActiveModel {
        id: Set(user.id.uuid()),
        username: Set(user.username.as_str().to_owned()),
        email: Set(user.email.as_str().to_owned()),
        email_canonical: Set(user.email.canonical()),
        email_verified: Set(user.email_verified),
        password_hash: Set(user.password_hash.clone()),
        created_at: Set(user.created_at),
        ..changeable(user)
    };
    match tx.run(Entity::insert(row)).await {
        Ok(_) => Ok(()),
        Err(DbError::Unique { constraint }) if constraint == "users.username" => Err(InsertError::UsernameTaken),
        Err(DbError::Unique { constraint }) if constraint == "users.email_canonical" => Err(InsertError::EmailTaken),
        Err(error) => Err(error.into()),
    }
}

/// The account, locked until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<User>, DbError> {
    tx.one(Entity::find_by_id(id.uuid()).lock_exclusive()).await?.map(user).transpose()
}

/// The account, locked together with all working administrators, in one order: for whoever may remove one. Locked one
/// after the other, two transactions that each remove the other's would wait for each other.
pub(crate) async fn lock_among_admins(tx: &mut Tx, id: UserId) -> Result<Option<User>, DbError> {
    let admins = Condition::all().add(Column::Role.eq(Role::Admin.as_str())).add(Column::IsActive.eq(true));
    let all = Entity::find()
        .filter(Condition::any().add(Column::Id.eq(id.uuid())).add(admins))
        .order_by_asc(Column::Id)
        .lock_exclusive();
    tx.all(all).await?.into_iter().find(|row| row.id == id.uuid()).map(user).transpose()
}

/// Stores what an edit or an event can change.
pub(crate) fn update(tx: &mut Tx, user: &User) {
    tx.push(Entity::update_many().set(changeable(user)).filter(Column::Id.eq(user.id.uuid())));
}

/// Replaces a hash by a stronger one of the same password; nothing that a client sees, so no new version.
pub(crate) fn set_password_hash(tx: &mut Tx, id: UserId, hash: &str) {
    let row = ActiveModel { password_hash: Set(hash.to_owned()), ..ActiveModel::default() };
    tx.push(Entity::update_many().set(row).filter(Column::Id.eq(id.uuid())));
}

pub(crate) fn delete(tx: &mut Tx, id: UserId) {
    tx.push(Entity::delete_many().filter(Column::Id.eq(id.uuid())));
}

/// Whether somebody else could still administrate. All administrators are locked, in one order, so that of two
/// transactions that each remove one of the last two, the second sees what the first did.
pub(crate) async fn has_other_working_admin(tx: &mut Tx, id: UserId) -> Result<bool, DbError> {
    let admins = Entity::find()
        .filter(Column::Role.eq(Role::Admin.as_str()))
        .filter(Column::IsActive.eq(true))
        .order_by_asc(Column::Id)
        .lock_exclusive();
    Ok(tx.all(admins).await?.iter().any(|row| row.id != id.uuid()))
}

/// What of a new account another one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Username,
    Email,
}

/// What of a new account is taken at the moment.
pub(crate) async fn find_taken(reader: &Reader, new: &NewUser) -> Result<Option<Taken>, DbError> {
    if reader.one(Entity::find().filter(Column::Username.eq(new.username.as_str()))).await?.is_some() {
        return Ok(Some(Taken::Username));
    }
    let address = Entity::find().filter(Column::EmailCanonical.eq(new.email.canonical()));
    Ok(reader.one(address).await?.map(|_| Taken::Email))
}

pub(crate) async fn has_admin(tx: &mut Tx) -> Result<bool, DbError> {
    let admins = Entity::find().filter(Column::Role.eq(Role::Admin.as_str())).limit(1);
    Ok(tx.one(admins).await?.is_some())
}

/// As [`has_admin`], outside a transaction.
pub(crate) async fn any_admin(reader: &Reader) -> Result<bool, DbError> {
    let admins = Entity::find().filter(Column::Role.eq(Role::Admin.as_str())).limit(1);
    Ok(reader.one(admins).await?.is_some())
}

pub(crate) async fn find(reader: &Reader, id: UserId) -> Result<Option<User>, DbError> {
    reader.one(Entity::find_by_id(id.uuid())).await?.map(user).transpose()
}

/// By username or e-mail address, in any case.
pub(crate) async fn find_by_login(reader: &Reader, login: &str) -> Result<Option<User>, DbError> {
    let login = login.to_lowercase();
    let column = if login.contains('@') { Column::EmailCanonical } else { Column::Username };
    reader.one(Entity::find().filter(column.eq(login))).await?.map(user).transpose()
}

fn changeable(user: &User) -> ActiveModel {
    ActiveModel {
        display_name: Set(user.display_name.as_ref().map(|name| name.as_str().to_owned())),
        timezone: Set(user.timezone.as_str().to_owned()),
        role: Set(user.role.as_str().to_owned()),
        is_active: Set(user.is_active),
        token_epoch: Set(user.token_epoch),
        search_text: Set(user.search_text()),
        updated_at: Set(user.updated_at),
        version: Set(user.version),
        event_seq: Set(user.stream.seq),
        ..ActiveModel::default()
    }
}

fn user(row: Model) -> Result<User, DbError> {
    Ok(User {
        id: UserId(row.id),
        username: Username::stored(row.username),
        email: Email::stored(row.email),
        display_name: row.display_name.map(DisplayName::stored),
        timezone: Timezone::stored(row.timezone),
        role: role(&row.role, row.id)?,
        is_active: row.is_active,
        email_verified: row.email_verified,
        password_hash: row.password_hash,
        token_epoch: row.token_epoch,
        created_at: row.created_at,
        updated_at: row.updated_at,
        version: row.version,
        stream: Stream::at("user", row.id, row.event_seq),
    })
}

fn role(name: &str, id: Uuid) -> Result<Role, DbError> {
    Role::from_name(name).ok_or_else(|| DbError::Decode(format!("user {id} has no known role")))
}
