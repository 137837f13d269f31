//! Lists in pages, by keyset: a page starts behind the last row of the one before, not at a number. Rule: walking all
//! pages while others insert shows every row that was there at the start exactly once.

mod by_id;
mod cursor;
mod keyset;
mod order;
mod value;

pub(crate) use cursor::MAX_LENGTH as MAX_CURSOR;
pub use keyset::Keyset;

use crate::params::invalid;
use crate::problem::Problem;
use aws_lc_rs::digest::{Context, SHA256};
use schemars::JsonSchema;
use serde::Serialize;

/// Items of a page where the client does not say.
pub(crate) const DEFAULT_LIMIT: u64 = 50;
/// The most items of a page.
pub(crate) const MAX_LIMIT: u64 = 100;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// For the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// What a client says about the place in a list; [`crate::Listing`] and [`crate::SortedListing`] read it. It becomes a [`Keyset`] through
/// [`Paging::keyset`] or [`Paging::ordered_by`].
#[derive(Debug, Clone)]
pub struct Paging {
    pub(crate) limit: u64,
    pub(crate) cursor: Option<String>,
    pub(crate) sort: Option<String>,
    /// Hash of the list's address and filters.
    pub(crate) filters: Vec<u8>,
}

impl Paging {
    /// Of every list.
    pub(crate) const PARAMETERS: &'static [&'static str] = &["limit", "cursor"];
    /// Of a list that can be sorted.
    pub(crate) const SORTED: &'static [&'static str] = &["limit", "cursor", "sort"];

    pub(crate) fn read(
        path: &str,
        parameters: Vec<(String, String)>,
        filters: &[(String, String)],
    ) -> Result<Self, Problem> {
        let mut paging = Self { limit: DEFAULT_LIMIT, cursor: None, sort: None, filters: hash(path, filters) };
        for (name, value) in parameters {
            match name.as_str() {
                "limit" => paging.limit = limit(&value)?,
                "cursor" => paging.cursor = Some(value),
                _ => paging.sort = Some(value),
            }
        }
        Ok(paging)
    }

    /// How many items the client wants at most, for a list that is not read from one table.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }
}

fn limit(text: &str) -> Result<u64, Problem> {
    // `parse` would also take a plus sign, and zeros in front, which a number in JSON has not.
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let limit = text.parse().ok().filter(|limit| plain && (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| invalid("limit", &format!("must be a whole number from 1 to {MAX_LIMIT}")))
}

/// The order in which parameters are written has no meaning.
fn hash(path: &str, filters: &[(String, String)]) -> Vec<u8> {
    let mut filters: Vec<_> = filters.iter().collect();
    filters.sort();
    let mut context = Context::new(&SHA256);
    let mut add = |text: &str| {
        context.update(&text.len().to_be_bytes());
        context.update(text.as_bytes());
    };
    add(path);
    for (name, value) in filters {
        add(name);
        add(value);
    }
    context.finish().as_ref().to_vec()
}
