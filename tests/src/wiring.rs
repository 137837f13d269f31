//! What is wrong between what domains listen to, what is published and the table of streams. Rule: what would be a queue
//! without a binding, or a listener that is never called, is found before there is a broker.

use contracts::topology::StreamName;

/// What is wrong with a domain that listens to these types of events and is given these streams.
#[must_use]
pub fn objections(domain: &str, listens_to: &[String], heard: &[StreamName], published: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for event in listens_to {
        let aggregate = event.split('.').next().unwrap_or_default();
        if !heard.iter().any(|stream| stream.aggregate == aggregate) {
            found.push(format!("{domain} has a listener for {event}, and the table does not give it that stream"));
        }
        if !published.contains(event) {
            found.push(format!("{domain} listens to {event}, which nobody publishes"));
        }
    }
    for stream in heard {
        let prefix = format!("{}.", stream.aggregate);
        if !listens_to.iter().any(|event| event.starts_with(&prefix)) {
            found.push(format!("{domain} hears {} and listens to none of it", stream.aggregate));
        }
    }
    found
}

/// The types of all events that exist.
#[must_use]
pub fn published() -> Vec<String> {
    contracts::schema::all().into_iter().map(|(event, _)| event).collect()
}
