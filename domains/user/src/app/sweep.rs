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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::Fixture;
    use crate::app::{RefreshSession, SignOut, refresh_session, sign_out};
    use crate::crypto::RefreshSecret;
    use chrono::TimeDelta;

    #[tokio::test]
    async fn what_has_expired_goes_and_the_rest_stays() {
        let fixture = Fixture::new().await;
        let anna = fixture.user("anna", "korrekt horse").await;
        let (old, first) = fixture.session(&anna).await;
        let successor = RefreshSecret::generate().unwrap();
        let command = RefreshSession {
            presented: first.hash(),
            successor: successor.hash(),
            successor_ct: first.seal(&successor).unwrap(),
        };
        fixture.write(&command, refresh_session).await.unwrap();
        fixture.write(&SignOut { user: anna.id, session: old.session, all: false }, sign_out).await.unwrap();
        assert_eq!(fixture.count().await, Counts { sessions: 1, tokens: 2, sealed: 1, revocations: 1 });

        fixture.clock.advance(TimeDelta::minutes(11));
        fixture.session(&anna).await;
        sweep(&fixture.db).await.unwrap();
        let sealed_and_revocations_gone = Counts { sessions: 2, tokens: 3, sealed: 0, revocations: 0 };
        assert_eq!(fixture.count().await, sealed_and_revocations_gone, "a used token is kept, to notice its reuse");

        fixture.clock.advance(TimeDelta::days(14) - TimeDelta::minutes(5));
        sweep(&fixture.db).await.unwrap();
        assert_eq!(fixture.count().await, Counts { sessions: 2, tokens: 1, sealed: 0, revocations: 0 });

        fixture.clock.advance(TimeDelta::days(76));
        sweep(&fixture.db).await.unwrap();
        assert_eq!(fixture.count().await, Counts { sessions: 1, tokens: 0, sealed: 0, revocations: 0 });
    }

    #[tokio::test]
    async fn more_than_one_statement_takes_is_swept_as_well() {
        let fixture = Fixture::new().await;
        let anna = fixture.user("anna", "korrekt horse").await;
        for _ in 0..=ROWS {
            fixture.session(&anna).await;
        }
        fixture.clock.advance(TimeDelta::days(91));
        sweep(&fixture.db).await.unwrap();
        assert_eq!(fixture.count().await, Counts::default());
    }

    #[derive(Debug, PartialEq, Default)]
    struct Counts {
        sessions: i64,
        tokens: i64,
        sealed: i64,
        revocations: i64,
    }

    impl Fixture {
        async fn count(&self) -> Counts {
            let rows = async |sql: &str| self.number(sql).await;
            Counts {
                sessions: rows("SELECT count(*) FROM session").await,
                tokens: rows("SELECT count(*) FROM refresh_token").await,
                sealed: rows("SELECT count(*) FROM refresh_token WHERE successor_ct IS NOT NULL").await,
                revocations: rows("SELECT count(*) FROM revocation").await,
            }
        }
    }
}
