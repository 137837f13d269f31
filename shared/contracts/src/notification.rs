//! What others may know of a notification.

pub mod v1;
