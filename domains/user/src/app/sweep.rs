//! Removing what has expired. Rule: few rows a transaction, so that no write waits for the broom.

use crate::store::{refresh_tokens, revocations, sessions};
use db::{Context, Db, DbError, Tx};

/// Rows a statement.
const ROWS: u64 = 1_000;

/// Removes expired refresh tokens, sealed successors, sessions and revocations.
pub(crate) async fn sweep(db: &Db) -> Result<(), DbError> {
    while db.write(&Context::default(), &(), sweep_some).await? {}
    Ok(())
}

/// Whether more is left. Tokens go before their sessions, so that no session takes thousands along.
async fn sweep_some(tx: &mut Tx, (): &()) -> Result<bool, DbError> {
    let mut more = refresh_tokens::wipe_sealed(tx, ROWS).await? == ROWS;
    more |= refresh_tokens::sweep(tx, ROWS).await? == ROWS;
    if !more {
        more |= sessions::sweep(tx, ROWS).await? == ROWS;
    }
    more |= revocations::sweep(tx, ROWS).await? == ROWS;
    Ok(more)
}
