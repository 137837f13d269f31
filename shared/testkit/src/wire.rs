//! Bytes as they are, for what no HTTP client would send. Rule: whatever comes back is heard to the end of the
//! connection; that an answer and an end come is for the test to say.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Less than the server waits for a body, and more than anything else takes.
const HEARING: Duration = Duration::from_secs(8);

/// What came back, and whether the server ended the connection.
#[derive(Debug)]
pub struct Heard {
    /// Every answer, one after another.
    pub text: String,
    /// Whether the connection was ended by the server, also by a reset.
    pub ended: bool,
}

impl Heard {
    /// Hears what comes on `connection` until the server ends it, for 8 s at most.
    pub async fn on(connection: &mut TcpStream) -> Self {
        let mut heard = Vec::new();
        let read = timeout(HEARING, connection.read_to_end(&mut heard)).await;
        Self { text: String::from_utf8_lossy(&heard).into_owned(), ended: read.is_ok() }
    }

    /// The status of the first answer; 0 when there is none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.text.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }

    /// How many answers there are.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.text.matches("HTTP/1.1 ").count() + self.text.matches("HTTP/1.0 ").count()
    }

    /// A header of the first answer; its name in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.lines().filter_map(|line| line.split_once(": ")).find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// Sends exactly these bytes on a connection of their own and hears whatever comes.
///
/// # Panics
/// When nobody accepts the connection.
pub async fn say(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Heard {
    let mut connection = TcpStream::connect(address).await.unwrap();
    // A server that has refused may end the connection while the rest is still being sent.
    let _ = connection.write_all(bytes.as_ref()).await;
    Heard::on(&mut connection).await
}
