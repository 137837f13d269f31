//! How patient the gateway is. Rule: it waits longer than a service may take for a command, and less long than a
//! client waits.

use std::time::Duration;

/// Times and numbers of the gateway. The defaults suit services in one data centre; tests use smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayTuning {
    /// From when a service has all of a request to the head of its answer, a second try included. What the client
    /// takes to send its body counts for the client.
    pub deadline: Duration,
    /// Until a connection stands.
    pub connect: Duration,
    /// Between two looks at a target.
    pub check_every: Duration,
    /// How long such a look may take; two in a row that take longer are an absence.
    pub check_timeout: Duration,
    /// Requests in a row that get no answer before a target's breaker opens.
    pub breaker_failures: u32,
    /// How long an open breaker lets nothing through.
    pub breaker_open: Duration,
    /// Between two pieces of an answer's body.
    pub silence: Duration,
}

impl Default for GatewayTuning {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            connect: Duration::from_secs(1),
            check_every: Duration::from_secs(1),
            check_timeout: Duration::from_secs(1),
            breaker_failures: 5,
            breaker_open: Duration::from_secs(5),
            silence: Duration::from_secs(60),
        }
    }
}
