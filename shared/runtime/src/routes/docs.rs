//! `/docs` and `/docs/errors`: two pages for people. Rule: the first shows the document of this process with Swagger UI,
//! whose files are part of the program; the second is made from the one table of problems. Nothing comes from elsewhere,
//! and each page's content policy allows what it needs and no more.

use crate::description;
use crate::module::Module;
use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::json_schema;
use serde_json::json;
use std::fmt;
use std::fmt::Write;
use std::sync::{Arc, OnceLock};
use utoipa_swagger_ui::Config;
use web::openapi::{Operation, Reply};
use web::{NoParams, Params, Problem, ProblemCode};

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = include_str!("docs.css");
/// Begins Swagger UI; a file of its own, so that no script stands in the page.
const START: &str = include_str!("start.js");
const FILES: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "start.js"];

/// Swagger UI's own files, its pictures, which stand in its style sheet, and requests to this process. It writes styles
/// into the page as it draws.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const INDEX: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Cleave</title>\n\
    <link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">\n</head>\n<body>\n<div id=\"swagger-ui\"></div>\n\
    <noscript><p>Without scripts: <a href=\"/openapi.json\">the document</a>, \
    <a href=\"/docs/errors\">the errors</a>.</p></noscript>\n\
    <script src=\"/docs/swagger-ui-bundle.js\"></script>\n<script src=\"/docs/start.js\"></script>\n</body>\n</html>\n";

/// The pages. The document is made when somebody reads it for the first time.
pub(crate) struct Pages {
    modules: Vec<Module>,
    openapi: OnceLock<String>,
    errors: String,
    /// Allows [`STYLE`], by its hash, and nothing else.
    policy: String,
    swagger: Arc<Config<'static>>,
}

impl Pages {
    /// Of the domains that are served here or handed on.
    pub(crate) fn new(modules: &[&Module]) -> Self {
        let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
        Self {
            modules: modules.iter().map(|module| (*module).clone()).collect(),
            openapi: OnceLock::new(),
            errors: page("Cleave: errors", &errors()),
            policy: format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'"),
            swagger: Arc::new(Config::default()),
        }
    }

    /// The document, as text.
    pub(super) fn openapi(&self) -> &str {
        self.openapi.get_or_init(|| description::text(&self.modules.iter().collect::<Vec<_>>()))
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("modules", &self.modules).finish_non_exhaustive()
    }
}

fn html(id: &'static str, summary: &'static str) -> Operation {
    let example = || json!("<!doctype html>");
    Operation::new(id, summary).at_hand().reply(Reply::new(200, "The page.").text("text/html", example).cached())
}

pub(super) fn index_operation() -> Operation {
    html("getDocs", "This document for people")
}

pub(super) fn errors_operation() -> Operation {
    html("getErrors", "What each code of a problem document means")
}

pub(super) fn file_operation() -> Operation {
    let text = |media| Reply::new(200, "The file.").text(media, || json!("/* … */"));
    Operation::new("getDocsFile", "Style and scripts of the page at /docs")
        .at_hand()
        .segment("file", json_schema!({ "type": "string", "enum": FILES }))
        .reply(text("*/*").cached())
}

pub(super) async fn index(_: Params<NoParams>) -> HttpResponse {
    answer(HTML, SWAGGER_POLICY, INDEX)
}

pub(super) async fn errors_page(pages: Data<Pages>, _: Params<NoParams>) -> HttpResponse {
    answer(HTML, &pages.policy, pages.errors.clone())
}

pub(super) async fn file(pages: Data<Pages>, name: Path<String>, _: Params<NoParams>) -> Result<HttpResponse, Problem> {
    let name = FILES.into_iter().find(|file| *file == name.as_str());
    let name = name.ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    if name == "start.js" {
        return Ok(answer("text/javascript", SWAGGER_POLICY, START));
    }
    let file = utoipa_swagger_ui::serve(name, Arc::clone(&pages.swagger)).ok().flatten();
    let file = file.ok_or_else(|| Problem::new(ProblemCode::Internal))?;
    Ok(answer(file.content_type.as_str(), SWAGGER_POLICY, file.bytes.into_owned()))
}

fn answer(kind: &str, policy: &str, body: impl MessageBody + 'static) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CONTENT_SECURITY_POLICY, policy)).insert_header((header::CACHE_CONTROL, "no-cache"));
    answer.insert_header((header::CONTENT_TYPE, kind)).body(body)
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
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
        assert_eq!(escaped("<b> & 'c' \"d\""), "&lt;b&gt; &amp; &#39;c&#39; &quot;d&quot;");
    }

    #[test]
    fn every_problem_has_a_row_that_its_type_points_at() {
        let pages = Pages::new(&[]);
        for code in ProblemCode::ALL {
            assert!(pages.errors.contains(&format!("<tr id=\"{}\">", code.as_str())), "{code:?}");
        }
    }

    #[test]
    fn every_file_that_the_page_names_is_served() {
        for file in FILES {
            assert!(INDEX.contains(&format!("\"/docs/{file}\"")), "{file}");
            let found = utoipa_swagger_ui::serve(file, Arc::new(Config::default())).unwrap();
            assert!(file == "start.js" || found.is_some_and(|found| found.bytes.len() > 100_000), "{file}");
        }
        assert!(!INDEX.contains("//"), "nothing comes from elsewhere");
    }
}
