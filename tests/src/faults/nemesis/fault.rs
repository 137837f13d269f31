//! Everything that can go wrong with a system. Rule: a fault is a word and its victim; what it is called, how long it lasts and
//! where it may happen stand beside one another, and how it is done is elsewhere.

use crate::faults::fleet::{DOMAINS, parts};
use crate::faults::wire::Weather;
use std::fmt;
use std::time::Duration;
use testkit::{Carrier, Databases, Topology};

/// What a network does in turn.
pub const WEATHERS: [Weather; 5] =
    [Weather::AnswersLost, Weather::Still, Weather::Slow(20_000), Weather::Slices, Weather::CutAfter(4_000)];
/// By how much a slow disk delays every write that has to be on it.
pub const DELAYS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A process is killed.
    Kill(&'static str),
    /// A process stands still.
    Stop(&'static str),
    /// A process has one core, and shares it with many who never rest.
    Starve(&'static str),
    /// A process may open nothing more: no file, and no connection.
    FewDescriptors(&'static str),
    /// A process gets no more memory, and is killed.
    LittleMemory(&'static str),
    /// The disk under a process's files is slow.
    SlowFiles(&'static str, Duration),
    /// A process may write no file longer than it is.
    ShortFiles(&'static str),
    /// A stranger holds the lock of a domain's file.
    FileLock(&'static str),
    /// A stranger reads a domain's file, and does not come to an end.
    LongReader(&'static str),
    /// PostgreSQL stops as in a crash.
    PostgresStop,
    /// Its postmaster is killed.
    PostgresKill,
    /// All of its processes stand still.
    PostgresHang,
    /// Its sessions are ended, again and again.
    Terminate,
    /// Strangers take every connection that it has.
    PostgresFull,
    /// A stranger leaves a transaction open.
    IdleTransaction,
    /// The disk under it is slow.
    PostgresSlow(Duration),
    /// The network before it fails.
    PostgresNetwork(Weather),
    /// Every connection to it is reset, again and again.
    PostgresReset,
    /// The broker is told to end.
    BrokerStop,
    /// The broker is killed.
    BrokerKill,
    /// The broker stands still.
    BrokerHang,
    /// The broker's application stops inside its node.
    BrokerStopApp,
    /// The broker closes all connections, again and again.
    CloseConnections,
    /// The broker has too little memory to take anything.
    MemoryAlarm,
    /// The broker has too little disk to take anything.
    DiskAlarm,
    /// The network before it fails.
    BrokerNetwork(Weather),
    /// Every connection to it is reset, again and again.
    BrokerReset,
}

/// What a fault happens to; no two faults at once happen to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// One of the system's own.
    Process,
    /// A file of a domain.
    File,
    /// The server of the databases, or the way to it.
    Postgres,
    /// The broker, or the way to it.
    Broker,
}

/// How long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// A moment.
    Briefly,
    /// As long as something stands still: mostly seconds, at times half a minute.
    AsStanding,
    /// Between so many seconds and so many.
    Seconds(usize, usize),
}

/// Where a fault is part of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In short runs too.
    Always,
    /// In a long run alone.
    LongRun,
    /// In a long run, where a network of ours is in between.
    BehindNetwork,
}

impl Fault {
    /// What it is asked for by; what it is called in a report, and the order there; and the rest that is known of it.
    #[must_use]
    pub const fn about(self) -> (&'static str, &'static str, Victim, Lasts, Where) {
        use Lasts::{AsStanding, Briefly, Seconds};
        use Victim::{Broker, File, Postgres, Process};
        use Where::{Always, BehindNetwork, LongRun};
        match self {
            Self::Kill(_) => ("kill", "SIGKILL of a process", Process, Briefly, Always),
            Self::Stop(_) => ("stop", "SIGSTOP of a process", Process, AsStanding, Always),
            Self::Starve(_) => ("starve", "process starved of CPU", Process, Seconds(2, 10), LongRun),
            Self::FewDescriptors(_) => {
                ("descriptors", "process out of file descriptors", Process, Seconds(1, 10), LongRun)
            }
            Self::LittleMemory(_) => ("memory", "process out of memory", Process, Seconds(1, 4), LongRun),
            Self::SlowFiles(..) => ("slow-files", "files on a slow disk", Process, Seconds(2, 8), Always),
            Self::ShortFiles(_) => ("short-files", "files at their size limit", Process, Seconds(1, 8), Always),
            Self::FileLock(_) => ("file-lock", "file locked by a stranger", File, Seconds(1, 10), Always),
            Self::LongReader(_) => {
                ("long-reader", "file read by a stranger all the while", File, Seconds(8, 20), Always)
            }
            Self::PostgresStop => ("postgres-stop", "PostgreSQL stopped at once", Postgres, Briefly, Always),
            Self::PostgresKill => ("postgres-kill", "PostgreSQL killed", Postgres, Briefly, Always),
            Self::PostgresHang => ("postgres-hang", "PostgreSQL hung (SIGSTOP)", Postgres, AsStanding, Always),
            Self::Terminate => ("terminate", "PostgreSQL sessions ended", Postgres, Briefly, Always),
            Self::PostgresFull => ("postgres-full", "PostgreSQL connections used up", Postgres, Seconds(1, 10), Always),
            Self::IdleTransaction => {
                ("idle-transaction", "PostgreSQL transaction left open", Postgres, Seconds(8, 20), Always)
            }
            Self::PostgresSlow(_) => ("postgres-slow", "PostgreSQL on a slow disk", Postgres, Seconds(2, 8), Always),
            Self::PostgresNetwork(Weather::Still) => {
                ("postgres-network", "PostgreSQL network failed", Postgres, AsStanding, BehindNetwork)
            }
            Self::PostgresNetwork(_) => {
                ("postgres-network", "PostgreSQL network failed", Postgres, Briefly, BehindNetwork)
            }
            Self::PostgresReset => ("postgres-reset", "PostgreSQL connections reset", Postgres, Briefly, BehindNetwork),
            Self::BrokerStop => ("broker-stop", "broker restarted", Broker, Briefly, Always),
            Self::BrokerKill => ("broker-kill", "broker killed", Broker, Briefly, Always),
            Self::BrokerHang => ("broker-hang", "broker hung (SIGSTOP)", Broker, AsStanding, Always),
            Self::BrokerStopApp => ("broker-stop-app", "broker stop_app", Broker, Briefly, Always),
            Self::CloseConnections => ("close-connections", "broker connections closed", Broker, Briefly, Always),
            Self::MemoryAlarm => ("memory-alarm", "broker memory alarm", Broker, AsStanding, Always),
            Self::DiskAlarm => ("disk-alarm", "broker disk alarm", Broker, AsStanding, Always),
            Self::BrokerNetwork(Weather::Still) => {
                ("broker-network", "broker network failed", Broker, AsStanding, BehindNetwork)
            }
            Self::BrokerNetwork(_) => ("broker-network", "broker network failed", Broker, Briefly, BehindNetwork),
            Self::BrokerReset => ("broker-reset", "broker connections reset", Broker, Briefly, BehindNetwork),
        }
    }

    /// What it is asked for by.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.about().0
    }

    /// What it is called in a report, and the order there.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.about().1
    }

    /// What it happens to.
    #[must_use]
    pub const fn victim(self) -> Victim {
        self.about().2
    }

    /// Whether commands are accepted all the while: what it takes away is not needed for them.
    #[must_use]
    pub const fn spares_commands(self) -> bool {
        matches!(self.victim(), Victim::Broker) || matches!(self, Self::LongReader(_) | Self::IdleTransaction)
    }

    /// Everything that can go wrong with such a system: of each kind, what it may happen to. A process is killed twice as
    /// often as anything else happens.
    #[must_use]
    pub fn of(topology: &Topology) -> Vec<Vec<Self>> {
        let processes = |fault: fn(&'static str) -> Self| parts(topology).iter().map(|part| fault(part.name)).collect();
        let domains = |fault: fn(&'static str) -> Self| DOMAINS.into_iter().map(fault).collect();
        let mut kinds: Vec<Vec<Self>> = vec![
            processes(Self::Kill),
            processes(Self::Kill),
            processes(Self::Stop),
            processes(Self::Starve),
            processes(Self::FewDescriptors),
            processes(Self::LittleMemory),
        ];
        if topology.databases == Databases::Files {
            let slow = |delay| parts(topology).iter().map(move |part| Self::SlowFiles(part.name, delay));
            kinds.extend([
                DELAYS.into_iter().flat_map(slow).collect(),
                processes(Self::ShortFiles),
                domains(Self::FileLock),
                domains(Self::LongReader),
            ]);
        } else {
            use Fault::{
                IdleTransaction, PostgresFull, PostgresHang, PostgresKill, PostgresReset, PostgresStop, Terminate,
            };
            kinds.extend([PostgresStop, PostgresKill, PostgresHang, Terminate].map(|fault| vec![fault]));
            kinds.extend([PostgresFull, IdleTransaction, PostgresReset].map(|fault| vec![fault]));
            kinds.push(DELAYS.map(Self::PostgresSlow).into());
            kinds.push(WEATHERS.map(Self::PostgresNetwork).into());
        }
        if topology.carrier == Carrier::RabbitMq {
            use Fault::{
                BrokerHang, BrokerKill, BrokerReset, BrokerStop, BrokerStopApp, CloseConnections, DiskAlarm,
                MemoryAlarm,
            };
            kinds.extend([BrokerStop, BrokerKill, BrokerHang, BrokerStopApp].map(|fault| vec![fault]));
            kinds.extend([CloseConnections, MemoryAlarm, DiskAlarm, BrokerReset].map(|fault| vec![fault]));
            kinds.push(WEATHERS.map(Self::BrokerNetwork).into());
        }
        kinds
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Kill(whom)
            | Self::Stop(whom)
            | Self::Starve(whom)
            | Self::FewDescriptors(whom)
            | Self::LittleMemory(whom)
            | Self::ShortFiles(whom)
            | Self::FileLock(whom)
            | Self::LongReader(whom) => write!(f, " ({whom})"),
            Self::SlowFiles(whom, delay) => write!(f, " ({whom}, {delay:?})"),
            Self::PostgresSlow(delay) => write!(f, " ({delay:?})"),
            Self::PostgresNetwork(weather) | Self::BrokerNetwork(weather) => write!(f, " ({weather:?})"),
            _ => Ok(()),
        }
    }
}
