//! The arrows between the crates.

use tests::arrows::{Edge, edges, objection, objection_in_tests, test_edges};
use tests::{snapshot, tree};

#[test]
fn no_crate_depends_on_what_it_must_not_know() {
    let edges = edges();
    assert!(edges.contains(&Edge::new("app", "domains/user")), "the graph was read");
    let objections: Vec<String> = edges.iter().filter_map(objection).collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

#[test]
fn no_test_depends_on_what_its_crate_must_not_know() {
    let edges = test_edges();
    assert!(edges.contains(&Edge::new("domains/user", "shared/testkit")), "the graph was read");
    let objections: Vec<String> = edges.iter().filter_map(objection_in_tests).collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

#[test]
fn the_crate_graph_is_the_one_that_is_kept() {
    let lines: String = edges().iter().map(|edge| format!("{} -> {}\n", edge.from, edge.on)).collect();
    snapshot::compare(&tree::root().join("tests/snapshots/crate-graph.txt"), &lines);
}
