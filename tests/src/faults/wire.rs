//! A network between a process and a server that fails on command. Rule: bytes are kept back, lost, slowed or cut off,
//! never changed; a connection that has lost some is reset when the network heals, as its ends would find out.

mod commits;

use commits::Talk;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

/// Bytes that are taken at once.
const PIECE: usize = 16 * 1024;
/// Between two pieces on a slow network.
const TICK: Duration = Duration::from_millis(50);

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weather {
    /// It works.
    Fine,
    /// What the server says is lost; what it is told arrives.
    AnswersLost,
    /// Nothing moves, and nobody is told: the sockets stay open.
    Still,
    /// So many bytes a second, each way.
    Slow(usize),
    /// Byte after byte, each in a packet of its own.
    Slices,
    /// Every connection is reset in the middle of whatever the server says next: after that many bytes of it.
    CutAfter(usize),
    /// What PostgreSQL answers to a commit stands still, and all that it says behind it; the rest arrives. For a network
    /// that reads along.
    CommitsHeld,
}

#[derive(Debug, Clone, Copy)]
struct State {
    weather: Weather,
    /// Raised whenever it changes.
    changes: u64,
    /// Raised to reset every connection.
    resets: u64,
}

/// The network; gone when this is dropped.
pub struct Network {
    address: SocketAddr,
    state: watch::Sender<State>,
    /// How many answers to commits have been held so far.
    held: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

/// One way of one connection.
struct Way {
    state: watch::Receiver<State>,
    /// From the server to the client.
    back: bool,
    lossy: Arc<AtomicBool>,
    /// What is said both ways, where it is read along.
    talk: Option<Arc<Mutex<Talk>>>,
    held: Arc<AtomicUsize>,
}

impl Network {
    /// One that works, in front of that server.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn before(server: SocketAddr) -> Self {
        Self::open(server, false).await
    }

    /// One that reads along what is said to a PostgreSQL server and by it, unencrypted.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn before_postgres(server: SocketAddr) -> Self {
        Self::open(server, true).await
    }

    async fn open(server: SocketAddr, reads: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = watch::Sender::new(State { weather: Weather::Fine, changes: 0, resets: 0 });
        let (mut tasks, held) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        tasks.spawn(accept(listener, server, reads, state.clone(), Arc::clone(&held)));
        Self { address, state, held, _tasks: tasks }
    }

    /// Where a client finds the server through it.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same URL, by way of it.
    #[must_use]
    pub fn through(&self, url: &str) -> String {
        url.replacen(authority(url), &self.address.to_string(), 1)
    }

    /// Changes what it does.
    pub fn set(&self, weather: Weather) {
        self.state.send_modify(|state| {
            state.weather = weather;
            state.changes += 1;
        });
    }

    /// How many answers to commits have been held so far.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Resets every connection.
    pub fn reset(&self) {
        self.state.send_modify(|state| state.resets += 1);
    }
}

/// Host and port of a URL.
#[must_use]
pub fn authority(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, rest)| rest);
    let behind = behind.split('/').next().unwrap_or_default();
    behind.rsplit_once('@').map_or(behind, |(_, authority)| authority)
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    reads: bool,
    state: watch::Sender<State>,
    held: Arc<AtomicUsize>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let talk = reads.then(|| Arc::new(Mutex::new(Talk::new())));
        let (lossy, held) = (Arc::new(AtomicBool::new(false)), Arc::clone(&held));
        connections.spawn(carry(client, server, Way { state: state.subscribe(), back: false, lossy, talk, held }));
    }
}

/// Carries one connection until one of its ends closes it, or it is reset.
async fn carry(mut client: TcpStream, server: SocketAddr, forth: Way) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let (back, state, lossy) = (forth.back(), forth.state.clone(), Arc::clone(&forth.lossy));
    let (mut told, resets) = (state.clone(), state.borrow().resets);
    let is_over = |state: &State| {
        let healed = state.weather == Weather::Fine && lossy.load(Ordering::Relaxed);
        state.resets != resets || healed
    };
    {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        tokio::select! {
            () = forth.carry(from_client, to_server) => {}
            () = back.carry(from_server, to_client) => {}
            _ = told.wait_for(is_over) => {}
        }
    }
    // Both ends see a reset, also where the end was an orderly one: whoever relies on the difference is wrong.
    for end in [&client, &server] {
        if end.set_zero_linger().is_err() {
            return;
        }
    }
}

impl Way {
    /// The other way of the same connection.
    fn back(&self) -> Self {
        let (lossy, held) = (Arc::clone(&self.lossy), Arc::clone(&self.held));
        Self { state: self.state.clone(), back: true, lossy, talk: self.talk.clone(), held }
    }

    /// Where in it the answer to a commit stands.
    fn read_along(&self, bytes: &[u8]) -> Option<usize> {
        let mut talk = self.talk.as_ref()?.lock().unwrap();
        if self.back {
            return talk.answer(bytes);
        }
        talk.ask(bytes);
        None
    }

    async fn carry(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) {
        let (mut piece, mut passed) = (vec![0; PIECE], 0_usize);
        loop {
            if self.state.wait_for(|state| state.weather != Weather::Still).await.is_err() {
                return;
            }
            let Ok(length @ 1..) = from.read(&mut piece).await else { return };
            // What was read is held until the network moves again.
            let Ok(State { weather, changes, .. }) =
                self.state.wait_for(|state| state.weather != Weather::Still).await.map(|state| *state)
            else {
                return;
            };
            let bytes = &piece[..length];
            let commit = self.read_along(bytes);
            let carried = match (weather, commit) {
                (Weather::CommitsHeld, Some(commit)) => {
                    self.held.fetch_add(1, Ordering::Relaxed);
                    let before = to.write_all(&bytes[..commit]).await;
                    if self.state.wait_for(|state| state.changes != changes).await.is_err() {
                        return;
                    }
                    before.and(to.write_all(&bytes[commit..]).await)
                }
                (Weather::AnswersLost, _) if self.back => {
                    self.lossy.store(true, Ordering::Relaxed);
                    Ok(())
                }
                (Weather::CutAfter(most), _) if self.back => {
                    let left = most.saturating_sub(passed);
                    passed += length;
                    if length > left {
                        // The end of the connection tells the rest.
                        let _ = to.write_all(&bytes[..left]).await;
                        return;
                    }
                    to.write_all(bytes).await
                }
                (Weather::Slow(rate), _) => slowly(&mut to, bytes, rate).await,
                (Weather::Slices, _) => sliced(&mut to, bytes).await,
                _ => to.write_all(bytes).await,
            };
            if carried.is_err() {
                return;
            }
            if !matches!(weather, Weather::CutAfter(_)) {
                passed = 0;
            }
        }
    }
}

async fn slowly(to: &mut WriteHalf<'_>, bytes: &[u8], rate: usize) -> std::io::Result<()> {
    let each = (rate * usize::try_from(TICK.as_millis()).unwrap_or(1) / 1_000).max(1);
    for piece in bytes.chunks(each) {
        to.write_all(piece).await?;
        sleep(TICK).await;
    }
    Ok(())
}

async fn sliced(to: &mut WriteHalf<'_>, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        to.write_all(std::slice::from_ref(byte)).await?;
        yield_now().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::time::Instant;
    use tokio::time::timeout;

    /// A server that says everything back.
    async fn parrot() -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut all = JoinSet::new();
            while let Ok((mut one, _)) = listener.accept().await {
                all.spawn(async move {
                    let (mut read, mut write) = one.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        (address, tasks)
    }

    #[tokio::test]
    async fn a_url_leads_through_it_and_is_otherwise_the_same() {
        let network = Network::before("127.0.0.1:1".parse().unwrap()).await;
        let through = network.through("amqp://guest:guest@127.0.0.1:5672/one");
        assert_eq!(through, format!("amqp://guest:guest@{}/one", network.address()));
    }

    async fn said_back(client: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
        client.write_all(text).await?;
        let mut back = vec![0; text.len()];
        client.read_exact(&mut back).await.map(|_| back)
    }

    #[tokio::test]
    async fn it_carries_loses_holds_slows_and_cuts() {
        let (server, _tasks) = parrot().await;
        let network = Network::before(server).await;
        let mut client = TcpStream::connect(network.address()).await.unwrap();
        for weather in [Weather::Fine, Weather::Slices, Weather::Slow(100_000)] {
            network.set(weather);
            assert_eq!(said_back(&mut client, b"hello").await.unwrap(), b"hello", "{weather:?}");
        }
        let slow = Instant::now();
        network.set(Weather::Slow(200));
        assert_eq!(said_back(&mut client, &[7; 40]).await.unwrap(), [7; 40]);
        assert!(slow.elapsed() >= Duration::from_millis(150), "{:?}", slow.elapsed());
        network.set(Weather::Still);
        let silent = timeout(Duration::from_millis(100), said_back(&mut client, b"held")).await;
        assert!(silent.is_err(), "{silent:?}");
        network.set(Weather::Fine);
        let mut held = [0; 4];
        client.read_exact(&mut held).await.unwrap();
        assert_eq!(&held, b"held", "what was held arrives");
        network.set(Weather::CutAfter(3));
        assert!(said_back(&mut client, b"cut off").await.is_err());
    }

    #[tokio::test]
    async fn who_lost_something_is_reset_when_it_heals() {
        let (server, _tasks) = parrot().await;
        let network = Network::before(server).await;
        let mut client = TcpStream::connect(network.address()).await.unwrap();
        assert_eq!(said_back(&mut client, b"hello").await.unwrap(), b"hello");
        network.set(Weather::AnswersLost);
        let silent = timeout(Duration::from_millis(100), said_back(&mut client, b"lost")).await;
        assert!(silent.is_err(), "{silent:?}");
        network.set(Weather::Fine);
        let mut rest = [0; 1];
        let ended = client.read(&mut rest).await;
        assert!(ended.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset), "{ended:?}");
    }
}
