//! A connection that knows whether it is between two requests. Rule: what follows an answer has the same time for its head
//! as the first request has; a request under way, and an answer that is read slowly, are never cut; one of which nothing
//! is read is.
//!
//! actix-http times the head of the first request alone: the first byte of a later one stops the timer of an idle
//! connection, and nothing takes its place. Here a clock runs from that byte on. It costs a request two looks at the clock
//! and no system call; the timer is set again only when it has run out. It has no time at all for an answer that the
//! client does not take.

use super::framing::Framing;
use super::insist::Insist;
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
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a connection may be between two requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From the first byte of a head to its end.
    pub(super) head: Duration,
    /// From an answer on, when nothing follows it. What came together with the request before it is not seen to follow.
    pub(super) idle: Duration,
    /// From the last byte of an answer that the client took, while more of it waits.
    pub(super) unread: Duration,
}

/// A stream that ends by itself when the head of its next request does not come, and whose heads have one reading.
pub(super) struct Connection<S> {
    stream: S,
    phase: Rc<Phase>,
    patience: Patience,
    framing: Framing,
    /// Made when there is nothing to read for the first time.
    timer: Option<Pin<Box<Sleep>>>,
    /// Made when there is no room for an answer for the first time.
    unread: Option<Pin<Box<Sleep>>>,
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
    /// Since when bytes of an answer wait until the client takes them.
    blocked: Cell<Option<Instant>>,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S, patience: Patience) -> Self {
        let phase = Phase {
            serving: Cell::new(0),
            begun: Cell::new(false),
            heard: Cell::new(None),
            answered: Cell::new(Instant::now()),
            blocked: Cell::new(None),
        };
        Self { stream, phase: Rc::new(phase), patience, framing: Framing::new(), timer: None, unread: None }
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

    /// Whether no byte of the answer has been taken for too long. Asked whenever there is no room for more.
    fn is_unread(&mut self, context: &mut Context<'_>) -> bool {
        let since = self.phase.blocked.get().unwrap_or_else(Instant::now);
        self.phase.blocked.set(Some(since));
        let due = since + self.patience.unread;
        let timer = self.unread.get_or_insert_with(|| Box::pin(sleep_until(due)));
        while timer.as_mut().poll(context).is_ready() {
            if due <= Instant::now() {
                return true;
            }
            timer.as_mut().reset(due);
        }
        false
    }
}

impl<S: Insist> Connection<S> {
    /// What came of writing `bytes`; an error when the client reads nothing.
    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
        mut polled: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if polled.is_pending() && self.is_unread(context) {
            polled = Poll::Ready(self.stream.insist(bytes).ok_or_else(|| ErrorKind::TimedOut.into()));
        }
        if polled.is_ready() && self.phase.blocked.take().is_some() {
            self.phase.answered.set(Instant::now());
        }
        polled
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
        if self.serving.get() > 0 || self.blocked.get().is_some() || !self.begun.get() {
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

impl<S: AsyncWrite + Insist + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.wrote(context, bytes, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(context, pieces);
        let first = pieces.iter().find(|piece| !piece.is_empty()).map_or(&[][..], |piece| piece);
        this.wrote(context, first, polled)
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
mod tests;
