//! A body must arrive in time. Rule: whoever reads it, one byte a second keeps nobody's attention; actix-web itself
//! has a deadline for the head alone.

use super::outcome::Outcome;
use crate::edge::{BODY_DEADLINE, Edge};
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use futures_util::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep_until};

/// Ends the body with an error when it has not arrived within the limit; its reader answers 408.
///
/// # Errors
/// Those of the layers further in.
pub async fn body_deadline(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Outcome {
    let limit = request.app_data::<Data<Edge>>().map_or(BODY_DEADLINE, |edge| edge.body_deadline);
    match request.take_payload() {
        Payload::None => {}
        payload => {
            let timed = Timed { payload, deadline: Instant::now() + limit, sleep: None };
            request.set_payload(Payload::Stream { payload: Box::pin(timed) });
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// A body with a deadline. The timer is made when the body makes its reader wait for the first time.
struct Timed {
    payload: Payload,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(chunk) = Pin::new(&mut self.payload).poll_next(context) {
            return Poll::Ready(chunk);
        }
        let deadline = self.deadline;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        sleep.as_mut().poll(context).map(|()| Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
    }
}
