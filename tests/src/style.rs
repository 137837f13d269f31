//! The rules of style that a program can see. Rule: a message names the file, the rule and the fix.

use std::path::Path;

/// The longest file, in lines without its tests.
const LONGEST: usize = 330;
/// Names of drawers: whatever is put there could have gone where it belongs.
const DRAWERS: [&str; 10] =
    ["util", "utils", "common", "helper", "helpers", "misc", "types", "stuff", "shared_types", "lib_utils"];

/// What is wrong with a Rust file.
#[must_use]
pub fn objections(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let mut object = |rule: &str| found.push(format!("{}: {rule}", path.display()));
    if name == "mod" {
        object("a module is name.rs beside name/: rename mod.rs");
    }
    if path.iter().filter_map(|part| part.to_str()).any(|part| DRAWERS.contains(&part)) || DRAWERS.contains(&name) {
        object("a drawer fills up: put what is in it where it belongs");
    }
    if !(text.starts_with("//!") || text.starts_with("#![doc = include_str!(\"../README.md\")]")) {
        object("begin with //!: what the file is for and the rule it keeps");
    }
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    if own.lines().count() > LONGEST && !is_test(path) {
        object(&format!("{} lines without tests: split it where a reader would", own.lines().count()));
    }
    let tests = if is_test(path) { text } else { text.strip_prefix(own).unwrap_or_default() };
    if sleeps(tests) {
        object("a test never sleeps: settle(), or eventually() for what no clock of ours drives");
    }
    if text.contains(concat!("#[ign", "ore")) {
        object("a test that does not run shows nothing: mend or remove it");
    }
    for stub in [concat!("todo", "!("), concat!("unimple", "mented!("), concat!("db", "g!(")] {
        if text.contains(stub) {
            object(&format!("{stub}…) is no code to keep"));
        }
    }
    found
}

/// Whether the text waits for a time; `pg_sleep` is the database's.
fn sleeps(text: &str) -> bool {
    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(concat!("sle", "ep("))
        .any(|(at, _)| !text.get(..at).is_some_and(|before| before.ends_with(part_of_a_word)))
}

/// Whether a file holds nothing but tests.
fn is_test(path: &Path) -> bool {
    let path = path.to_string_lossy();
    path.starts_with("tests/system/")
        || path.starts_with("tests/load/")
        || path.starts_with("tests/faults/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(path: &str, text: &str) -> usize {
        objections(Path::new(path), text).len()
    }

    #[test]
    fn each_rule_has_been_seen_to_fail() {
        assert_eq!(wrong("a/src/fine.rs", "//! Fine.\n"), 0);
        assert_eq!(wrong("a/src/mod.rs", "//! Fine.\n"), 1);
        assert_eq!(wrong("a/src/utils.rs", "//! Fine.\n"), 1);
        assert_eq!(wrong("a/src/common/fine.rs", "//! Fine.\n"), 1);
        assert_eq!(wrong("a/src/fine.rs", "use x;\n"), 1);
        assert_eq!(wrong("a/src/fine.rs", &format!("//! Fine.\n{}", "fn a() {}\n".repeat(400))), 1);
        assert_eq!(wrong("a/tests/fine.rs", &format!("//! Fine.\n{}", "fn a() {}\n".repeat(400))), 0);
        let sleeps = concat!("sle", "ep(x)");
        assert_eq!(wrong("a/tests/fine.rs", &format!("//! Fine.\n{sleeps}")), 1);
        assert_eq!(wrong("a/tests/fine.rs", &format!("//! Fine.\npg_{sleeps}")), 0);
        assert_eq!(wrong("a/src/fine.rs", &format!("//! Fine.\n{sleeps}")), 0);
        assert_eq!(wrong("a/src/fine.rs", &format!("//! Fine.\n#[cfg(test)]\nmod tests {{\n{sleeps}")), 1);
        assert_eq!(wrong("a/tests/fine.rs", concat!("//! Fine.\n#[ign", "ore]")), 1);
        assert_eq!(wrong("a/src/fine.rs", concat!("//! Fine.\ntodo", "!()")), 1);
    }
}
