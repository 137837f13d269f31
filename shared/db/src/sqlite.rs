//! SQLite, in place.

mod checkpoint;
mod connection;
mod lane;
mod reader;
mod value;

pub(crate) use checkpoint::{keep_short, truncate};
pub(crate) use lane::{Ticket, Turn, Writer};
pub(crate) use reader::Reader;
