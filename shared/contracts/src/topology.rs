//! The one table of who publishes and who hears which stream. Rule: buses read it, every process knows all of it,
//! and a test compares it with what each domain registers. Consumers hear whole aggregate streams, never single
//! types: a watermark without gaps is what makes a lost event visible.

/// All events of one kind of aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName {
    /// The publishing domain.
    pub domain: &'static str,
    /// The kind of aggregate.
    pub aggregate: &'static str,
}

/// What one domain hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hears {
    /// The consuming domain; also the name of its inbox.
    pub consumer: &'static str,
    /// The streams that reach it.
    pub streams: &'static [StreamName],
}

/// Every user, with all that happens to it.
pub const USERS: StreamName = StreamName { domain: "user", aggregate: "user" };
/// Every task, with all that happens to it.
pub const TASKS: StreamName = StreamName { domain: "task", aggregate: "task" };
/// Every notification, with all that happens to it.
pub const NOTIFICATIONS: StreamName = StreamName { domain: "notification", aggregate: "notification" };

/// What is published.
pub const STREAMS: &[StreamName] = &[USERS, TASKS, NOTIFICATIONS];

/// Who hears what. A domain that hears nothing has no line.
pub const HEARS: &[Hears] =
    &[Hears { consumer: "task", streams: &[USERS] }, Hears { consumer: "notification", streams: &[USERS, TASKS] }];

/// The streams that `consumer` hears; none for a domain without a line.
#[must_use]
pub fn heard_by(consumer: &str) -> &'static [StreamName] {
    HEARS.iter().find(|line| line.consumer == consumer).map_or(&[], |line| line.streams)
}

/// The consumers of a stream.
pub fn consumers_of(domain: &str, aggregate: &str) -> impl Iterator<Item = &'static str> {
    consumers_in(HEARS, domain, aggregate)
}

/// The consumers of a stream by another table, which only a test has.
pub fn consumers_in(table: &'static [Hears], domain: &str, aggregate: &str) -> impl Iterator<Item = &'static str> {
    table
        .iter()
        .filter(move |line| line.streams.iter().any(|s| s.domain == domain && s.aggregate == aggregate))
        .map(|line| line.consumer)
}
