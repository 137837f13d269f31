//! Signing in, once the password was checked. Rule: the check ran outside the transaction, so what it was about is
//! looked at again inside.

use crate::crypto::TokenHash;
use crate::domain::{REFRESH_ABSOLUTE, REFRESH_IDLE, User};
use crate::store::refresh_tokens::{self, NewToken};
use crate::store::sessions::{self, Device, Session};
use crate::store::users;
use chrono::{DateTime, Utc};
use contracts::user::Role;
use contracts::{SessionId, UserId};
use db::{DbError, Tx};

/// Open a session for that account.
#[derive(Debug)]
pub(crate) struct OpenSession {
    pub(crate) user: UserId,
    /// The hash that the password was checked against.
    pub(crate) checked_hash: String,
    /// A stronger hash of the same password.
    pub(crate) stronger_hash: Option<String>,
    pub(crate) refresh: TokenHash,
    pub(crate) device: Device,
}

/// What the tokens of a session say.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    pub(crate) user: UserId,
    pub(crate) role: Role,
    pub(crate) epoch: i32,
    pub(crate) session: SessionId,
    /// When the password was given.
    pub(crate) auth_time: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) refresh_exp: DateTime<Utc>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenSessionError {
    #[error("the account was deleted or disabled meanwhile")]
    Gone,
    #[error("the password hash was replaced meanwhile")]
    HashReplaced,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn open_session(tx: &mut Tx, command: &OpenSession) -> Result<SignedIn, OpenSessionError> {
    let user = users::lock(tx, command.user).await?.filter(|user| user.is_active).ok_or(OpenSessionError::Gone)?;
    if user.password_hash != command.checked_hash {
        return Err(OpenSessionError::HashReplaced);
    }
    if let Some(hash) = &command.stronger_hash {
        users::set_password_hash(tx, user.id, hash);
    }
    let now = tx.now();
    let session =
        Session { id: SessionId(tx.new_id()), user_id: user.id, created_at: now, absolute_exp: now + REFRESH_ABSOLUTE };
    sessions::insert(tx, &session, &command.device);
    let token =
        NewToken { session_id: session.id, hash: command.refresh, parent_id: None, idle_exp: idle_exp(&session, now) };
    refresh_tokens::insert(tx, &token);
    Ok(SignedIn::new(&user, &session, now, token.idle_exp))
}

/// Sliding never passes the absolute end.
pub(super) fn idle_exp(session: &Session, now: DateTime<Utc>) -> DateTime<Utc> {
    session.absolute_exp.min(now + REFRESH_IDLE)
}

impl SignedIn {
    pub(super) fn new(user: &User, session: &Session, now: DateTime<Utc>, refresh_exp: DateTime<Utc>) -> Self {
        Self {
            user: user.id,
            role: user.role,
            epoch: user.token_epoch,
            session: session.id,
            auth_time: session.created_at,
            now,
            refresh_exp,
        }
    }
}
