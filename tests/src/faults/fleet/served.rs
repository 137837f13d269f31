//! What a process of a system is: this very binary, which serves when a variable says so. Rule: as shipped, but for the numbers
//! that a test has no hour to wait for.

use crate::faults::held::{number, setting};
use runtime::{Config, StartError};
use std::time::Duration;
use testkit::Start;
use tokio::signal::unix::{SignalKind, signal};

/// Set for such a process.
pub(super) const SERVE: &str = "CLEAVE_TEST_SERVE";
/// After how many attempts an event is dead, where a test has no hour to wait for it.
pub const ATTEMPTS: &str = "CLEAVE_TEST_ATTEMPTS";
/// The ceiling of the wait between two attempts, in seconds.
pub const LONGEST_BACKOFF: &str = "CLEAVE_TEST_LONGEST_BACKOFF_SECONDS";
/// Set where what is lost is looked for sooner than it is by what is shipped.
pub const HASTY: &str = "CLEAVE_TEST_HASTY";
/// How many events may wait in an outbox, where that is not as many as shipped.
pub const FULL_AT: &str = "CLEAVE_TEST_FULL_AT";

/// Whether this process was started as one of a system.
#[must_use]
pub fn is_one() -> bool {
    setting(SERVE).is_some()
}

/// Is such a process where this one was started as one, until it is killed, or told to stop by SIGTERM; otherwise it
/// returns at once.
///
/// # Panics
/// When the process does not start.
pub async fn served(settings: fn() -> Result<Config, StartError>, start: Start) {
    if !is_one() {
        return;
    }
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).log_internal_errors(false);
    log.with_env_filter("warn,outbox=info,bus_rabbitmq=info,db=info").init();
    let mut config = settings().unwrap_or_else(|error| panic!("{error}"));
    config.seams.migrates = true;
    let relay = &mut config.seams.relay;
    relay.attempts = i32::try_from(number(ATTEMPTS, relay.attempts.unsigned_abs().into())).expect("a small number");
    relay.backoff.1 = Duration::from_secs(number(LONGEST_BACKOFF, relay.backoff.1.as_secs()));
    if setting(HASTY).is_some() {
        relay.gap = (Duration::from_secs(1), Duration::from_secs(5));
        relay.digest = (Duration::from_secs(2), Duration::from_secs(5));
    }
    if let Some(events) = setting(FULL_AT) {
        relay.outbox.events = events.parse().unwrap_or_else(|error| panic!("{FULL_AT}: {error}"));
    }
    let mut told = signal(SignalKind::terminate()).expect("signals");
    let server = start(config).await.unwrap_or_else(|error| panic!("{error}"));
    let is_to_stop = tokio::select! {
        _ = told.recv() => true,
        () = server.join() => false,
    };
    if is_to_stop {
        server.stop().await;
    }
}
