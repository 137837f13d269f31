//! What an access token says (RFC 9068). Rule: no name and no address, because whoever holds a token can read it.

use contracts::user::Role;
use contracts::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The `aud` of every token.
pub const AUDIENCE: &str = "cleave";
/// The `client_id` of every token: there are no foreign clients.
pub const CLIENT_ID: &str = "first-party";
/// The `typ` of every token's header.
pub const TOKEN_TYPE: &str = "at+jwt";

/// The payload of an access token. Instants are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: the system's public address.
    pub iss: String,
    /// Whom it speaks for.
    pub sub: UserId,
    /// Whom it is meant for: [`AUDIENCE`].
    pub aud: String,
    /// From then on it is worthless.
    pub exp: u64,
    /// Until then it is worthless.
    pub nbf: u64,
    /// When it was issued.
    pub iat: u64,
    /// Its own id.
    pub jti: Uuid,
    /// [`CLIENT_ID`].
    pub client_id: String,
    /// The session it belongs to.
    pub sid: SessionId,
    /// What the user may do.
    pub role: Role,
    /// The user's epoch: raised, it ends all tokens issued before.
    pub epoch: i32,
    /// When the user last gave a password.
    pub auth_time: u64,
}
