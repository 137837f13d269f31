#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod backoff;
mod cleanup;
mod dead;
mod due;
mod emit;
mod entity;
mod health;
mod inbox;
mod listener;
mod messaging;
pub mod ops;
mod progress;
mod relay;
mod row;
mod tuning;

pub use cleanup::purge;
pub use dead::{DeadLetterError, replay, skip};
pub use emit::{emit, erase};
pub use health::{Blocked, MessagingHealth};
pub use listener::{Heard, ListenError, Listeners, OnDead};
pub use messaging::{Messaging, Options};
pub use progress::{Position, Unfinished, heads, last_sequences, unfinished, unpublished};
pub use tuning::Tuning;
