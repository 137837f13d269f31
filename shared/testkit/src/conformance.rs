//! What every bus promises, whichever it is. Rule: one source; a bus that needs a case of its own has broken the
//! promise.
//!
//! A bus brings a [`Rig`] and calls [`bus_conformance!`](crate::bus_conformance), which makes a test of each case. The
//! inbox of these cases is in memory and records what it is handed, so they tell what the bus alone does. What a bus, a
//! real outbox and a real inbox come to together is `tests/system/conformance.rs`, on every pair of bus and database;
//! it gets both from a [`Stand`].

mod disorder;
mod events;
mod order;
mod recorder;
mod relay;
mod stand;

use async_trait::async_trait;
use bus::Subscription;
pub use bus::{EventBus, Published};
use contracts::topology;
pub use disorder::{
    a_consumer_that_comes_back_gets_what_it_missed, a_panicking_inbox_costs_nothing_but_time,
    a_slow_inbox_delays_and_loses_nothing, an_event_offered_twice_has_one_effect,
    leaving_in_the_middle_finishes_what_is_under_way, trouble_of_a_database_is_waited_out,
    what_was_parked_does_not_come_again,
};
pub use events::event;
pub use order::{
    every_consumer_gets_every_event_of_its_streams_in_order, what_nobody_hears_is_accepted,
    what_only_one_hears_reaches_only_that_one,
};
pub use recorder::{Mood, Recorder};
pub use relay::Relay;
pub use stand::Stand;
use std::sync::Arc;
use std::time::Duration;

/// How long a case may take to come to rest; a bus that is under a fault when it begins may need half a minute.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a bus is tested on.
#[async_trait]
pub trait Rig: Send + Sync {
    /// Starts a process that mounts these domains; its bus. When the one before was dropped, it is a restart.
    async fn process(&self, mounted: &[&'static str]) -> Arc<dyn EventBus>;
}

/// Makes a test of each case. The argument is a future of an `Option<impl Rig>`; where it is none, it has said why.
#[macro_export]
macro_rules! bus_conformance {
    ($rig:expr) => {
        $crate::bus_conformance!(@each $rig;
            every_consumer_gets_every_event_of_its_streams_in_order,
            what_only_one_hears_reaches_only_that_one,
            what_nobody_hears_is_accepted,
            trouble_of_a_database_is_waited_out,
            what_was_parked_does_not_come_again,
            an_event_offered_twice_has_one_effect,
            a_consumer_that_comes_back_gets_what_it_missed,
            a_panicking_inbox_costs_nothing_but_time,
            a_slow_inbox_delays_and_loses_nothing,
            leaving_in_the_middle_finishes_what_is_under_way,
        );
    };
    (@each $rig:expr; $($case:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            if let Some(rig) = $rig.await {
                $crate::conformance::$case(&rig).await;
            }
        }
    )+};
}

/// Subscribes a consumer to what the table of streams gives it.
pub async fn subscribe(bus: &dyn EventBus, consumer: &'static str, inbox: &Arc<Recorder>) {
    let streams = topology::heard_by(consumer);
    bus.subscribe(Subscription { consumer, streams, inbox: Arc::clone(inbox) as _ }).await;
}
