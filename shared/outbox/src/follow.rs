//! The consuming side, as it asks publishers: for what is missing, how far the streams are, and how aggregates are whose
//! history it was not there for.

mod asked;
mod compare;
mod gaps;
mod join;
mod joins;
mod take;

pub(crate) use asked::Asked;
pub(crate) use join::{begin, follow};
pub(crate) use joins::Joins;
