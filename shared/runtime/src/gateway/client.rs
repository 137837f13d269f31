//! The HTTP clients towards other processes of the installation. Rule: no proxy of the environment, no redirects, no
//! decompression; what comes is handed on as it is.

use super::tuning::GatewayTuning;
use crate::start_error::StartError;
use reqwest::Client;
use reqwest::redirect::Policy;
use std::time::Duration;

/// An idle connection is given up before a service would do so, whose limits are 15 s between two requests and 5 s for
/// the first one: a request that is sent into a connection that just closes has no answer, and not every request may be
/// sent again.
const IDLE: Duration = Duration::from_secs(4);
/// Idle connections to one target that are kept.
const IDLE_CONNECTIONS: usize = 64;

/// What it asks for.
pub(crate) enum ClientFor<'a> {
    /// What clients ask for.
    Requests(&'a GatewayTuning),
    /// Keys and revocations.
    Keys,
}

/// A client; `tls` where one of the addresses needs it, and with it the certificates of this machine.
pub(crate) fn client(purpose: ClientFor<'_>, tls: bool) -> Result<Client, StartError> {
    let builder = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .tcp_nodelay(true)
        .http1_only();
    let builder = match purpose {
        ClientFor::Requests(tuning) => builder.connect_timeout(tuning.connect).read_timeout(tuning.silence),
        ClientFor::Keys => builder.connect_timeout(Duration::from_secs(1)),
    };
    // Without TLS nobody is asked for certificates: a small image need not have any.
    let builder = if tls { builder } else { builder.tls_certs_only([]) };
    builder.build().map_err(|error| StartError::new(format!("cannot make an HTTP client: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Seams;

    #[test]
    fn an_idle_connection_is_given_up_before_a_service_gives_up_its_first_request() {
        assert!(IDLE < Seams::default().head_deadline);
    }
}
