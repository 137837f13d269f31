//! A PostgreSQL server of a test's own, which it may stop, starve and set up as it likes. Rule: made from the
//! installed binaries in a temporary directory, on a free port, and gone when the test ends, also when it fails.

use super::not_run;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use uuid::Uuid;

/// A server that lives as long as this.
#[derive(Debug)]
pub struct PrivateServer {
    binaries: PathBuf,
    directory: PathBuf,
    port: u16,
}

impl PrivateServer {
    /// Starts a server with these settings of `postgresql.conf` besides the defaults. Everybody on this machine may sign in, without
    /// a password. None where the server's binaries are not installed, or may not be run; that is said in one line on standard error.
    ///
    /// # Panics
    /// When the server does not start.
    #[must_use]
    pub fn start(settings: &[(&str, &str)]) -> Option<Self> {
        let Some(binaries) = binaries() else {
            not_run("the binaries of a PostgreSQL server are not installed");
            return None;
        };
        #[expect(clippy::disallowed_methods, reason = "a name that no other test has, not an id of ours")]
        let directory = std::env::temp_dir().join(format!("cleave-postgres-{}", Uuid::new_v4().simple()));
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let server = Self { binaries, directory, port };
        let data = server.directory.to_str().expect("a plain path");
        if !server.run(
            &server.binaries.join("initdb"),
            &["-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"],
        ) {
            not_run("a PostgreSQL server of its own cannot be made");
            return None;
        }
        let port = port.to_string();
        server.set(&[
            ("port", &port),
            ("listen_addresses", "'127.0.0.1'"),
            ("unix_socket_directories", "''"),
            ("shared_buffers", "'16MB'"),
        ]);
        server.set(settings);
        server.resume();
        Some(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The URL of its superuser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.address())
    }

    /// Where its files are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds to `postgresql.conf`; takes effect with [`PrivateServer::resume`].
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn set(&self, settings: &[(&str, &str)]) {
        let mut file =
            OpenOptions::new().append(true).open(self.directory.join("postgresql.conf")).expect("the settings");
        for (name, value) in settings {
            writeln!(file, "{name} = {value}").expect("the settings");
        }
    }

    /// Starts it again and waits until it lets people in.
    ///
    /// # Panics
    /// When it does not start.
    pub fn resume(&self) {
        let log = self.directory.join("log");
        let started = self.control(&["-w", "-t", "60", "-l", log.to_str().expect("a plain path"), "start"]);
        assert!(started, "no server: {}", fs::read_to_string(log).unwrap_or_default());
    }

    /// Stops it as a power cut would: no session ends, nothing is written.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop_at_once(&self) {
        assert!(self.control(&["-w", "-m", "immediate", "stop"]), "the server does not stop");
    }

    /// Runs a program as who owns the server's files, in their directory's place; true when it succeeds.
    ///
    /// # Panics
    /// When the program is not there.
    #[must_use]
    pub fn run(&self, program: &Path, arguments: &[&str]) -> bool {
        // A server refuses to be root's.
        let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let mut command = if root { Command::new("runuser") } else { Command::new(program) };
        if root {
            command.args(["-u", "postgres", "--"]).arg(program);
        }
        // What the server inherits it keeps: a pipe would never end.
        command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let data = self.directory.to_str().expect("a plain path");
        self.run(&self.binaries.join("pg_ctl"), &[&["-D", data], arguments].concat())
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        self.control(&["-w", "-m", "immediate", "stop"]);
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            tracing::error!(directory = %self.directory.display(), %error, "a test's server was not removed");
        }
    }
}

/// The directory of the newest server's binaries.
fn binaries() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let newest = versions.into_iter().rev().map(|(_, directory)| directory);
    newest.chain(std::env::split_paths(&path)).find(|directory| directory.join("initdb").exists())
}
