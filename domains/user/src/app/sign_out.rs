//! Signing out. Rule: doing it twice is as good as once.

use crate::store::sessions::Ended;
use crate::store::{revocations, sessions, users};
use contracts::{SessionId, UserId};
use db::{DbError, Tx};

/// End that session, or all of the user's.
#[derive(Debug)]
pub(crate) struct SignOut {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) all: bool,
}

pub(crate) async fn sign_out(tx: &mut Tx, command: &SignOut) -> Result<(), DbError> {
    if !command.all {
        return sessions::end(tx, command.session, Ended::Logout).await.map(drop);
    }
    let Some(mut user) = users::lock(tx, command.user).await? else { return Ok(()) };
    user.token_epoch += 1;
    users::update(tx, &user);
    revocations::user(tx, user.id, user.token_epoch);
    sessions::end_all(tx, user.id, Ended::LogoutAll).await
}
