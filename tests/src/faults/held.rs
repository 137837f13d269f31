//! A process that does not outlive whoever holds it. Rule: also not when the test itself is killed: a shell stands guard
//! that reads a pipe which only the test holds open, and kills when the pipe ends.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Starts what follows, tells its id, and kills it when standard input ends. The first argument is the file for its output.
const GUARD: &str =
    r#"log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!; cat >/dev/null; kill -KILL $! 2>/dev/null"#;

/// The first port that is handed out, and how many: below what systems use for outgoing connections.
const PORTS: (u32, u32) = (18_000, 14_000);

/// A running process and its guard.
#[derive(Debug)]
pub struct Held {
    guard: Child,
    id: u32,
    log: PathBuf,
}

impl Held {
    /// Starts a command with the environment and the directory of `like`; what it prints is appended to `log`.
    ///
    /// # Panics
    /// When there is no shell.
    #[must_use]
    pub fn start(command: &Command, log: &Path) -> Self {
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(log).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => guard.env(name, value),
                None => guard.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            guard.current_dir(directory);
        }
        // A group of its own: a Ctrl-C for the tests is not one for what they watch over.
        std::os::unix::process::CommandExt::process_group(&mut guard, 0);
        guard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut guard = guard.spawn().expect("a shell");
        let mut line = String::new();
        BufReader::new(guard.stdout.take().expect("the guard's output"))
            .read_line(&mut line)
            .expect("the guard's word");
        let id = line.trim().parse().expect("the id of a process");
        Self { guard, id, log: log.to_owned() }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Whether it runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        // Ended and not yet waited for is ended. The state stands behind the name, which may hold anything.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id)).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        let ended = state.is_none_or(|state| matches!(state, 'Z' | 'X'));
        // The first thread may have ended before the others, which hold its files and its port for a moment longer.
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.id)).map_or(0, Iterator::count);
        !ended || threads > 1
    }

    /// Sends it a signal, by its name.
    ///
    /// # Panics
    /// When there is no `kill`.
    pub fn signal(&self, name: &str) {
        let kill =
            Command::new("kill").args([&format!("-{name}"), &self.id.to_string()]).stderr(Stdio::null()).status();
        // It may be gone already.
        let _ = kill.expect("kill");
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When that takes longer than `deadline`.
    pub fn wait(&self, deadline: Duration) {
        let started = Instant::now();
        while self.runs() {
            assert!(started.elapsed() < deadline, "process {} does not end: {}", self.id, self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The end of what it printed.
    #[must_use]
    pub fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.signal("KILL");
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Where a program is: in one of those directories, or on the path.
#[must_use]
pub fn program(name: &str, directories: &[&Path]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = directories.iter().map(|directory| (*directory).to_owned()).chain(on_path);
    all.map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// Whether this is the superuser, whom some servers refuse to run as.
#[must_use]
pub fn is_superuser() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A port that nobody listens on at the moment, and none of those that the system gives to outgoing connections: one of
/// these could take it while the process that it is for is dead.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    // Test programs that run at the same time begin at different ones.
    let candidate = |_| PORTS.0 + (std::process::id() * 97 + NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS.1;
    let mut candidates = (0..PORTS.1).map(candidate).filter_map(|port| u16::try_from(port).ok());
    candidates.find(is_free).expect("a free port")
}

/// Says that a test does not run because a program is missing, unless it has to.
///
/// # Panics
/// When `CLEAVE_TEST_REQUIRE` names `short`.
pub fn is_missing(short: &str, why: &str) {
    let required = setting("CLEAVE_TEST_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|one| one.trim() == short), "CLEAVE_TEST_REQUIRE names {short}, and {why}");
    testkit::not_run(why);
}

/// A variable of the test-suite that is set and not empty.
#[must_use]
pub fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "how long a fault lasts is no setting of the program")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The same as a number.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn number(name: &str, otherwise: u64) -> u64 {
    setting(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Makes an empty file.
pub(crate) fn touch(path: &Path) {
    File::create(path).expect("a file");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_ends_with_whoever_holds_it() {
        let directory = tempfile::tempdir().unwrap();
        let held = Held::start(Command::new("sleep").arg("60"), &directory.path().join("log"));
        let id = held.id();
        assert!(held.runs());
        drop(held);
        let started = Instant::now();
        while Path::new(&format!("/proc/{id}")).exists() {
            assert!(started.elapsed() < Duration::from_secs(5));
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_process_that_ended_by_itself_is_known_to_have_ended() {
        let directory = tempfile::tempdir().unwrap();
        let held = Held::start(Command::new("sh").args(["-c", "echo so it is"]), &directory.path().join("log"));
        held.wait(Duration::from_secs(5));
        assert_eq!(held.said(), "so it is");
    }
}
