//! A network between the bus and the broker that does what it is told. Rule: it understands frames, so that it can keep
//! back one kind of message and let the heartbeats through.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

/// Class and method of `basic.ack`, which confirms a publish and acknowledges a delivery.
const BASIC_ACK: [u8; 4] = [0, 60, 0, 80];
const BASIC_DELIVER: [u8; 4] = [0, 60, 0, 60];
/// `connection.blocked`, with the reason "low on memory", and `connection.unblocked`, as frames.
const BLOCKED: &[u8] = b"\x01\x00\x00\x00\x00\x00\x12\x00\x0a\x00\x3c\x0dlow on memory\xce";
const UNBLOCKED: &[u8] = b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x3d\xce";

/// What the network does at present.
#[derive(Default)]
pub struct Faults {
    /// Confirms of the broker are lost.
    pub no_confirms: AtomicBool,
    /// Events from the broker are lost, and nothing else.
    pub no_deliveries: AtomicBool,
    /// Acknowledgements of consumers are lost.
    pub no_acks: AtomicBool,
    /// Acknowledgements that were lost so far.
    pub lost_acks: AtomicUsize,
}

/// One connection through the proxy.
struct Wire {
    tasks: Vec<AbortHandle>,
    silent: watch::Sender<bool>,
    publishing: Arc<AtomicBool>,
    inject: mpsc::UnboundedSender<&'static [u8]>,
}

pub struct Proxy {
    address: String,
    pub faults: Arc<Faults>,
    wires: Arc<Mutex<Vec<Wire>>>,
    closed: Arc<AtomicBool>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (faults, wires, closed) = (Arc::default(), Arc::default(), Arc::new(AtomicBool::new(false)));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server, Arc::clone(&faults), Arc::clone(&wires), Arc::clone(&closed)));
        Self { address, faults, wires, closed, _tasks: tasks }
    }

    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Ends every connection, without a word.
    pub fn cut(&self) {
        for wire in self.wires.lock().unwrap().drain(..) {
            wire.tasks.iter().for_each(AbortHandle::abort);
        }
    }

    /// Ends the connections that nobody publishes on.
    pub fn cut_consuming(&self) {
        let wires = self.wires.lock().unwrap();
        let consuming = wires.iter().filter(|wire| !wire.publishing.load(Ordering::SeqCst));
        consuming.for_each(|wire| wire.tasks.iter().for_each(AbortHandle::abort));
    }

    /// From now on, nothing goes through the connections that there are; nobody is told.
    pub fn silence(&self) {
        for wire in self.wires.lock().unwrap().iter() {
            wire.silent.send_replace(true);
        }
    }

    /// Whether new connections end at once.
    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// Says to the publishing connections that the broker is short of memory.
    pub fn block(&self) {
        self.say(BLOCKED);
    }

    /// Takes it back.
    pub fn unblock(&self) {
        self.say(UNBLOCKED);
    }

    fn say(&self, frame: &'static [u8]) {
        let wires = self.wires.lock().unwrap();
        let told = wires.iter().filter(|wire| wire.publishing.load(Ordering::SeqCst));
        let told = told.filter(|wire| wire.inject.send(frame).is_ok()).count();
        assert!(told > 0, "somebody is there to be told");
    }
}

async fn accept(
    listener: TcpListener,
    server: String,
    faults: Arc<Faults>,
    wires: Arc<Mutex<Vec<Wire>>>,
    closed: Arc<AtomicBool>,
) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if closed.load(Ordering::SeqCst) {
            continue;
        }
        let Ok(broker) = TcpStream::connect(&server).await else { continue };
        client.set_nodelay(true).unwrap();
        broker.set_nodelay(true).unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_broker, to_broker) = broker.into_split();
        let (inject, injected) = mpsc::unbounded_channel();
        let (silent, publishing) = (watch::Sender::new(false), Arc::new(AtomicBool::new(false)));
        let up =
            Direction { faults: Arc::clone(&faults), silent: silent.subscribe(), publishing: Arc::clone(&publishing) };
        let down = Direction { silent: silent.subscribe(), ..up.clone() };
        let up = tokio::spawn(up.upwards(from_client, to_broker)).abort_handle();
        let down = tokio::spawn(down.downwards(from_broker, to_client, injected)).abort_handle();
        wires.lock().unwrap().push(Wire { tasks: vec![up, down], silent, publishing, inject });
    }
}

#[derive(Clone)]
struct Direction {
    faults: Arc<Faults>,
    silent: watch::Receiver<bool>,
    publishing: Arc<AtomicBool>,
}

impl Direction {
    async fn upwards(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut header = [0; 8];
        if from.read_exact(&mut header).await.is_err() || to.write_all(&header).await.is_err() {
            return;
        }
        while let Some(frame) = read(&mut from).await {
            self.wait_while_silent().await;
            if find(&frame, b"cleave publishing") {
                self.publishing.store(true, Ordering::SeqCst);
            }
            if method(&frame) == Some(BASIC_ACK) && self.faults.no_acks.load(Ordering::SeqCst) {
                self.faults.lost_acks.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            if to.write_all(&frame).await.is_err() {
                return;
            }
        }
    }

    async fn downwards(
        mut self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        mut injected: mpsc::UnboundedReceiver<&'static [u8]>,
    ) {
        let (frames, mut arriving) = mpsc::channel(64);
        // Reading must not be cancelled in the middle of a frame.
        let reading = tokio::spawn(async move {
            while let Some(frame) = read(&mut from).await {
                if frames.send(frame).await.is_err() {
                    return;
                }
            }
        });
        // The rest of a delivery that is kept back: its header and its body.
        let mut dropping = false;
        loop {
            let frame = tokio::select! {
                frame = arriving.recv() => match frame { Some(frame) => frame, None => break },
                Some(frame) = injected.recv() => {
                    if to.write_all(frame).await.is_err() { break }
                    continue;
                }
            };
            self.wait_while_silent().await;
            let method = method(&frame);
            if method == Some(BASIC_ACK) && self.faults.no_confirms.load(Ordering::SeqCst) {
                continue;
            }
            if method == Some(BASIC_DELIVER) {
                dropping = self.faults.no_deliveries.load(Ordering::SeqCst);
            } else if method.is_some() {
                dropping = false;
            }
            if dropping && frame[0] != 8 {
                continue;
            }
            if to.write_all(&frame).await.is_err() {
                break;
            }
        }
        reading.abort();
    }

    async fn wait_while_silent(&mut self) {
        let _ = self.silent.wait_for(|silent| !*silent).await;
    }
}

/// One frame, whole.
async fn read(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut frame = vec![0; 7];
    from.read_exact(&mut frame).await.ok()?;
    let size = u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]]);
    frame.resize(7 + usize::try_from(size).unwrap() + 1, 0);
    from.read_exact(&mut frame[7..]).await.ok()?;
    Some(frame)
}

fn method(frame: &[u8]) -> Option<[u8; 4]> {
    (frame[0] == 1).then(|| frame[7..11].try_into().unwrap())
}

fn find(frame: &[u8], wanted: &[u8]) -> bool {
    frame.windows(wanted.len()).any(|window| window == wanted)
}
