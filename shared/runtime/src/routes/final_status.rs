//! A refusal that keeps its own shape. Rule: whatever is refused is a problem document, but for the health answers,
//! whose readers expect the same members whatever the status; so their status is set where nothing rewrites it.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;

/// In an answer's extensions: the status that it leaves with.
#[derive(Debug, Clone, Copy)]
pub(super) struct FinalStatus(pub(super) StatusCode);

/// Sets it; further out than the layer that makes problem documents.
pub(crate) async fn final_status<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut answer = next.call(request).await?;
    let status = answer.response().extensions().get::<FinalStatus>().copied();
    if let Some(FinalStatus(status)) = status {
        *answer.response_mut().status_mut() = status;
    }
    Ok(answer)
}
