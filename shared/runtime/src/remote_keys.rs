//! Keys and revocations of a user domain in another process. Rule: fetched by one task in the background and answered
//! from memory; what is held is good until the source says otherwise, and its silence is told at once.

use crate::gateway::{ClientFor, client};
use crate::start_error::StartError;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use contracts::{Clock, SessionId, UserId};
use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};
use tokio::time::sleep;
use uuid::Uuid;
use web::{KeySnapshot, KeySource, KeySourceError, Revocation, Revoked};

/// How old the keys may be before they are fetched again.
const KEYS_AGE: Duration = Duration::from_secs(300);
/// How long the keys' document may take.
const KEYS_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest document of keys, in bytes.
const KEYS_BYTES: usize = 64 * 1024;
/// How long a poll may take; the user domain answers after 5 s at the latest.
const POLL_TIMEOUT: Duration = Duration::from_secs(7);
/// The largest answer to a poll, in bytes.
const POLL_BYTES: usize = 16 * 1024 * 1024;
/// Between two polls that were answered.
const BREATH: Duration = Duration::from_millis(100);
/// After a poll that was not.
const PAUSE: Duration = Duration::from_millis(500);

/// The source over HTTP.
pub(crate) struct RemoteKeys {
    http: Client,
    addresses: Vec<String>,
    /// The address that is asked; the next one after a failure.
    turn: AtomicUsize,
    token: SecretString,
    /// Whose tokens are good here.
    issuer: String,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    fetching: AsyncMutex<()>,
    changed: Arc<Notify>,
    asked: watch::Sender<bool>,
}

struct Held {
    jwks: Option<String>,
    fetched: Option<Instant>,
    keys_tag: Option<String>,
    last_n: i64,
    revocations: Vec<Revocation>,
    tag: Option<String>,
    /// Why the last poll failed, or that there was none.
    trouble: Option<String>,
}

/// What the user domain answers to a poll.
#[derive(Debug, Deserialize)]
struct Feed {
    /// In whose name the user domain issues tokens; a version before this one does not say.
    issuer: Option<String>,
    last_n: i64,
    /// The entity tag of the keys' document.
    keys: String,
    revocations: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    n: i64,
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    min_epoch: Option<i32>,
    until: DateTime<Utc>,
}

impl RemoteKeys {
    pub(crate) fn new(
        addresses: Vec<String>,
        token: SecretString,
        issuer: String,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let tls = addresses.iter().any(|address| address.starts_with("https:"));
        let trouble = Some("it was not asked yet".to_owned());
        Ok(Self {
            http: client(ClientFor::Keys, tls)?,
            addresses,
            turn: AtomicUsize::new(0),
            token,
            issuer,
            clock,
            held: Mutex::new(Held {
                jwks: None,
                fetched: None,
                keys_tag: None,
                last_n: 0,
                revocations: Vec::new(),
                tag: None,
                trouble,
            }),
            fetching: AsyncMutex::new(()),
            changed: Arc::new(Notify::new()),
            asked: watch::Sender::new(false),
        })
    }

    /// Keeps up with the user domain for ever.
    pub(crate) async fn follow(self: Arc<Self>) {
        loop {
            let heard = self.listen().await;
            let failed = heard.is_err();
            self.held().trouble = heard.err().map(|error| error.0);
            self.asked.send_replace(true);
            if failed {
                self.turn.fetch_add(1, Ordering::Relaxed);
            }
            sleep(if failed { PAUSE } else { BREATH }).await;
        }
    }

    /// Returns once it is known whether the user domain answers.
    pub(crate) async fn asked(&self) {
        // The sender is as old as the receiver.
        let _ = self.asked.subscribe().wait_for(|asked| *asked).await;
    }

    /// The keys when they are old, then one poll.
    async fn listen(&self) -> Result<(), KeySourceError> {
        let (held, changed, old) = {
            let held = self.held();
            (held.jwks.is_some(), held.fetched.is_none(), held.fetched.is_none_or(|at| at.elapsed() > KEYS_AGE))
        };
        let fetched = if old { self.fetch_keys().await } else { Ok(()) };
        if !held {
            fetched.clone()?;
        }
        self.poll().await?;
        // Keys that are old serve on, the next round asks again. Those that are known to be others by now are trouble: one
        // of them may have been thrown away.
        if changed { fetched } else { Ok(()) }
    }

    async fn fetch_keys(&self) -> Result<(), KeySourceError> {
        let _alone = self.fetching.lock().await;
        let url = format!("{}/.well-known/jwks.json", self.address());
        let answer = self.http.get(&url).timeout(KEYS_TIMEOUT).send().await.map_err(|error| unanswered(&url, error))?;
        if answer.status() != StatusCode::OK {
            return Err(KeySourceError::new(format!("{url} answers {}", answer.status())));
        }
        let tag = tag_of(&answer);
        let document = text(answer, KEYS_BYTES).await?;
        let mut held = self.held();
        held.keys_tag = tag;
        held.fetched = Some(Instant::now());
        held.jwks = Some(document);
        drop(held);
        self.changed.notify_waiters();
        Ok(())
    }

    async fn poll(&self) -> Result<(), KeySourceError> {
        let (after, tag) = {
            let held = self.held();
            (held.last_n, held.tag.clone())
        };
        let url = format!("{}/internal/revocations?after={after}", self.address());
        let mut request = self.http.get(&url).timeout(POLL_TIMEOUT).bearer_auth(self.token.expose_secret());
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let answer = request.send().await.map_err(|error| unanswered(&url, error))?;
        match answer.status() {
            StatusCode::NOT_MODIFIED => Ok(()),
            StatusCode::OK => {
                let tag = tag_of(&answer);
                let feed = serde_json::from_str(&text(answer, POLL_BYTES).await?).map_err(KeySourceError::new)?;
                self.take(feed, tag, after)
            }
            StatusCode::NOT_FOUND => Err(KeySourceError::new(format!(
                "{url} answers 404: its CLEAVE_INTERNAL_TOKEN is another one than here, or not set"
            ))),
            other => Err(KeySourceError::new(format!("{url} answers {other}"))),
        }
    }

    fn take(&self, feed: Feed, tag: Option<String>, after: i64) -> Result<(), KeySourceError> {
        if let Some(theirs) = feed.issuer.filter(|theirs| *theirs != self.issuer) {
            return Err(KeySourceError::new(format!(
                "the user domain issues tokens as {theirs}, and CLEAVE_PUBLIC_URL here is {}: set both to the same",
                self.issuer
            )));
        }
        let news = feed.revocations.into_iter().map(Entry::read).collect::<Result<Vec<_>, _>>()?;
        let now = self.clock.now();
        let mut held = self.held();
        if feed.last_n < after {
            // Another source, or a restored one: the next poll asks for all of it.
            held.revocations.clear();
            (held.last_n, held.tag) = (0, None);
            return Err(KeySourceError::new("its revocations begin anew"));
        }
        held.revocations.retain(|known| known.until >= now && !news.iter().any(|new| new.n == known.n));
        held.revocations.extend(news);
        held.revocations.sort_unstable_by_key(|revocation| revocation.n);
        let newest = held.revocations.last().map_or(0, |newest| newest.n);
        (held.last_n, held.tag, held.trouble) = (feed.last_n.max(newest), tag, None);
        if held.keys_tag.as_deref() != Some(&feed.keys) {
            held.fetched = None;
        }
        drop(held);
        self.changed.notify_waiters();
        Ok(())
    }

    fn address(&self) -> &str {
        let turn = self.turn.load(Ordering::Relaxed) % self.addresses.len().max(1);
        self.addresses.get(turn).map(String::as_str).unwrap_or_default()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held, unless the source is silent.
    fn heard(&self) -> Result<MutexGuard<'_, Held>, KeySourceError> {
        let held = self.held();
        match &held.trouble {
            Some(trouble) => Err(KeySourceError::new(trouble)),
            None => Ok(held),
        }
    }
}

#[async_trait]
impl KeySource for RemoteKeys {
    async fn snapshot(&self) -> Result<KeySnapshot, KeySourceError> {
        let held = self.heard()?;
        let jwks = held.jwks.clone().ok_or_else(|| KeySourceError::new("its keys were not fetched yet"))?;
        Ok(KeySnapshot { jwks, last_n: held.last_n })
    }

    async fn revocations_after(&self, n: i64) -> Result<Vec<Revocation>, KeySourceError> {
        // With those that were there before: a number may become visible after one above it.
        let revocations = &self.heard()?.revocations;
        Ok(revocations.iter().filter(|revocation| revocation.n > n - web::REVOCATIONS_AGAIN).copied().collect())
    }

    fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    async fn refetch(&self) {
        if let Err(error) = self.fetch_keys().await {
            tracing::warn!(%error, "keys could not be fetched for a token of an unknown one");
        }
    }
}

impl Entry {
    fn read(self) -> Result<Revocation, KeySourceError> {
        let revoked = match (self.session_id, self.user_id, self.min_epoch) {
            (Some(session), None, None) => Revoked::Session(SessionId(session)),
            (None, Some(id), Some(min_epoch)) => Revoked::User { id: UserId(id), min_epoch },
            _ => return Err(KeySourceError::new(format!("revocation {} names neither session nor user", self.n))),
        };
        Ok(Revocation { n: self.n, revoked, until: self.until })
    }
}

fn tag_of(answer: &Response) -> Option<String> {
    answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned)
}

fn unanswered(url: &str, error: reqwest::Error) -> KeySourceError {
    let what = if error.is_connect() { "cannot be connected to" } else { "does not answer" };
    KeySourceError::new(format!("{url} {what}"))
}

async fn text(mut answer: Response, most: usize) -> Result<String, KeySourceError> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(KeySourceError::new)? {
        body.extend_from_slice(&piece);
        if body.len() > most {
            return Err(KeySourceError::new("an answer is too large"));
        }
    }
    String::from_utf8(body).map_err(KeySourceError::new)
}

#[cfg(test)]
mod tests;
