//! What services of one installation show one another. Rule: compared by hash and in constant time; without a token of
//! its own a process shows nothing to anybody.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

/// The token of the installation, as a hash.
pub(crate) struct Internal {
    token: Option<Digest>,
    /// True when the process begins to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Internal {
    pub(crate) fn new(token: Option<&SecretString>, stopping: watch::Receiver<bool>) -> Self {
        Self { token: token.map(|token| digest(&SHA256, token.expose_secret().as_bytes())), stopping }
    }

    /// Whether the request shows the token, alone and as a bearer token.
    pub(crate) fn lets_in(&self, request: &HttpRequest) -> bool {
        let mut shown = request.headers().get_all(AUTHORIZATION);
        let (Some(token), Some(value), None) = (&self.token, shown.next(), shown.next()) else { return false };
        let Some(shown) = value.as_bytes().strip_prefix(b"Bearer ") else { return false };
        verify_slices_are_equal(token.as_ref(), digest(&SHA256, shown).as_ref()).is_ok()
    }
}
