//! The load. An own loop: one thread, connections that are kept open, requests that were written beforehand, and as much of an
//! answer read as is needed to know where it ends. Rule: it costs little beside what it measures, and an answer that is not
//! 2xx is no answer: it is not counted, and told.

use super::figures::Figures;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};

/// Room for an answer; a page of twenty tasks has about 10 KiB.
const ROOM: usize = 64 * 1024;
/// Digits of a key that is new each time.
const DIGITS: usize = 16;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A request as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Where the digits of a key stand that is to be new each time.
    pub key_at: Option<usize>,
}

/// What is asked of whom, how often at once, and for how long.
#[derive(Debug, Clone)]
pub struct Load {
    /// Whom.
    pub address: SocketAddr,
    /// How many connections, each with one request under way.
    pub connections: usize,
    /// What each connection asks, in turn; those beyond the last begin again with the first.
    pub requests: Arc<[Vec<Request>]>,
    /// How long it is asked before it counts.
    pub warm: Duration,
    /// How long it counts.
    pub span: Duration,
    /// Requests a second of all connections together; none: as many as are answered.
    pub rate: Option<f64>,
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Microseconds that each answer took.
    taken: Vec<u32>,
    /// How often something else than 2xx was answered.
    refused: usize,
    /// The first of these answers.
    first: Option<String>,
}

/// What a load came to.
#[derive(Debug, Default)]
pub struct Driven {
    /// Of what was answered.
    pub figures: Figures,
    /// What was answered with another status than 2xx, if anything.
    pub refusal: Option<String>,
}

impl Load {
    /// Asks, on a thread of its own, and counts the answers.
    ///
    /// # Errors
    /// Something was not answered at all.
    pub async fn drive(self) -> Result<Driven, String> {
        let span = self.span;
        let driven = spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(self.all())
        });
        let Seen { taken, refused, first } = driven.await.map_err(|error| error.to_string())??;
        let refusal = first.map(|first| format!("{refused} answers are not 2xx, the first: {first}"));
        Ok(Driven { figures: Figures::of(taken, span), refusal })
    }

    async fn all(self) -> Result<Seen, String> {
        let load = Arc::new(self);
        let mut connections = JoinSet::new();
        let began = Instant::now();
        for nth in 0..load.connections {
            let load = Arc::clone(&load);
            connections.spawn(async move { Connection::open(&load, nth).await?.ask(&load, nth, began).await });
        }
        let mut all = Seen::default();
        while let Some(seen) = connections.join_next().await {
            let Seen { taken, refused, first } = seen.map_err(|error| error.to_string())??;
            all.taken.extend(taken);
            all.refused += refused;
            all.first = all.first.or(first);
        }
        Ok(all)
    }

    /// When a connection sends its n-th request, if that is not when the one before is answered.
    fn due(&self, nth: usize, n: u32, began: Instant) -> Option<Instant> {
        let each = Duration::from_secs_f64(1.0 / self.rate?);
        let turn = each * u32::try_from(nth).unwrap_or_default();
        Some(began + turn + each * u32::try_from(self.connections).unwrap_or(1) * n)
    }
}

/// One connection, with what it has read and not yet used.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(load: &Load, nth: usize) -> Result<Self, String> {
        let stream = TcpStream::connect(load.address).await.map_err(|error| format!("connection {nth}: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: Vec::with_capacity(ROOM) })
    }

    async fn ask(mut self, load: &Load, nth: usize, began: Instant) -> Result<Seen, String> {
        let requests = &load.requests[nth % load.requests.len()];
        let (from, until) = (began + load.warm, began + load.warm + load.span);
        let (mut seen, mut scratch) = (Seen::default(), Vec::new());
        for n in 0_u32.. {
            if let Some(due) = load.due(nth, n, began) {
                tokio::time::sleep_until(due.into()).await;
            }
            let sent = Instant::now();
            if sent >= until {
                break;
            }
            let request = &requests[n as usize % requests.len()];
            let bytes = match request.key_at {
                None => &request.bytes,
                Some(at) => {
                    scratch.clone_from(&request.bytes);
                    let key = format!("{nth:04x}{:012x}", sent.duration_since(began).as_nanos());
                    scratch[at..at + DIGITS].copy_from_slice(&key.as_bytes()[..DIGITS]);
                    &scratch
                }
            };
            let answer = async {
                self.stream.write_all(bytes).await.map_err(|error| error.to_string())?;
                self.answered().await
            };
            let is_fine =
                tokio::time::timeout(PATIENCE, answer).await.map_err(|_| "no answer in time".to_owned())??;
            let now = Instant::now();
            if !is_fine {
                seen.refused += 1;
                seen.first.get_or_insert_with(|| without_headers(&String::from_utf8_lossy(&self.buffer)));
            } else if sent >= from && now <= until {
                seen.taken.push(u32::try_from((now - sent).as_micros()).unwrap_or(u32::MAX));
            }
        }
        Ok(seen)
    }

    /// Reads one answer; whether it is 2xx.
    async fn answered(&mut self) -> Result<bool, String> {
        self.buffer.clear();
        let mut whole = usize::MAX;
        while self.buffer.len() < whole {
            let read = self.stream.read_buf(&mut self.buffer).await.map_err(|error| error.to_string())?;
            if read == 0 {
                return Err(format!("the connection ended: {}", String::from_utf8_lossy(&self.buffer)));
            }
            if whole == usize::MAX
                && let Some(head) = end_of_head(&self.buffer)
            {
                whole = head + length_of_body(&self.buffer[..head])?;
            }
        }
        // `HTTP/1.1 200 OK`
        Ok(self.buffer.get(9) == Some(&b'2'))
    }
}

/// The first line of an answer and its body.
fn without_headers(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    format!("{} {body}", head.lines().next().unwrap_or_default())
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn length_of_body(head: &[u8]) -> Result<usize, String> {
    const NAME: &[u8] = b"content-length:";
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = lines.find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME));
    let number = line.and_then(|line| std::str::from_utf8(&line[NAME.len()..]).ok());
    let length = number.and_then(|number| number.trim().parse().ok());
    length.ok_or_else(|| format!("an answer without its length: {}", String::from_utf8_lossy(head)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A server that answers everything alike, in two pieces.
    async fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                client.set_nodelay(true).unwrap();
                tokio::spawn(async move {
                    let mut request = [0; 64];
                    while let Ok(1..) = client.read(&mut request).await {
                        let (one, two) = answer.as_bytes().split_at(30);
                        client.write_all(one).await.unwrap();
                        tokio::task::yield_now().await;
                        client.write_all(two).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn driven(answer: &'static str, rate: Option<f64>) -> Driven {
        let request = Request { bytes: b"GET / HTTP/1.1\r\n\r\n".to_vec(), key_at: None };
        let (warm, span) = (Duration::from_millis(20), Duration::from_millis(200));
        let requests = Arc::from([vec![request]]);
        Load { address: answering(answer).await, connections: 3, requests, warm, span, rate }.drive().await.unwrap()
    }

    #[tokio::test]
    async fn every_answer_is_counted_and_its_time_taken() {
        let Driven { figures, refusal } = driven("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", None).await;
        assert_eq!(refusal, None);
        assert!(figures.rate > 20.0, "{figures:?}");
        assert!(figures.p50 > Duration::ZERO && figures.p50 <= figures.p99, "{figures:?}");
    }

    #[tokio::test]
    async fn no_more_is_asked_than_was_said() {
        let Driven { figures, .. } = driven("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Some(100.0)).await;
        assert!((50.0..=110.0).contains(&figures.rate), "{figures:?}");
    }

    #[tokio::test]
    async fn what_is_not_2xx_is_told_and_not_counted() {
        let Driven { figures, refusal } = driven("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nlate", None).await;
        assert!(refusal.as_ref().is_some_and(|first| first.ends_with("late")), "{refusal:?}");
        assert!(figures.rate.abs() < 1e-9, "{figures:?}");
    }
}
