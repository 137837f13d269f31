//! The repository as the tests see it.

use std::path::{Path, PathBuf};

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's root").to_owned()
}

/// Every file below the root that belongs to the project, relative to it, sorted; build output and data left out.
#[must_use]
pub fn files() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let inside = path.strip_prefix(&root).expect("a path below the root").to_owned();
            if path.is_dir() {
                let left_out = matches!(name.as_str(), ".git" | "target" | "data");
                if !left_out {
                    open.push(path);
                }
            } else {
                found.push(inside);
            }
        }
    }
    found.sort();
    found
}

/// The Rust files among them, with their text.
#[must_use]
pub fn rust_files() -> Vec<(PathBuf, String)> {
    let rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root().join(&path)).expect("a readable file");
        (path, text)
    };
    files().into_iter().filter(rust).map(read).collect()
}
