//! Walking a list from end to end, and what must then have been seen. Rule: what was there before and is still there
//! afterwards, exactly once.

use super::BEFORE;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::Client;

/// Not a divisor of anything here.
const PAGE: usize = 7;
/// More than any list here ever holds.
const ENDLESS: usize = 20_000;

/// A list, as one client asks for it.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) path: &'static str,
    /// The member of an item that identifies it.
    key: &'static str,
    sort: Option<String>,
}

impl List {
    pub(super) const fn new(path: &'static str) -> Self {
        Self { path, key: "id", sort: None }
    }

    /// The same list in every order: each field in both directions, and every pair of fields.
    pub(super) async fn in_every_order(self, client: &Client) -> Vec<Self> {
        let refused = client.get(&self.ask("sort=no_such_field")).await.expect_problem(400, "invalid_sort");
        let fields: Vec<&str> =
            refused["allowed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let signed: Vec<String> = fields.iter().flat_map(|field| [(*field).to_owned(), format!("-{field}")]).collect();
        let bare = |field: &str| field.trim_start_matches('-').to_owned();
        let pairs = signed.iter().flat_map(|first| {
            signed.iter().filter(|second| bare(first) < bare(second)).map(move |second| format!("{second},{first}"))
        });
        let sorts = signed.iter().cloned().chain(pairs);
        sorts.map(|sort| Self { sort: Some(sort), ..self.clone() }).collect()
    }

    fn ask(&self, more: &str) -> String {
        format!("{}{}{more}", self.path, if self.path.contains('?') { "&" } else { "?" })
    }

    /// The keys of all items, page by page.
    pub(super) async fn walk(&self, client: &Client) -> Vec<String> {
        let sort = self.sort.as_ref().map(|sort| format!("&sort={sort}")).unwrap_or_default();
        let (mut seen, mut next) = (Vec::new(), String::new());
        loop {
            let page = client.get(&self.ask(&format!("limit={PAGE}{sort}{next}"))).await.expect(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= PAGE, "{self:?}: {page}");
            assert!(seen.len() < ENDLESS, "{self:?} comes again and again: {page}");
            seen.extend(items.iter().map(|item| key(&item[self.key])));
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return seen,
            }
        }
    }
}

/// Walks the lists again and again, each at least once, until `busy` is over; each walk with the list it was of.
pub(super) async fn walks(client: &Client, lists: &[List], busy: impl Future<Output = ()>) -> Vec<(List, Vec<String>)> {
    let over = Arc::new(AtomicBool::new(false));
    let walking = async {
        let (mut walked, mut round) = (Vec::new(), 0);
        while round == 0 || !over.load(Ordering::Relaxed) {
            for list in lists {
                walked.push((list.clone(), list.walk(client).await));
            }
            round += 1;
        }
        walked
    };
    let writing = async {
        busy.await;
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(walking, writing).0
}

/// Nothing twice, and everything that outlived the walk.
pub(super) fn each_once(walked: &[(List, Vec<String>)], survivors: &BTreeSet<String>) {
    assert!(survivors.len() >= BEFORE / 2, "there is something to be seen: {}", survivors.len());
    for (list, seen) in walked {
        let mut times = BTreeMap::<&str, usize>::new();
        for key in seen {
            *times.entry(key).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "{list:?} shows twice: {twice:?}");
        let missing: Vec<_> = survivors.iter().filter(|key| !times.contains_key(key.as_str())).collect();
        assert!(missing.is_empty(), "{list:?} leaves out: {missing:?}");
    }
}

/// An id, or the number of a row that came without one.
fn key(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
