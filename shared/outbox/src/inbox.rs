//! The consuming side of one domain.

mod apply;
mod deliver;
mod failure;
mod head;
mod undecodable;
mod worker;

pub(crate) use deliver::Inbox;
pub(crate) use worker::{tick, work_what_waits};
