//! Requests that were answered. Rule: counted where the status is final; an address that nobody registered is one route,
//! whatever it is called.

use crate::gateway::Service;
use crate::start_error::StartError;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpRequest};
use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use std::time::Instant;

/// Upper bounds of the histogram, in seconds: from a read in memory to the longest deadline of a handler.
const SECONDS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Methods that a label may hold.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// How many requests were answered how, and how long they took.
pub(crate) struct Requests {
    registry: Registry,
    answered: IntCounterVec,
    took: HistogramVec,
}

impl Requests {
    /// Nothing was asked yet.
    pub(crate) fn new() -> Result<Self, StartError> {
        let failed = |error: prometheus::Error| StartError::new(format!("the metrics cannot be set up: {error}"));
        let answered = Opts::new("cleave_http_requests_total", "Requests that were answered.");
        let took = HistogramOpts::new("cleave_http_request_duration_seconds", "From the head to the answer's head.")
            .buckets(SECONDS.to_vec());
        let answered = IntCounterVec::new(answered, &["method", "route", "status"]).map_err(failed)?;
        let took = HistogramVec::new(took, &["method", "route"]).map_err(failed)?;
        let registry = Registry::new();
        registry.register(Box::new(answered.clone())).map_err(failed)?;
        registry.register(Box::new(took.clone())).map_err(failed)?;
        Ok(Self { registry, answered, took })
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    fn note(&self, method: &Method, route: &str, status: u16, began: Instant) {
        let method = if METHODS.contains(method) { method.as_str() } else { "other" };
        self.answered.with_label_values(&[method, route, &status.to_string()]).inc();
        self.took.with_label_values(&[method, route]).observe(began.elapsed().as_secs_f64());
    }
}

/// Counts every answer; further out than whatever changes its status.
pub(crate) async fn count<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let (began, method) = (Instant::now(), request.method().clone());
    let requests = request.app_data::<Data<Requests>>().cloned();
    let answered = next.call(request).await;
    if let Some(requests) = requests {
        match &answered {
            Ok(answer) => requests.note(&method, &route(answer.request()), answer.status().as_u16(), began),
            Err(error) => {
                requests.note(&method, UNREGISTERED, error.as_response_error().status_code().as_u16(), began);
            }
        }
    }
    answered
}

const UNREGISTERED: &str = "unregistered";

/// The pattern of the route that answered; of one that is served elsewhere, the service.
fn route(request: &HttpRequest) -> String {
    if let Some(service) = request.app_data::<Data<Service>>() {
        return format!("service {}", service.name);
    }
    request.match_pattern().unwrap_or_else(|| UNREGISTERED.to_owned())
}
