//! A database that was put back from a backup. Its aggregates go back to sequences that consumers have passed already, so
//! whatever it published next would be dropped as a duplicate. Rule: consumers tell what they heard; a publisher that
//! does not know of it emits nothing and publishes nothing until an operator says that it is to begin anew.

mod anew;
mod check;
mod standing;
mod tell;

pub(crate) use anew::restamp;
pub use anew::{BegunAnew, begin_anew};
pub(crate) use check::Checks;
pub(crate) use standing::{Standing, read};
pub(crate) use tell::epoch_of;
