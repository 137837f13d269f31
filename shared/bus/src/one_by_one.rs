//! Events of many aggregates, each handed over by itself. Rule: every aggregate in order and several aggregates at once; after
//! one that could not be taken, those behind it of its aggregate wait.

use crate::event_bus::{Deliver, Delivered, Infrastructure};
use contracts::Envelope;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;

/// Aggregates that are worked on at once; they share the commits of the consumer's database.
const AGGREGATES_AT_ONCE: usize = 32;

/// Delivers each event; the answers are in the order of `events`.
pub async fn one_by_one<D: Deliver + ?Sized>(
    inbox: &D,
    events: Vec<Envelope>,
) -> Vec<Result<Delivered, Infrastructure>> {
    let mut answers = vec![Err(Infrastructure("it was not handed over".to_owned())); events.len()];
    let mut aggregates: HashMap<_, Vec<(usize, Envelope)>> = HashMap::new();
    for (place, event) in events.into_iter().enumerate() {
        let key = (event.domain().to_owned(), event.aggregate().to_owned(), event.aggregate_id);
        aggregates.entry(key).or_default().push((place, event));
    }
    let mut working = stream::iter(aggregates.into_values())
        .map(|events| in_order(inbox, events))
        .buffer_unordered(AGGREGATES_AT_ONCE);
    while let Some(worked) = working.next().await {
        for (place, answer) in worked {
            if let Some(slot) = answers.get_mut(place) {
                *slot = answer;
            }
        }
    }
    answers
}

/// Delivers the events of one aggregate; after a failure the rest must wait.
async fn in_order<D: Deliver + ?Sized>(
    inbox: &D,
    events: Vec<(usize, Envelope)>,
) -> Vec<(usize, Result<Delivered, Infrastructure>)> {
    let mut failure = None;
    let mut answers = Vec::with_capacity(events.len());
    for (place, event) in events {
        let answer = match &failure {
            Some(failure) => Err(Infrastructure::clone(failure)),
            // A panic is the inbox's own trouble; the consumer lives on.
            None => AssertUnwindSafe(inbox.deliver(event)).catch_unwind().await.unwrap_or_else(|_| Err(panicked())),
        };
        failure = answer.as_ref().err().cloned();
        answers.push((place, answer));
    }
    answers
}

/// What is said of an inbox that panicked.
pub(crate) fn panicked() -> Infrastructure {
    Infrastructure("the inbox panicked".to_owned())
}
