//! A server that stands in for a service: it tells what it was sent, letter by letter, and answers as the test says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub head: String,
    pub body: Vec<u8>,
}

impl Seen {
    /// Method and address of the first line.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap().trim_end_matches(" HTTP/1.1")
    }

    /// The only header of that name, or the empty text.
    pub fn header(&self, name: &str) -> String {
        let of_name = |line: &str| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        };
        let values: Vec<String> = self.head.lines().skip(1).filter_map(of_name).collect();
        assert!(values.len() < 2, "{name} twice: {}", self.head);
        values.into_iter().next().unwrap_or_default()
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// These bytes, and the connection stays.
    Answer(String),
    /// These bytes, and then the connection is closed.
    AnswerAndClose(Vec<u8>),
    /// No byte, and the connection is closed.
    Close,
    /// Nothing at all.
    Hang,
}

/// What it says to whoever looks after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Well,
    /// That it cannot do its work.
    Ill,
    /// That it wants no requests, although it lives.
    NotReady,
    /// That it does not live.
    Dead,
    /// Nothing at all.
    Nothing,
    /// Nothing about how it is, but that it lives and is ready.
    Little,
}

/// A plain answer.
pub fn answer(status: &str, headers: &str, body: &str) -> Act {
    Act::Answer(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
}

type Script = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

/// A running server; dropped, it is gone like a killed process, connections and all.
pub struct Stub {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    looks: Arc<AtomicUsize>,
    says: watch::Sender<Says>,
    _accepting: JoinSet<()>,
}

impl Stub {
    /// Answers everything with `script`, but that it lives.
    pub fn start(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script)
    }

    /// The same at an address where another one was.
    pub fn start_at(address: SocketAddr, script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, looks) = <(Arc<Mutex<Vec<Seen>>>, Arc<AtomicUsize>)>::default();
        let says = watch::Sender::new(Says::Well);
        let (known, looked, saying) = (Arc::clone(&seen), Arc::clone(&looks), says.clone());
        let script: Script = Arc::new(script);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let (script, known, looked) = (Arc::clone(&script), Arc::clone(&known), Arc::clone(&looked));
                connections.spawn(serve(connection, script, known, looked, saying.subscribe()));
            }
        });
        Self { address, seen, looks, says, _accepting: accepting }
    }

    /// What it was asked, but how it is.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What it says from now on when it is asked how it is.
    pub fn says(&self, says: Says) {
        self.says.send_replace(says);
    }

    /// How often somebody has looked whether it lives or is ready.
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(
    mut connection: TcpStream,
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
    looks: Arc<AtomicUsize>,
    says: watch::Receiver<Says>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut connection, &mut buffer).await {
        let act = if request.line().starts_with("GET /health/") {
            let says = *says.borrow();
            about_itself(request.line(), says, &looks)
        } else {
            seen.lock().unwrap().push(request.clone());
            script(&request)
        };
        match act {
            Act::Answer(text) => connection.write_all(text.as_bytes()).await.unwrap_or_default(),
            Act::AnswerAndClose(bytes) => {
                connection.write_all(&bytes).await.unwrap_or_default();
                return;
            }
            Act::Close => return,
            Act::Hang => std::future::pending().await,
        }
    }
}

fn about_itself(line: &str, says: Says, looks: &AtomicUsize) -> Act {
    let look = matches!(line, "GET /health/live" | "GET /health/ready");
    looks.fetch_add(usize::from(look), Ordering::SeqCst);
    let refuses = match says {
        Says::Nothing => return Act::Hang,
        Says::Little if !look => return Act::Hang,
        Says::Well | Says::Little => false,
        Says::Ill => !look,
        Says::NotReady => line == "GET /health/ready",
        Says::Dead => true,
    };
    let (status, word) = if refuses { ("503 Service Unavailable", "unhealthy") } else { ("200 OK", "healthy") };
    answer(status, "", &format!(r#"{{"status":"{word}","checks":{{"asked":true}}}}"#))
}

/// The next request, of which more may be in the buffer; none at the end.
async fn read_request(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = fill_until(connection, buffer, |bytes| find(bytes, b"\r\n\r\n")).await? + 4;
    let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
    let seen = Seen { head, body: Vec::new() };
    if seen.header("transfer-encoding") == "chunked" {
        let body = read_chunks(connection, buffer).await?;
        return Some(Seen { body, ..seen });
    }
    let length = seen.header("content-length").parse().unwrap_or(0);
    fill_until(connection, buffer, |bytes| (bytes.len() >= length).then_some(length)).await?;
    Some(Seen { body: buffer.drain(..length).collect(), ..seen })
}

async fn read_chunks(connection: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = fill_until(connection, buffer, |bytes| find(bytes, b"\r\n")).await?;
        let size = usize::from_str_radix(std::str::from_utf8(&buffer[..end]).unwrap(), 16).unwrap();
        buffer.drain(..end + 2);
        fill_until(connection, buffer, |bytes| (bytes.len() >= size + 2).then_some(size)).await?;
        body.extend(buffer.drain(..size));
        buffer.drain(..2);
        if size == 0 {
            return Some(body);
        }
    }
}

async fn fill_until(
    connection: &mut TcpStream,
    buffer: &mut Vec<u8>,
    found: impl Fn(&[u8]) -> Option<usize>,
) -> Option<usize> {
    loop {
        if let Some(at) = found(buffer) {
            return Some(at);
        }
        if connection.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// A server of one connection, whose every byte the test reads and writes itself.
pub async fn by_hand() -> (String, mpsc::Receiver<TcpStream>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (accepted, connections) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut begin = [0; 16];
            let _ = connection.peek(&mut begin).await;
            if begin.starts_with(b"GET /health/") {
                let _ =
                    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
            } else if accepted.send(connection).await.is_err() {
                return;
            }
        }
    });
    (url, connections)
}
