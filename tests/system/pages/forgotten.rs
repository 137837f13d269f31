//! No list is forgotten: whatever the document of the API pages is walked here. Rule: both are computed, the lists from the
//! document and the walks from the sources beside this one.

use std::collections::BTreeSet;
use tests::api::operations;
use tests::tree;

#[test]
fn every_list_that_comes_in_pages_is_walked_here() {
    let document = app::openapi();
    let paged = |operation: &tests::api::Operation<'_>| {
        operation.method == "get"
            && operation.parameters(&document, "query").iter().any(|parameter| parameter["name"] == "cursor")
    };
    let lists: Vec<String> =
        operations(&document).into_iter().filter(paged).map(|operation| operation.path.to_owned()).collect();
    let walked = walked();
    assert!(lists.len() > 10 && walked.len() >= lists.len(), "both were found: {lists:?} {walked:?}");
    let forgotten: Vec<&String> = lists.iter().filter(|list| !walked.iter().any(|path| is_of(path, list))).collect();
    assert_eq!(forgotten, Vec::<&String>::new(), "walk it in tests/system/pages.rs or beside");
}

/// The addresses of the lists that are walked, without what is asked of them.
fn walked() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in tree::rust_files() {
        let path = path.display().to_string();
        if path == "tests/system/pages.rs" || path == "tests/system/pages/past_the_domain.rs" {
            let quoted = text.split("List::new(\"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(quoted.map(|asked| asked.split('?').next().unwrap_or_default().to_owned()));
        }
    }
    found
}

/// Whether an address is one of that template. Each domain's own lists are one and the same code, so one of them will do.
fn is_of(path: &str, template: &str) -> bool {
    let (path, template): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template.split('/').collect());
    path.len() == template.len()
        && path.iter().zip(&template).all(|(part, of)| part == of || (of.starts_with('{') && of.ends_with('}')))
}
