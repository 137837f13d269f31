//! Versions as entity tags (RFC 9110, section 8.8.3). Rule: a tag is the version and nothing else, so the same number
//! guards the row, the answer and the condition.

use crate::problem::{Problem, ProblemCode};
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};

/// The strong tag of the full representation: `"v7"`, with its quotes.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// The strong tag of the representation that everybody may see: `"v7-p"`, with its quotes.
#[must_use]
pub fn etag_public(version: i64) -> String {
    format!("\"v{version}-p\"")
}

/// The most tags in one If-Match.
const TAGS: usize = 8;

/// The versions on which a write insists. Without the header it insists on none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfMatch {
    /// There was no header: the write goes through.
    #[default]
    Absent,
    /// `*`: any present version will do.
    Any,
    /// One of these; 0, which is no version, stands for a tag that is not ours.
    Versions([i64; TAGS]),
}

/// If-Match names another version than the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the present version is {current}")]
pub struct Stale {
    /// The present version.
    pub current: i64,
}

impl IfMatch {
    /// Holds against the present version.
    ///
    /// # Errors
    /// [`Stale`] when another version is insisted on.
    pub fn require(self, version: i64) -> Result<(), Stale> {
        match self {
            Self::Versions(versions) if !versions.contains(&version) => Err(Stale { current: version }),
            Self::Absent | Self::Any | Self::Versions(_) => Ok(()),
        }
    }

    /// Insists on one version.
    #[must_use]
    pub fn version(version: i64) -> Self {
        let mut versions = [0; TAGS];
        if let Some(first) = versions.first_mut() {
            *first = version;
        }
        Self::Versions(versions)
    }

    /// What a request insists on.
    ///
    /// # Errors
    /// 400 `invalid_header` for what is not a list of entity tags, or too long a one.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let refused = || Problem::new(ProblemCode::InvalidHeader).detail("If-Match must be * or a list of entity tags");
        match tags(request, &header::IF_MATCH).map_err(|NotTags| refused())? {
            None => Ok(Self::Absent),
            Some(Tags::Any) => Ok(Self::Any),
            Some(Tags::List(list)) if list.len() > TAGS => Err(refused()),
            Some(Tags::List(list)) => {
                let mut versions = [0; TAGS];
                for (slot, tag) in versions.iter_mut().zip(&list) {
                    *slot = tag.strong_version().unwrap_or_default();
                }
                Ok(Self::Versions(versions))
            }
        }
    }
}

impl From<Stale> for Problem {
    fn from(stale: Stale) -> Self {
        Self::new(ProblemCode::Stale)
            .detail("the resource has changed since the version that If-Match names")
            .with("current_etag", etag(stale.current))
    }
}

/// Whether If-None-Match names this tag, so that the client has this representation already. A malformed header is as
/// good as none: the client gets what it could have kept.
pub(crate) fn is_known(request: &HttpRequest, current: &str) -> bool {
    match tags(request, &header::IF_NONE_MATCH) {
        Ok(Some(Tags::Any)) => true,
        Ok(Some(Tags::List(list))) => list.iter().any(|tag| format!("\"{}\"", tag.text) == current),
        Ok(None) | Err(NotTags) => false,
    }
}

enum Tags {
    Any,
    List(Vec<Tag>),
}

struct Tag {
    weak: bool,
    text: String,
}

struct NotTags;

impl Tag {
    /// If-Match compares strongly: a weak tag is never equal to anything.
    fn strong_version(&self) -> Option<i64> {
        let version: i64 = self.text.strip_prefix('v')?.parse().ok()?;
        (!self.weak && version > 0 && self.text == format!("v{version}")).then_some(version)
    }
}

/// All lines of the header are one list (RFC 9110, section 5.3).
fn tags(request: &HttpRequest, name: &HeaderName) -> Result<Option<Tags>, NotTags> {
    let mut list = Vec::new();
    let mut lines = request.headers().get_all(name).peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    for line in lines {
        let mut rest = line.to_str().map_err(|_| NotTags)?.trim();
        if rest == "*" {
            return Ok(Some(Tags::Any));
        }
        loop {
            let (tag, behind) = tag(rest)?;
            list.push(tag);
            match behind.trim_start() {
                "" => break,
                more => rest = more.strip_prefix(',').ok_or(NotTags)?.trim_start(),
            }
        }
    }
    Ok(Some(Tags::List(list)))
}

fn tag(text: &str) -> Result<(Tag, &str), NotTags> {
    let (weak, text) = text.strip_prefix("W/").map_or((false, text), |text| (true, text));
    let (text, behind) = text.strip_prefix('"').and_then(|text| text.split_once('"')).ok_or(NotTags)?;
    Ok((Tag { weak, text: text.to_owned() }, behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn if_match(values: &[&str]) -> Result<IfMatch, ProblemCode> {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((header::IF_MATCH, *value));
        }
        IfMatch::of(&request.to_http_request()).map_err(|problem| problem.code())
    }

    #[test]
    fn a_write_goes_through_unless_another_version_is_insisted_on() {
        let holds = |values: &[&str], version| if_match(values).unwrap().require(version);
        assert_eq!(holds(&[], 7), Ok(()));
        assert_eq!(holds(&["*"], 7), Ok(()));
        assert_eq!(holds(&["\"v7\""], 7), Ok(()));
        assert_eq!(holds(&["\"v6\" , \"v7\""], 7), Ok(()));
        assert_eq!(holds(&["\"v6\"", "\"v7\""], 7), Ok(()));
        assert_eq!(IfMatch::version(7).require(7), Ok(()));
        for values in [&["\"v6\""][..], &["W/\"v7\""], &["\"v7-p\""], &["\"v07\""], &["\"7\""], &["\"\""], &["\"v0\""]]
        {
            assert_eq!(holds(values, 7), Err(Stale { current: 7 }), "{values:?}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for value in ["v7", "\"v7", "\"v7\" \"v8\"", "\"v7\",", "*, \"v7\"", "", "W/v7"] {
            assert_eq!(if_match(&[value]), Err(ProblemCode::InvalidHeader), "{value:?}");
        }
        let many = ["\"v1\""; TAGS + 1].join(",");
        assert_eq!(if_match(&[&many]), Err(ProblemCode::InvalidHeader));
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let known = |value: &str| {
            is_known(&TestRequest::default().insert_header((header::IF_NONE_MATCH, value)).to_http_request(), &etag(7))
        };
        for value in ["*", "\"v7\"", "W/\"v7\"", "\"v6\", \"v7\""] {
            assert!(known(value), "{value}");
        }
        for value in ["\"v6\"", "\"v7-p\"", "v7", "\"v7"] {
            assert!(!known(value), "{value}");
        }
    }
}
