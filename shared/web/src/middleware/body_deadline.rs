//! A body must arrive in time. Rule: whoever reads it, one byte a second keeps nobody's attention, and what nobody
//! reads ends the connection; actix-web itself has a deadline for the head alone.

use super::outcome::{Outcome, edit};
use crate::edge::{BODY_DEADLINE, Edge};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpResponse};
use futures_util::Stream;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

/// Ends the body with an error when it has not arrived within the limit; its reader answers 408.
///
/// # Errors
/// Those of the layers further in.
pub async fn body_deadline(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let limit = request.app_data::<Data<Edge>>().map_or(BODY_DEADLINE, |edge| edge.body_deadline);
    let payload = match request.take_payload() {
        Payload::None => return next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        payload => Rc::new(RefCell::new(payload)),
    };
    let timed = Timed { payload: Rc::clone(&payload), deadline: Instant::now() + limit, sleep: None };
    request.set_payload(Payload::Stream { payload: Box::pin(timed) });
    edit(next.call(request).await, |mut response| {
        if !matches!(*payload.borrow(), Payload::None) {
            response.extensions_mut().insert(Unread(payload));
        }
        response
    })
}

/// What nobody read to its end.
struct Unread(#[expect(dead_code, reason = "it is there to be dropped late")] Rc<RefCell<Payload>>);

/// Holds what was not read until the answer has left, for the outermost layer: actix-web would read a chunked body that
/// was let go of to its end, which may never come; one that is still held ends the connection, as one of known length.
pub(super) fn hold_unread(mut response: HttpResponse) -> HttpResponse {
    let unread = response.extensions_mut().remove::<Unread>();
    match unread {
        Some(unread) => response.map_body(|_, body| BoxBody::new(Holding { body, _unread: unread })),
        None => response,
    }
}

/// The body of an answer to a request whose body was not read.
struct Holding {
    body: BoxBody,
    _unread: Unread,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// A body with a deadline. The timer is made when the body makes its reader wait for the first time.
struct Timed {
    payload: Rc<RefCell<Payload>>,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut *self.payload.borrow_mut()).poll_next(context);
        if let Poll::Ready(chunk) = polled {
            if chunk.is_none() {
                *self.payload.borrow_mut() = Payload::None;
            }
            return Poll::Ready(chunk);
        }
        let deadline = self.deadline;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        sleep.as_mut().poll(context).map(|()| Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
    }
}
