//! What every bus promises, on the bus of one process.

use async_trait::async_trait;
use bus::{EventBus, InProcess};
use std::sync::Arc;
use testkit::conformance::Rig;

struct OneProcess;

#[async_trait]
impl Rig for OneProcess {
    async fn process(&self, mounted: &[&'static str]) -> Arc<dyn EventBus> {
        Arc::new(InProcess::new(mounted.iter().copied()))
    }
}

testkit::bus_conformance!(async { Some(OneProcess) });
