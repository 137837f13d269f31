//! What others read is kept as a file and compared. Rule: a difference fails; it becomes the new file only when
//! somebody asks for that.

use std::path::Path;

/// The variable that asks for new files.
pub const UPDATE: &str = "CLEAVE_UPDATE_SNAPSHOTS";

/// True when differences are to be written instead of refused.
#[must_use]
pub fn updating() -> bool {
    std::env::var_os(UPDATE).is_some()
}

/// Compares `found` with the file.
///
/// # Panics
/// When they differ, with what to do about it.
pub fn compare(path: &Path, found: &str) {
    if updating() {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, found).expect("a writable snapshot");
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == found,
        "{} differs. Is the change meant? Then run {UPDATE}=1 cargo test -p tests and commit the file.\n--- kept\n{kept}\n--- found\n{found}",
        path.display()
    );
}
