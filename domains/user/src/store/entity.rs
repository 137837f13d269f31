//! The tables as sea-orm sees them.

pub(super) mod refresh_token;
pub(super) mod revocation;
pub(super) mod session;
pub(super) mod signing_key;
pub(super) mod user;
