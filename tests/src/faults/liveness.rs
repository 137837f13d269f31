//! That a system which has come to rest is alive. Rule: asked from outside, as a client and an operator would; what fails
//! is a violation like any other.

use super::caller::Caller;
use super::checker::{Harm, Violation};
use super::watch::Stores;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longer than the time between two renewals of a relay's lease.
const RENEWED: Duration = Duration::from_millis(3_600);

/// Who relays, by outbox: the owner, the epoch, and until when.
#[derive(Debug, Clone)]
pub struct Leases {
    seen: Instant,
    by_domain: BTreeMap<&'static str, Vec<Vec<Option<String>>>>,
}

impl Leases {
    /// As they are now.
    ///
    /// # Panics
    /// When a database is away.
    pub async fn now(stores: &Stores) -> Self {
        let (seen, mut by_domain) = (Instant::now(), BTreeMap::new());
        for (domain, store) in stores {
            by_domain.insert(*domain, store.read("SELECT owner, epoch, expires_at FROM relay_lease").await);
        }
        Self { seen, by_domain }
    }
}

/// I18: every process is ready, and every domain accepts a command.
pub async fn i18_new_commands_succeed(caller: &Caller, processes: &[String], user: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut object = |what| found.push(Violation::new("I18", Harm::Unsound, what));
    let each = Caller::new(processes);
    for (at, address) in processes.iter().enumerate() {
        match each.look(at, "/health/ready").await {
            Ok((200, _)) => {}
            other => object(format!("{address} is not ready: {other:?}")),
        }
    }
    let commands = [
        (Method::PATCH, "/api/v1/users/me".to_owned(), json!({"display_name": "still here"})),
        (Method::POST, "/api/v1/categories".to_owned(), json!({"name": "one more"})),
        (Method::POST, "/api/v1/notifications/mark".to_owned(), json!({"action": "read", "all": true})),
    ];
    for (method, path, body) in commands {
        match caller.write(user, method.clone(), &path, Some(body)).await {
            Ok((status, _)) if (200..300).contains(&status) => {}
            other => object(format!("{method} {path}: {other:?}")),
        }
    }
    found
}

/// I19: of each outbox one relay renews its lease, and nobody takes it over.
///
/// # Panics
/// When a database is away.
pub async fn i19_one_relay_leads(before: &Leases, stores: &Stores) -> Vec<Violation> {
    tokio::time::sleep(RENEWED.saturating_sub(before.seen.elapsed())).await;
    let after = Leases::now(stores).await;
    let mut found = Vec::new();
    for (domain, was) in &before.by_domain {
        let is = after.by_domain.get(domain).cloned().unwrap_or_default();
        let same_one_renews = match (was.as_slice(), is.as_slice()) {
            ([was], [is]) => was.iter().take(2).eq(is.iter().take(2)) && was.last() != is.last(),
            _ => false,
        };
        if !same_one_renews {
            let what = format!("the relay of {domain} was led by {was:?} and is led by {is:?}");
            found.push(Violation::new("I19", Harm::Unsound, what));
        }
    }
    found
}
