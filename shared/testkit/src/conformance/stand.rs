//! What a real outbox and a real inbox need under them. Rule: databases and names at the broker are the test's own and
//! gone with it, also when a process on them was ended in the middle.

use crate::clock::TestClock;
use crate::ground::Ground;
use crate::tokens::random_id;
use crate::topology::Topology;
use bus::{EventBus, InProcess};
use bus_rabbitmq::{Options, RabbitMq, Timing};
use db::DbOptions;
use runtime::{BusSetting, Config};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// How long a busy machine may take for what is quick on a quiet one.
const PATIENCE: Duration = Duration::from_secs(60);

/// Databases, and names at a broker where there is one.
pub struct Stand {
    config: Config,
    clock: TestClock,
    // Last: nobody uses them any more.
    ground: Ground,
    _directory: TempDir,
}

impl Stand {
    /// Makes what the topology's bus and databases need; none where a server is missing, which a line on standard
    /// error says.
    ///
    /// # Panics
    /// When a server is missing that has to be there, or refuses.
    pub async fn of(topology: &Topology) -> Option<Self> {
        if !topology.can_run() {
            return None;
        }
        let directory = tempfile::tempdir().expect("a directory");
        let ground = Ground::of(topology, directory.path()).await;
        let mut config = Config::embedded(directory.path().to_owned());
        ground.tell(&mut config);
        Some(Self { config, clock: TestClock::new(), ground, _directory: directory })
    }

    /// The clock of every process here.
    #[must_use]
    pub const fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// How a domain's database is opened.
    #[must_use]
    pub fn database(&self, domain: &str) -> DbOptions {
        let mut options = match self.ground.postgres(domain) {
            Some(scratch) => DbOptions::postgres(scratch.url(), domain),
            None => DbOptions::file(self.ground.file(domain)),
        };
        (options.readers, options.writers) = (2, 4);
        options.clock = Arc::new(self.clock.clone());
        options.limits.acquire = PATIENCE;
        options.limits.statement = PATIENCE;
        options.limits.silence = PATIENCE;
        options
    }

    /// The bus of a process that mounts these domains. Its tasks run on the present tokio runtime.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn bus(&self, mounted: &[&'static str]) -> Arc<dyn EventBus> {
        let BusSetting::RabbitMq(url) = &self.config.bus else {
            return Arc::new(InProcess::new(mounted.iter().copied()));
        };
        let options = Options {
            url: url.expose_secret().to_owned(),
            boot_id: random_id(),
            mounted: mounted.to_vec(),
            prefix: self.config.seams.bus_prefix.clone(),
        };
        let short = (Duration::from_millis(10), Duration::from_millis(100));
        let timing = Timing { retry: short, reconnect: short, ..Timing::default() };
        RabbitMq::connect_with(options, timing).await.expect("a bus")
    }
}
