//! A last attempt to write. Rule: made only when a client seems to read nothing, so that one who reads slowly is not
//! taken for it.
//!
//! Linux calls a socket writable again when a third of its buffer is free, which may be a megabyte; the write itself
//! succeeds as soon as there is room for anything.

use tokio::net::TcpStream;

/// A stream that can be written whatever the event loop knows of it.
pub(super) trait Insist {
    /// How many of `bytes` were taken at once; none when there was no room.
    fn insist(&self, bytes: &[u8]) -> Option<usize>;
}

impl Insist for TcpStream {
    #[cfg(unix)]
    fn insist(&self, bytes: &[u8]) -> Option<usize> {
        use std::io::Write;
        use std::os::fd::AsFd;
        let same = self.as_fd().try_clone_to_owned().ok()?;
        std::net::TcpStream::from(same).write(bytes).ok().filter(|taken| *taken > 0)
    }

    #[cfg(not(unix))]
    fn insist(&self, _: &[u8]) -> Option<usize> {
        None
    }
}
