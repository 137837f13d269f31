//! What a system stands on: databases and names at the broker of its own. Rule: they are gone when the test is over, also
//! when it failed.

use crate::servers;
use crate::tokens::random_id;
use crate::topology::{Carrier, Databases, Topology};
use db::testing::Scratch;
use runtime::{BusSetting, Config};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Databases and broker of one system.
pub(crate) struct Ground {
    directory: PathBuf,
    /// By domain, or under no name the one of all domains.
    databases: BTreeMap<&'static str, Scratch>,
    broker: Option<Broker>,
    /// 64 hex digits that nobody else has.
    pub(crate) secret: String,
}

/// Names at the broker that begin alike.
struct Broker {
    url: String,
    prefix: String,
}

impl Ground {
    /// Makes what the topology asks for.
    pub(crate) async fn of(topology: &Topology, directory: &Path) -> Self {
        let domains = || topology.processes.iter().flat_map(|part| part.serves.iter().copied());
        let names: Vec<&'static str> = match topology.databases {
            Databases::Files => Vec::new(),
            Databases::Schemas => vec![""],
            Databases::Apart => domains().collect(),
        };
        let mut databases = BTreeMap::new();
        for name in names {
            if !databases.contains_key(name) {
                databases.insert(name, Scratch::new().await.expect("a PostgreSQL, or no such topology"));
            }
        }
        let broker = (topology.carrier == Carrier::RabbitMq)
            .then(|| Broker { url: servers::broker(), prefix: format!("test-{}.", random_id().simple()) });
        let secret = format!("{}{}", random_id().simple(), random_id().simple());
        Self { directory: directory.to_owned(), databases, broker, secret }
    }

    /// Tells a process inside the test about it.
    pub(crate) fn tell(&self, config: &mut Config) {
        if !self.databases.is_empty() {
            config.keys_secret = Some(self.secret.clone().into());
            config.seal_secret = Some(self.secret.clone().into());
        }
        config.database_url = self.databases.get("").map(|scratch| scratch.url().into());
        config.database_urls = self
            .databases
            .iter()
            .filter(|(domain, _)| !domain.is_empty())
            .map(|(domain, scratch)| ((*domain).to_owned(), scratch.url().into()))
            .collect();
        if let Some(broker) = &self.broker {
            config.bus = BusSetting::RabbitMq(broker.url.clone().into());
            config.seams.bus_prefix = Some(broker.prefix.clone());
        }
    }

    /// The same in the words of an operator, for a process that serves those domains.
    pub(crate) fn variables(&self, domains: &[&str]) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        let mut say = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
        if let Some(broker) = &self.broker {
            say("CLEAVE_BUS", &broker.url);
            say(crate::child::PREFIX, &broker.prefix);
        }
        for (name, scratch) in &self.databases {
            if name.is_empty() && !domains.is_empty() {
                say("CLEAVE_DATABASE_URL", &scratch.url());
            } else if domains.contains(name) {
                say(&format!("CLEAVE_{}_DATABASE_URL", name.to_uppercase()), &scratch.url());
            }
        }
        variables
    }

    /// Where a domain's rows are, when it is no file.
    pub(crate) fn postgres(&self, domain: &str) -> Option<&Scratch> {
        self.databases.get(domain).or_else(|| self.databases.get(""))
    }

    /// A domain's SQLite file.
    pub(crate) fn file(&self, domain: &str) -> PathBuf {
        self.directory.join(format!("{domain}.db"))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let (url, prefix) = (self.url.clone(), self.prefix.clone());
        // A thread of its own: the test's runtime may be ending.
        let removing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(bus_rabbitmq::remove_everything(&url, &prefix))
        });
        let removed = removing.join().map(|removed| removed.map_err(|error| error.to_string()));
        // A test that fails already has more to say than this.
        assert!(
            matches!(removed, Ok(Ok(()))) || std::thread::panicking(),
            "what is called {}… stays at the broker: {removed:?}",
            self.prefix
        );
    }
}
