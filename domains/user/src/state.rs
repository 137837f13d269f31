//! What the handlers share.

use crate::attempts::Attempts;
use crate::crypto::Passwords;
use crate::internal::Internal;
use crate::issuer::Issuer;
use crate::key_source::OwnTables;
use db::Db;
use std::sync::Arc;

/// One for the process; every HTTP worker has a handle.
pub(crate) struct UserState {
    pub(crate) db: Db,
    pub(crate) passwords: Passwords,
    /// Whoever has a password checked asks here.
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) keys: Arc<OwnTables>,
    /// Key of the hashes of requests that hold a password.
    pub(crate) request_secret: [u8; 32],
    pub(crate) registration_open: bool,
    /// What other services of the installation are shown.
    pub(crate) internal: Internal,
}
