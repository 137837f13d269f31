//! Changing a refresh token for its successor. Rule: a family of tokens has one live head; whoever shows a used token
//! ends the session, unless it is the one used just before, by a client that lost the reply. Which of the two that have
//! the token is its owner cannot be known, so the owner is told.

use super::SignedIn;
use super::open_session::idle_exp;
use crate::crypto::TokenHash;
use crate::domain::{REFRESH_GRACE, User};
use crate::store::refresh_tokens::{self, NewToken, StoredToken};
use crate::store::sessions::{self, Ended, Session};
use crate::store::users;
use contracts::user::v1::{AccessRevocation, UserAccessRevoked};
use contracts::{SessionId, UserId};
use db::{DbError, Tx};

/// Change the token with the hash `presented`.
#[derive(Debug)]
pub(crate) struct RefreshSession {
    pub(crate) presented: TokenHash,
    pub(crate) successor: TokenHash,
    /// The successor, sealed for the holder of the presented token.
    pub(crate) successor_ct: Vec<u8>,
}

/// How it ended. A reuse is not an error of the use-case: ending the session must be kept.
#[derive(Debug)]
pub(crate) enum Refreshed {
    /// The successor is the one that was offered.
    Rotated(SignedIn),
    /// The successor was given out before, and is in here for whoever holds the presented token.
    Repeated { signed_in: SignedIn, successor_ct: Vec<u8> },
    /// The session was ended.
    Reused { user: UserId, session: SessionId },
    /// Never made, expired, or of a session that has ended.
    Unknown,
}

pub(crate) async fn refresh_session(tx: &mut Tx, command: &RefreshSession) -> Result<Refreshed, DbError> {
    let Some(mut token) = refresh_tokens::find(tx, &command.presented).await? else { return Ok(Refreshed::Unknown) };
    let Some(session) = sessions::find_live(tx, token.session_id).await? else { return Ok(Refreshed::Unknown) };
    // The user before the session and its tokens, as everybody locks them: so nobody waits for another for ever.
    let user = users::lock(tx, session.user_id).await?.filter(|user| user.is_active);
    let Some(user) = user else { return Ok(Refreshed::Unknown) };
    if token.consumed_at.is_none() {
        if refresh_tokens::consume(tx, &command.presented, &command.successor_ct).await? {
            return Ok(rotate(tx, command, &token, &session, &user));
        }
        let Some(again) = refresh_tokens::find(tx, &command.presented).await? else { return Ok(Refreshed::Unknown) };
        token = again;
    }
    repeat_or_end(tx, token, &session, user).await
}

fn rotate(tx: &mut Tx, command: &RefreshSession, token: &StoredToken, session: &Session, user: &User) -> Refreshed {
    let idle_exp = idle_exp(session, tx.now());
    let successor = NewToken { session_id: session.id, hash: command.successor, parent_id: Some(token.id), idle_exp };
    refresh_tokens::insert(tx, &successor);
    sessions::touch(tx, session.id);
    Refreshed::Rotated(SignedIn::new(user, session, tx.now(), idle_exp))
}

async fn repeat_or_end(tx: &mut Tx, token: StoredToken, session: &Session, user: User) -> Result<Refreshed, DbError> {
    // Not consumed now and not before: it is too old.
    let Some(consumed_at) = token.consumed_at else { return Ok(Refreshed::Unknown) };
    let successor = refresh_tokens::find_successor(tx, token.id).await?;
    let unused = successor.filter(|successor| successor.consumed_at.is_none());
    if let (Some(unused), Some(successor_ct)) = (unused, token.successor_ct)
        && tx.now() <= consumed_at + REFRESH_GRACE
    {
        // While the user was waited for, it may have ended.
        let Some(session) = sessions::find_live(tx, session.id).await? else { return Ok(Refreshed::Unknown) };
        let signed_in = SignedIn::new(&user, &session, tx.now(), unused.idle_exp);
        return Ok(Refreshed::Repeated { signed_in, successor_ct });
    }
    end(tx, session, user).await
}

/// Of several that show used tokens at once, the first ends the session, and the owner is told of it once.
async fn end(tx: &mut Tx, session: &Session, mut user: User) -> Result<Refreshed, DbError> {
    if !sessions::end(tx, session.id, Ended::Reused).await? {
        return Ok(Refreshed::Unknown);
    }
    let (user_id, session_id) = (user.id, session.id);
    let reason = AccessRevocation::RefreshReused;
    outbox::emit(tx, UserAccessRevoked { user_id, session_id: Some(session_id), reason }, &mut user.stream);
    users::update(tx, &user);
    Ok(Refreshed::Reused { user: user_id, session: session_id })
}
