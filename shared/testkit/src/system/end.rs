//! The end of a system, also of one whose test failed.

use super::{PATIENCE, System};
use crate::topology::Carrier;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

impl Drop for System {
    fn drop(&mut self) {
        drop(self.gateway.take());
        // Whoever is still connected to a broker makes again what is removed there.
        let Some(server) = self.server.take() else { return };
        let lives = |runtime: &Handle| runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
        if let (Carrier::RabbitMq, Some(runtime)) = (self.topology.carrier, Handle::try_current().ok().filter(lives)) {
            let stopped = tokio::time::timeout(PATIENCE, server.stop());
            // Late or not, the system ends here.
            let _ = block_in_place(|| runtime.block_on(stopped));
        }
    }
}
