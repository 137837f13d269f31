//! Why a service gave no answer, and what the client is told. Rule: 503 says that nothing was done only where nothing
//! was; where a write may have been carried out the answer says so.

use actix_web::http::Method;
use std::error::Error;
use std::time::Duration;
use web::{Problem, ProblemCode};

/// A request without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("no connection")]
    Connect(#[source] reqwest::Error),
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    #[error("no answer in time")]
    Late,
    #[error("an answer that is none")]
    Unusable(#[source] Option<reqwest::Error>),
}

impl Failure {
    pub(super) fn of(error: reqwest::Error) -> Self {
        if error.is_connect() {
            return Self::Connect(error);
        }
        if error.is_timeout() {
            return Self::Late;
        }
        if is_unreadable(&error) { Self::Unusable(Some(error)) } else { Self::NoAnswer(error) }
    }

    /// Whether another try may help; whether it is allowed is another question.
    pub(super) const fn may_be_retried(&self) -> bool {
        match self {
            Self::Connect(_) | Self::NoAnswer(_) => true,
            Self::Late | Self::Unusable(_) => false,
        }
    }

    /// Whether the service may have carried it out.
    pub(super) const fn was_sent(&self) -> bool {
        !matches!(self, Self::Connect(_))
    }

    /// What the client is told; `sent` says that this or an earlier try may have been carried out.
    pub(super) fn problem(&self, method: &Method, sent: bool) -> Problem {
        let code = match self {
            Self::Late => ProblemCode::Timeout,
            Self::Unusable(_) => ProblemCode::BadGateway,
            Self::Connect(_) | Self::NoAnswer(_) => unavailable_code(method, sent),
        };
        Problem::new(code).caused_by(self)
    }
}

/// What the client is told when there is nobody to ask.
pub(super) fn nobody(method: &Method, sent: bool, wait: Duration) -> Problem {
    Problem::new(unavailable_code(method, sent)).retry_after(wait.as_secs_f64().ceil().max(1.0) as u64)
}

fn unavailable_code(method: &Method, sent: bool) -> ProblemCode {
    let reads = *method == Method::GET || *method == Method::HEAD || *method == Method::OPTIONS;
    if sent && !reads { ProblemCode::OutcomeUnknown } else { ProblemCode::Unavailable }
}

fn is_unreadable(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(source) = next {
        if source.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return true;
        }
        next = source.source();
    }
    false
}
