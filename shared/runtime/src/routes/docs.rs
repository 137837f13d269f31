//! `/docs` and `/docs/errors`: two pages for people. Rule: made once, from what is mounted and from the one table of
//! problems; no script and nothing from elsewhere, so that the strict content policy holds for them as well.

use crate::module::Module;
use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentType};
use actix_web::web::Data;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;
use web::{NoParams, Params, ProblemCode};

const STYLE: &str = include_str!("docs.css");

/// The finished pages.
#[derive(Debug)]
pub(crate) struct Pages {
    routes: String,
    errors: String,
    /// Allows [`STYLE`], by its hash, and nothing else.
    policy: String,
}

impl Pages {
    pub(crate) fn new(public_url: &str, modules: &[&Module]) -> Self {
        let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
        Self {
            routes: page("Cleave", &routes(public_url, modules)),
            errors: page("Cleave: errors", &errors()),
            policy: format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'"),
        }
    }

    fn answer(&self, page: &str) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header(ContentType::html())
            .insert_header((header::CONTENT_SECURITY_POLICY, self.policy.as_str()))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(page.to_owned())
    }
}

pub(super) async fn routes_page(pages: Data<Pages>, _: Params<NoParams>) -> HttpResponse {
    pages.answer(&pages.routes)
}

pub(super) async fn errors_page(pages: Data<Pages>, _: Params<NoParams>) -> HttpResponse {
    pages.answer(&pages.errors)
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn routes(public_url: &str, modules: &[&Module]) -> String {
    let url = escaped(public_url);
    let example = modules.iter().find_map(|module| module.example).unwrap_or("curl '{url}/health?verbose=true'");
    let mut html = format!(
        "<h1>Cleave {}</h1>\n<p>Users, tasks and notifications. JSON over HTTP at <code>{url}/api/v1</code>; whatever \
         is refused is a <a href=\"/docs/errors\">problem document</a>.</p>\n<h2>A first request</h2>\n<pre>{}</pre>\n",
        env!("CARGO_PKG_VERSION"),
        escaped(&example.replace("{url}", public_url)),
    );
    for module in modules {
        table(&mut html, module.name(), module.endpoints, module.prefixes);
    }
    table(&mut html, "operations", crate::ops::ENDPOINTS, &[]);
    table(&mut html, "process", PROCESS, &[]);
    html
}

const PROCESS: &[crate::Endpoint] = &[
    ("GET", "/", "name, version and links"),
    ("GET", "/health", "how each domain is; ?verbose=true says why"),
    ("GET", "/health/live", "whether the process lives"),
    ("GET", "/health/ready", "whether requests may be sent to it"),
    ("GET", "/health/{service}", "how one domain is"),
    ("GET", "/metrics", "what is measured, for Prometheus and for administrators"),
    ("GET", "/api/v1/gateway/services", "which domains are served where, for administrators"),
    ("GET", "/api/v1/gateway/routes", "which prefixes lead to which domain, for administrators"),
    ("GET", "/docs", "this page"),
    ("GET", "/docs/errors", "what each error code means"),
];

/// Writing into a `String` cannot fail.
fn table(html: &mut String, name: &str, endpoints: &[crate::Endpoint], prefixes: &[&str]) {
    let _ = writeln!(html, "<h2>{}</h2>\n<table>", escaped(name));
    for (method, path, what) in endpoints {
        let _ = writeln!(
            html,
            "<tr><td><code>{}</code></td><td><code>{}</code></td><td>{}</td></tr>",
            escaped(method),
            escaped(path),
            escaped(what)
        );
    }
    for prefix in prefixes.iter().filter(|_| endpoints.is_empty()) {
        let _ = writeln!(html, "<tr><td><code>{}</code></td></tr>", escaped(prefix));
    }
    html.push_str("</table>\n");
}

fn errors() -> String {
    let mut html = String::from(
        "<h1>Errors</h1>\n<p>Every refusal is <code>application/problem+json</code> (RFC 9457). Programs compare \
         <code>code</code>. <a href=\"/docs\">Routes</a></p>\n<table>\n\
         <tr><th>code</th><th>status</th><th>meaning</th></tr>\n",
    );
    for code in ProblemCode::ALL {
        let _ = writeln!(
            html,
            "<tr id=\"{0}\"><td><code>{0}</code></td><td>{1}</td><td>{2}</td></tr>",
            escaped(code.as_str()),
            code.status().as_u16(),
            escaped(code.meaning())
        );
    }
    html.push_str("</table>\n");
    html
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, character| {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_escaped() {
        const ENDPOINTS: &[crate::Endpoint] = &[("GET", "/a", "<b> & 'c'")];
        let module = Module::new("task").endpoints(ENDPOINTS).example("curl -d '{\"a\":1}' {url}/a");
        let pages = Pages::new("http://host", &[&module]);
        assert!(pages.routes.contains("&lt;b&gt; &amp; &#39;c&#39;"), "{}", pages.routes);
        assert!(pages.routes.contains("curl -d &#39;{&quot;a&quot;:1}&#39; http://host/a"), "{}", pages.routes);
    }

    #[test]
    fn every_problem_has_a_row_that_its_type_points_at() {
        let pages = Pages::new("http://host", &[]);
        for code in ProblemCode::ALL {
            assert!(pages.errors.contains(&format!("<tr id=\"{}\">", code.as_str())), "{code:?}");
        }
    }

    #[test]
    fn a_domain_without_a_list_of_routes_shows_its_prefixes() {
        let pages = Pages::new("http://host", &[&Module::new("task").prefixes(&["/api/v1/tasks"])]);
        assert!(pages.routes.contains("<td><code>/api/v1/tasks</code></td>"));
    }
}
