//! The one routine that decides whether an access token is good. Rule: the algorithm is the key's and never the
//! header's, time is the injected clock's, and the reason of a refusal goes to the log only.

use super::claims::{AUDIENCE, CLIENT_ID, Claims, TOKEN_TYPE};
use super::keys::Keys;
use super::memory::{Fingerprint, Memory};
use super::revoked::Revocations;
use super::source::{KeySource, KeySourceError};
use contracts::Clock;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// The longest token, in bytes.
const MAX_TOKEN: usize = 4096;
/// The longest key id, in bytes.
const MAX_KID: usize = 64;
/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 5;
/// The longest life of a token, in seconds.
const MAX_LIFE: u64 = 600;
/// How often the source is asked when it does not speak up.
const POLL: Duration = Duration::from_secs(1);
/// From then on a silent source is a reason to refuse what is sensitive.
const STALE: Duration = Duration::from_secs(30);
/// From then on what a silent source once said is not believed any more.
const WORTHLESS: Duration = Duration::from_secs(60 * 60);
/// How often a token of an unknown key may make the source look again.
const REFETCH: Duration = Duration::from_secs(30);

/// Holds keys and revocations, and verifies.
pub struct Verifier {
    clock: Arc<dyn Clock>,
    validation: Validation,
    max_life: u64,
    state: RwLock<State>,
    unknown_key: Notify,
}

#[derive(Default)]
struct State {
    keys: Keys,
    /// Of tokens that these keys have signed.
    memory: Mutex<Memory>,
    revocations: Revocations,
    heard: Option<Instant>,
}

/// A token is not good. `Display` says why, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("token refused: {0}")]
pub struct TokenRefused(&'static str);

const UNKNOWN_KEY: TokenRefused = TokenRefused("unknown key");

impl Verifier {
    /// Verifies tokens of that issuer, by that clock. Good for nothing before [`Verifier::load`].
    #[must_use]
    pub fn new(issuer: String, clock: Arc<dyn Clock>) -> Self {
        super::install_crypto();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The library would ask the system's clock; `in_time` asks the injected one.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { clock, validation, max_life: MAX_LIFE, state: RwLock::default(), unknown_key: Notify::new() }
    }

    /// Accepts tokens that were issued for at most that long, instead of ten minutes.
    #[must_use]
    pub const fn with_max_life(mut self, life: Duration) -> Self {
        self.max_life = life.as_secs();
        self
    }

    /// Brings keys and revocations up to date.
    ///
    /// # Errors
    /// [`KeySourceError`] when the source cannot be read or has no usable key; what was held before stays.
    pub async fn load(&self, source: &dyn KeySource) -> Result<(), KeySourceError> {
        let snapshot = source.snapshot().await?;
        let (last_n, known) = self.read(|state| (state.revocations.last_n, state.keys.is_of(&snapshot.jwks)));
        let keys = if known { None } else { Some(Keys::parse(snapshot.jwks)?) };
        // A source whose numbers went back is another one, or was restored: all of it is new.
        let after = if snapshot.last_n < last_n { 0 } else { last_n };
        let news = source.revocations_after(after).await?;
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = keys {
            state.keys = keys;
            state.memory = Mutex::default();
        }
        state.revocations.last_n = after;
        for revocation in &news {
            state.revocations.add(revocation);
        }
        state.revocations.forget_before(now);
        state.heard = Some(Instant::now());
        Ok(())
    }

    /// Keeps up with the source for ever: at once when it speaks up, else every second. A token of an unknown key
    /// makes it look again, now and then.
    pub async fn follow(self: Arc<Self>, source: Arc<dyn KeySource>) {
        let changed = source.changed();
        let mut failing = false;
        let mut refetched: Option<Instant> = None;
        loop {
            let mut told = std::pin::pin!(changed.notified());
            // From here on, so that what changes while the source is read is not missed.
            told.as_mut().enable();
            let loaded = self.load(source.as_ref()).await;
            match (&loaded, failing) {
                (Err(error), false) => tracing::warn!(%error, "keys and revocations are not up to date"),
                (Ok(()), true) => tracing::info!("keys and revocations are up to date again"),
                _ => {}
            }
            failing = loaded.is_err();
            tokio::select! {
                _ = timeout(POLL, told) => {}
                () = self.unknown_key.notified(), if refetched.is_none_or(|at| at.elapsed() >= REFETCH) => {
                    refetched = Some(Instant::now());
                    source.refetch().await;
                }
            }
        }
    }

    /// True once keys were loaded, unless the source has been silent for an hour since.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.read(|state| state.heard.is_some_and(|heard| heard.elapsed() <= WORTHLESS))
    }

    /// True when the source has been silent for half a minute, or always was.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.read(|state| state.heard.is_none_or(|heard| heard.elapsed() > STALE))
    }

    /// What a good token says.
    ///
    /// # Errors
    /// [`TokenRefused`] for anything else.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenRefused> {
        if token.len() > MAX_TOKEN || token.split('.').count() != 3 {
            return Err(TokenRefused("malformed"));
        }
        let fingerprint = Fingerprint::of(token);
        // Under one lock with the keys: nothing is remembered of keys that are gone.
        let claims = self.read(|state| {
            let known = state.memory().find(&fingerprint).cloned();
            let claims = match known {
                Some(claims) => claims,
                None => {
                    let claims = self.examine(&state.keys, token)?;
                    state.memory().keep(fingerprint, claims.clone());
                    claims
                }
            };
            if state.revocations.ends(&claims) { Err(TokenRefused("revoked")) } else { Ok(claims) }
        });
        if claims == Err(UNKNOWN_KEY) {
            self.unknown_key.notify_one();
        }
        let claims = claims?;
        self.in_time(&claims)?;
        Ok(claims)
    }

    /// All about a token that stays as it is.
    fn examine(&self, keys: &Keys, token: &str) -> Result<Claims, TokenRefused> {
        let header = decode_header(token).map_err(|_| TokenRefused("unreadable header"))?;
        let key = keys.get(check(&header)?).ok_or(UNKNOWN_KEY)?;
        let decoded = decode::<Claims>(token, key, &self.validation);
        let claims = decoded.map_err(|_| TokenRefused("bad signature or claims"))?.claims;
        if claims.client_id == CLIENT_ID { Ok(claims) } else { Err(TokenRefused("foreign client")) }
    }

    fn in_time(&self, claims: &Claims) -> Result<(), TokenRefused> {
        let now = u64::try_from(self.clock.now().timestamp()).unwrap_or_default();
        let (early, late) = (now.saturating_sub(LEEWAY), now.saturating_add(LEEWAY));
        if claims.exp <= early {
            return Err(TokenRefused("expired"));
        }
        if claims.nbf > late || claims.iat > late {
            return Err(TokenRefused("from the future"));
        }
        match claims.exp.checked_sub(claims.iat) {
            Some(life) if life <= self.max_life + LEEWAY => Ok(()),
            _ => Err(TokenRefused("lives too long")),
        }
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The header must be plain: nothing that brings its own key, nothing that has to be understood and is not.
fn check(header: &Header) -> Result<&str, TokenRefused> {
    let typ = header.typ.as_deref().map(str::to_ascii_lowercase).unwrap_or_default();
    if typ.strip_prefix("application/").unwrap_or(&typ) != TOKEN_TYPE {
        return Err(TokenRefused("another type of token"));
    }
    let plain = header.crit.is_none()
        && header.jwk.is_none()
        && header.jku.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.enc.is_none()
        && header.zip.is_none();
    if !plain {
        return Err(TokenRefused("a header that is not understood"));
    }
    let kid = header.kid.as_deref().unwrap_or_default();
    let in_alphabet = kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if kid.is_empty() || kid.len() > MAX_KID || !in_alphabet {
        return Err(TokenRefused("no key named"));
    }
    Ok(kid)
}
