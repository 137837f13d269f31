//! A shipped binary, in a directory of its own and without the settings of whoever runs the tests.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// A command that reads nothing of its surroundings, with limits of requests that a test does not reach.
#[must_use]
pub fn shipped(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLEAVE_")) {
        command.env_remove(name);
    }
    // Whoever tests them comes from one address.
    for limit in ["CLEAVE_RATE_LIMIT", "CLEAVE_LOGIN_LIMIT", "CLEAVE_REGISTER_LIMIT"] {
        command.env(limit, "1000000/60s");
    }
    command
}

/// An address of this machine on which no other test takes a standard port.
#[must_use]
pub fn own_host() -> String {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    format!("127.{}.{b}.{}", a | 128, c.max(1))
}

/// What it prints, up to the line that holds this text.
///
/// # Panics
/// When it ends before.
pub fn read_screen(child: &mut Child, last: &str) -> String {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut screen = String::new();
    while !screen.contains(last) {
        screen.push_str(&lines.next().unwrap_or_else(|| panic!("{last} is not on the screen:\n{screen}")).unwrap());
        screen.push('\n');
    }
    screen
}

/// A running one, killed when the test ends before it does.
#[derive(Debug)]
pub struct Shipped {
    /// The process.
    pub child: Child,
    /// What it printed until it served.
    pub screen: String,
    /// Where it listens.
    pub address: String,
    /// Where it runs.
    pub directory: TempDir,
}

impl Shipped {
    /// Starts one there; returns once it listens.
    ///
    /// # Panics
    /// When it does not.
    pub fn start(program: &str, directory: TempDir, configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = shipped(program, directory.path());
        command.stderr(Stdio::null());
        configure(&mut command);
        let mut child = command.spawn().unwrap();
        let screen = read_screen(&mut child, "/health");
        let address = fs::read_to_string(directory.path().join("data/cleave.addr")).unwrap().trim().to_owned();
        Self { child, screen, address, directory }
    }

    /// Sends it a signal, by its name.
    ///
    /// # Panics
    /// When there is no such signal, or nobody to send it to.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; how it ended, and what it leaves.
    ///
    /// # Panics
    /// When nobody can wait for it.
    #[must_use]
    pub fn end(mut self) -> (ExitStatus, TempDir) {
        let status = self.child.wait().unwrap();
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap());
        (status, directory)
    }
}

impl Drop for Shipped {
    fn drop(&mut self) {
        // Ended already is the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
