//! The data directory: made when it is missing, locked for each domain, and told where the process listens. Rule: two
//! processes never work on one domain's files.

use crate::start_error::StartError;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A domain's files, held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Makes the directory.
pub(crate) fn make(directory: &Path) -> Result<(), StartError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    // What is in it is nobody else's business; a directory that is there keeps its mode.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|error| unusable(directory, &error))
}

/// Whether files can be kept there; nothing is made.
pub(crate) fn is_usable(directory: &Path) -> bool {
    let trial = directory.join(own_name("cleave.trial"));
    File::create(&trial).and_then(|_| std::fs::remove_file(&trial)).is_ok()
}

/// Locks the files of a domain.
pub(crate) fn lock(directory: &Path, domain: &str) -> Result<Lock, StartError> {
    let path = directory.join(format!("{domain}.lock"));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| unusable(directory, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(StartError::new(format!(
            "another process serves the domain {domain} from {} and holds {}: stop it, or choose another --data-dir \
             (CLEAVE_DATA_DIR)",
            directory.display(),
            path.display(),
        ))),
        Err(TryLockError::Error(error)) => Err(unusable(directory, &error)),
    }
}

/// Whether another process has the files of a domain.
pub(crate) fn is_locked(directory: &Path, domain: &str) -> bool {
    let file = OpenOptions::new().write(true).open(directory.join(format!("{domain}.lock")));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// A name that no other process uses: replicas on PostgreSQL may share a directory.
fn own_name(name: &str) -> String {
    format!("{name}.{}", std::process::id())
}

fn unusable(directory: &Path, error: &io::Error) -> StartError {
    StartError::new(format!(
        "cannot write to the data directory {}: {error}; make it writable, or choose another --data-dir \
         (CLEAVE_DATA_DIR)",
        directory.display(),
    ))
}

/// `<data_dir>/cleave.addr`, for whoever started the process on port 0; there as long as the process listens.
#[derive(Debug)]
pub(crate) struct AddressFile(PathBuf);

impl AddressFile {
    /// Whole or not at all: a script may wait for it.
    pub(crate) fn write(directory: &Path, address: SocketAddr) -> Result<Self, StartError> {
        let file = Self(directory.join("cleave.addr"));
        let draft = directory.join(own_name("cleave.addr.draft"));
        let written = File::create(&draft)
            .and_then(|mut draft| writeln!(draft, "{address}"))
            .and_then(|()| std::fs::rename(&draft, &file.0));
        written.map_err(|error| unusable(directory, &error))?;
        Ok(file)
    }

    /// Removes what a process that was killed left behind.
    pub(crate) fn forget(directory: &Path) {
        // Missing is the usual case; what cannot be removed is overwritten or fails with a clear line soon after.
        let _ = std::fs::remove_file(directory.join("cleave.addr"));
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let first = lock(directory.path(), "task").unwrap();
        let error = lock(directory.path(), "task").unwrap_err().to_string();
        assert!(error.starts_with("another process serves the domain task"), "{error}");
        assert!(error.contains("--data-dir"), "{error}");
        lock(directory.path(), "user").expect("another domain's files are free");
        assert!(is_locked(directory.path(), "task") && !is_locked(directory.path(), "user"));
        assert!(!is_locked(directory.path(), "nobody"));
        drop(first);
        lock(directory.path(), "task").expect("free again");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_one_line_that_names_the_fix() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = make(&file.join("data")).unwrap_err().to_string();
        assert!(error.starts_with("cannot write to the data directory") && error.contains("--data-dir"), "{error}");
    }

    #[test]
    fn the_address_file_is_there_as_long_as_it_is_held() {
        let directory = tempfile::tempdir().unwrap();
        let address = "127.0.0.1:8123".parse().unwrap();
        let file = AddressFile::write(directory.path(), address).unwrap();
        let path = directory.path().join("cleave.addr");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "127.0.0.1:8123\n");
        drop(file);
        assert!(!path.exists());
        std::fs::write(&path, "127.0.0.1:1\n").unwrap();
        AddressFile::forget(directory.path());
        assert!(!path.exists());
    }
}
