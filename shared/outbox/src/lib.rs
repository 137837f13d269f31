#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod alive;
mod backoff;
mod cleanup;
mod dead;
mod due;
mod emit;
mod entity;
mod few_texts;
mod follow;
mod health;
mod inbox;
mod listener;
mod messaging;
pub mod ops;
mod progress;
mod relay;
mod restored;
mod row;
mod snapshots;
mod source;
mod steward;
mod tuning;
mod warden;

pub use alive::TaskHealth;
pub use cleanup::{KEPT, purge, retire};
pub use dead::{DeadLetterError, replay, skip};
pub use emit::{emit, erase};
pub use health::{Blocked, MessagingHealth};
pub use listener::{Heard, ListenError, Listeners, OnDead};
pub use messaging::{Lead, Messaging, Options};
pub use progress::{Position, Unfinished, heads, last_sequences, unfinished, unpublished};
pub use restored::{BegunAnew, begin_anew};
pub use snapshots::{Living, Snapshots, State};
pub use tuning::Tuning;
