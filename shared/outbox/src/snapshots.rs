//! What a domain can say of its aggregates without their history. Rule: registration is an explicit list, one line for
//! each kind of aggregate that others hear of.

use contracts::{Event, Snapshot, Stream};
use db::{Db, DbError, Reader};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use uuid::Uuid;

/// Which living aggregates are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Living {
    /// At most `limit`, in the order of their ids, from the first whose id is greater than `after`.
    Page {
        /// The last one of the page before; none for the first page.
        after: Option<Uuid>,
        /// How many.
        limit: u64,
    },
    /// The one of that id, if it lives.
    One(Uuid),
}

/// An aggregate as it is now: its whole state, and the position in its stream that was read with it.
pub type State<E> = (Stream, E);

type Read = Arc<dyn Fn(Reader, Living) -> BoxFuture<'static, Result<Vec<Snapshot>, DbError>> + Send + Sync>;

/// The snapshots that a domain publishes.
#[derive(Clone, Default)]
pub struct Snapshots {
    by_aggregate: Arc<HashMap<&'static str, Publisher>>,
}

#[derive(Clone)]
pub(crate) struct Publisher {
    pub event_type: String,
    read: Read,
}

impl Snapshots {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds those of one kind of aggregate: `E` is the type of the snapshot, `read` finds living aggregates, each with
    /// one look at its row.
    #[must_use]
    pub fn of<E, F, R>(mut self, read: F) -> Self
    where
        E: Event,
        F: Fn(Reader, Living) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<State<E>>, DbError>> + Send + 'static,
    {
        let read: Read = Arc::new(move |reader, living| {
            let states = read(reader, living);
            async move { states.await?.into_iter().map(snapshot).collect() }.boxed()
        });
        let publisher = Publisher { event_type: E::event_type(), read };
        Arc::make_mut(&mut self.by_aggregate).insert(E::AGGREGATE, publisher);
        self
    }

    pub(crate) fn find(&self, aggregate: &str) -> Option<&Publisher> {
        self.by_aggregate.get(aggregate)
    }
}

impl Publisher {
    /// Reads some of them; they are of the epoch that the database is in.
    pub(crate) async fn read(&self, db: &Db, living: Living) -> Result<Vec<Snapshot>, DbError> {
        let epoch = db.gate().epoch();
        let states = (self.read)(db.reader().clone(), living).await?;
        Ok(states.into_iter().map(|state| Snapshot { epoch, ..state }).collect())
    }
}

fn snapshot<E: Event>((stream, state): State<E>) -> Result<Snapshot, DbError> {
    let data = serde_json::to_value(state).map_err(|error| DbError::Decode(error.to_string()))?;
    Ok(Snapshot { id: stream.id, seq: stream.seq, epoch: 1, data })
}
