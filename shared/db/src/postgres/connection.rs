//! One connection. Rule: what is sent together shares one round trip, is answered in order and read in order, and is
//! sent no further than the first part that cannot be sent: a COMMIT must not overtake a statement that was left out.

mod order;

use super::server::{Dial, Server, drive};
use super::sort::describe;
use super::value::{Bound, hints};
use crate::error::OpenError;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::poll;
pub(super) use order::Order;
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

/// Prepared statements that a connection remembers.
const REMEMBERED: usize = 256;

/// What a part of a batch came to.
#[derive(Debug)]
pub(super) enum Answer {
    Done,
    Rows(Vec<Row>),
    Changed(u64),
}

/// Why a batch failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The part that failed first.
    pub order: usize,
    pub cause: Cause,
    /// Its text.
    pub sql: String,
    /// Whether changing no row was a reason to fail.
    pub must_change: bool,
    /// Whether the last part was sent, so that it may have been carried out.
    pub sent_commit: bool,
}

#[derive(Debug)]
pub(super) enum Cause {
    Raw(tokio_postgres::Error),
    /// No answer within the limit.
    Silent,
    /// It was broken before anything was sent.
    Closed,
}

impl Cause {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Raw(raw) => describe(raw),
            Self::Silent => "the server does not answer".to_owned(),
            Self::Closed => "the connection is broken".to_owned(),
        }
    }
}

/// The thread whose runtime drives a connection; none where that is a runtime of many threads. Whoever waits on that
/// thread is woken there, without a word between threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Home(Option<ThreadId>);

impl Home {
    /// Of what is begun here.
    pub(super) fn here() -> Self {
        let alone = Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread);
        Self(alone.then(|| thread::current().id()))
    }

    /// Whether there are many: whoever waits there is woken by a word between threads anyway.
    pub(super) fn is_shared(&self) -> bool {
        self.0.is_none()
    }
}

/// A connection and the statements prepared on it.
pub(super) struct Connection {
    client: Client,
    /// None once it may end by itself.
    driver: Option<AbortHandle>,
    prepared: HashMap<Arc<str>, (tokio_postgres::Statement, u64)>,
    uses: u64,
    born: Instant,
    /// What drives it.
    pub home: Home,
    /// When it was last put back.
    pub used: Instant,
    silence: Duration,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Without a farewell when it is broken, and when the server sleeps on a request.
        if let Some(driver) = &self.driver {
            driver.abort();
        }
    }
}

impl Connection {
    /// Connects and asks the settings back; on the present runtime, which drives it from then on.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) async fn open(server: &Server, dial: &Dial, silence: Duration) -> Result<Self, OpenError> {
        let (client, wire) = server.connect(dial).await?;
        let now = Instant::now();
        let driver = Some(drive(wire));
        let prepared = HashMap::new();
        let home = Home::here();
        let connection = Self { client, driver, prepared, uses: 0, born: now, home, used: now, silence };
        match timeout(silence, server.insist(&connection.client, dial.purpose)).await {
            Ok(sound) => sound.map(|()| connection),
            Err(_) => Err(server.silent()),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) fn age(&self) -> Duration {
        self.born.elapsed()
    }

    /// Ends it in good manners, in the background: the server sees a farewell, not a cut.
    pub(super) fn farewell(mut self) {
        self.driver = None;
    }

    /// True when the server answers.
    pub(super) async fn answers(&self) -> bool {
        matches!(timeout(self.silence, self.client.batch_execute("")).await, Ok(Ok(())))
    }

    /// Takes back whatever was left open; false when the connection is of no more use.
    pub(super) async fn rollback(&mut self) -> bool {
        self.send(&[Order::Rollback]).await.is_ok()
    }

    /// Rows of a text that needs no parameters.
    ///
    /// # Errors
    /// What the server said.
    pub(super) async fn ask(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.client.query(sql, values).await
    }

    /// Sends a batch in one round trip and reads its answers, each within the limit of silence. Statements that are
    /// new to the connection take a round trip before.
    ///
    /// # Errors
    /// The first part that failed.
    pub(super) async fn send(&mut self, orders: &[Order<'_>]) -> Result<Vec<Answer>, Failure> {
        let fail = |index: usize, cause, sent: usize| {
            let order = orders.get(index);
            Failure {
                order: index,
                cause,
                sql: order.and_then(Order::statement).map(|statement| statement.sql.clone()).unwrap_or_default(),
                must_change: order.is_some_and(Order::must_change),
                sent_commit: sent == orders.len(),
            }
        };
        let mut statements = Vec::with_capacity(orders.len());
        for (index, order) in orders.iter().enumerate() {
            statements.push(self.prepare(order).await.map_err(|cause| fail(index, cause, 0))?);
        }
        if self.is_closed() {
            return Err(fail(0, Cause::Closed, 0));
        }
        let mut running: Vec<(BoxFuture<'_, _>, Option<Answer>)> = Vec::with_capacity(orders.len());
        for (index, (order, statement)) in orders.iter().zip(&statements).enumerate() {
            let mut part = run(&self.client, order, statement.as_ref()).boxed();
            // The first poll is what sends it.
            let answer = match poll!(&mut part) {
                Poll::Pending => None,
                Poll::Ready(Ok(answer)) => Some(answer),
                // That may be the answer already, on a thread that was held up; only what cannot be put into bytes was
                // certainly not sent.
                Poll::Ready(Err(error)) => {
                    let sent = index + usize::from(!is_misfit(&error));
                    return Err(fail(index, Cause::Raw(error), sent));
                }
            };
            running.push((part, answer));
        }
        let mut answers = Vec::with_capacity(orders.len());
        for (index, (part, answer)) in running.into_iter().enumerate() {
            let answer = match answer {
                Some(answer) => answer,
                None => match timeout(self.silence, part).await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(error)) => return Err(fail(index, Cause::Raw(error), orders.len())),
                    Err(_) => return Err(fail(index, Cause::Silent, orders.len())),
                },
            };
            answers.push(answer);
        }
        Ok(answers)
    }

    async fn prepare(&mut self, order: &Order<'_>) -> Result<Option<tokio_postgres::Statement>, Cause> {
        let Some(sql) = order.sql() else { return Ok(None) };
        self.uses += 1;
        if let Some((statement, used)) = self.prepared.get_mut(sql.as_ref()) {
            *used = self.uses;
            return Ok(Some(statement.clone()));
        }
        let preparing = timeout(self.silence, self.client.prepare(&sql));
        let mut statement = preparing.await.map_err(|_| Cause::Silent)?.map_err(Cause::Raw)?;
        if let Some(hints) = order.statement().and_then(|values| hints(values, statement.params())) {
            let preparing = timeout(self.silence, self.client.prepare_typed(&sql, &hints));
            statement = preparing.await.map_err(|_| Cause::Silent)?.map_err(Cause::Raw)?;
        }
        if self.prepared.len() >= REMEMBERED {
            let oldest = self.prepared.iter().min_by_key(|(_, (_, used))| *used).map(|(sql, _)| Arc::clone(sql));
            oldest.and_then(|sql| self.prepared.remove(&sql));
        }
        self.prepared.insert(Arc::from(sql.as_ref()), (statement.clone(), self.uses));
        Ok(Some(statement))
    }
}

/// Whether the driver could not put a value into bytes, or an answer out of them.
pub(super) fn is_misfit(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().filter(|cause| !cause.is::<std::io::Error>());
    error.as_db_error().is_none() && !error.is_closed() && cause.is_some()
}

async fn run(
    client: &Client,
    order: &Order<'_>,
    prepared: Option<&tokio_postgres::Statement>,
) -> Result<Answer, tokio_postgres::Error> {
    let (Some(statement), Some(prepared)) = (order.statement(), prepared) else {
        return client.batch_execute(order.control()).await.map(|()| Answer::Done);
    };
    let bound: Vec<Bound<'_>> = statement.values.iter().flat_map(|values| values.0.iter()).map(Bound).collect();
    let values: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|value| value as _).collect();
    match order {
        Order::Read(_) => client.query(prepared, &values).await.map(Answer::Rows),
        _ => client.execute(prepared, &values).await.map(Answer::Changed),
    }
}

#[cfg(test)]
mod tests;
