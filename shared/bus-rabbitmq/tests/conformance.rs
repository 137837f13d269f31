//! What every bus promises, over a broker.

#![expect(clippy::expect_used, reason = "a test ends at what it did not expect")]

use async_trait::async_trait;
use bus::EventBus;
use bus_rabbitmq::{Options, RabbitMq, Timing};
use std::sync::Arc;
use std::time::Duration;
use testkit::VirtualHost;
use testkit::conformance::{Rig, event};

struct Broker(VirtualHost);

#[async_trait]
impl Rig for Broker {
    async fn process(&self, mounted: &[&'static str]) -> Arc<dyn EventBus> {
        let boot_id = event(contracts::topology::USERS, 1, 1).id.uuid();
        let options = Options { url: self.0.url(), boot_id, mounted: mounted.to_vec(), prefix: None };
        let short = (Duration::from_millis(10), Duration::from_millis(50));
        let timing = Timing { retry: short, reconnect: short, ..Timing::default() };
        RabbitMq::connect_with(options, timing).await.expect("a bus")
    }
}

testkit::bus_conformance!(async { VirtualHost::new().map(Broker) });
