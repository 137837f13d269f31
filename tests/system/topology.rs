//! The table of streams is what the domains do.

use contracts::topology;
use testkit::{System, Topology};

#[tokio::test]
async fn every_domain_listens_to_the_streams_that_the_table_gives_it() {
    let system = System::start(app::serve, Topology::Embedded).await;
    for domain in system.server().domains() {
        let heard = topology::heard_by(domain.name);
        let types = domain.messaging.listens_to();
        for event in types {
            let aggregate = event.split('.').next().unwrap();
            assert!(
                heard.iter().any(|stream| stream.aggregate == aggregate),
                "{} has a listener for {event}, and the table does not give it that stream",
                domain.name
            );
        }
        for stream in heard {
            let prefix = format!("{}.", stream.aggregate);
            let listens = types.iter().any(|event| event.starts_with(&prefix));
            assert!(listens, "{} hears {} and listens to none of it", domain.name, stream.aggregate);
        }
    }
}

#[tokio::test]
async fn every_listener_is_for_an_event_that_exists() {
    let system = System::start(app::serve, Topology::Embedded).await;
    let published: Vec<String> = contracts::schema::all().into_iter().map(|(event, _)| event).collect();
    for domain in system.server().domains() {
        for event in domain.messaging.listens_to() {
            assert!(published.contains(event), "{} listens to {event}, which nobody publishes", domain.name);
        }
    }
}
