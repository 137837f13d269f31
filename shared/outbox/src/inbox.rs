//! The consuming side of one domain.

mod anew;
mod apply;
mod deliver;
mod failure;
mod head;
mod together;
mod undecodable;
mod worker;

pub(crate) use anew::switch;
pub(crate) use apply::apply;
pub(crate) use deliver::Inbox;
pub(crate) use head::{Key, lock, of_each};
pub(crate) use worker::{tick, work_what_waits};
