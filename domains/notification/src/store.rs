//! Rows of the notification domain. Rule: entities stay in here; the condition of who may see what is inside the
//! only finder.

mod entity;
pub(crate) mod erasure;
mod inbox;
mod list;
mod marking;
mod notifications;
mod recipients;
mod rows;
mod visibility;

pub(crate) use inbox::{Counts, counts, counts_of};
pub(crate) use list::{Filter, InBox, page};
pub(crate) use marking::{MARKED_AT_ONCE, Mark, Selector, mark, markable};
pub(crate) use notifications::{delete, get, get_for_update, insert, insert_deliveries, insert_sent_once, update};
pub(crate) use recipients::{bury, save_profile, standing, standing_now};
pub(crate) use visibility::Viewer;
