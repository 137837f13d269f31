//! Bringing every signing key to where its age says it is. Rule: done from what is stored and the time alone, so that
//! several replicas may do it, at once or never for a month.

use crate::crypto::FreshKey;
use crate::domain::{KeyLife, KeyState, KeyTurn, due};
use crate::store::signing_keys;
use db::{DbError, Tx};

/// What was done; the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turned {
    Published(String),
    Activated(String),
    Removed(String),
}

/// Does all that is due; `fresh` is published if a key is to be. Of two replicas that publish one at once, the later is
/// told that it is not unique.
pub(crate) async fn turn_keys(tx: &mut Tx, fresh: &FreshKey) -> Result<Vec<Turned>, DbError> {
    let mut done = Vec::new();
    loop {
        let keys: Vec<KeyLife> = signing_keys::lock(tx).await?.into_iter().map(|key| key.life).collect();
        let Some(turn) = due(&keys, tx.now()) else { return Ok(done) };
        done.push(match turn {
            KeyTurn::Publish => {
                signing_keys::insert(tx, fresh, KeyState::Next).await?;
                Turned::Published(fresh.kid.clone())
            }
            KeyTurn::Activate(kid) => {
                signing_keys::activate(tx, kid).await?;
                Turned::Activated(kid.to_owned())
            }
            KeyTurn::Remove(kid) => {
                signing_keys::remove(tx, kid);
                Turned::Removed(kid.to_owned())
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::Fixture;
    use crate::app::{ensure_signing_key, publish_next_key, replace_keys};
    use crate::crypto::{KeyRing, Sealer};
    use chrono::TimeDelta;

    fn sealer() -> Sealer {
        web::install_crypto();
        Sealer::new(b"0123456789abcdef0123456789abcdef", "signing keys").unwrap()
    }

    fn fresh() -> FreshKey {
        FreshKey::generate(&sealer()).unwrap()
    }

    impl Fixture {
        /// State and key, sorted.
        async fn keys(&self) -> Vec<(&'static str, String)> {
            let keys = signing_keys::all(self.db.reader()).await.unwrap();
            KeyRing::open(&keys, &sealer()).unwrap();
            let mut keys: Vec<_> = keys.into_iter().map(|key| (key.life.state.as_str(), key.life.kid)).collect();
            keys.sort();
            keys
        }

        async fn turn(&self, fresh: &FreshKey) -> Vec<Turned> {
            self.write(fresh, turn_keys).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_key_is_next_then_active_then_retired_then_gone() {
        let fixture = Fixture::new().await;
        let (first, second, third) = (fresh(), fresh(), fresh());
        fixture.write(&first, ensure_signing_key).await.unwrap();
        assert_eq!(fixture.turn(&second).await, [], "nothing is due to a young key");
        fixture.clock.advance(TimeDelta::days(30) - TimeDelta::minutes(16));
        assert_eq!(fixture.turn(&second).await, []);

        fixture.clock.advance(TimeDelta::minutes(1));
        assert_eq!(fixture.turn(&second).await, [Turned::Published(second.kid.clone())]);
        let published = [("active", first.kid.clone()), ("next", second.kid.clone())];
        assert_eq!(fixture.keys().await, published);
        fixture.clock.advance(TimeDelta::minutes(14));
        assert_eq!((fixture.turn(&third).await, fixture.keys().await), (vec![], published.to_vec()));

        fixture.clock.advance(TimeDelta::minutes(1));
        assert_eq!(fixture.turn(&third).await, [Turned::Activated(second.kid.clone())]);
        assert_eq!(fixture.keys().await, [("active", second.kid.clone()), ("retired", first.kid.clone())]);
        fixture.clock.advance(TimeDelta::minutes(59));
        assert_eq!(fixture.turn(&third).await, []);

        fixture.clock.advance(TimeDelta::minutes(1));
        assert_eq!(fixture.turn(&third).await, [Turned::Removed(first.kid)]);
        assert_eq!(fixture.keys().await, [("active", second.kid.clone())]);
        fixture.clock.advance(TimeDelta::days(30) - TimeDelta::minutes(76));
        assert_eq!(fixture.turn(&third).await, []);
        fixture.clock.advance(TimeDelta::minutes(1));
        assert_eq!(fixture.turn(&third).await, [Turned::Published(third.kid)]);
    }

    #[tokio::test]
    async fn of_many_who_turn_at_once_one_does_and_there_is_always_one_active_key() {
        let fixture = Fixture::new().await;
        let first = fresh();
        fixture.write(&first, ensure_signing_key).await.unwrap();
        for wait in [TimeDelta::days(30), TimeDelta::minutes(15), TimeDelta::hours(1)] {
            fixture.clock.advance(wait);
            let all: Vec<FreshKey> = (0..8).map(|_| fresh()).collect();
            let outcomes =
                futures_util::future::join_all(all.iter().map(|fresh| fixture.write(fresh, turn_keys))).await;
            let done =
                outcomes.into_iter().filter(|outcome| outcome.as_ref().is_ok_and(|done| !done.is_empty())).count();
            assert_eq!(done, 1, "after {wait}");
            fixture.keys().await;
        }
        assert_eq!(fixture.number("SELECT count(*) FROM signing_key").await, 1);
    }

    #[tokio::test]
    async fn a_key_that_is_asked_for_signs_after_a_quarter_of_an_hour_and_is_asked_for_once() {
        let fixture = Fixture::new().await;
        let (first, second) = (fresh(), fresh());
        fixture.write(&first, ensure_signing_key).await.unwrap();
        let asked = fixture.write(&second, publish_next_key).await.unwrap();
        assert_eq!((&asked.kid, asked.state), (&second.kid, KeyState::Next));
        let again = fixture.write(&fresh(), publish_next_key).await.unwrap();
        assert_eq!(again, asked);
        fixture.clock.advance(TimeDelta::minutes(15));
        assert_eq!(fixture.turn(&fresh()).await, [Turned::Activated(second.kid)]);
    }

    #[tokio::test]
    async fn after_a_leak_no_key_is_left_but_a_new_one_that_signs() {
        let fixture = Fixture::new().await;
        let (leaked, waiting, new) = (fresh(), fresh(), fresh());
        fixture.write(&leaked, ensure_signing_key).await.unwrap();
        fixture.write(&waiting, publish_next_key).await.unwrap();
        assert_eq!(fixture.write(&new, replace_keys).await.unwrap(), 2);
        assert_eq!(fixture.keys().await, [("active", new.kid)]);
    }
}
