//! The rules that grep can see.

use std::collections::BTreeSet;
use tests::{style, tree};

#[test]
fn every_file_keeps_the_rules_of_style() {
    let files = tree::rust_files();
    assert!(files.len() > 100, "the tree was read");
    let objections: Vec<String> = files.iter().flat_map(|(path, text)| style::objections(path, text)).collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

#[test]
fn every_crate_has_a_readme_that_is_its_documentation() {
    for manifest in tree::files().iter().filter(|path| path.ends_with("Cargo.toml") && path.iter().count() > 1) {
        let home = manifest.parent().unwrap();
        let readme = tree::root().join(home).join("README.md");
        assert!(readme.exists(), "{}: write a README.md, it is the crate's documentation", home.display());
        let lib = std::fs::read_to_string(tree::root().join(home).join("src/lib.rs")).unwrap();
        assert!(lib.contains("include_str!(\"../README.md\")"), "{}: lib.rs must include it", home.display());
    }
}

#[test]
fn no_snapshot_is_left_over() {
    let kept: BTreeSet<String> = tree::files()
        .iter()
        .filter(|path| path.starts_with("tests/snapshots"))
        .map(|p| p.display().to_string())
        .collect();
    let read = ["tests/snapshots/crate-graph.txt", "tests/snapshots/openapi.json"].map(str::to_owned);
    assert_eq!(kept, BTreeSet::from(read), "remove what no test reads");
}

#[test]
fn every_setting_stands_in_the_example_of_the_environment() {
    let defaults = std::fs::read_to_string(tree::root().join("shared/runtime/src/defaults.toml")).unwrap();
    let example = std::fs::read_to_string(tree::root().join(".env.example")).unwrap();
    let mut keys = 0;
    for line in defaults.lines().filter(|line| !line.starts_with(' ')) {
        let line = line.trim_start_matches("# ");
        let Some((key, _)) = line.split_once(" = ") else { continue };
        if key.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            keys += 1;
            let variable = format!("CLEAVE_{}=", key.to_uppercase());
            assert!(example.contains(&variable), ".env.example does not name {variable}");
        }
    }
    assert!(keys > 10, "the defaults were read: {keys}");
}
