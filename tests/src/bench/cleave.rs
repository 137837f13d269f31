//! Cleave as an operator has it: a process that environment variables tell what it is, with every feature on. Rule: nothing that
//! is shipped is left out; the limits are on and too high to be reached, and every request stands in the log.

use crate::faults::fleet::{DOMAINS, Place};
use crate::faults::held::{Held, free_port};
use crate::faults::limits::Owns;
use crate::faults::store::Store;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Says of a process of this binary what it is instead of the benchmark.
pub const ROLE: &str = "CLEAVE_TEST_BENCH_ROLE";
/// It is Cleave.
pub const CLEAVE: &str = "cleave";
/// Lines of a log that are told.
const TOLD: usize = 5;
/// How long a start and an end may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of a second, in hundredths, what a process uses that rests.
const FEW_TICKS: u64 = 5;
/// Between two looks at whether all is done; rare enough to cost nothing.
const REST: Duration = Duration::from_millis(50);
/// Between two looks at whether it is ready.
const LOOK: Duration = Duration::from_micros(500);
/// What signs and seals.
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// The issuer of tokens, the same wherever a process listens.
pub const ISSUER: &str = "http://cleave.test";
/// On, and never reached.
const OFTEN: &str = "100000000/60s";
/// As it is told when nobody asks for anything else.
const EVERYTHING: &[(&str, &str)] = &[
    ("CLEAVE_PUBLIC_URL", ISSUER),
    ("CLEAVE_RATE_LIMIT", OFTEN),
    ("CLEAVE_LOGIN_LIMIT", OFTEN),
    ("CLEAVE_REGISTER_LIMIT", OFTEN),
    ("CLEAVE_KEYS_SECRET", SECRET),
    ("CLEAVE_SEAL_SECRET", SECRET),
    ("CLEAVE_ADMIN_PASSWORD", super::crowd::PASSWORD),
];

/// The process, running or not.
pub struct Cleave {
    command: Command,
    port: u16,
    place: Place,
    held: Option<Held>,
    /// Of the logs that were emptied.
    loud: Vec<String>,
    // Last: nobody uses it any more.
    directory: TempDir,
}

impl Cleave {
    /// One that does not run yet, with databases that are made and migrated.
    ///
    /// # Panics
    /// When it cannot migrate.
    #[must_use]
    pub fn prepare(place: Place, bus: Option<&str>) -> Self {
        let directory = tempfile::Builder::new().prefix("cleave-bench-").tempdir().expect("a directory");
        let (command, port) = (Command::new(own_binary()), free_port());
        let mut cleave = Self { command, port, place, held: None, loud: Vec::new(), directory };
        cleave.command.current_dir(cleave.directory.path());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLEAVE_")) {
            cleave.command.env_remove(name);
        }
        for (name, value) in EVERYTHING {
            cleave.command.env(name, value);
        }
        cleave.command.env(ROLE, CLEAVE).env("CLEAVE_PORT", port.to_string());
        cleave.command.env("CLEAVE_DATA_DIR", cleave.data());
        if let Some(bus) = bus {
            cleave.command.env("CLEAVE_BUS", bus);
        }
        if let Place::Database(url) = &cleave.place {
            cleave.command.env("CLEAVE_DATABASE_URL", url);
            cleave.migrate();
        }
        cleave
    }

    /// Tells it something else from its next start on.
    pub fn set(&mut self, variable: &str, value: &str) {
        self.command.env(variable, value);
    }

    /// Tells it again what it is told when nobody asks for anything else, and nothing of this.
    pub fn reset(&mut self, variable: &str) {
        self.command.env_remove(variable);
        for (name, value) in EVERYTHING.iter().filter(|(name, _)| *name == variable) {
            self.command.env(name, value);
        }
    }

    /// Is another program with the same settings from its next start on.
    #[must_use]
    pub fn with_binary(mut self, program: &Path) -> Self {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        self.command = command;
        self
    }

    /// Starts it; how long it took until it was ready.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&mut self) -> Duration {
        let started = Instant::now();
        let held = Held::start(&self.command, &self.log());
        while !is_ready(self.address()) {
            assert!(held.runs() && started.elapsed() < PATIENCE, "Cleave does not start: {}", held.said());
            std::thread::sleep(LOOK);
        }
        self.held = Some(held);
        started.elapsed()
    }

    /// Lets it end in good order.
    ///
    /// # Panics
    /// When it does not.
    pub fn stop(&mut self) {
        let held = self.held.take().expect("a running process");
        held.signal("TERM");
        held.wait(PATIENCE);
    }

    /// Bytes of memory that it uses, files that are mapped included; what is its own alone.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn memory(&self) -> (u64, u64) {
        let id = self.held.as_ref().expect("a running process").id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("what the kernel says of it");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kilobytes: u64 = line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number");
        (kilobytes * 1024, Owns::of(id).expect("a running process").resident)
    }

    /// Returns when it uses hardly any of a processor: what it does after a start is over.
    ///
    /// # Panics
    /// When that takes too long, or it does not run.
    pub async fn rests(&self, patience: Duration) {
        let started = Instant::now();
        let mut before = self.ticks();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = self.ticks();
            if now - before <= FEW_TICKS {
                return;
            }
            assert!(started.elapsed() < patience, "it does not rest: {} hundredths of a second", now - before);
            before = now;
        }
    }

    /// Hundredths of a second that it has used of processors (proc(5): utime and stime).
    fn ticks(&self) -> u64 {
        let id = self.held.as_ref().expect("a running process").id();
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("what the kernel says of it");
        let (_, behind_name) = stat.rsplit_once(") ").expect("a name");
        let times = behind_name.split(' ').skip(11).take(2);
        times.map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// A domain's database.
    #[must_use]
    pub fn store(&self, domain: &'static str) -> Store {
        match &self.place {
            Place::Files => Store::File(self.file(domain)),
            Place::Database(url) => Store::Schema { url: url.clone(), schema: domain.to_owned() },
            Place::Databases(urls) => Store::Schema { url: urls[domain].clone(), schema: domain.to_owned() },
        }
    }

    /// The file of a domain's rows, where they are in files.
    #[must_use]
    pub fn file(&self, domain: &str) -> PathBuf {
        self.data().join(format!("{domain}.db"))
    }

    /// Where its rows are.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Returns when every event that there is has had its effect.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn settled(&self, patience: Duration) {
        let started = Instant::now();
        loop {
            let mut open = BTreeMap::new();
            for domain in DOMAINS {
                let store = self.store(domain);
                let waiting = "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) \
                               + (SELECT count(*) FROM inbox WHERE status = 0)";
                open.insert(domain, number(&store, waiting).await);
            }
            if open.values().all(|waiting| *waiting == 0) {
                return;
            }
            assert!(started.elapsed() < patience, "events are not handled: {open:?}");
            tokio::time::sleep(REST).await;
        }
    }

    /// Empties its log, which otherwise fills the disk, and keeps what [`Self::warnings`] tells.
    ///
    /// # Panics
    /// When it has none.
    pub fn forget_log(&mut self) {
        self.loud = self.warnings();
        File::options().write(true).open(self.log()).and_then(|log| log.set_len(0)).expect("its log");
    }

    /// The first that it logged which is more than what it always says.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let is_loud = |line: &&str| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
        let now = text.lines().filter(is_loud).map(|line| line.trim_start_matches('\0').to_owned());
        self.loud.iter().cloned().chain(now).take(TOLD).collect()
    }

    fn migrate(&self) {
        let mut migrate = Command::new(self.command.get_program());
        migrate.args(["migrate", "up"]).current_dir(self.directory.path()).stdin(Stdio::null());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => migrate.env(name, value),
                None => migrate.env_remove(name),
            };
        }
        let output = migrate.output().expect("this binary");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

/// The binary that runs.
pub(super) fn own_binary() -> PathBuf {
    std::env::current_exe().expect("this binary")
}

/// The only number that a statement finds.
///
/// # Panics
/// When it finds another, or none.
pub async fn number(store: &Store, sql: &str) -> u64 {
    let rows = store.read(sql).await;
    let value = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
    value.and_then(|text| text.parse().ok()).expect("a number")
}

/// Whether a process says that it may be sent requests.
fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let asked = stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: cleave\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    asked.and_then(|()| stream.read_exact(&mut answer)).is_ok() && answer.ends_with(b" 200")
}
