//! An encrypted connection for a driver that makes none. Rule: it is made before anybody is told of it, so that what is
//! wrong is known; it takes one client, which must come at once, from this machine.

use super::server::{Dial, Server};
use crate::error::OpenError;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

/// How long the client may take to come.
const COMES: Duration = Duration::from_secs(10);
/// The message that asks for TLS: its length, and the code 1234 5679.
const ASK: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Connects to the server, and listens for the client on the port that is returned.
///
/// # Errors
/// [`OpenError::Connect`].
pub(super) async fn open(server: &Server, dial: &Dial) -> Result<u16, OpenError> {
    let refused = |reason: String| OpenError::Connect { location: server.location(), reason };
    let connected = timeout(dial.limit, connect(dial)).await.map_err(|_| server.silent())?;
    let mut wire = connected.map_err(|error| refused(error.to_string()))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| refused(error.to_string()))?;
    let port = listener.local_addr().map_err(|error| refused(error.to_string()))?.port();
    tokio::spawn(async move {
        if let Ok(Ok((mut client, _))) = timeout(COMES, listener.accept()).await {
            drop(listener);
            // Whoever loses the connection hears of it from its own driver.
            let _ = copy_bidirectional(&mut client, &mut wire).await;
        }
    });
    Ok(port)
}

/// Either kind of connection.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

async fn connect(dial: &Dial) -> io::Result<Box<dyn Wire>> {
    let config = &dial.config;
    let Some(Host::Tcp(name)) = config.get_hosts().first() else {
        return Err(io::Error::other("TLS needs the address of a host"));
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let mut stream = TcpStream::connect((name.as_str(), port)).await?;
    stream.write_all(&ASK).await?;
    match stream.read_u8().await? {
        b'S' => {
            let mut connector = dial.connector.clone();
            let Ok(handshake) = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut connector, name);
            Ok(Box::new(handshake.connect(stream).await?))
        }
        _ if config.get_ssl_mode() == SslMode::Prefer => Ok(Box::new(stream)),
        _ => Err(io::Error::other("the server does not support TLS")),
    }
}
