//! Being told to stop. Rule: SIGINT means what SIGTERM means, so that Ctrl-C loses nothing.

use crate::start_error::StartError;

/// What a process is sent that writes a file beyond its limit, SIGXFSZ; the number is that of all systems but MIPS and PA-RISC.
#[cfg(unix)]
const FILE_TOO_LONG: i32 = 25;

/// From now on a file that may not grow any more is an error of whoever writes it, as a full disk is. Without a listener the
/// signal ends the process, and with it whatever else it serves.
#[cfg(unix)]
pub(crate) fn survive_file_limits() -> Result<(), StartError> {
    use tokio::signal::unix::{SignalKind, signal};
    // Nobody waits for it; that somebody could is what keeps the process alive.
    signal(SignalKind::from_raw(FILE_TOO_LONG))
        .map(drop)
        .map_err(|error| StartError::new(format!("cannot listen for signals: {error}")))
}

/// Other systems have no such signal.
#[cfg(not(unix))]
pub(crate) fn survive_file_limits() -> Result<(), StartError> {
    Ok(())
}

/// The signals that stop a process.
#[cfg(unix)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on; a signal that comes while the process starts is kept.
    pub(crate) fn listen() -> Result<Self, StartError> {
        use tokio::signal::unix::{SignalKind, signal};
        let on = |kind| signal(kind).map_err(|error| StartError::new(format!("cannot listen for signals: {error}")));
        Ok(Self { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    /// The next one's name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The signals that stop a process.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Ctrl-C alone.
    pub(crate) fn listen() -> Result<Self, StartError> {
        Ok(Self)
    }

    /// The next one's name.
    pub(crate) async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
