//! The body of a request on its way to a service. Rule: piece by piece as it comes; what was sent is kept for a second
//! try; one byte more than a service accepts is enough for it to refuse the whole.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use futures_util::{Stream, StreamExt, stream};
use reqwest::Body;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::{Instant, sleep_until};
use web::{Problem, ProblemCode};

/// Pieces that wait for the service.
const QUEUED: usize = 4;

/// A body that can be sent more than once.
pub(super) struct Repeatable {
    shared: Arc<Shared>,
    turn: watch::Receiver<Turn>,
    /// As it goes out; none where pieces are sent until the end.
    pub(super) length: Option<u64>,
}

struct Shared {
    pieces: Mutex<Pieces>,
    broken: AtomicU8,
}

struct Pieces {
    sent: Vec<Bytes>,
    rest: mpsc::Receiver<Piece>,
    ended: bool,
}

enum Piece {
    Bytes(Bytes),
    /// Said aloud: silence may as well be a worker that is gone.
    End,
    Broken(PayloadError),
}

/// Whom everybody waits for.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Client,
    /// Since then.
    Service(Instant),
}

const WHOLE: u8 = 0;
const CUT_OFF: u8 = 1;
const LATE: u8 = 2;

/// Takes it from the client; somebody has to wait for it. Ends with what is to be said to a client that broke it off.
pub(super) type Reading = LocalBoxFuture<'static, Option<Problem>>;

impl Repeatable {
    /// The payload of a request, of which at most `limit` bytes and one more are taken.
    pub(super) fn new(payload: Payload, announced: Option<u64>, limit: usize) -> (Self, Reading) {
        let (pieces, rest) = mpsc::channel(QUEUED);
        let (turns, turn) = watch::channel(Turn::Client);
        let reading = pump(payload, pieces, turns, limit).boxed_local();
        let pieces = Mutex::new(Pieces { sent: Vec::new(), rest, ended: false });
        let length = announced.filter(|length| usize::try_from(*length).is_ok_and(|length| length <= limit));
        (Self { shared: Arc::new(Shared { pieces, broken: AtomicU8::new(WHOLE) }), turn, length }, reading)
    }

    /// Returns when the service has kept everybody waiting for so long; a client that sends slowly has a deadline of
    /// its own.
    pub(super) async fn waited(&self, patience: Duration) {
        let mut turn = self.turn.clone();
        loop {
            let now = *turn.borrow_and_update();
            let over = async {
                match now {
                    Turn::Client => std::future::pending().await,
                    Turn::Service(since) => sleep_until(since + patience).await,
                }
            };
            tokio::select! {
                () = over => return,
                Ok(()) = turn.changed() => {}
            }
        }
    }

    /// From its beginning.
    pub(super) fn body(&self) -> Body {
        Body::wrap_stream(self.pieces())
    }

    fn pieces(&self) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static {
        stream::unfold((Arc::clone(&self.shared), Some(0)), |(shared, at)| async move {
            let at = at?;
            let next = shared.piece(at).await?;
            // Nothing comes after an error.
            let then = next.is_ok().then_some(at + 1);
            Some((next, (shared, then)))
        })
    }

    /// Why the client's own fault kept it from being sent, if it was that.
    pub(super) fn fault_of_the_client(&self) -> Option<Problem> {
        problem(self.shared.broken.load(Ordering::Acquire))
    }
}

fn problem(broken: u8) -> Option<Problem> {
    match broken {
        CUT_OFF => Some(Problem::new(ProblemCode::BadRequest).detail("the body ended too early")),
        LATE => Some(Problem::new(ProblemCode::RequestTimeout)),
        _ => None,
    }
}

fn broken_by(error: &PayloadError) -> u8 {
    let late = matches!(error, PayloadError::Io(error) if error.kind() == ErrorKind::TimedOut);
    if late { LATE } else { CUT_OFF }
}

impl Shared {
    /// One that was sent before, or the next one that comes.
    async fn piece(&self, at: usize) -> Option<Result<Bytes, io::Error>> {
        let mut pieces = self.pieces.lock().await;
        if let Some(piece) = pieces.sent.get(at) {
            return Some(Ok(piece.clone()));
        }
        if pieces.ended {
            return None;
        }
        match pieces.rest.recv().await {
            Some(Piece::Bytes(piece)) => {
                pieces.sent.push(piece.clone());
                Some(Ok(piece))
            }
            Some(Piece::End) => {
                pieces.ended = true;
                None
            }
            Some(Piece::Broken(error)) => {
                self.broken.store(broken_by(&error), Ordering::Release);
                Some(Err(io::Error::other(error.to_string())))
            }
            // It broke before, or the worker that read it is gone: half of it must not look like all of it.
            None => {
                let _ = self.broken.compare_exchange(WHOLE, CUT_OFF, Ordering::AcqRel, Ordering::Acquire);
                Some(Err(ErrorKind::UnexpectedEof.into()))
            }
        }
    }
}

/// A payload stays on its worker's thread; what comes out of it need not.
async fn pump(
    mut payload: Payload,
    pieces: mpsc::Sender<Piece>,
    turns: watch::Sender<Turn>,
    limit: usize,
) -> Option<Problem> {
    let mut left = limit + 1;
    loop {
        let piece = if left == 0 {
            None
        } else {
            tokio::select! {
                piece = payload.next() => piece,
                () = pieces.closed() => return None,
            }
        };
        turns.send_replace(Turn::Service(Instant::now()));
        match piece {
            Some(Ok(mut piece)) => {
                piece.truncate(left);
                left -= piece.len();
                pieces.send(Piece::Bytes(piece)).await.ok()?;
            }
            Some(Err(error)) => {
                let said = problem(broken_by(&error));
                // Whether the service hears of it or not, the client did it, and can be told at this moment alone.
                let _ = pieces.try_send(Piece::Broken(error));
                return said;
            }
            None => {
                pieces.send(Piece::End).await.ok()?;
                return None;
            }
        }
        turns.send_replace(Turn::Client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeatable(pieces: Vec<Result<Bytes, PayloadError>>, announced: Option<u64>, limit: usize) -> Repeatable {
        let payload: Payload = Payload::Stream { payload: Box::pin(stream::iter(pieces)) };
        let (body, reading) = Repeatable::new(payload, announced, limit);
        actix_web::rt::spawn(reading);
        body
    }

    async fn read(body: &Repeatable) -> Result<Vec<u8>, io::Error> {
        let pieces: Vec<Bytes> = body.pieces().collect::<Vec<_>>().await.into_iter().collect::<Result<_, _>>()?;
        Ok(pieces.concat())
    }

    fn bytes(text: &'static str) -> Result<Bytes, PayloadError> {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    #[actix_web::test]
    async fn a_second_try_sends_all_of_it_again() {
        let body = repeatable(vec![bytes("one "), bytes("two "), bytes("three")], Some(13), 100);
        let mut half = Box::pin(body.pieces());
        assert_eq!(half.next().await.unwrap().unwrap(), "one ");
        drop(half);
        assert_eq!(read(&body).await.unwrap(), b"one two three");
        assert_eq!(read(&body).await.unwrap(), b"one two three");
        assert_eq!(body.length, Some(13));
    }

    #[actix_web::test]
    async fn one_byte_too_many_is_enough() {
        let body = repeatable(vec![bytes("12345"), bytes("67890"), bytes("more")], Some(14), 7);
        assert_eq!(read(&body).await.unwrap(), b"12345678");
        assert_eq!(body.length, None, "what is announced is not what comes");
    }

    #[actix_web::test]
    async fn a_body_whose_end_nobody_saw_is_broken() {
        let (pieces, rest) = mpsc::channel(1);
        pieces.send(Piece::Bytes("half".into())).await.unwrap();
        drop(pieces);
        let pieces = Mutex::new(Pieces { sent: Vec::new(), rest, ended: false });
        let shared = Arc::new(Shared { pieces, broken: AtomicU8::new(WHOLE) });
        let body = Repeatable { shared, turn: watch::channel(Turn::Client).1, length: None };
        assert!(read(&body).await.is_err());
        assert!(body.fault_of_the_client().is_some());
    }

    #[actix_web::test]
    async fn a_broken_body_is_the_clients_fault() {
        let body = repeatable(vec![bytes("12"), Err(PayloadError::Incomplete(None))], Some(10), 100);
        assert!(body.fault_of_the_client().is_none());
        assert!(read(&body).await.is_err());
        assert!(read(&body).await.is_err(), "what there was of it is not all of it, also the second time");
        assert_eq!(body.fault_of_the_client().unwrap().code(), ProblemCode::BadRequest);
        let body = repeatable(vec![Err(PayloadError::Io(ErrorKind::TimedOut.into()))], Some(10), 100);
        assert!(read(&body).await.is_err());
        assert_eq!(body.fault_of_the_client().unwrap().code(), ProblemCode::RequestTimeout);
    }
}
