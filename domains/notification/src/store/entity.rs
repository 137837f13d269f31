//! The tables as the database knows them.

pub(super) mod delivery;
pub(super) mod notification;
pub(super) mod notification_view;
pub(super) mod recipient;
