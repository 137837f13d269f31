//! A connection that knows whether it is between two requests. Rule: what follows an answer has the same time for its head
//! as the first request has; a request under way, and an answer that is read slowly, are never cut.
//!
//! actix-http times the head of the first request alone: the first byte of a later one stops the timer of an idle
//! connection, and nothing takes its place. Here a clock runs from that byte on. It costs a request two looks at the clock
//! and no system call; the timer is set again only when it has run out.

use super::framing::Framing;
use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a connection may be between two requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From the first byte of a head to its end.
    pub(super) head: Duration,
    /// From an answer on, when nothing follows it. What came together with the request before it is not seen to follow.
    pub(super) idle: Duration,
}

/// A stream that ends by itself when the head of its next request does not come, and whose heads have one reading.
pub(super) struct Connection<S> {
    stream: S,
    phase: Rc<Phase>,
    patience: Patience,
    framing: Framing,
    /// Made when there is nothing to read for the first time.
    timer: Option<Pin<Box<Sleep>>>,
}

/// What the stream and the layer around all requests tell each other.
#[derive(Debug)]
pub(super) struct Phase {
    /// Requests under way; their answers count until their last byte is handed over.
    serving: Cell<u32>,
    /// Whether any has come: the head of the first one is actix-http's.
    begun: Cell<bool>,
    /// The first byte after the last answer.
    heard: Cell<Option<Instant>>,
    answered: Cell<Instant>,
    /// Whether bytes of an answer wait until the client takes them.
    blocked: Cell<bool>,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S, patience: Patience) -> Self {
        let phase = Phase {
            serving: Cell::new(0),
            begun: Cell::new(false),
            heard: Cell::new(None),
            answered: Cell::new(Instant::now()),
            blocked: Cell::new(false),
        };
        Self { stream, phase: Rc::new(phase), patience, framing: Framing::new(), timer: None }
    }

    pub(super) fn phase(&self) -> Rc<Phase> {
        Rc::clone(&self.phase)
    }

    /// Whether the next head should have been here by now. Asked whenever there is nothing to read.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let patience = self.patience;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(patience.head)));
        while timer.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let due = self.phase.due(patience);
            if due.is_some_and(|due| due <= now) {
                return true;
            }
            // A first byte may come meanwhile, whose time would then run out before that of the connection.
            let again = now + patience.head;
            timer.as_mut().reset(due.map_or(again, |due| due.min(again)));
        }
        false
    }

    fn wrote(&self, polled: &Poll<io::Result<usize>>) {
        if polled.is_pending() {
            self.phase.blocked.set(true);
        } else if self.phase.blocked.replace(false) {
            self.phase.answered.set(Instant::now());
        }
    }
}

impl Phase {
    fn begin(self: &Rc<Self>) -> Serving {
        self.begun.set(true);
        self.heard.set(None);
        self.serving.set(self.serving.get() + 1);
        Serving(Rc::clone(self))
    }

    fn heard(&self) {
        if self.serving.get() == 0 && self.heard.get().is_none() {
            self.heard.set(Some(Instant::now()));
        }
    }

    /// When the next head must be here; none while there is none to wait for.
    fn due(&self, patience: Patience) -> Option<Instant> {
        if self.serving.get() > 0 || self.blocked.get() || !self.begun.get() {
            return None;
        }
        Some(self.heard.get().map_or_else(|| self.answered.get() + patience.idle, |heard| heard + patience.head))
    }
}

/// A request under way.
struct Serving(Rc<Phase>);

impl Drop for Serving {
    fn drop(&mut self) {
        let phase = &self.0;
        phase.serving.set(phase.serving.get().saturating_sub(1));
        phase.heard.set(None);
        phase.answered.set(Instant::now());
    }
}

/// Tells the connection of each request; the outermost layer.
pub(crate) async fn serving<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse, Error> {
    let serving = request.conn_data::<Rc<Phase>>().map(Phase::begin);
    let answer = next.call(request).await?;
    Ok(answer.map_body(|_, body| match body.size() {
        BodySize::None => body.boxed(),
        // What is there as a whole is handed over at once; whether the client takes it, the stream sees.
        _ => body
            .try_into_bytes()
            .map_or_else(|body| BoxBody::new(Answering { body: body.boxed(), _serving: serving }), BoxBody::new),
    }))
}

/// A body that comes piece by piece.
struct Answering {
    body: BoxBody,
    _serving: Option<Serving>,
}

impl MessageBody for Answering {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        if polled.is_pending() && this.is_late(context) {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        if let Some(come @ [_, ..]) = buffer.filled_mut().get_mut(before..) {
            this.framing.pass(come);
            this.phase.heard();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.wrote(&polled);
        polled
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, pieces);
        this.wrote(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::advance;

    const PATIENCE: Patience = Patience { head: Duration::from_secs(5), idle: Duration::from_secs(15) };
    const LITTLE: usize = 8;

    fn pair() -> (Connection<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(LITTLE);
        (Connection::new(ours, PATIENCE), theirs)
    }

    /// Whether the connection has ended at this time; without a pause, as actix-http asks whenever it is woken.
    async fn has_ended(connection: &mut Connection<DuplexStream>) -> bool {
        let mut buffer = [0; LITTLE];
        let reading = tokio::time::timeout(Duration::from_millis(1), connection.read(&mut buffer)).await;
        reading.is_ok_and(|read| read.is_err_and(|error| error.kind() == ErrorKind::TimedOut))
    }

    async fn seconds(count: u64) {
        advance(Duration::from_secs(count)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_head_of_a_later_request_has_its_time_from_its_first_byte() {
        let (mut connection, mut client) = pair();
        drop(connection.phase().begin());
        seconds(12).await;
        assert!(!has_ended(&mut connection).await, "nothing has come yet");
        client.write_all(b"G").await.unwrap();
        assert!(!has_ended(&mut connection).await);
        for _ in 0..4 {
            seconds(1).await;
            client.write_all(b"x").await.unwrap();
            assert!(!has_ended(&mut connection).await);
        }
        seconds(1).await;
        assert!(has_ended(&mut connection).await, "another byte each second does not help");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_seen_to_follow_has_the_time_of_an_idle_connection() {
        let (mut connection, _client) = pair();
        drop(connection.phase().begin());
        for _ in 0..14 {
            assert!(!has_ended(&mut connection).await);
            seconds(1).await;
        }
        assert!(!has_ended(&mut connection).await);
        seconds(1).await;
        assert!(has_ended(&mut connection).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_way_has_all_the_time() {
        let (mut connection, mut client) = pair();
        let serving = connection.phase().begin();
        for _ in 0..20 {
            client.write_all(b"x").await.unwrap();
            seconds(60).await;
            assert!(!has_ended(&mut connection).await);
        }
        drop(serving);
        seconds(4).await;
        assert!(!has_ended(&mut connection).await, "and the time begins with its answer");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_read_slowly_has_all_the_time() {
        let (mut connection, mut client) = pair();
        drop(connection.phase().begin());
        connection.write_all(&[0; LITTLE]).await.unwrap();
        let more = tokio::time::timeout(Duration::from_millis(1), connection.write_all(&[0; LITTLE])).await;
        assert!(more.is_err(), "the client has not read");
        seconds(300).await;
        assert!(!has_ended(&mut connection).await);
        client.read_exact(&mut [0; LITTLE]).await.unwrap();
        connection.write_all(&[0; LITTLE]).await.unwrap();
        seconds(14).await;
        assert!(!has_ended(&mut connection).await, "the time of an idle connection begins when all is read");
        seconds(2).await;
        assert!(has_ended(&mut connection).await);
    }

    #[tokio::test]
    async fn the_bytes_of_a_head_are_watched_and_those_of_a_body_are_not() {
        let (mut connection, mut client) = pair();
        for (sent, expected) in [
            ("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n\n\n\n", "\n\n\n"),
            ("GET / HTTP/1.1\nx: y\r\n\r\n", "GET / HTTP/1.1\0x: y\r\n\r\n"),
        ] {
            let mut read = vec![0; sent.len()];
            let (sending, reading) = tokio::join!(client.write_all(sent.as_bytes()), connection.read_exact(&mut read));
            assert!(sending.is_ok() && reading.is_ok());
            assert!(String::from_utf8(read).unwrap().ends_with(expected), "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_is_not_ours() {
        let (mut connection, mut client) = pair();
        client.write_all(b"G").await.unwrap();
        assert!(!has_ended(&mut connection).await);
        seconds(60).await;
        assert!(!has_ended(&mut connection).await);
    }
}
