//! The messaging tables as sea-orm sees them. Rule: nobody outside this crate does.

pub(crate) mod inbox;
pub(crate) mod inbox_head;
pub(crate) mod inbox_source;
pub(crate) mod outbox;
pub(crate) mod outbox_consumer;
pub(crate) mod relay_lease;
pub(crate) mod stream_epoch;
pub(crate) mod undecodable;
