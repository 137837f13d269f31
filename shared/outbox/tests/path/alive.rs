//! A relay whose task dies. Rule: it begins again by itself, somebody can see that it did, and no event is lost by it.

use crate::pair::Pair;
use crate::place::Kind;
use crate::somebody;

pub async fn a_relay_that_panics_begins_again_and_is_seen_to(kind: Kind) {
    let Some(mut pair) = Pair::new(kind).await else { return };
    pair.start_consumer().await;
    pair.start_publisher().await;
    assert_eq!(pair.running[1].health().await.unwrap().relay.restarts, 0);
    pair.bus.panic_once();
    pair.emit(somebody(1), 3).await;
    pair.heard(somebody(1), 3).await;
    let health = pair.running[1].health().await.unwrap();
    assert_eq!(health.relay.restarts, 1);
    assert!(health.relay.last_tick_seconds < 10, "{health:?}");
    assert_eq!(health.inbox, None, "the domain hears nothing");
    pair.stop().await;
}
