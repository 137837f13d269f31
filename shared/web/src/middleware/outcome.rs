//! What came out of the layers further in. Rule: an error that no layer has answered yet gets the same headers as an
//! answer.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::error::InternalError;
use actix_web::{Error, HttpResponse};

/// An answer, or an error that becomes one at the very outside.
pub(super) type Outcome<B = BoxBody> = Result<ServiceResponse<B>, Error>;

/// Changes the answer, also that of an error.
pub(super) fn edit<B: MessageBody + 'static>(
    outcome: Outcome<B>,
    change: impl FnOnce(HttpResponse) -> HttpResponse,
) -> Outcome {
    match outcome {
        Ok(response) => {
            let (request, response) = response.into_parts();
            Ok(ServiceResponse::new(request, change(response.map_into_boxed_body())))
        }
        Err(error) => {
            let text = error.to_string();
            Err(InternalError::from_response(text, change(error.error_response())).into())
        }
    }
}
