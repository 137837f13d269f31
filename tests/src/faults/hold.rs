//! Processes that get no turn: standing still, or with a core that others never leave. Rule: they go on when this is dropped,
//! also when whoever holds it is killed, because a shell that reads a pipe of ours lets them.

use super::held::{Held, is_missing, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Stops processes, says so, and lets them go on when standard input ends.
const STILL: &str = r#"kill -STOP "$@" 2>/dev/null; echo; cat >/dev/null; kill -CONT "$@" 2>/dev/null"#;
/// Never rests.
const BUSY: &str = "while :; do :; done";
/// How many of them are beside a process that starves: of its core it gets a small part.
const GREEDY: usize = 6;
/// How long a signal may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Processes that stand still as long as this lives.
#[derive(Debug)]
pub struct Still {
    shell: Child,
}

impl Still {
    /// Stops all of them; returns when they stand.
    ///
    /// # Panics
    /// When there is no shell, or one goes on.
    #[must_use]
    pub fn all(processes: &[u32]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", STILL, "still"]).args(processes.iter().map(u32::to_string));
        // A group of its own: a Ctrl-C for the tests would end it before it lets go.
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell");
        let still = Self { shell };
        let started = Instant::now();
        while !processes.iter().all(|process| stands(*process)) {
            assert!(started.elapsed() < PATIENCE, "a process does not stop: {processes:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
        still
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Whether it is stopped, or has ended.
fn stands(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| matches!(rest.chars().next(), Some('T' | 'Z' | 'X')))
}

/// A process that shares one core with many who never rest.
#[derive(Debug)]
pub struct Starved {
    taskset: PathBuf,
    process: u32,
    before: String,
    greedy: Vec<Held>,
    _directory: TempDir,
}

impl Starved {
    /// Puts all threads of a process on one core, and the others beside it. None where that is not possible, which a line
    /// says.
    ///
    /// # Panics
    /// When there is no shell.
    #[must_use]
    pub fn of(process: u32) -> Option<Self> {
        let Some(taskset) = program("taskset", &[]) else {
            is_missing("taskset", "taskset is not installed: a process that starves was not tried");
            return None;
        };
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let before = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim().to_owned();
        let core = before.split([',', '-']).next()?.to_owned();
        if !put(&taskset, process, &core) {
            is_missing("taskset", "no process may be put on a core: one that starves was not tried");
            return None;
        }
        let directory = tempfile::Builder::new().prefix("cleave-starved-").tempdir().expect("a directory");
        let mut busy = Command::new(&taskset);
        busy.args(["-c", &core, "sh", "-c", BUSY]);
        let log: &Path = &directory.path().join("log");
        let greedy = (0..GREEDY).map(|_| Held::start(&busy, log)).collect();
        Some(Self { taskset, process, before, greedy, _directory: directory })
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        self.greedy.clear();
        // It may have ended.
        let _ = put(&self.taskset, self.process, &self.before);
    }
}

/// Lets a process with all its threads run on those cores alone.
fn put(taskset: &Path, process: u32, cores: &str) -> bool {
    let mut put = Command::new(taskset);
    put.args(["-a", "-p", "-c", cores, &process.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    put.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(directory: &TempDir) -> Held {
        Held::start(Command::new("sh").args(["-c", BUSY]), &directory.path().join("log"))
    }

    #[test]
    fn what_stands_goes_on_when_it_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (busy(&directory), busy(&directory));
        let still = Still::all(&[one.id(), two.id()]);
        assert!(stands(one.id()) && stands(two.id()));
        drop(still);
        assert!(!stands(one.id()) && !stands(two.id()));
    }

    #[test]
    fn what_starves_has_one_core_until_it_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let held = busy(&directory);
        let cores = || {
            let status = fs::read_to_string(format!("/proc/{}/status", held.id())).unwrap();
            status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim().to_owned()
        };
        let before = cores();
        let Some(starved) = Starved::of(held.id()) else { return };
        assert_eq!(cores().parse::<u32>().ok(), before.split([',', '-']).next().and_then(|core| core.parse().ok()));
        assert_eq!(starved.greedy.iter().filter(|one| one.runs()).count(), GREEDY);
        drop(starved);
        assert_eq!(cores(), before);
    }
}
