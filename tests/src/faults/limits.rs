//! What the kernel lets a running process have, made less from outside, and what it has. Rule: the soft limit alone, so that it
//! can be lifted again; where the machine has no tool for it, a line says so.

use super::held::{is_missing, program};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// No descriptor that is free is below it: nothing more can be opened.
const FEW: u64 = 8;
/// Bytes of a file that may still be written: less than any file of a running system has.
const SHORT: u64 = 16 * 1024;

/// Something of which a process has less than it would like; as it was, when it is lifted.
#[derive(Debug)]
pub struct Limit {
    prlimit: PathBuf,
    process: u32,
    resource: &'static str,
    before: String,
}

impl Limit {
    /// It may open nothing more. None where that is not possible, which a line says.
    #[must_use]
    pub fn of_descriptors(process: u32) -> Option<Self> {
        Self::set(process, "nofile", FEW)
    }

    /// It may write no file longer than a few kilobytes. None where that is not possible, which a line says.
    #[must_use]
    pub fn of_files(process: u32) -> Option<Self> {
        Self::set(process, "fsize", SHORT)
    }

    /// It gets no memory that it has not got already. A limit of its address space would not do: an allocator has much more of that
    /// than it uses. None where that is not possible, which a line says.
    #[must_use]
    pub fn of_memory(process: u32) -> Option<Self> {
        Self::set(process, "data", Owns::of(process)?.writable)
    }

    /// Lets it have as much as before; the process may have ended.
    pub fn lift(self) {
        let _ = self.say(&self.before);
    }

    fn set(process: u32, resource: &'static str, most: u64) -> Option<Self> {
        let Some(prlimit) = program("prlimit", &[]) else {
            is_missing("prlimit", "prlimit is not installed: a process that runs out of something was not tried");
            return None;
        };
        let mut ask = Command::new(&prlimit);
        ask.args([
            "--pid",
            &process.to_string(),
            &format!("--{resource}"),
            "--raw",
            "--noheadings",
            "--output",
            "SOFT",
        ]);
        let before = ask.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
        let before = String::from_utf8_lossy(&before.stdout).trim().to_owned();
        let limit = Self { prlimit, process, resource, before };
        if !limit.say(&most.to_string()) {
            is_missing(
                "prlimit",
                "no limit of another process may be set: one that runs out of something was not tried",
            );
            return None;
        }
        Some(limit)
    }

    fn say(&self, soft: &str) -> bool {
        let mut set = Command::new(&self.prlimit);
        set.args(["--pid", &self.process.to_string(), &format!("--{}={soft}:", self.resource)]).stderr(Stdio::null());
        set.status().is_ok_and(|status| status.success())
    }
}

/// What a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owns {
    /// Bytes that it may write, whether it has or not.
    pub writable: u64,
    /// Bytes of memory that are its own and not a file's.
    pub resident: u64,
    /// Descriptors that are open.
    pub descriptors: u64,
}

impl Owns {
    /// As it is now; none for a process that has ended.
    #[must_use]
    pub fn of(process: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let kilobytes = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse::<u64>().ok().map(|number| number * 1024)
        };
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count().try_into().ok()?;
        Some(Self { writable: kilobytes("VmData")?, resident: kilobytes("RssAnon")?, descriptors })
    }
}

/// Every child of a process, and the process itself first.
#[must_use]
pub fn family(process: u32) -> Vec<u32> {
    let children = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // Behind the name, which may hold anything: the state, and then the parent.
        let parent: u32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        (process == parent).then_some(id)
    });
    std::iter::once(process).chain(children).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::held::Held;
    use std::time::{Duration, Instant};

    fn sleeper() -> (Held, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let command = "sleep 10 & wait";
        let held = Held::start(Command::new("sh").args(["-c", command]), &directory.path().join("log"));
        (held, directory)
    }

    fn soft(process: u32, name: &str) -> String {
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    }

    #[test]
    fn a_limit_holds_until_it_is_lifted() {
        let (held, _directory) = sleeper();
        for (name, limit) in [
            ("Max open files", Limit::of_descriptors as fn(u32) -> Option<Limit>),
            ("Max file size", Limit::of_files),
            ("Max data size", Limit::of_memory),
        ] {
            let before = soft(held.id(), name);
            let Some(limit) = limit(held.id()) else { return };
            assert_ne!(soft(held.id(), name), before, "{name}");
            limit.lift();
            assert_eq!(soft(held.id(), name), before, "{name}");
        }
    }

    #[test]
    fn what_a_process_has_and_whom_it_started_is_seen() {
        let (held, _directory) = sleeper();
        let started = Instant::now();
        // At first it is a copy of this process that has not become its program.
        let has_its_own = |owns: &Owns| owns.writable > 0 && owns.resident > 0 && owns.descriptors >= 3;
        while !Owns::of(held.id()).as_ref().is_some_and(has_its_own) {
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", Owns::of(held.id()));
            std::thread::yield_now();
        }
        while family(held.id()).iter().all(|id| *id == held.id()) {
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", family(held.id()));
            std::thread::yield_now();
        }
        assert_eq!(family(held.id())[0], held.id());
        held.signal("KILL");
        held.wait(Duration::from_secs(5));
        assert_eq!(Owns::of(u32::MAX), None);
    }
}
