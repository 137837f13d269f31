#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod control;
mod event_bus;
mod in_process;
mod one_by_one;

pub use control::Steward;
pub use event_bus::{BusStatus, Deliver, Delivered, EventBus, Infrastructure, Published, Subscription, Undecodable};
pub use in_process::InProcess;
pub use one_by_one::one_by_one;
