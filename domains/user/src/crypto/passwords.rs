//! Hashing passwords with Argon2id. Rule: never more at once than there are cores, each of which takes 19 MiB, and
//! exactly one verification for each sign-in, whether the account exists or not.

use super::hashing_threads::{HashingThreads, Memory};
use super::{CryptoError, random};
use crate::domain::{Password, is_plausible};
use argon2::password_hash;
use argon2::password_hash::phc::{ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many may wait for a core.
const QUEUE: usize = 64;
/// How long each waits.
const PATIENCE: Duration = Duration::from_secs(2);
/// A stored hash brings its own cost; one above these was not made by us and would be a way to stop the process.
const MOST_KIBIBYTES: u32 = 256 * 1024;
const MOST_PASSES: u32 = 10;
const SALT_BYTES: usize = 16;

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("too many passwords are being checked")]
    Busy,
    #[error("hashing failed")]
    Hash(#[from] password_hash::Error),
    #[error("no threads to hash on")]
    NoThreads(#[from] std::io::Error),
    #[error("no random secret")]
    Random(#[from] CryptoError),
    #[error("the hashing thread ended early")]
    Thread(#[from] tokio::task::JoinError),
}

/// What checking a password found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    /// `stronger` is a hash at today's cost, when the stored one is cheaper.
    Right {
        stronger: Option<String>,
    },
}

/// The hashing threads.
pub(crate) struct Passwords {
    cores: Arc<Semaphore>,
    threads: Arc<HashingThreads>,
    waiting: AtomicUsize,
    queue: usize,
    patience: Duration,
    /// Checked where there is no account. It is of a secret that nobody knows, so that no password fits it.
    dummy: String,
    verifications: Arc<AtomicUsize>,
}

impl Passwords {
    pub(crate) async fn start() -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let secret = random()?;
        let threads = Arc::new(HashingThreads::start(cores)?);
        let dummy = threads.run(move |memory| hash(secret.as_slice(), memory)).await??;
        let cores = Arc::new(Semaphore::new(cores));
        Ok(Self {
            cores,
            threads,
            waiting: AtomicUsize::new(0),
            queue: QUEUE,
            patience: PATIENCE,
            dummy,
            verifications: Arc::default(),
        })
    }

    pub(crate) async fn hash(&self, password: &Password) -> Result<String, PasswordError> {
        self.core().await?.hash(password).await
    }

    /// Waits for a core: what can spare the hashing is best looked at when it comes.
    pub(crate) async fn core(&self) -> Result<Core, PasswordError> {
        Ok(Core { permit: self.permit().await?, threads: Arc::clone(&self.threads) })
    }

    /// Checks an attempt against the stored hash; against the dummy where there is none.
    pub(crate) async fn verify(&self, attempt: &SecretString, stored: Option<&str>) -> Result<Verdict, PasswordError> {
        if !is_plausible(attempt) {
            return Ok(Verdict::Wrong);
        }
        let trusted = stored.filter(|stored| is_affordable(stored));
        let exists = trusted.is_some();
        let stored = trusted.unwrap_or(&self.dummy).to_owned();
        let attempt = attempt.clone();
        let verifications = Arc::clone(&self.verifications);
        let permit = self.permit().await?;
        let checking = self.threads.run(move |memory| {
            let _permit = permit;
            verifications.fetch_add(1, Ordering::Relaxed);
            match check(attempt.expose_secret().as_bytes(), &stored, memory) {
                Ok(Verdict::Right { .. }) if !exists => Ok(Verdict::Wrong),
                verdict => verdict,
            }
        });
        Ok(checking.await??)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        let waiting = Waiting::join(&self.waiting);
        if waiting.ahead >= self.queue + self.cores.available_permits() {
            return Err(PasswordError::Busy);
        }
        // The permit is taken here and moved into the thread: a caller that goes away does not free a core that is
        // still hashing for it.
        match timeout(self.patience, Arc::clone(&self.cores).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(PasswordError::Busy),
        }
    }

    /// How many verifications have run.
    #[cfg(test)]
    pub(crate) fn verifications(&self) -> usize {
        self.verifications.load(Ordering::Relaxed)
    }
}

/// A core to hash on, given back when dropped.
pub(crate) struct Core {
    permit: OwnedSemaphorePermit,
    threads: Arc<HashingThreads>,
}

impl Core {
    pub(crate) async fn hash(self, password: &Password) -> Result<String, PasswordError> {
        let Self { permit, threads } = self;
        let secret = password.secret().clone();
        let hashing = threads.run(move |memory| {
            let _permit = permit;
            hash(secret.expose_secret().as_bytes(), memory)
        });
        Ok(hashing.await??)
    }
}

/// A place in the queue, given up when dropped.
struct Waiting<'a> {
    counter: &'a AtomicUsize,
    ahead: usize,
}

impl<'a> Waiting<'a> {
    fn join(counter: &'a AtomicUsize) -> Self {
        Self { counter, ahead: counter.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash(password: &[u8], memory: &mut Memory) -> Result<String, password_hash::Error> {
    let mut salt = [0; SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| password_hash::Error::Crypto)?;
    let (algorithm, version, params) = (Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    let output = memory.argon2(algorithm, version, &params, (password, &salt), Params::DEFAULT_OUTPUT_LEN)?;
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params)?,
        salt: Some(Salt::new(&salt)?),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

fn check(attempt: &[u8], stored: &str, memory: &mut Memory) -> Result<Verdict, password_hash::Error> {
    let parsed = PasswordHash::new(stored)?;
    let algorithm = Algorithm::try_from(parsed.algorithm.as_str())?;
    let version = parsed.version.map_or(Ok(Version::default()), Version::try_from)?;
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return Err(password_hash::Error::PasswordInvalid);
    };
    let params = Params::try_from(&parsed)?;
    let output = memory.argon2(algorithm, version, &params, (attempt, salt), expected.len())?;
    // Compared in constant time.
    match output == *expected {
        true if is_cheaper(stored) => Ok(Verdict::Right { stronger: Some(hash(attempt, memory)?) }),
        true => Ok(Verdict::Right { stronger: None }),
        false => Ok(Verdict::Wrong),
    }
}

fn params(stored: &str) -> Option<(PasswordHash, Params)> {
    let hash = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&hash).ok()?;
    Some((hash, params))
}

fn is_affordable(stored: &str) -> bool {
    let affordable = params(stored).is_some_and(|(_, params)| {
        params.m_cost() <= MOST_KIBIBYTES && params.t_cost() <= MOST_PASSES && params.p_cost() == 1
    });
    if !affordable {
        tracing::error!("a stored password hash is unreadable or costs more than is allowed; the sign-in is refused");
    }
    affordable
}

fn is_cheaper(stored: &str) -> bool {
    let cost = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
    params(stored).is_none_or(|(hash, params)| {
        hash.algorithm != Algorithm::Argon2id.ident()
            || hash.version != Some(Version::V0x13.into())
            || cost(&params) < cost(&Params::DEFAULT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{Argon2, PasswordHasher};

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    fn with_cost(m: u32, t: u32, password: &str) -> String {
        let params = Params::new(m, t, 1, None).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(password.as_bytes()).unwrap().to_string()
    }

    #[tokio::test]
    async fn only_the_whole_password_fits_its_hash() {
        let passwords = Passwords::start().await.unwrap();
        let long = "abcdefghij".repeat(10);
        let hash = passwords.hash(&Password::parse(secret(&long), &[]).unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(passwords.verify(&secret(&long), Some(&hash)).await.unwrap(), Verdict::Right { stronger: None });
        for attempt in [&long[..72], &format!("{long} "), ""] {
            assert_eq!(passwords.verify(&secret(attempt), Some(&hash)).await.unwrap(), Verdict::Wrong);
        }
    }

    #[tokio::test]
    async fn a_hash_is_what_everybody_elses_argon2_makes_of_it() {
        use argon2::PasswordVerifier;
        let passwords = Passwords::start().await.unwrap();
        let password = Password::parse(secret("kx7!pq2zz"), &[]).unwrap();
        let (one, other) = (passwords.hash(&password).await.unwrap(), passwords.hash(&password).await.unwrap());
        assert_ne!(one, other, "each has a salt of its own");
        for hash in [one, other] {
            assert!(Argon2::default().verify_password(b"kx7!pq2zz", hash.as_str()).is_ok(), "{hash}");
            assert!(Argon2::default().verify_password(b"kx7!pq2zy", hash.as_str()).is_err());
        }
    }

    #[tokio::test]
    async fn one_verification_runs_with_and_without_an_account() {
        let passwords = Passwords::start().await.unwrap();
        let hash = with_cost(19 * 1024, 2, "kx7!pq2zz");
        for (stored, expected) in [(Some(hash.as_str()), Verdict::Right { stronger: None }), (None, Verdict::Wrong)] {
            let before = passwords.verifications();
            assert_eq!(passwords.verify(&secret("kx7!pq2zz"), stored).await.unwrap(), expected);
            assert_eq!(passwords.verifications(), before + 1);
        }
    }

    #[tokio::test]
    async fn a_cheaper_hash_is_replaced_by_a_stronger_one() {
        let passwords = Passwords::start().await.unwrap();
        let cheap = with_cost(8 * 1024, 1, "kx7!pq2zz");
        let Verdict::Right { stronger: Some(stronger) } =
            passwords.verify(&secret("kx7!pq2zz"), Some(&cheap)).await.unwrap()
        else {
            panic!("a stronger hash was due")
        };
        assert_eq!(
            passwords.verify(&secret("kx7!pq2zz"), Some(&stronger)).await.unwrap(),
            Verdict::Right { stronger: None }
        );
        assert_eq!(passwords.verify(&secret("other"), Some(&cheap)).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_that_costs_too_much_is_refused_at_the_usual_price() {
        let passwords = Passwords::start().await.unwrap();
        let costly = with_cost(8, 11, "kx7!pq2zz");
        let huge = with_cost(8, 1, "kx7!pq2zz").replace("m=8,", "m=262145,");
        for stored in [costly.as_str(), huge.as_str(), "", "plain", "$2b$12$abcdefghijklmnopqrstuv"] {
            let before = passwords.verifications();
            assert_eq!(passwords.verify(&secret("kx7!pq2zz"), Some(stored)).await.unwrap(), Verdict::Wrong, "{stored}");
            assert_eq!(passwords.verifications(), before + 1);
        }
    }

    #[tokio::test]
    async fn an_attempt_that_no_password_can_be_is_wrong_without_hashing() {
        let passwords = Passwords::start().await.unwrap();
        assert_eq!(passwords.verify(&secret(&"x".repeat(129)), None).await.unwrap(), Verdict::Wrong);
        assert_eq!(passwords.verify(&secret(&"🔑".repeat(129)), None).await.unwrap(), Verdict::Wrong);
        assert_eq!(passwords.verifications(), 0);
    }

    #[tokio::test]
    async fn who_finds_no_core_in_time_is_turned_away() {
        let mut passwords = Passwords::start().await.unwrap();
        passwords.patience = Duration::from_millis(1);
        let cores = u32::try_from(passwords.cores.available_permits()).unwrap();
        let _all = Arc::clone(&passwords.cores).acquire_many_owned(cores).await.unwrap();
        assert!(matches!(passwords.verify(&secret("x"), None).await, Err(PasswordError::Busy)));
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), 0, "the place in the queue was given up");
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_turned_away_at_once() {
        let mut passwords = Passwords::start().await.unwrap();
        passwords.queue = 0;
        let cores = u32::try_from(passwords.cores.available_permits()).unwrap();
        let all = Arc::clone(&passwords.cores).acquire_many_owned(cores).await.unwrap();
        let started = std::time::Instant::now();
        assert!(matches!(passwords.verify(&secret("x"), None).await, Err(PasswordError::Busy)));
        assert!(started.elapsed() < PATIENCE);
        drop(all);
        assert!(passwords.verify(&secret("x"), None).await.is_ok());
    }
}
