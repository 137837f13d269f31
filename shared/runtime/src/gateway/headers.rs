//! Which headers pass. Rule: what belongs to one connection goes first, together with whatever `Connection` names;
//! only then is ours set, so that no client can have it removed; what only we may say is never taken from a client.

use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use actix_web::web::Data;
use reqwest::header::{HeaderMap as Outgoing, HeaderName, HeaderValue};
use std::collections::HashSet;
use std::net::IpAddr;
use web::Edge;
use web::middleware::RequestContext;

/// They belong to a connection (RFC 9110, section 7.6.1) or to how a message is framed.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "http2-settings",
];
/// Set by us, or about the other connection.
const OURS: [&str; 7] = ["host", "content-length", "forwarded", "x-real-ip", "x-request-id", "traceparent", "via"];
/// Beginnings of what only we may say.
const RESERVED: [&str; 3] = ["x-forwarded-", "x-user-", "x-internal-"];
/// Written anew for the client's connection, or by the layers around.
const NOT_FROM_A_SERVICE: [&str; 2] = ["content-length", "date"];
/// Which scripts may call is said by whom they call.
const OF_SCRIPTS: &str = "access-control-";

/// The headers of a request as the service gets them.
pub(super) fn of_request(request: &HttpRequest) -> Outgoing {
    let headers = request.headers();
    let named = named_by_connection(headers.get_all("connection").map(|value| value.as_bytes()));
    let mut outgoing = Outgoing::with_capacity(headers.len() + 5);
    for (name, value) in headers {
        if passes(name.as_str(), &named)
            && let Some((name, value)) = header(name.as_str().as_bytes(), value.as_bytes())
        {
            outgoing.append(name, value);
        }
    }
    for (name, value) in about_the_client(request) {
        if let Some((name, value)) = header(name.as_bytes(), value.as_bytes()) {
            outgoing.insert(name, value);
        }
    }
    outgoing
}

/// The headers of an answer as the client gets them.
pub(super) fn of_answer(headers: &Outgoing) -> Vec<(&HeaderName, &HeaderValue)> {
    let named = named_by_connection(headers.get_all("connection").iter().map(HeaderValue::as_bytes));
    let kept = |name: &str| {
        let ours = NOT_FROM_A_SERVICE.contains(&name) || name.starts_with(OF_SCRIPTS);
        !HOP_BY_HOP.contains(&name) && !ours && !named.contains(name)
    };
    headers.iter().filter(|(name, _)| kept(name.as_str())).collect()
}

fn passes(name: &str, named: &HashSet<String>) -> bool {
    // Somewhere behind us `x_user_id` or `x.user.id` may be read as `x-user-id`.
    let spelled = name.replace(['_', '.'], "-");
    let reserved = RESERVED.iter().any(|beginning| spelled.starts_with(beginning));
    !reserved && !OURS.contains(&spelled.as_str()) && !HOP_BY_HOP.contains(&spelled.as_str()) && !named.contains(name)
}

fn named_by_connection<'v>(values: impl Iterator<Item = &'v [u8]>) -> HashSet<String> {
    let names = values.flat_map(|value| value.split(|byte| *byte == b','));
    names.map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase()).collect()
}

fn header(name: &[u8], value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
}

/// Who asks, by which way, under which id.
fn about_the_client(request: &HttpRequest) -> Vec<(&'static str, String)> {
    let edge = request.app_data::<Data<Edge>>();
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let believed = peer.is_some_and(|peer| edge.is_some_and(|edge| edge.trusted_proxies.contains(peer)));
    let said = |name: &str| if believed { one_line(request.headers(), name) } else { None };
    let hops = said("x-forwarded-for").into_iter().chain(peer.as_ref().map(IpAddr::to_string)).collect::<Vec<_>>();
    let own = if edge.is_some_and(|edge| edge.tls) { "https" } else { "http" };
    let scheme = said("x-forwarded-proto").filter(|scheme| scheme == "http" || scheme == "https");
    let host = said("x-forwarded-host").or_else(|| one_line(request.headers(), "host"));
    let mut about =
        vec![("x-forwarded-for", hops.join(", ")), ("x-forwarded-proto", scheme.unwrap_or_else(|| own.to_owned()))];
    about.extend(host.map(|host| ("x-forwarded-host", host)));
    if let Some(context) = request.extensions().get::<RequestContext>() {
        about.push(("x-request-id", context.request_id.clone()));
        about.push(("traceparent", context.traceparent.clone()));
    }
    about
}

fn one_line(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn sent(headers: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.append_header(*header);
        }
        let sent = of_request(&request.to_http_request());
        let mut names: Vec<_> = sent.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_belongs_to_a_connection_stays_there() {
        let ours = sent(&[]);
        let headers = [
            ("Connection", "keep-alive, X-Secret"),
            ("X-Secret", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authorization", "Basic x"),
            ("TE", "trailers"),
            ("Trailer", "x"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "websocket"),
            ("Expect", "100-continue"),
        ];
        assert_eq!(sent(&headers), ours);
    }

    #[test]
    fn nobody_can_have_our_headers_removed_or_written() {
        let ours = sent(&[]);
        assert_eq!(sent(&[("Connection", "x-forwarded-for, x-forwarded-proto, x-request-id")]), ours);
        let headers = [
            ("X-User-Id", "1"),
            ("X_User_Id", "1"),
            ("X.User.Role", "admin"),
            ("X-Internal-Token", "1"),
            ("x_internal.token", "1"),
            ("X_Forwarded_For", "1.2.3.4"),
            ("Forwarded", "for=1.2.3.4"),
            ("X-Real-Ip", "1.2.3.4"),
        ];
        assert_eq!(sent(&headers), ours);
    }

    #[test]
    fn everything_else_passes_also_twice() {
        let headers = [("Authorization", "Bearer x"), ("X-Anything", "1"), ("X-Anything", "2"), ("If-Match", "\"v1\"")];
        let mut expected = sent(&[]);
        expected.extend(["authorization", "if-match", "x-anything"].map(str::to_owned));
        expected.sort_unstable();
        assert_eq!(sent(&headers), expected);
    }
}
