//! The servers of many rounds, and the ways to them. Rule: they are ours alone, and each round has databases and a virtual host of
//! its own there; the harness itself goes past the networks that fail.

use crate::faults::broker::PrivateBroker;
use crate::faults::fleet::{DOMAINS, Place};
use crate::faults::isolation::LOG_LINES;
use crate::faults::postgres::PrivatePostgres;
use crate::faults::wire::Network;
use testkit::{Carrier, Databases, Topology};
use tokio::task::block_in_place;

/// Several processes with a pool for each domain, and the harness's own looks.
const CONNECTIONS: &str = "max_connections=150";

/// The servers, which may be stopped; none where no system needs one, or where it is not installed.
#[derive(Default)]
pub struct Servers {
    postgres: Option<PrivatePostgres>,
    broker: Option<PrivateBroker>,
    databases: u64,
}

impl Servers {
    /// Starts what these systems need.
    pub async fn start(topologies: &[Topology]) -> Self {
        let mut servers = Self::default();
        if topologies.iter().any(|topology| topology.databases != Databases::Files) {
            servers.postgres = PrivatePostgres::start(&[CONNECTIONS, LOG_LINES]).await;
        }
        if topologies.iter().any(|topology| topology.carrier == Carrier::RabbitMq) {
            servers.broker = block_in_place(PrivateBroker::start);
        }
        servers
    }

    /// Whether it has what that one needs.
    #[must_use]
    pub fn serve(&self, topology: &Topology) -> bool {
        (topology.databases == Databases::Files || self.postgres.is_some())
            && (topology.carrier == Carrier::InProcess || self.broker.is_some())
    }

    pub(super) async fn place(&mut self, topology: &Topology) -> Place {
        self.databases += 1;
        if topology.databases == Databases::Files {
            return Place::Files;
        }
        let (n, postgres) = (self.databases, self.postgres());
        if topology.databases == Databases::Schemas {
            return Place::Database(postgres.database(&format!("round_{n}")).await);
        }
        let mut urls = Vec::new();
        for domain in DOMAINS {
            urls.push((domain, postgres.database(&format!("round_{n}_{domain}")).await));
        }
        Place::Databases(urls.into_iter().collect())
    }

    pub(super) fn bus(&self, topology: &Topology) -> Option<String> {
        let broker = self.broker.as_ref().filter(|_| topology.carrier == Carrier::RabbitMq);
        broker.map(|broker| block_in_place(|| broker.virtual_host(&format!("round-{}", self.databases))))
    }

    pub(super) const fn postgres(&self) -> &PrivatePostgres {
        self.postgres.as_ref().expect("a PostgreSQL")
    }

    pub(super) const fn postgres_mut(&mut self) -> &mut PrivatePostgres {
        self.postgres.as_mut().expect("a PostgreSQL")
    }

    pub(super) const fn broker(&self) -> &PrivateBroker {
        self.broker.as_ref().expect("a broker")
    }

    pub(super) const fn broker_mut(&mut self) -> &mut PrivateBroker {
        self.broker.as_mut().expect("a broker")
    }
}

/// What is between the processes of a round and the servers; nothing where no network of ours is.
#[derive(Default)]
pub(super) struct Roads {
    postgres: Option<Network>,
    broker: Option<Network>,
}

impl Roads {
    /// A network before each server that such a system has.
    pub(super) async fn before(servers: &Servers, topology: &Topology) -> Self {
        let mut roads = Self::default();
        if topology.databases != Databases::Files {
            roads.postgres = Some(Network::before(servers.postgres().address()).await);
        }
        if topology.carrier == Carrier::RabbitMq {
            roads.broker = Some(Network::before(servers.broker().address()).await);
        }
        roads
    }

    /// The URL of a database, by way of what is between.
    pub(super) fn to_postgres(&self, url: &str) -> String {
        self.postgres.as_ref().map_or_else(|| url.to_owned(), |network| network.through(url))
    }

    /// The URL of a bus, by way of what is between.
    pub(super) fn to_broker(&self, url: &str) -> String {
        self.broker.as_ref().map_or_else(|| url.to_owned(), |network| network.through(url))
    }

    pub(super) const fn postgres(&self) -> &Network {
        self.postgres.as_ref().expect("a network before PostgreSQL")
    }

    pub(super) const fn broker(&self) -> &Network {
        self.broker.as_ref().expect("a network before the broker")
    }
}
