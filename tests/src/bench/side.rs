//! Cleave and the server that it is compared with, on copies of the same rows. Rule: both are asked the same by the same users,
//! and neither has anything to do while the other is measured.

use super::cleave::{Cleave, ROLE, own_binary};
use super::crowd::Crowd;
use super::driver::{Driven, Load};
use super::figures::Figures;
use super::hand::{ON_POSTGRES, ON_SQLITE, TOLD};
use super::seed::Seed;
use super::workload::Workload;
use crate::faults::fleet::Place;
use crate::faults::held::{Held, free_port};
use crate::faults::postgres::PrivatePostgres;
use crate::faults::store::connect;
use std::fmt;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it may take until all that a measurement caused is done.
const AFTERMATH: Duration = Duration::from_secs(300);
/// How long it is asked before it counts.
const WARM: Duration = Duration::from_millis(200);

/// At how many connections creates are the fastest.
pub const CONNECTIONS: [usize; 2] = [32, 128];

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// By hand on PostgreSQL.
    A,
    /// Cleave on PostgreSQL.
    CleavePostgres,
    /// By hand on SQLite.
    L,
    /// Cleave on SQLite.
    CleaveSqlite,
}

impl Side {
    /// In the order in which they take turns.
    pub const ALL: [Self; 4] = [Self::A, Self::CleavePostgres, Self::L, Self::CleaveSqlite];
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "A: by hand, PostgreSQL",
            Self::CleavePostgres => "Cleave monolith-pg",
            Self::L => "L: by hand, SQLite",
            Self::CleaveSqlite => "Cleave embedded",
        })
    }
}

/// Cleave with its users and rows.
pub struct Staged {
    /// The process.
    pub cleave: Cleave,
    /// Its users.
    pub crowd: Crowd,
    /// Its rows.
    pub seed: Seed,
    /// What was refused.
    pub refusals: Vec<String>,
}

/// Users, and owners of how many rows.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Who ask.
    pub users: usize,
    /// Who own, those who ask among them.
    pub owners: usize,
    /// What they own.
    pub tasks: u64,
}

impl Staged {
    /// Users registered and rows written; it does not run.
    ///
    /// # Panics
    /// When it does not work.
    pub async fn new(mut cleave: Cleave, size: Size) -> Self {
        cleave.start();
        let crowd = Crowd::register(cleave.address(), size.users).await;
        cleave.settled(AFTERMATH).await;
        cleave.stop();
        let seed = Seed::new(&crowd.ids, size.owners, size.tasks);
        seed.write(&cleave.store("task")).await;
        Self { cleave, crowd, seed, refusals: Vec::new() }
    }

    /// Starts it, and signs its users in.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(&mut self) {
        self.cleave.start();
        self.crowd.sign_in().await;
    }

    /// Asks, and waits until all is done that this caused.
    ///
    /// # Panics
    /// When something is not answered.
    pub async fn measure(&mut self, workload: Workload, connections: usize, span: Duration) -> Figures {
        self.crowd.sign_in().await;
        let address = self.cleave.address();
        let figures = self.measure_at(address, workload, connections, span).await;
        if workload.writes() {
            self.cleave.settled(AFTERMATH).await;
        }
        self.cleave.forget_log();
        figures
    }

    /// The most tasks that it takes a second.
    ///
    /// # Panics
    /// When something is not answered.
    pub async fn highest_creates(&mut self, span: Duration) -> f64 {
        let mut highest: f64 = 0.0;
        for connections in CONNECTIONS {
            highest = highest.max(self.measure(Workload::Create, connections, span).await.rate);
        }
        highest
    }

    async fn measure_at(
        &mut self,
        address: SocketAddr,
        workload: Workload,
        connections: usize,
        span: Duration,
    ) -> Figures {
        let requests = workload.requests(&self.crowd, &self.seed);
        self.drive(Load { address, connections, requests, warm: WARM, span, rate: None }, workload).await
    }

    /// Asks, and keeps what is refused.
    ///
    /// # Panics
    /// When something is not answered.
    pub async fn drive(&mut self, load: Load, workload: Workload) -> Figures {
        let driven = load.drive().await;
        let Driven { figures, refusal } = driven.unwrap_or_else(|error| panic!("{workload}: {error}"));
        self.refusals.extend(refusal.map(|refusal| format!("{workload}: {refusal}")));
        figures
    }
}

/// Cleave, and who is compared with it.
pub struct Pair {
    /// Cleave.
    pub staged: Staged,
    address: SocketAddr,
    _held: Held,
    // Last: nobody uses it any more.
    _directory: TempDir,
}

impl Pair {
    /// Both of them, running.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn start(mut staged: Staged, postgres: Option<&PrivatePostgres>) -> Self {
        let directory = tempfile::Builder::new().prefix("cleave-hand-").tempdir().expect("a directory");
        let port = free_port();
        let (role, rows) = match (staged.cleave.place(), postgres) {
            (Place::Database(url), Some(postgres)) => (ON_POSTGRES, copied(postgres, url).await),
            _ => {
                let copy = directory.path().join("task.db");
                std::fs::copy(staged.cleave.file("task"), &copy).expect("a copy");
                (ON_SQLITE, copy.display().to_string())
            }
        };
        staged.start().await;
        let mut command = Command::new(own_binary());
        command.env(ROLE, role);
        for (name, value) in TOLD.into_iter().zip([port.to_string(), rows, staged.crowd.keys().await]) {
            command.env(name, value);
        }
        let held = Held::start(&command, &directory.path().join("log"));
        let (started, address) = (Instant::now(), SocketAddr::from(([127, 0, 0, 1], port)));
        while TcpStream::connect(address).is_err() {
            assert!(held.runs() && started.elapsed() < PATIENCE, "{role} does not start: {}", held.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { staged, address, _held: held, _directory: directory }
    }

    /// Asks who is compared with Cleave.
    ///
    /// # Panics
    /// When something is not answered.
    pub async fn measure_hand(&mut self, workload: Workload, connections: usize, span: Duration) -> Figures {
        self.staged.crowd.sign_in().await;
        self.staged.measure_at(self.address, workload, connections, span).await
    }
}

/// The URL of a copy of that database.
async fn copied(postgres: &PrivatePostgres, url: &str) -> String {
    let name = url.rsplit('/').next().expect("a name");
    let client = connect(&postgres.url("postgres")).await.expect("the server");
    client.batch_execute(&format!("CREATE DATABASE {name}_by_hand TEMPLATE {name}")).await.expect("a copy");
    let url = postgres.url(&format!("{name}_by_hand"));
    connect(&url).await.expect("the copy").batch_execute("ANALYZE task.task").await.expect("statistics");
    url
}
