#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod clock;
mod control;
mod envelope;
mod event;
pub mod failpoint;
mod ids;
pub mod notification;
#[cfg(feature = "schema")]
pub mod schema;
mod stream;
pub mod task;
pub mod topology;
pub mod user;

pub use clock::{Clock, SystemClock, to_micros};
pub use control::{Control, Gone, Head, Heads, Heard, Join, Page, Range, Replay, Snapshot, Snapshots, Started};
pub use envelope::{ERASED, Envelope, EnvelopeError, NewEnvelope};
pub use event::{Change, Event};
pub use ids::{CategoryId, EventId, NotificationId, SessionId, TaskId, UserId};
pub use stream::Stream;
