//! Many events in one transaction: their watermarks are read in one statement and their rows written in a few. Rule: only
//! what is simply next is handled here, in the order in which it came. Whatever else an event may be, or whatever goes
//! wrong, is decided by the way of single events; so there is one place that knows it.

use super::apply::{apply, context};
use super::deliver::{Inbox, Incoming};
use super::failure::{self, Attempt};
use super::head::{self, Key, Mark};
use crate::entity::inbox::Entity;
use crate::few_texts::portions;
use crate::listener::ListenError;
use bus::{Delivered, Infrastructure};
use contracts::Envelope;
use db::{Context, DbError, Tx};
use sea_orm::EntityTrait;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// After so much time no further event is taken into a transaction: others wait for its rows.
const LONG: Duration = Duration::from_millis(250);

/// With so many listeners that failed, each event goes its own way: every one of them takes the work of all others back.
const FAILURES: u32 = 8;

/// What came of an event; none when it has to go its own way.
type Answer = Option<Result<Delivered, Infrastructure>>;

/// Events that are tried together, in order.
struct Set {
    inbox: Inbox,
    events: Vec<Arc<Envelope>>,
}

/// What became of an event of a set that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Done,
    /// It is not simply next, or stands behind one that is not.
    Apart,
    /// There was no time for it.
    Later,
}

/// Why nothing of a set was kept.
enum Failed {
    /// The listener of one of them.
    Listener(usize, ListenError),
    Database(DbError),
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

/// Handles what can be handled together.
pub(super) async fn together(inbox: &Inbox, events: &[Arc<Envelope>]) -> Vec<Answer> {
    let mut answers: Vec<Answer> = vec![None; events.len()];
    let mut failures = 0;
    let mut open: Vec<(usize, Arc<Envelope>)> = events.iter().cloned().enumerate().collect();
    while !open.is_empty() {
        let set = Set { inbox: inbox.clone(), events: open.iter().map(|(_, envelope)| Arc::clone(envelope)).collect() };
        let began = Instant::now();
        match inbox.db.write(&Context::default(), &set, accept).await {
            Ok(verdicts) => {
                let mut later = Vec::new();
                for ((place, envelope), verdict) in open.into_iter().zip(verdicts) {
                    match verdict {
                        Verdict::Done => set_answer(&mut answers, place, Ok(Delivered::Done)),
                        Verdict::Apart => {}
                        Verdict::Later => later.push((place, envelope)),
                    }
                }
                open = later;
            }
            Err(Failed::Listener(nth, error)) => {
                // One that has kept the others waiting does so once.
                failures += if began.elapsed() > LONG { FAILURES } else { 1 };
                open = without(inbox, open, nth, &error, &mut answers).await;
                if failures >= FAILURES {
                    break;
                }
            }
            // Whose fault it is nobody can say here, or only those are refused that emit.
            Err(Failed::Database(error))
                if !error.is_infrastructure() || error.is_conflict() || matches!(error, DbError::Refused(_)) =>
            {
                break;
            }
            Err(Failed::Database(error)) => {
                let trouble = Infrastructure(error.to_string());
                open.iter().for_each(|(place, _)| set_answer(&mut answers, *place, Err(trouble.clone())));
                break;
            }
        }
    }
    answers
}

/// Those that are tried again when the listener of the `nth` has failed. The failure is noted here if it is the listener's
/// own and nothing of its aggregate stood before it: what did was taken back with it, and has to come first again.
async fn without(
    inbox: &Inbox,
    mut open: Vec<(usize, Arc<Envelope>)>,
    nth: usize,
    error: &ListenError,
    answers: &mut [Answer],
) -> Vec<(usize, Arc<Envelope>)> {
    let Some((place, failed)) = open.get(nth).cloned() else { return Vec::new() };
    let is_behind = |envelope: &Envelope| stream(envelope) == stream(&failed);
    let is_first = !open.iter().take(nth).any(|(_, envelope)| is_behind(envelope));
    if is_first && !matches!(error, ListenError::Db(_)) {
        let incoming = Incoming { inbox: inbox.clone(), envelope: failed.as_ref().clone() };
        let answer = inbox.failed(incoming, error, Attempt::OnArrival).await;
        if let Err(trouble) = &answer {
            let behind = open.iter().skip(nth).filter(|(_, envelope)| is_behind(envelope));
            behind.for_each(|(place, _)| set_answer(answers, *place, Err(trouble.clone())));
        }
        set_answer(answers, place, answer);
    }
    open.retain(|(_, envelope)| !is_behind(envelope));
    open
}

fn set_answer(answers: &mut [Answer], place: usize, answer: Result<Delivered, Infrastructure>) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}

fn stream(envelope: &Envelope) -> (&str, &str, uuid::Uuid) {
    (envelope.domain(), envelope.aggregate(), envelope.aggregate_id)
}

async fn accept(tx: &mut Tx, set: &Set) -> Result<Vec<Verdict>, Failed> {
    let Inbox { listeners, tuning, .. } = &set.inbox;
    let mut marks = head::lock_all(tx, listeners.consumer, &set.events).await?;
    let mut verdicts = vec![Verdict::Later; set.events.len()];
    let (mut rows, mut apart, began) = (Vec::new(), HashMap::new(), Instant::now());
    for (nth, (envelope, verdict)) in set.events.iter().zip(&mut verdicts).enumerate() {
        if !rows.is_empty() && began.elapsed() > LONG {
            break;
        }
        let key = Key::of(listeners.consumer, envelope);
        let mark = marks.entry(key).or_insert_with(Mark::new);
        let apart = apart.entry(stream(envelope)).or_insert(false);
        // Epochs after the first have rules of their own.
        let next = envelope.stream_epoch == 1 && mark.is_of_first_epoch() && envelope.sequence == mark.last_seq + 1;
        if *apart || !next {
            (*apart, *verdict) = (true, Verdict::Apart);
            continue;
        }
        tx.go_on_for(context(envelope));
        let applied = apply(tx, listeners, envelope, tuning.listener_deadline).await;
        applied.map_err(|error| Failed::Listener(nth, error))?;
        rows.push(failure::done(listeners.consumer, envelope, tx.now()));
        (mark.last_seq, *verdict) = (envelope.sequence, Verdict::Done);
    }
    // An event that was taken before, whatever became of it, breaks a uniqueness rule here.
    for rows in portions(rows) {
        tx.push(Entity::insert_many(rows));
    }
    head::move_all(tx, marks);
    Ok(verdicts)
}
