//! One connection to the broker. Rule: nothing is waited for without an end, and what is given up is cut at the socket:
//! the client library on its own would keep a connection that nobody answers on for as long as the kernel does.

use crate::broker;
use crate::error::ConnectError;
use crate::options::Timing;
use async_rs::traits::Reactor;
use async_rs::{Tokio, TokioRuntime};
use futures_util::stream::{BoxStream, StreamExt};
use lapin::tcp::{AsyncTcpStream, TLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Channel, Connection, ConnectionProperties, Error, ErrorKind, Event};
use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};

/// How often a connection is asked whether it lives; the library tells most of its ends at once.
const LOOK: Duration = Duration::from_millis(500);
/// How long a connection that is not needed any more may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// A socket to the broker, as the library wants it.
type Stream = AsyncTcpStream<<Tokio as Reactor>::TcpStream>;

/// A connection that is open, or was.
pub(crate) struct Link {
    connection: Connection,
    events: Mutex<Option<BoxStream<'static, Event>>>,
    socket: Socket,
    answer: Duration,
    blocked: watch::Sender<Option<String>>,
    condemned: watch::Sender<Option<String>>,
}

/// A second handle on the socket below a connection.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Option<TcpStream>>>);

impl Link {
    /// Opens one for `role`, which the broker shows to operators.
    pub(crate) async fn open(uri: &AMQPUri, role: &str, timing: &Timing) -> Result<Self, ConnectError> {
        let mut uri = uri.clone();
        uri.query.heartbeat = Some(u16::try_from(timing.heartbeat.as_secs()).unwrap_or(u16::MAX).max(1));
        let broker = broker::address(&uri);
        let socket = Socket::default();
        let properties = ConnectionProperties::default().with_connection_name(role.into());
        let runtime = lapin::runtime::default_runtime().map_err(|error| refused(&uri, &error))?;
        let (held, within) = (socket.clone(), timing.connect);
        let connect = Connection::connector(
            uri.clone(),
            runtime,
            async move |uri, runtime| {
                let (stream, handle) = timeout(within, dial(&uri, &runtime)).await.map_err(io::Error::other)??;
                held.hold(handle);
                Ok(stream)
            },
            properties,
        );
        match timeout(timing.connect, connect).await {
            Ok(Ok(connection)) => Ok(Self {
                // What happens while nobody listens is not told later.
                events: Mutex::new(Some(connection.events_listener().boxed())),
                connection,
                socket,
                answer: timing.answer,
                blocked: watch::Sender::new(None),
                condemned: watch::Sender::new(None),
            }),
            Ok(Err(error)) => Err(refused(&uri, &error)),
            Err(_) => {
                socket.cut();
                Err(ConnectError::Unreachable { broker, reason: format!("no answer in {within:?}") })
            }
        }
    }

    /// A fresh channel.
    pub(crate) async fn channel(&self) -> Result<Channel, Trouble> {
        self.within(self.connection.create_channel()).await
    }

    /// Waits for the broker, but not for ever; silence ends the connection.
    pub(crate) async fn within<T>(&self, answer: impl Future<Output = lapin::Result<T>>) -> Result<T, Trouble> {
        match timeout(self.answer, answer).await {
            Ok(answered) => answered.map_err(Trouble::from),
            Err(_) => {
                let silence = format!("the broker did not answer in {:?}", self.answer);
                self.condemn(&silence);
                Err(Trouble { reply: None, text: silence })
            }
        }
    }

    /// Why nothing may be published at present.
    pub(crate) fn blocked(&self) -> Option<String> {
        let known = self.blocked.borrow().clone();
        known.or_else(|| self.connection.status().blocked().then(|| "no reason given".to_owned()))
    }

    /// Ends when the broker has blocked the connection; with its reason.
    pub(crate) async fn is_blocked(&self) -> String {
        let mut blocked = self.blocked.subscribe();
        let seen = blocked.wait_for(Option::is_some).await.map(|reason| reason.clone()).ok().flatten();
        seen.unwrap_or_default()
    }

    /// Gives it up, for the first reason that is given.
    pub(crate) fn condemn(&self, reason: &str) {
        self.condemned.send_if_modified(|condemned| {
            let first = condemned.is_none();
            if first {
                *condemned = Some(reason.to_owned());
            }
            first
        });
    }

    /// Follows it to its end; why it ended. `on_block` is told when publishing is forbidden, and why, and when it is
    /// allowed again. A connection that was given up is kept as long as it is blocked: a new one would fare no better.
    pub(crate) async fn follow(&self, mut on_block: impl FnMut(Option<&str>)) -> String {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut events = events.unwrap_or_else(|| self.connection.events_listener().boxed());
        let mut condemned = self.condemned.subscribe();
        let mut look = interval(LOOK);
        loop {
            tokio::select! {
                // Events that have come to an end are no reason to ask again at once.
                Some(event) = events.next() => match event {
                    Event::ConnectionBlocked(reason) => {
                        on_block(Some(&reason));
                        self.blocked.send_replace(Some(reason));
                    }
                    Event::ConnectionUnblocked => {
                        on_block(None);
                        self.blocked.send_replace(None);
                    }
                    _ => {}
                },
                _ = look.tick() => {}
                _ = condemned.changed() => {}
            }
            if !self.connection.status().connected() {
                return "the connection was lost".to_owned();
            }
            let given_up = condemned.borrow().clone();
            if let Some(reason) = given_up.filter(|_| self.blocked().is_none()) {
                return reason;
            }
        }
    }

    /// Says goodbye, and ends whatever still uses it.
    pub(crate) async fn close(&self) {
        let closed = timeout(GOODBYE, self.connection.close(200, "not needed any more".into())).await;
        tracing::debug!(?closed, "a connection to the broker ends");
        self.socket.cut();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Dropping the connection sends the goodbye; whether or not it gets through, the socket is closed after it.
        let socket = self.socket.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                sleep(GOODBYE).await;
                socket.cut();
            })),
            Err(_) => socket.cut(),
        }
    }
}

impl Socket {
    fn hold(&self, handle: TcpStream) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    fn cut(&self) {
        if let Some(socket) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It may be closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// What went wrong on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The broker's code, where it was the broker that objected: 403, 404, 406 and so on.
    pub reply: Option<u16>,
    /// In words.
    pub text: String,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::ProtocolError(objection) => {
                Self { reply: Some(objection.get_id()), text: objection.get_message().to_string() }
            }
            _ => Self { reply: None, text: error.to_string() },
        }
    }
}

/// Opens a socket, with TLS where the address asks for it; a second handle on it, to cut it.
pub(crate) async fn dial(uri: &AMQPUri, runtime: &TokioRuntime) -> io::Result<(Stream, TcpStream)> {
    let host = uri.authority.host.as_str();
    let addresses: Vec<SocketAddr> = lookup_host((host, uri.authority.port)).await?.collect();
    let stream = AsyncTcpStream::connect(runtime, addresses).await?;
    let AsyncTcpStream::Plain(plain) = &stream else { return Err(io::Error::other("not a plain socket")) };
    let handle = TcpStream::from(plain.get_ref().as_fd().try_clone_to_owned()?);
    let stream = match uri.scheme {
        AMQPScheme::AMQP => stream,
        AMQPScheme::AMQPS => stream.into_tls(host, TLSConfig::default()).await?,
    };
    Ok((stream, handle))
}

/// Why a connection was not to be had, in the words of an operator.
fn refused(uri: &AMQPUri, error: &Error) -> ConnectError {
    let broker = broker::address(uri);
    let user = uri.authority.userinfo.username.clone();
    let trouble = Trouble::from(error.clone());
    match trouble.reply {
        Some(403) => ConnectError::Login { broker, user },
        Some(402 | 530) => ConnectError::VirtualHost { broker, user, vhost: uri.vhost.clone() },
        _ => ConnectError::Unreachable { broker, reason: trouble.text },
    }
}
