//! A virtual host, perhaps behind a proxy, and buses on it.

use crate::proxy::Proxy;
use bus::EventBus;
use bus_rabbitmq::{ConnectError, Options, RabbitMq, Timing};
use futures_util::FutureExt;
use lapin::{Channel, Connection, ConnectionProperties};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use testkit::conformance::{Recorder, subscribe};
use testkit::{VirtualHost, eventually};
use uuid::Uuid;

pub const SOON: Duration = Duration::from_secs(20);
pub const ALL: [&str; 3] = ["user", "task", "notification"];

/// The times of the tests: everything that is waited for comes soon. Most tests leave queues without a consumer.
pub fn timing() -> Timing {
    let short = (Duration::from_millis(20), Duration::from_millis(100));
    let abandoned = Duration::from_secs(3_600);
    Timing { reconnect: short, retry: short, check: Duration::from_millis(200), abandoned, ..Timing::default() }
}

pub struct World {
    pub host: VirtualHost,
    pub proxy: Proxy,
}

impl World {
    /// None where there is no broker.
    pub async fn new() -> Option<Self> {
        let host = VirtualHost::new()?;
        let proxy = Proxy::start(host.server().to_owned()).await;
        Some(Self { host, proxy })
    }

    /// A process behind the proxy.
    pub async fn process(&self, mounted: &[&'static str], timing: Timing) -> Arc<dyn EventBus> {
        self.try_process(mounted, timing).await.unwrap()
    }

    pub async fn try_process(
        &self,
        mounted: &[&'static str],
        timing: Timing,
    ) -> Result<Arc<dyn EventBus>, ConnectError> {
        let url = self.host.url_at(&self.proxy.address());
        let options = Options { url, boot_id: Uuid::from_u128(7), mounted: mounted.to_vec(), prefix: None };
        RabbitMq::connect_with(options, timing).await.map(|bus| bus as Arc<dyn EventBus>)
    }

    /// A process with a consuming task domain.
    pub async fn with_task(&self, timing: Timing) -> (Arc<dyn EventBus>, Arc<Recorder>) {
        let bus = self.process(&["user", "task"], timing).await;
        let inbox = Arc::new(Recorder::default());
        subscribe(bus.as_ref(), "task", &inbox).await;
        (bus, inbox)
    }

    /// A channel of the test's own, past the proxy.
    pub async fn channel(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.host.url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// Messages that wait in a queue, and those that were handed out and not settled.
    pub fn messages(&self, queue: &str) -> u64 {
        let listed =
            self.host.control(&["list_queues", "-p", self.host.name(), "name", "messages", "--no-table-headers"]);
        let listed = listed.unwrap();
        let line = listed.lines().find_map(|line| line.strip_prefix(queue)?.trim().parse().ok());
        line.unwrap_or_else(|| panic!("no queue {queue} among {listed}"))
    }

    /// Returns when a queue holds nothing.
    pub async fn drained(&self, queue: &str) {
        eventually(&format!("{queue} drains"), SOON, async || (self.messages(queue) == 0).then_some(())).await;
    }
}

/// Returns when the bus has this to say about itself.
pub async fn trouble(bus: &Arc<dyn EventBus>, wanted: impl Fn(Option<&str>) -> bool) -> Option<String> {
    let ask = async || {
        let trouble = bus.status().trouble;
        wanted(trouble.as_deref()).then_some(trouble)
    };
    let asking = AssertUnwindSafe(eventually("the bus says how it is", SOON, ask)).catch_unwind().await;
    asking.unwrap_or_else(|_| panic!("the bus says of itself: {:?}", bus.status().trouble))
}
