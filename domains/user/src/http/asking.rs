//! From where somebody tries a password, or asks for an account.

use crate::attempts::Asking;
use crate::state::UserState;
use actix_web::HttpRequest;
use web::{Network, client_address};

pub(super) fn asking<'a>(state: &'a UserState, request: &HttpRequest) -> Asking<'a> {
    state.attempts.from(Network::of(client_address(request)))
}
