//! A running process. Rule: everything it holds (port, files, threads, tasks) is released by [`Server::stop`], in
//! the order that loses nothing.

mod bus;
mod opened;
mod start;
mod waiting;

pub(crate) use opened::{Files, deps_of, open_one, open_served};
pub use start::serve;

use crate::data_dir::{AddressFile, Lock};
use crate::http::Http;
use crate::metrics::MetricsListener;
use crate::migrate::Migrated;
use crate::process::Process;
use ::bus::EventBus;
use db::Db;
use futures_util::future::join_all;
use outbox::Messaging;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How long a job may go on after the process was told to stop. What it has not committed it does again.
const LAST_JOBS: Duration = Duration::from_secs(5);

/// A domain that this process serves.
pub struct Domain {
    /// Its name.
    pub name: &'static str,
    /// Its database.
    pub db: Db,
    /// Its relay and inbox.
    pub messaging: Messaging,
    pub(crate) migrated: Migrated,
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain").field("name", &self.name).field("migrated", &self.migrated).finish_non_exhaustive()
    }
}

/// A process that listens. Dropped without [`Server::stop`], it ends as a killed one does.
pub struct Server {
    address: SocketAddr,
    screen: String,
    drain_delay: Duration,
    process: Arc<Process>,
    bus: Arc<dyn EventBus>,
    http: Http,
    metrics: Option<MetricsListener>,
    jobs: Jobs,
    following: JoinSet<()>,
    address_file: Option<AddressFile>,
    locks: Vec<Lock>,
}

#[derive(Default)]
struct Jobs {
    tasks: JoinSet<()>,
    wakers: Vec<Arc<Notify>>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How clients reach it, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.process.public_url
    }

    /// What an operator wants to see at the start.
    #[must_use]
    pub fn screen(&self) -> &str {
        &self.screen
    }

    /// The domains it serves.
    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        &self.process.domains
    }

    /// What its events travel on.
    #[must_use]
    pub fn bus(&self) -> &Arc<dyn EventBus> {
        &self.bus
    }

    /// Makes relays, inboxes and jobs look at once, for instance after a test has moved its clock.
    pub fn wake_all(&self) {
        for domain in self.domains() {
            domain.messaging.wake();
        }
        for waker in &self.jobs.wakers {
            waker.notify_one();
        }
    }

    /// Returns when HTTP has ended by itself, which is a fault.
    pub async fn join(&self) {
        self.http.ended().await;
    }

    /// Says that it is not ready, waits the drain delay, finishes the requests under way, then the deliveries under
    /// way, closes the databases and lets go of port and files.
    pub async fn stop(mut self) {
        self.process.begin_draining();
        tokio::time::sleep(self.drain_delay).await;
        self.http.stop().await;
        self.jobs.stop().await;
        self.following.shutdown().await;
        drop(self.metrics.take());
        // All relays before the first inbox: an event that is offered to nobody counts as delivered.
        join_all(self.domains().iter().map(|domain| domain.messaging.stop_relay())).await;
        join_all(self.domains().iter().map(|domain| domain.messaging.stop_inbox())).await;
        join_all(self.domains().iter().map(|domain| domain.db.close())).await;
        let Self { address_file, locks, .. } = self;
        drop((address_file, locks));
        tracing::info!("stopped");
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("domains", &self.domains())
            .finish_non_exhaustive()
    }
}

impl Jobs {
    async fn stop(&mut self) {
        self.stop.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_JOBS, finished).await.is_err() {
            tracing::warn!("a job did not end in time and is cut off; it will do its work again");
            self.tasks.shutdown().await;
        }
    }
}
