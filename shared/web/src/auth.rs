//! Who is calling. Rule: the access token alone decides; it is verified here with keys that the verifier holds, and
//! what was refused is told to the client in one way whatever the reason was.

mod bearer;
mod caller;
mod claims;
mod keys;
mod memory;
mod revoked;
mod source;
mod verifier;

pub use caller::{Admin, Caller, FreshCaller};
pub use claims::{AUDIENCE, CLIENT_ID, Claims, TOKEN_TYPE};
pub use source::{KeySnapshot, KeySource, KeySourceError, REVOCATIONS_AGAIN, Revocation, Revoked};
pub use verifier::{TokenRefused, Verifier};

use std::sync::Once;

/// Installs the one cryptographic back end of the process. Call it before the first token is signed or verified;
/// further calls do nothing.
pub fn install_crypto() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Already there: somebody else installed the same one, for there is only one to choose from.
        jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default().ok();
    });
}
