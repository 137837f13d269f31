//! A PostgreSQL server of a test's own, which it may stop and kill. Rule: it writes through to the disk as a real one does,
//! and is gone, with its data, when the test ends.

use super::disk::SmallDisk;
use super::held::{Held, free_port, is_missing, is_superuser, program};
use super::limits::family;
use super::store::connect;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the server may take to start, also after a crash, and to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whom it runs as where this is the superuser.
const USER: &str = "postgres";

/// The server.
pub struct PrivatePostgres {
    programs: PathBuf,
    settings: Vec<String>,
    port: u16,
    held: Option<Held>,
    disk: Option<SmallDisk>,
    // Last: nobody uses it any more.
    directory: TempDir,
}

/// What `initdb` is told besides, where there is little room.
const SMALL: &[&str] = &["--wal-segsize=1"];

impl PrivatePostgres {
    /// Starts one with those settings, `max_connections=20`, on top of what every test wants; none where PostgreSQL is
    /// not installed, which a line says.
    ///
    /// # Panics
    /// When it is missing and `CLEAVE_TEST_REQUIRE` names `postgres`, or when it does not start.
    pub async fn start(settings: &[&str]) -> Option<Self> {
        let mut server = Self::prepare(settings)?;
        server.begin(&[]).await;
        Some(server)
    }

    /// The same on a file system of a few megabytes of its own; none also where that is not allowed, which a line says.
    ///
    /// # Panics
    /// As [`PrivatePostgres::start`], and when `CLEAVE_TEST_REQUIRE` names `mounts`.
    pub async fn start_on_small_disk(settings: &[&str], megabytes: u32) -> Option<Self> {
        let mut server = Self::prepare(settings)?;
        std::fs::create_dir(server.data()).expect("a directory");
        server.disk = Some(SmallDisk::over(&server.data(), megabytes)?);
        assert!(done(Command::new("chown").arg(USER).arg(server.data())), "the disk is not the server's");
        server.begin(SMALL).await;
        Some(server)
    }

    fn prepare(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            is_missing("postgres", "no PostgreSQL server is installed (initdb was not found)");
            return None;
        };
        let directory = tempfile::Builder::new().prefix("cleave-postgres-").tempdir().expect("a directory");
        if is_superuser() && !done(Command::new("chown").arg(USER).arg(directory.path())) {
            is_missing("postgres", "PostgreSQL does not run as the superuser, and there is no user postgres");
            return None;
        }
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        Some(Self { programs, settings, port: free_port(), held: None, disk: None, directory })
    }

    async fn begin(&mut self, more: &[&str]) {
        let mut initdb = self.program("initdb");
        initdb.arg("-D").arg(self.data()).args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        assert!(done(initdb.args(more)), "initdb failed");
        self.run().await;
    }

    /// The disk that it is on, where that is a small one.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().expect("a small disk")
    }

    /// The end of what it logged.
    #[must_use]
    pub fn said(&self) -> String {
        self.held.as_ref().map(Held::said).unwrap_or_default()
    }

    /// The URL of one of its databases; `postgres` is always there.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(USER, database)
    }

    /// The same for another of its roles.
    #[must_use]
    pub fn url_as(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@{}/{database}", self.address())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The file to which it logs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// All of its processes, as they are now.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        family(self.held.as_ref().expect("a running server").id())
    }

    /// The URL through a network, unencrypted.
    #[must_use]
    pub fn url_at(&self, network: SocketAddr, database: &str) -> String {
        format!("postgres://{USER}@{network}/{database}?sslmode=disable")
    }

    /// Makes an empty database; its URL.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn database(&self, name: &str) -> String {
        let client = connect(&self.url("postgres")).await.expect("the server");
        client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.expect("a database");
        self.url(name)
    }

    /// Starts it, also after a crash, unless it runs; returns when it accepts connections.
    ///
    /// # Panics
    /// When it does not.
    pub async fn run(&mut self) {
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data());
        let own = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.directory.path().display()),
            "fsync=on".to_owned(),
            "synchronous_commit=on".to_owned(),
            "full_page_writes=on".to_owned(),
        ];
        for setting in own.iter().chain(&self.settings) {
            postgres.args(["-c", setting]);
        }
        let (started, url, log) = (Instant::now(), self.url("postgres"), self.log());
        let running = self.held.take().filter(Held::runs);
        let mut held = running.unwrap_or_else(|| Held::start(&postgres, &log));
        while connect(&url).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "PostgreSQL does not start: {}", held.said());
            if !held.runs() {
                // Processes of one that was killed hold its memory for a moment.
                held = Held::start(&postgres, &log);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.held = Some(held);
    }

    /// Stops it as a crash of the machine would, but for the lost memory: `pg_ctl stop -m immediate`.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop_immediate(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.arg("-D").arg(self.data()).args(["stop", "-m", "immediate", "-w"]);
        assert!(done(&mut stop), "pg_ctl stop failed");
        self.held.take().expect("a running server").wait(PATIENCE);
    }

    /// Kills the postmaster; its other processes notice and end by themselves.
    ///
    /// # Panics
    /// When they do not.
    pub fn kill(&mut self) {
        let held = self.held.take().expect("a running server");
        held.signal("KILL");
        held.wait(PATIENCE);
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// One of its programs, run as somebody whom the server accepts.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !is_superuser() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        let user = format!("--reuid={USER}");
        command.args([&user, &format!("--regid={USER}"), "--clear-groups", "--"]).arg(program);
        // Where it may look around.
        command.current_dir("/");
        command
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // An immediate stop gives back the shared memory that a kill would leave.
        if let Some(held) = self.held.take() {
            held.signal("QUIT");
            let started = Instant::now();
            while held.runs() && started.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// The directory of the server's programs.
fn programs() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok();
    let told = told.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let mut places: Vec<PathBuf> = told.into_iter().collect();
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
    versions.sort();
    places.extend(versions.into_iter().rev());
    let places: Vec<&Path> = places.iter().map(PathBuf::as_path).collect();
    program("initdb", &places)?.parent().map(Path::to_owned)
}

fn done(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}
