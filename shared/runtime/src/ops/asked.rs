//! Asking every domain. Rule: all at once, each with the same question; a domain that does not answer is named beside
//! the answers of the others and holds up none of them for longer than the gateway waits.

use super::prefix;
use crate::gateway::headers_for;
use crate::process::Process;
use crate::server::Domain;
use actix_web::HttpRequest;
use futures_util::future::join_all;
use serde_json::{Value, json};
use web::{Problem, ProblemCode};

/// What one of them says; none where it has nothing.
pub(super) type Answer = Result<Option<Value>, Problem>;

/// What they said.
pub(super) struct Answers {
    /// By domain; of those who have something.
    pub(super) said: Vec<(&'static str, Value)>,
    /// Domain and code of those who gave no answer.
    pub(super) unanswered: Vec<Value>,
}

/// Asks mounted domains through `here`, and others for `tail` below their prefix.
pub(super) async fn ask_all(
    request: &HttpRequest,
    process: &Process,
    tail: &str,
    here: impl AsyncFn(&Domain) -> Answer,
) -> Answers {
    let (here, headers) = (&here, &headers_for(request));
    let mounted = process.domains.iter().map(|domain| async move {
        let answer = here(domain).await.map_err(|problem| {
            tracing::warn!(domain = domain.name, error = problem.cause(), "a domain could not tell of its events");
            problem.code()
        });
        (domain.name, answer)
    });
    let remote = process.remote.iter().map(|service| async move {
        let path = format!("{}/{tail}", prefix(service.name));
        (service.name, service.fetch(&path, headers).await)
    });
    let (mounted, remote) = tokio::join!(join_all(mounted), join_all(remote));
    Answers::of(mounted.into_iter().chain(remote))
}

impl Answers {
    fn of(answers: impl Iterator<Item = (&'static str, Result<Option<Value>, ProblemCode>)>) -> Self {
        let mut all = Self { said: Vec::new(), unanswered: Vec::new() };
        for (domain, answer) in answers {
            match answer {
                Ok(Some(said)) => all.said.push((domain, said)),
                Ok(None) => {}
                Err(code) => all.unanswered.push(json!({ "domain": domain, "code": code.as_str() })),
            }
        }
        all
    }
}

/// What a list of ours looks like to a client, as another process would send it.
pub(super) fn as_sent(answer: &impl serde::Serialize) -> Answer {
    serde_json::to_value(answer).map(Some).map_err(|error| Problem::new(ProblemCode::Internal).caused_by(&error))
}
