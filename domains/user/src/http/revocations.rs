//! `GET /internal/revocations?after=n`, for the verifiers of other processes. Rule: whoever does not show the token of
//! the installation sees that there is nothing; who knows the present state is answered when it changes, 5 s later at
//! the latest.

use super::jwks::{is_known, tag_of};
use crate::state::UserState;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;
use web::openapi::Operation;
use web::{KeySource, Params, Problem, ProblemCode, Revocation, Revoked};

/// How long who knows everything waits for news.
const HOLD: Duration = Duration::from_secs(5);
/// How often the tables are looked at meanwhile, for what other processes write.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    #[serde(default)]
    after: i64,
}

/// The state of keys and revocations.
#[derive(Serialize)]
struct Feed<'a> {
    /// In whose name tokens are issued: who verifies them must expect the same.
    issuer: &'a str,
    last_n: i64,
    /// The entity tag of the keys' document.
    keys: String,
    revocations: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    n: i64,
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    min_epoch: Option<i32>,
    until: DateTime<Utc>,
}

/// For nobody: it stands in no document.
pub(super) fn operation() -> Operation {
    Operation::new("listRevocations", "Keys and revocations, for the verifiers of other processes")
}

pub(super) async fn revocations(
    state: Data<UserState>,
    request: HttpRequest,
    asked: Result<Params<After>, Problem>,
) -> Result<HttpResponse, Problem> {
    if !state.internal.lets_in(&request) {
        return Err(Problem::new(ProblemCode::NotFound));
    }
    let Params(After { after }) = asked?;
    let mut stopping = state.internal.stopping.clone();
    let changed = state.keys.changed();
    let deadline = Instant::now() + HOLD;
    loop {
        let mut told = std::pin::pin!(changed.notified());
        // From here on, so that what changes while the tables are read is not missed.
        told.as_mut().enable();
        let body = serde_json::to_string(&feed(&state, after).await?);
        let body = body.map_err(|error| Problem::new(ProblemCode::Internal).caused_by(&error))?;
        let tag = tag_of(&body);
        let known = is_known(&request, &tag);
        if !known || *stopping.borrow() || Instant::now() >= deadline {
            let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
            response.insert_header((header::ETAG, tag));
            return Ok(if known { response.finish() } else { response.content_type("application/json").body(body) });
        }
        tokio::select! {
            () = told => {}
            () = sleep_until(deadline.min(Instant::now() + LOOK)) => {}
            // That the sender is gone says the same.
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
}

async fn feed(state: &UserState, after: i64) -> Result<Feed<'_>, Problem> {
    let failed = |error| Problem::new(ProblemCode::Unavailable).caused_by(&error);
    let snapshot = state.keys.snapshot().await.map_err(failed)?;
    let revocations = state.keys.revocations_after(after).await.map_err(failed)?;
    // The two reads are two: what the second has found counts, too.
    let last_n = revocations.iter().map(|revocation| revocation.n).fold(snapshot.last_n, i64::max);
    let (keys, revocations) = (tag_of(&snapshot.jwks), revocations.into_iter().map(Entry::from).collect());
    Ok(Feed { issuer: state.issuer.name(), last_n, keys, revocations })
}

impl From<Revocation> for Entry {
    fn from(Revocation { n, revoked, until }: Revocation) -> Self {
        match revoked {
            Revoked::Session(id) => Self { n, session_id: Some(id.uuid()), user_id: None, min_epoch: None, until },
            Revoked::User { id, min_epoch } => {
                Self { n, session_id: None, user_id: Some(id.uuid()), min_epoch: Some(min_epoch), until }
            }
        }
    }
}
