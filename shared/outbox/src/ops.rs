//! What an operator sees of one domain's events, and does about them. Rule: a domain tells what its own tables say, as
//! publisher and as consumer; whoever wants the whole asks every domain. What is done may be done twice, and is kept in
//! `ops_audit` in the transaction that does it.

mod act;
mod audit;
mod audit_row;
mod emitted;
mod filter;
mod received;
mod record;
mod strays;
mod streams;

pub use act::{Acted, OpsError, Target, give_up, replay, retry, skip};
pub use audit::{Audited, audited};
pub(crate) use audit::{LOST, lost_since, note};
pub use emitted::{Backlog, backlog, unpublished};
pub use filter::{Criteria, EventStatus, Window};
pub use received::dead_letters;
pub use record::{Attributes, EventRecord, Publication, Reception};
pub use strays::{Stray, strays};
pub use streams::{EmittedStream, HeardStream, emitted_streams, heard_streams};

use contracts::EventId;
use db::{Db, DbError};

/// The events that a domain knows, as publisher or as consumer, newest first; at most `window.limit`. Payloads are left
/// out.
///
/// # Errors
/// See [`DbError`].
pub async fn events(db: &Db, consumer: &str, criteria: &Criteria, window: Window) -> Result<Vec<EventRecord>, DbError> {
    let emitted = emitted::find(db, criteria, window).await?;
    let received = received::find(db, consumer, criteria, window).await?;
    let mut events: Vec<EventRecord> = emitted.into_iter().chain(received).collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.attributes.id));
    events.truncate(usize::try_from(window.limit).unwrap_or(usize::MAX));
    Ok(events)
}

/// One event as a domain knows it, with its payload where that is kept; none where the domain never had it.
///
/// # Errors
/// See [`DbError`].
pub async fn event(db: &Db, consumer: &str, id: EventId) -> Result<Option<EventRecord>, DbError> {
    match emitted::one(db, id).await? {
        Some(emitted) => Ok(Some(emitted)),
        None => received::one(db, consumer, id).await,
    }
}
