//! Of what a system is made. Rule: the list is data; a further topology is one entry, and every suite that runs in all of
//! them runs in it too.

use crate::servers::{self, Needed};

/// Processes, databases and bus of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topology {
    /// What it is called.
    pub name: &'static str,
    /// Where the rows are.
    pub databases: Databases,
    /// What carries the events.
    pub carrier: Carrier,
    /// Its processes; none: one inside the test.
    pub processes: &'static [Part],
    /// Whether a gateway stands before the process inside the test.
    pub gateway: bool,
}

/// Where the rows of a system are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Databases {
    /// SQLite files in the system's directory.
    Files,
    /// One PostgreSQL database, a schema for each domain.
    Schemas,
    /// A PostgreSQL database for each domain.
    Apart,
}

/// What carries the events of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// Memory.
    InProcess,
    /// A broker.
    RabbitMq,
}

/// A process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What it is called, differently from every other.
    pub name: &'static str,
    /// The domains that it serves; none: it hands everything on.
    pub serves: &'static [&'static str],
}

impl Part {
    /// A process that serves those domains.
    #[must_use]
    pub const fn new(name: &'static str, serves: &'static [&'static str]) -> Self {
        Self { name, serves }
    }

    /// A process that hands everything on.
    #[must_use]
    pub const fn gateway() -> Self {
        Self::new("gateway", &[])
    }

    pub(crate) const fn is_gateway(&self) -> bool {
        self.serves.is_empty()
    }
}

/// The list, and the macro that makes a module of each entry.
macro_rules! topologies {
    ($d:tt $($(#[$docs:meta])+ $name:ident, $module:ident: $title:literal, $databases:ident, $carrier:ident, $processes:expr;)+) => {
        impl Topology {
            $($(#[$docs])+
            pub const $name: Self = Self {
                name: $title,
                databases: Databases::$databases,
                carrier: Carrier::$carrier,
                processes: $processes,
                gateway: false,
            };)+

            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }

        /// Makes a test of each case in each topology: `embedded::case`, `monolith_pg::case`, … A case is an
        /// `async fn(Topology)`.
        #[macro_export]
        macro_rules! in_every_topology {
            ($d($d case:ident),+ $d(,)?) => {
                $(mod $module {
                    $d(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $d case() {
                        if $crate::Topology::$name.can_run() {
                            super::$d case($crate::Topology::$name).await;
                        }
                    })+
                })+
            };
        }
    };
}

topologies! { $
    /// One process, SQLite files, the in-process bus.
    EMBEDDED, embedded: "embedded", Files, InProcess, &[];
    /// One process, PostgreSQL, the in-process bus.
    MONOLITH_PG, monolith_pg: "monolith-pg", Schemas, InProcess, &[];
    /// One process, PostgreSQL, a broker.
    MONOLITH_RABBIT, monolith_rabbit: "monolith-rabbit", Schemas, RabbitMq, &[];
    /// One process, SQLite files, a broker.
    EMBEDDED_RABBIT, embedded_rabbit: "embedded-rabbit", Files, RabbitMq, &[];
    /// A process and a database for each domain, a broker, and a gateway before them.
    SPLIT, split: "split", Apart, RabbitMq,
        &[
            Part::new("user", &["user"]),
            Part::new("task", &["task"]),
            Part::new("notification", &["notification"]),
            Part::gateway(),
        ];
}

impl Topology {
    /// Whether everything it needs is there; where it is not, a visible line says so.
    ///
    /// # Panics
    /// When something is missing that `CLEAVE_TEST_REQUIRE` names.
    #[must_use]
    pub fn can_run(&self) -> bool {
        let postgres = (self.databases != Databases::Files).then_some(Needed::Postgres);
        let rabbitmq = (self.carrier == Carrier::RabbitMq).then_some(Needed::RabbitMq);
        // Each that is missing is told.
        postgres.into_iter().chain(rabbitmq).filter(|needed| !servers::is_there(*needed)).count() == 0
    }

    /// The one that `CLEAVE_TEST_TOPOLOGY` names, for suites of one domain; without it, one process on SQLite. Of one
    /// that has several processes, what concerns a single domain: its service and the gateway, both inside the test.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn asked() -> Self {
        let Some(name) = servers::setting("CLEAVE_TEST_TOPOLOGY") else { return Self::EMBEDDED };
        let asked = Self::ALL.iter().find(|topology| topology.name == name);
        let asked = *asked.unwrap_or_else(|| panic!("CLEAVE_TEST_TOPOLOGY={name} is no topology"));
        if asked.processes.is_empty() {
            return asked;
        }
        // The only domain of a database has one of its own.
        let databases = if asked.databases == Databases::Apart { Databases::Schemas } else { asked.databases };
        Self { databases, processes: &[], gateway: asked.processes.iter().any(Part::is_gateway), ..asked }
    }

    /// The same with other processes.
    #[must_use]
    pub const fn with_processes(self, processes: &'static [Part]) -> Self {
        Self { processes, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_topology_and_every_process_has_a_name_of_its_own() {
        let names: HashSet<_> = Topology::ALL.iter().map(|topology| topology.name).collect();
        assert_eq!(names.len(), Topology::ALL.len());
        for Topology { name, processes, .. } in Topology::ALL {
            let names: HashSet<_> = processes.iter().map(|part| part.name).collect();
            assert_eq!(names.len(), processes.len(), "{name}");
            let gateways = processes.iter().filter(|part| part.is_gateway()).count();
            assert!(gateways <= 1, "{name}: clients speak to the one gateway");
        }
    }
}
