//! The messaging tables as sea-orm sees them. Rule: nobody outside this crate does.

pub(crate) mod inbox;
pub(crate) mod inbox_head;
pub(crate) mod outbox;
pub(crate) mod relay_lease;
pub(crate) mod undecodable;
