//! The publishing side, as consumers ask it: who hears since when, what is sent again, how aggregates are now, and how
//! far the streams are.

mod consumers;
mod heads;
mod living;
mod replay;

pub(crate) use heads::announce;
