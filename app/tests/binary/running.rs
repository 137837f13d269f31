//! The shipped binary, running in a directory of its own and without the settings of whoever runs the tests.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use testkit::Shipped;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cleave");

/// A command that reads nothing of its surroundings.
pub fn cleave(directory: &Path) -> Command {
    testkit::shipped(PROGRAM, directory)
}

/// The one line with which it refuses.
pub fn refused(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let line = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{line}");
    assert_eq!(line.lines().count(), 1, "one line: {line}");
    assert!(stdout.is_empty());
    line.trim_end().strip_prefix("cleave: ").expect("it says who speaks").to_owned()
}

/// What it prints when it does what it was told, and its exit code.
pub fn done(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.code() != Some(2), "{}", String::from_utf8_lossy(&stderr));
    (status.code(), String::from_utf8(stdout).unwrap().trim_end().to_owned())
}

/// The same, typing a password.
pub fn done_typing(command: &mut Command, password: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    child.wait_with_output().unwrap()
}

/// Starts one on a free port; returns once it listens.
pub fn start(configure: impl FnOnce(&mut Command)) -> Shipped {
    start_in(tempfile::tempdir().unwrap(), configure)
}

/// The same on the data of another.
pub fn start_in(directory: TempDir, configure: impl FnOnce(&mut Command)) -> Shipped {
    Shipped::start(PROGRAM, directory, |command| {
        command.args(["--port", "0"]);
        configure(command);
    })
}
