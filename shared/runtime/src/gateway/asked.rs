//! What a client asks for, as it is asked of a service. Rule: the address is handed on letter by letter or not at all;
//! an HTTP client that tidies it up would ask for something else.

use super::headers;
use actix_web::HttpRequest;
use actix_web::http::{Method, header};
use reqwest::header::HeaderMap;
use web::{Problem, ProblemCode};

/// A request without its body.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) announced: Option<u64>,
    pub(super) has_body: bool,
    pub(super) may_be_repeated: bool,
    outgoing: reqwest::Method,
    path_and_query: String,
}

impl Asked {
    /// What `request` asks for.
    ///
    /// # Errors
    /// 404 for an address that has no one meaning, 405 for a method that is none of an address.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let method = request.method().clone();
        if method == Method::CONNECT {
            return Err(Problem::new(ProblemCode::MethodNotAllowed).header(header::ALLOW, METHODS));
        }
        let path_and_query = request.uri().path_and_query().map_or("/", |both| both.as_str());
        if has_two_meanings(request.uri().path()) {
            return Err(Problem::new(ProblemCode::NotFound));
        }
        let outgoing = reqwest::Method::from_bytes(method.as_str().as_bytes());
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let upgrade = request.headers().contains_key(header::UPGRADE);
        let framed = announced.is_some() || request.headers().contains_key(header::TRANSFER_ENCODING);
        Ok(Self {
            headers: headers::of_request(request),
            announced,
            // What follows a request to upgrade is not a body.
            has_body: framed && !upgrade,
            may_be_repeated: may_be_repeated(request),
            outgoing: outgoing.map_err(|_| Problem::new(ProblemCode::BadRequest))?,
            path_and_query: path_and_query.to_owned(),
            method,
        })
    }

    /// The request to that service, still without its body.
    pub(super) fn to(&self, http: &reqwest::Client, address: &str) -> reqwest::RequestBuilder {
        http.request(self.outgoing.clone(), format!("{address}{}", self.path_and_query)).headers(self.headers.clone())
    }
}

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// A segment `.` or `..`, also encoded, and a backslash: URL parsers resolve them, the router does not.
fn has_two_meanings(path: &str) -> bool {
    path.contains('\\')
        || path.split('/').any(|segment| {
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            plain == "." || plain == ".."
        })
}

/// Whether being carried out twice does no harm: the method says so, or the key of a POST.
fn may_be_repeated(request: &HttpRequest) -> bool {
    match *request.method() {
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE => true,
        Method::POST => request.headers().contains_key("idempotency-key"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn an_address_with_two_meanings_is_not_handed_on() {
        for path in ["/a/../b", "/a/%2e%2e/b", "/a/.%2E/b", "/a/./b", "/a/..", "/a\\b"] {
            assert!(has_two_meanings(path), "{path}");
        }
        for path in ["/a//b/", "/a/...", "/a/..b", "/a/..%2fb", "/a/%00", "/a;x", "/"] {
            assert!(!has_two_meanings(path), "{path}");
        }
    }

    #[test]
    fn what_is_handed_on_is_the_same_letter_by_letter() {
        let http = reqwest::Client::new();
        for path in ["/api//v1/tasks/", "/a/..%2fb", "/a;x?b=%2F&c", "/a?", "/a/%00"] {
            let asked = Asked::of(&TestRequest::with_uri(path).to_http_request()).unwrap();
            let sent = asked.to(&http, "http://10.0.0.7:8002").build().unwrap();
            assert_eq!(sent.url().as_str(), format!("http://10.0.0.7:8002{path}"));
        }
    }

    #[test]
    fn a_post_may_be_repeated_with_a_key_alone() {
        let asked = |method: Method, key: bool| {
            let request = TestRequest::default().method(method);
            let request = if key { request.insert_header(("Idempotency-Key", "1")) } else { request };
            may_be_repeated(&request.to_http_request())
        };
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            assert!(asked(method, false));
        }
        assert!(asked(Method::POST, true) && !asked(Method::POST, false) && !asked(Method::PATCH, true));
    }
}
