//! How a client stands with a limit. Rule: the header fields `RateLimit-Policy` and `RateLimit` of
//! draft-ietf-httpapi-ratelimit-headers, with the quota, what is left of it, and seconds that are never too few.

use super::Quota;
use crate::problem::{Problem, ProblemCode};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What a limit says to a client.
#[derive(Debug, Clone, Copy)]
#[must_use = "who is not allowed has to be refused"]
pub struct Standing {
    name: &'static str,
    quota: Quota,
    allowed: bool,
    remaining: u32,
    wait: Duration,
}

impl Standing {
    pub(super) const fn allowed(name: &'static str, quota: Quota, remaining: u32, full: Duration) -> Self {
        Self { name, quota, allowed: true, remaining, wait: full }
    }

    pub(super) const fn refused(name: &'static str, quota: Quota, wait: Duration) -> Self {
        Self { name, quota, allowed: false, remaining: 0, wait }
    }

    /// Whether it was done.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// How often it may be done again at once.
    #[must_use]
    pub const fn remaining(&self) -> u32 {
        self.remaining
    }

    /// Until it may be done again; of one who may, until nothing is missing.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        self.wait
    }

    /// The refusal: 429 with when to come again.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let [(policy, told), (limit, left)] = self.fields();
        Problem::new(ProblemCode::RateLimited).retry_after(self.seconds()).header(policy, &told).header(limit, &left)
    }

    /// Says it in the headers of an answer, beside what other limits say.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        for (name, text) in self.fields() {
            let said = |value: &HeaderValue| value.as_bytes().starts_with(format!("\"{}\"", self.name).as_bytes());
            // A service behind a gateway may have the same limit; a client needs to hear of it once.
            if headers.get_all(&name).any(said) {
                continue;
            }
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.append(name, value);
            }
        }
    }

    fn fields(&self) -> [(HeaderName, String); 2] {
        let Self { name, quota, remaining, .. } = self;
        let (count, window) = (quota.count(), ceiling(quota.window()));
        [
            (POLICY, format!("\"{name}\";q={count};w={window}")),
            (LIMIT, format!("\"{name}\";r={remaining};t={}", self.seconds())),
        ]
    }

    fn seconds(&self) -> u64 {
        ceiling(self.wait)
    }
}

/// Whole seconds, at least one: who comes again too early is refused once more.
fn ceiling(span: Duration) -> u64 {
    (span.as_secs() + u64::from(span.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError;

    fn quota() -> Quota {
        Quota::new(100, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn the_headers_are_structured_fields() {
        let mut headers = HeaderMap::new();
        Standing::allowed("default", quota(), 42, Duration::from_millis(36_001)).tell(&mut headers);
        assert_eq!(headers.get("ratelimit-policy").unwrap(), "\"default\";q=100;w=60");
        assert_eq!(headers.get("ratelimit").unwrap(), "\"default\";r=42;t=37");
    }

    #[test]
    fn several_limits_speak_side_by_side_and_one_speaks_once() {
        let mut headers = HeaderMap::new();
        Standing::allowed("login", quota(), 1, Duration::ZERO).tell(&mut headers);
        for remaining in [7, 8] {
            Standing::allowed("default", quota(), remaining, Duration::ZERO).tell(&mut headers);
        }
        let told: Vec<_> = headers.get_all("ratelimit").map(|value| value.to_str().unwrap()).collect();
        assert_eq!(told, ["\"login\";r=1;t=1", "\"default\";r=7;t=1"]);
    }

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let answer = Standing::refused("login", quota(), Duration::from_millis(29_500)).problem().error_response();
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers().get("retry-after").unwrap(), "30");
        assert_eq!(answer.headers().get("ratelimit").unwrap(), "\"login\";r=0;t=30");
        assert_eq!(answer.headers().get("ratelimit-policy").unwrap(), "\"login\";q=100;w=60");
    }
}
