//! Ending one session, from this one or from another. Rule: one's own alone; to everybody else it is not there.

use crate::store::sessions::{self, Ended};
use contracts::{SessionId, UserId};
use db::{DbError, Tx};

/// End that session of that user.
#[derive(Debug)]
pub(crate) struct EndSession {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    /// The session that asks.
    pub(crate) current: SessionId,
}

/// Why nothing ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndSessionError {
    #[error("the user has no such session")]
    NotFound,
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(crate) async fn end_session(tx: &mut Tx, command: &EndSession) -> Result<(), EndSessionError> {
    let why = if command.session == command.current { Ended::Logout } else { Ended::ByUser };
    if sessions::end_of(tx, command.user, command.session, why).await? {
        Ok(())
    } else {
        Err(EndSessionError::NotFound)
    }
}
