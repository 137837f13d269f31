//! What the outermost layers need to know, and the answers of actix-web's own layers. Rule: a refusal by the
//! framework looks like one of ours.

use crate::client_address::TrustedProxies;
use crate::cors::Origins;
use crate::limit::{Limiter, Network};
use crate::problem::{Problem, ProblemCode};
use actix_web::http::StatusCode;
use actix_web::web::{FormConfig, JsonConfig, PathConfig, PayloadConfig, QueryConfig, ServiceConfig};
use actix_web::{HttpRequest, ResponseError};
use contracts::{Clock, SystemClock};
use db::Ids;
use std::sync::Arc;
use std::time::Duration;

/// Settings of the edge, put into the application as `Data<Edge>`. The defaults hold where it is missing.
#[derive(Debug)]
pub struct Edge {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// How long a body may take to arrive.
    pub body_deadline: Duration,
    /// How long everything may take, from the head of a request to the head of its answer.
    pub handler_deadline: Duration,
    /// How often a network may ask; none: as often as it likes. One for all workers of the process.
    pub rate_limit: Option<Arc<Limiter<Network>>>,
    /// The origins whose scripts may call.
    pub cors_origins: Origins,
    /// Whether clients reach the server over TLS, so that they may be told to insist on it.
    pub tls: bool,
    /// Who is believed about the client's address.
    pub trusted_proxies: TrustedProxies,
    /// Makes the ids of requests.
    pub ids: Ids,
}

impl Edge {
    /// The default limits, with request ids of that clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            body_bytes: BODY_BYTES,
            body_deadline: BODY_DEADLINE,
            handler_deadline: HANDLER_DEADLINE,
            rate_limit: None,
            cors_origins: Origins::default(),
            tls: false,
            trusted_proxies: TrustedProxies::default(),
            ids: Ids::new(clock),
        }
    }
}

impl Default for Edge {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

/// The largest body where no [`Edge`] says otherwise.
pub(crate) const BODY_BYTES: usize = 256 * 1024;
/// The longest arrival of a body where no [`Edge`] says otherwise.
pub(crate) const BODY_DEADLINE: Duration = Duration::from_secs(10);
/// The longest that a request may be under way where no [`Edge`] says otherwise: a body, a wait for a core, and a service
/// behind the gateway, which has its own deadline twice at most.
pub(crate) const HANDLER_DEADLINE: Duration = Duration::from_secs(30);

/// Bounds actix-web's own extractors and turns their refusals into problems.
pub fn limits(config: &mut ServiceConfig) {
    config
        .app_data(PayloadConfig::new(BODY_BYTES))
        .app_data(JsonConfig::default().limit(BODY_BYTES).error_handler(|error, _| refuse(&error)))
        .app_data(FormConfig::default().limit(BODY_BYTES).error_handler(|error, _| refuse(&error)))
        .app_data(QueryConfig::default().error_handler(|error, _| refuse(&error)))
        .app_data(PathConfig::default().error_handler(|_, _| Problem::new(ProblemCode::NotFound).into()));
}

/// The default service: nothing is mounted at this address.
///
/// # Errors
/// Always 404 `not_found`.
pub async fn not_found(_: HttpRequest) -> Result<&'static str, Problem> {
    Err(Problem::new(ProblemCode::NotFound))
}

fn refuse(error: &impl ResponseError) -> actix_web::Error {
    let code = match error.status_code() {
        StatusCode::INTERNAL_SERVER_ERROR => ProblemCode::BadRequest,
        status => ProblemCode::of_status(status),
    };
    Problem::new(code).into()
}
