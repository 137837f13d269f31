//! A disk that is small, and one that fails on command. Rule: both are the kernel's doing: a file system in memory, and system
//! calls that a tracer changes on their way; where the machine allows neither, a line says so.

use super::held::{Held, is_missing, is_superuser, program};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a tracer may take to take hold of a process.
const PATIENCE: Duration = Duration::from_secs(20);
/// What a disk is filled with at once.
static PIECE: [u8; 64 * 1024] = [7; 64 * 1024];

/// A file system of a few megabytes, over a directory; gone when this is dropped.
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Puts one over that directory; none where that is not allowed, which a line says.
    ///
    /// # Panics
    /// When `CLEAVE_TEST_REQUIRE` names `mounts`.
    #[must_use]
    pub fn over(at: &Path, megabytes: u32) -> Option<Self> {
        let size = format!("size={megabytes}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).stderr(Stdio::null());
        if !is_superuser() || !mount.status().is_ok_and(|status| status.success()) {
            is_missing("mounts", "no file system may be mounted here: a full disk was not tried");
            return None;
        }
        Some(Self { at: at.to_owned() })
    }

    /// Fills it to the last byte.
    ///
    /// # Panics
    /// When it cannot be filled.
    pub fn fill(&self) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).expect("a file");
        let mut piece = PIECE.len();
        while piece > 0 {
            if ballast.write_all(&PIECE[..piece]).is_err() {
                piece /= 2;
            }
        }
    }

    /// Makes room again.
    ///
    /// # Panics
    /// When it was not filled.
    pub fn free(&self) {
        std::fs::remove_file(self.ballast()).expect("what it was filled with");
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that ends may hold a file for a moment longer.
        let unmounted = Command::new("umount").arg("-l").arg(&self.at).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            testkit::not_run("a small disk could not be removed");
        }
    }
}

/// A tracer that holds a process, and lets go of it when this is dropped.
pub struct Tracer {
    held: Held,
    output: PathBuf,
    _directory: TempDir,
}

impl Tracer {
    /// Takes hold of a process and all its threads; none where that is not allowed, which a line says.
    ///
    /// # Panics
    /// When `CLEAVE_TEST_REQUIRE` names `ptrace`.
    #[must_use]
    pub fn of(process: u32, options: &[&str]) -> Option<Self> {
        Self::of_all(&[process], options)
    }

    /// Takes hold of processes, and delays whatever they write through to the disk.
    ///
    /// # Panics
    /// As [`Tracer::of`].
    #[must_use]
    pub fn delaying(processes: &[u32], by: Duration) -> Option<Self> {
        let delay = format!("inject=fdatasync,fsync:delay_enter={}", by.as_micros());
        Self::of_all(processes, &["-e", "trace=fdatasync,fsync", "-e", &delay])
    }

    /// The same as [`Tracer::of`] of several, and of what they start. One that ends meanwhile is none of them.
    ///
    /// # Panics
    /// When `CLEAVE_TEST_REQUIRE` names `ptrace`.
    #[must_use]
    pub fn of_all(processes: &[u32], options: &[&str]) -> Option<Self> {
        let Some(strace) = program("strace", &[]) else {
            is_missing("ptrace", "strace is not installed: system calls that fail were not tried");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("cleave-strace-").tempdir().expect("a directory");
        let (output, log) = (directory.path().join("calls"), directory.path().join("log"));
        let mut command = Command::new(strace);
        command.args(["-f", "-o"]).arg(&output).args(options);
        for process in processes {
            command.args(["-p", &process.to_string()]);
        }
        let held = Held::start(&command, &log);
        let since = Instant::now();
        while !held.said().contains("attached") || processes.iter().any(|process| is_free(*process)) {
            if !held.runs() {
                is_missing("ptrace", &format!("a process may not be traced here: {}", held.said()));
                return None;
            }
            assert!(since.elapsed() < PATIENCE, "strace does not begin: {}", held.said());
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self { held, output, _directory: directory })
    }

    /// Lets go of the process; the calls that were seen, a line each.
    ///
    /// # Panics
    /// When the tracer does not end.
    #[must_use]
    pub fn stop(self) -> String {
        self.held.signal("INT");
        self.held.wait(PATIENCE);
        String::from_utf8_lossy(&std::fs::read(&self.output).unwrap_or_default()).into_owned()
    }
}

/// Whether a process runs that nobody traces.
fn is_free(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().any(|line| line.split_whitespace().eq(["TracerPid:", "0"]))
}

/// Answers that were sent before anything was written through to the disk since the answer before: by the rule that no write
/// is acknowledged before it is durable, there is none. `calls` is what a tracer saw.
/// The number of all answers with 201, and of those that came too early.
#[must_use]
pub fn answered_too_early(calls: &str) -> (usize, usize) {
    let (mut all, mut early, mut durable) = (0, 0, false);
    for line in calls.lines() {
        if line.contains("\"HTTP/1.1 201") {
            all += 1;
            early += usize::from(!std::mem::replace(&mut durable, false));
        } else if (line.contains("fdatasync") || line.contains("fsync")) && line.trim_end().ends_with("= 0") {
            durable = true;
        }
    }
    (all, early)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_before_its_write_is_seen() {
        let sound = "7 fdatasync(12 <unfinished ...>\n8 read(3, \"\", 4) = 0\n7 <... fdatasync resumed>) = 0\n\
            7 sendto(9, \"HTTP/1.1 201 Created\\r\\n\"..., 300, 0, NULL, 0) = 300\n";
        assert_eq!(answered_too_early(sound), (1, 0));
        let early = "7 fdatasync(12 <unfinished ...>\n7 sendto(9, \"HTTP/1.1 201 Created\\r\\n\"..., 300, 0, NULL, 0) = 300\n\
            7 <... fdatasync resumed>) = 0\n";
        assert_eq!(answered_too_early(early), (1, 1));
        let failed = "7 fdatasync(12) = -1 EIO (Input/output error)\n7 write(9, \"HTTP/1.1 201 Created\"..., 3) = 3\n";
        assert_eq!(answered_too_early(&format!("{sound}{failed}")), (2, 1));
    }
}
