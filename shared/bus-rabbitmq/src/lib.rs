#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(feature = "testing")]
mod bare;
mod broker;
mod consume;
mod control;
mod declare;
mod error;
mod forget;
mod health;
mod link;
#[cfg(feature = "testing")]
mod meddler;
mod message;
mod names;
mod options;
mod pause;
mod publish;
mod rabbitmq;
#[cfg(feature = "testing")]
mod remove;
mod restore;
mod supervise;
mod watch;

#[cfg(feature = "testing")]
pub use bare::pass_bare;
pub use error::ConnectError;
pub use forget::{Forgotten, forget};
#[cfg(feature = "testing")]
pub use meddler::{Loot, Meddler};
pub use options::{Options, Timing};
pub use rabbitmq::RabbitMq;
#[cfg(feature = "testing")]
pub use remove::remove_everything;
