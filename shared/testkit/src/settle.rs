//! When nothing is under way any more. Rule: the databases say so, not a pause and not a broker.

use chrono::{DateTime, Utc};
use contracts::{Envelope, topology};
use db::Db;
use outbox::{Position, Unfinished};
use std::collections::HashMap;

/// How far a system is.
pub(crate) enum Progress {
    /// Every event has had its effect, or is kept back by one of the failures.
    Settled(Vec<(&'static str, Unfinished)>),
    /// Not yet; what is missing, in words.
    Moving(String),
}

/// A domain's database.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) name: &'static str,
    pub(crate) db: Db,
}

/// Looks at every database once.
pub(crate) async fn look(domains: &[Store], now: DateTime<Utc>) -> Progress {
    let mut failures = Vec::new();
    for domain in domains {
        let pending = outbox::unpublished(&domain.db).await.expect("a readable outbox");
        if pending > 0 {
            return Progress::Moving(format!("{} events of {} are not published", pending, domain.name));
        }
    }
    let mut published = HashMap::new();
    for domain in domains {
        published
            .insert(domain.name, outbox::last_sequences(&domain.db, domain.name).await.expect("a readable outbox"));
    }
    for domain in domains {
        match inbox(domain, &published, now).await {
            Ok(failed) => failures.extend(failed.into_iter().map(|failure| (domain.name, failure))),
            Err(moving) => return Progress::Moving(moving),
        }
    }
    Progress::Settled(failures)
}

/// What failed in one inbox; `Err` while something in it still moves.
async fn inbox(
    domain: &Store,
    published: &HashMap<&'static str, Vec<Position>>,
    now: DateTime<Utc>,
) -> Result<Vec<Unfinished>, String> {
    let streams = topology::heard_by(domain.name);
    if streams.is_empty() {
        return Ok(Vec::new());
    }
    let waiting = outbox::unfinished(&domain.db, domain.name).await.expect("a readable inbox");
    let blocks = |row: &&Unfinished| row.dead || (row.attempts > 0 && row.next_attempt_at > now);
    let failures: Vec<Unfinished> = waiting.iter().filter(blocks).cloned().collect();
    let blocked = |subject: &str| failures.iter().any(|failure| failure.subject == subject);
    if let Some(row) = waiting.iter().find(|row| !blocked(&row.subject)) {
        return Err(format!("{} waits in {} for {} {}", row.event_type, domain.name, row.subject, row.seq));
    }
    let heads = outbox::heads(&domain.db, domain.name).await.expect("readable watermarks");
    let heads: HashMap<_, _> =
        heads.into_iter().map(|head| ((head.source, head.aggregate, head.id), head.seq)).collect();
    for stream in streams {
        for last in published.get(stream.domain).into_iter().flatten().filter(|last| last.aggregate == stream.aggregate)
        {
            let key = (last.source.clone(), last.aggregate.clone(), last.id.clone());
            let head = heads.get(&key).copied().unwrap_or_default();
            let subject = format!("{}/{}", last.aggregate, last.id);
            if head < last.seq && !blocked(&subject) {
                return Err(format!("{} has heard {head} of {} events of {subject}", domain.name, last.seq));
            }
        }
    }
    Ok(failures)
}

/// Whether every consumer among them has that event in its inbox, or behind it.
pub(crate) async fn taken(domains: &[Store], envelope: &Envelope) -> bool {
    let is_its = |name: &str| topology::consumers_of(envelope.domain(), envelope.aggregate()).any(|one| one == name);
    let id = envelope.aggregate_id.to_string();
    for domain in domains.iter().filter(|domain| is_its(domain.name)) {
        let heads = outbox::heads(&domain.db, domain.name).await.expect("readable watermarks");
        let reached = heads.iter().any(|head| {
            (head.aggregate.as_str(), &head.id) == (envelope.aggregate(), &id) && head.seq >= envelope.sequence
        });
        let waiting = outbox::unfinished(&domain.db, domain.name).await.expect("a readable inbox");
        if !reached && waiting.iter().all(|row| row.event_id != envelope.id.0) {
            return false;
        }
    }
    true
}

/// The failures in words, each with what ties it to its cause.
pub(crate) fn describe(failures: &[(&'static str, Unfinished)]) -> String {
    let line = |(consumer, failure): &(&'static str, Unfinished)| {
        format!(
            "{consumer}: {} {} of {} {} after {} attempts: {}; {}",
            failure.event_type,
            failure.seq,
            failure.subject,
            if failure.dead { "is dead" } else { "failed" },
            failure.attempts,
            failure.last_error.as_deref().unwrap_or("without a word"),
            failure.headers,
        )
    };
    failures.iter().map(line).collect::<Vec<_>>().join("\n")
}
