//! Who may depend on whom. Rule: derived from the paths of the crates, so that a new domain is covered without an
//! edit here.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::BTreeSet;

/// A normal or build dependency between two crates of the workspace, by their directories below the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who depends.
    pub from: String,
    /// On whom.
    pub on: String,
}

impl Edge {
    /// An edge.
    #[must_use]
    pub fn new(from: &str, on: &str) -> Self {
        Self { from: from.to_owned(), on: on.to_owned() }
    }
}

/// The edges of the workspace that are compiled into it.
#[must_use]
pub fn edges() -> Vec<Edge> {
    edges_that(|kind| kind != DependencyKind::Development)
}

/// The edges that only tests have.
#[must_use]
pub fn test_edges() -> Vec<Edge> {
    edges_that(|kind| kind == DependencyKind::Development)
}

fn edges_that(wanted: impl Fn(DependencyKind) -> bool) -> Vec<Edge> {
    let root = crate::tree::root();
    let metadata = MetadataCommand::new().current_dir(&root).no_deps().exec().expect("the crate graph");
    let below_root = |path: &std::path::Path| path.strip_prefix(&root).expect("inside").to_string_lossy().into_owned();
    let mut edges = BTreeSet::new();
    for package in &metadata.packages {
        let from = below_root(package.manifest_path.parent().expect("a directory").as_std_path());
        for dependency in &package.dependencies {
            if let Some(path) = &dependency.path
                && wanted(dependency.kind)
            {
                edges.insert(Edge::new(&from, &below_root(path.as_std_path())));
            }
        }
    }
    edges.into_iter().collect()
}

/// Why an edge is forbidden; none when it is allowed.
#[must_use]
pub fn objection(edge: &Edge) -> Option<String> {
    let allowed = |on: &[&str]| on.contains(&edge.on.as_str());
    let (kind, name) = edge.from.split_once('/').unwrap_or((edge.from.as_str(), ""));
    let (on_kind, on_name) = edge.on.split_once('/').unwrap_or((edge.on.as_str(), ""));
    let (fine, rule) = match (kind, name) {
        ("shared", "contracts") | ("migrations", "messaging") => (false, "depends on no other crate of the workspace"),
        ("migrations", _) => (allowed(&["migrations/messaging"]), "migrations build on the messaging tables alone"),
        ("shared", "db" | "bus") => (allowed(&["shared/contracts"]), "knows the contracts alone"),
        ("shared", "bus-rabbitmq") => (allowed(&["shared/bus", "shared/contracts"]), "is a bus and nothing else"),
        ("shared", "outbox") => {
            (allowed(&["shared/db", "shared/bus", "shared/contracts"]), "knows the database and the bus")
        }
        ("shared", "web") => (allowed(&["shared/db", "shared/contracts"]), "knows the database, never the bus"),
        ("shared", "runtime") => (on_kind == "shared" && on_name != "testkit", "knows what is shared, and no domain"),
        ("shared", "testkit") => (on_kind == "shared", "knows what is shared, and no domain"),
        ("domains", domain) => {
            let shared = ["shared/runtime", "shared/web", "shared/outbox", "shared/db", "shared/contracts"];
            let own = edge.on == format!("migrations/{domain}");
            (allowed(&shared) || own, "a domain meets others on the event bus, not in its manifest")
        }
        ("app", _) => {
            (matches!(on_kind, "domains" | "shared") && on_name != "testkit", "mounts domains on the runtime")
        }
        ("tests", _) => (true, ""),
        _ => (false, "is in no place that the rules know"),
    };
    (!fine).then(|| format!("{} must not depend on {}: {}", edge.from, edge.on, rule))
}

/// Why an edge that only tests have is forbidden; none when it is allowed. Tests may have the testkit and migrations
/// on top of what is allowed anyway; so a domain is tested with no other domain compiled. A crate that has itself there
/// asks for a feature of its own.
#[must_use]
pub fn objection_in_tests(edge: &Edge) -> Option<String> {
    let extra = edge.on == "shared/testkit" || edge.on.starts_with("migrations/") || edge.on == edge.from;
    objection(edge).filter(|_| !extra)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_may_have_the_testkit_and_no_other_domain() {
        let in_tests = |on: &str| objection_in_tests(&Edge::new("domains/task", on));
        assert_eq!((in_tests("shared/testkit"), in_tests("migrations/messaging")), (None, None));
        assert!(in_tests("domains/user").is_some() && in_tests("app").is_some());
        assert_eq!(objection_in_tests(&Edge::new("shared/db", "shared/db")), None);
    }

    #[test]
    fn forbidden_edges_are_objected_to() {
        for (from, on) in [
            ("domains/task", "domains/user"),
            ("domains/task", "migrations/user"),
            ("domains/task", "shared/bus"),
            ("domains/task", "app"),
            ("domains/task", "shared/testkit"),
            ("domains/billing", "domains/task"),
            ("shared/contracts", "shared/db"),
            ("shared/web", "shared/bus"),
            ("shared/web", "shared/outbox"),
            ("shared/outbox", "shared/web"),
            ("shared/runtime", "domains/user"),
            ("shared/runtime", "shared/testkit"),
            ("shared/testkit", "domains/user"),
            ("migrations/task", "migrations/user"),
            ("migrations/messaging", "shared/contracts"),
            ("app", "shared/testkit"),
            ("somewhere/else", "shared/db"),
        ] {
            assert!(objection(&Edge::new(from, on)).is_some(), "{from} -> {on}");
        }
    }

    #[test]
    fn the_houses_own_edges_are_not() {
        for (from, on) in [
            ("domains/billing", "migrations/billing"),
            ("domains/task", "shared/outbox"),
            ("migrations/task", "migrations/messaging"),
            ("shared/runtime", "shared/bus-rabbitmq"),
            ("app", "domains/user"),
            ("tests", "domains/user"),
        ] {
            assert_eq!(objection(&Edge::new(from, on)), None);
        }
    }
}
