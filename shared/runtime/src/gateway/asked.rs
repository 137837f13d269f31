//! What a client asks for, as it is asked of a service. Rule: the address is handed on as it is or not at all; an HTTP
//! client that tidies it up would ask for something else. Only what should have been written with a percent sign is.

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

/// The longest URL, in bytes, that can be asked for.
const URL_BYTES: usize = u16::MAX as usize - 1;

impl Asked {
    /// What `request` asks for.
    ///
    /// # Errors
    /// 404 for an address that has no one meaning.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let method = request.method().clone();
        let path_and_query = request.uri().path_and_query().map_or("/", |both| both.as_str());
        if has_two_meanings(request.uri().path()) {
            return Err(Problem::new(ProblemCode::NotFound));
        }
        // Nobody connects to an address; a service refuses both alike, and its refusal says what it allows.
        let asked_with = if method == Method::CONNECT { Method::TRACE } else { method.clone() };
        let outgoing = reqwest::Method::from_bytes(asked_with.as_str().as_bytes());
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let headers = headers::of_request(request);
        Ok(Self {
            may_be_repeated: may_be_repeated(&method, &headers),
            headers,
            announced,
            // What follows the request of a web socket is not a body, whatever its length is said to be.
            has_body: chunked || (announced.is_some() && !asks_for_web_socket(request)),
            outgoing: outgoing.map_err(|_| Problem::new(ProblemCode::BadRequest))?,
            path_and_query: path_and_query.to_owned(),
            method,
        })
    }

    /// The request to that service, still without its body.
    ///
    /// # Errors
    /// 414 where the address does not fit behind that of the service.
    pub(super) fn to(&self, http: &reqwest::Client, address: &str) -> Result<reqwest::RequestBuilder, Problem> {
        let too_long = || Problem::new(ProblemCode::UriTooLong);
        let url = reqwest::Url::parse(&format!("{address}{}", self.path_and_query)).map_err(|_| too_long())?;
        if url.as_str().len() > URL_BYTES {
            return Err(too_long());
        }
        Ok(http.request(self.outgoing.clone(), url).headers(self.headers.clone()))
    }
}

/// A segment `.` or `..`, also encoded, and a backslash: URL parsers resolve them, the router does not.
fn has_two_meanings(path: &str) -> bool {
    path.contains('\\')
        || path.split('/').any(|segment| {
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            plain == "." || plain == ".."
        })
}

/// Whether being carried out twice does no harm: the method says so, or the key of a POST, if the service gets it.
fn may_be_repeated(method: &Method, outgoing: &HeaderMap) -> bool {
    match *method {
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE => true,
        Method::POST => outgoing.contains_key("idempotency-key"),
        _ => false,
    }
}

/// As actix-web sees it, which then reads on until the connection ends.
fn asks_for_web_socket(request: &HttpRequest) -> bool {
    let mut offers = request.headers().get_all(header::UPGRADE).filter_map(|offer| offer.to_str().ok());
    offers.any(|offer| offer.trim().eq_ignore_ascii_case("websocket"))
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
            let sent = asked.to(&http, "http://10.0.0.7:8002").unwrap().build().unwrap();
            assert_eq!(sent.url().as_str(), format!("http://10.0.0.7:8002{path}"));
        }
    }

    #[test]
    fn a_post_may_be_repeated_with_a_key_alone() {
        let asked = |method: Method, key: bool| {
            let request = TestRequest::default().method(method);
            let request = if key { request.insert_header(("Idempotency-Key", "1")) } else { request };
            Asked::of(&request.to_http_request()).unwrap().may_be_repeated
        };
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            assert!(asked(method, false));
        }
        assert!(asked(Method::POST, true) && !asked(Method::POST, false) && !asked(Method::PATCH, true));
    }
}
