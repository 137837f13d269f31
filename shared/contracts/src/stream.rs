//! The position in one aggregate's history. Rule: whoever writes an aggregate reads its stream under the same
//! lock as its fields and writes both back together; so sequences have no hole and no repeat.

use uuid::Uuid;

/// The events of one aggregate, as the writer holds it between reading and writing back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The kind of aggregate: `task`, `user`, `notification`.
    pub aggregate: &'static str,
    /// The aggregate's own id.
    pub id: Uuid,
    /// Sequence of the newest event, 0 before the first.
    pub seq: i64,
}

impl Stream {
    /// The stream of an aggregate that has no event yet.
    #[must_use]
    pub const fn new(aggregate: &'static str, id: Uuid) -> Self {
        Self::at(aggregate, id, 0)
    }

    /// The stream of a stored aggregate whose newest event has the sequence `seq`.
    #[must_use]
    pub const fn at(aggregate: &'static str, id: Uuid, seq: i64) -> Self {
        Self { aggregate, id, seq }
    }
}
