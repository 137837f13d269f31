//! The shipped binary, running in a directory of its own and without the settings of whoever runs the tests.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use tempfile::TempDir;

/// A command that reads nothing of its surroundings.
pub fn cleave(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cleave"));
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLEAVE_")) {
        command.env_remove(name);
    }
    command
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

/// A running process, killed when the test ends before it does.
pub struct Running {
    pub child: Child,
    pub screen: String,
    pub address: String,
    pub directory: TempDir,
}

impl Running {
    /// Returns once the screen is printed, that is once it listens.
    pub fn start(configure: impl FnOnce(&mut Command)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), configure)
    }

    /// The same on the data of another.
    pub fn start_in(directory: TempDir, configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = cleave(directory.path());
        command.args(["--port", "0"]).stderr(Stdio::null());
        configure(&mut command);
        let mut child = command.spawn().unwrap();
        let screen = read_screen(&mut child, "/health");
        let address = fs::read_to_string(directory.path().join("data/cleave.addr")).unwrap().trim().to_owned();
        Self { child, screen, address, directory }
    }

    pub fn get(&self, path: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn end(mut self) -> (ExitStatus, TempDir) {
        let status = self.child.wait().unwrap();
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap());
        (status, directory)
    }
}

/// What it prints, up to the line that holds this text.
pub fn read_screen(child: &mut Child, last: &str) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut screen = String::new();
    while !screen.contains(last) {
        screen.push_str(&lines.next().unwrap_or_else(|| panic!("{last} is not on the screen:\n{screen}")).unwrap());
        screen.push('\n');
    }
    screen
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already is the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
