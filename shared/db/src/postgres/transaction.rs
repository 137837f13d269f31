//! One transaction. Rules: nothing is sent before it is needed; after a failure, or a statement whose answer nobody
//! waited for, it can only be taken back, because the server would answer COMMIT with ROLLBACK and no error.

use super::connection::{Answer, Failure, Order};
use super::fold::fold;
use super::group::{Groups, Outcome, Turn};
use super::pool::{Lease, Pool};
use super::signal::Signal;
use super::sort::{Sorted, sort, sort_commit};
use super::value::decode_row;
use crate::error::DbError;
use sea_orm::Statement;
use sea_orm::sea_query::{ColumnType, Value};

/// A transaction that begins with its first statement.
pub(crate) struct Transaction {
    /// None until the first statement.
    lease: Option<Lease>,
    writers: Pool,
    groups: Groups,
    /// Looks names up.
    pool: Pool,
    signal: Signal,
    begun: bool,
    /// Why it cannot go on.
    doomed: Option<DbError>,
    rerun: bool,
    /// Somebody else may wait for a row of this transaction.
    locks: bool,
    /// Why there was no connection.
    kept_out: Option<DbError>,
}

impl Transaction {
    pub(super) const fn new(writers: Pool, groups: Groups, pool: Pool, signal: Signal) -> Self {
        let (lease, doomed, kept_out) = (None, None, None);
        Self { lease, writers, groups, pool, signal, begun: false, doomed, rerun: false, locks: false, kept_out }
    }

    /// What stood between it and a connection, if anything did.
    pub(crate) const fn trouble(&self) -> Option<&DbError> {
        self.kept_out.as_ref()
    }

    /// Sends what was pushed and reads.
    ///
    /// # Errors
    /// See [`DbError`].
    pub(crate) async fn read(
        &mut self,
        pushed: &[Statement],
        statement: &Statement,
        columns: &[ColumnType],
    ) -> Result<Vec<Vec<Value>>, DbError> {
        match self.work(pushed, Order::Read(statement)).await? {
            Answer::Rows(rows) => rows.iter().map(|row| decode_row(row, columns)).collect(),
            _ => Ok(Vec::new()),
        }
    }

    /// Sends what was pushed and executes; rows changed.
    ///
    /// # Errors
    /// See [`DbError`].
    pub(crate) async fn execute(&mut self, pushed: &[Statement], statement: &Statement) -> Result<u64, DbError> {
        if !self.begun {
            // Nothing guards this statement against a BEGIN that fails, so it waits for its answer.
            self.send(&[Order::Begin]).await?;
        }
        match self.work(pushed, Order::Change(statement)).await? {
            Answer::Changed(rows) => Ok(rows),
            _ => Ok(0),
        }
    }

    async fn work(&mut self, pushed: &[Statement], last: Order<'_>) -> Result<Answer, DbError> {
        let mut orders = Vec::with_capacity(pushed.len() + 2);
        if !self.begun {
            orders.push(Order::Begin);
        }
        orders.extend(pushed.iter().map(Order::MustChange));
        orders.push(last);
        Ok(self.send(&orders).await?.pop().unwrap_or(Answer::Done))
    }

    async fn send(&mut self, orders: &[Order<'_>]) -> Result<Vec<Answer>, DbError> {
        let sent = self.enter().await?.connection()?.send(orders).await;
        match sent {
            Ok(answers) => {
                self.begun = true;
                self.doomed = None;
                self.locks |= orders.iter().any(Order::locks);
                Ok(answers)
            }
            Err(failure) => Err(self.fail(orders, &failure, sort(&failure)).await),
        }
    }

    /// Sends what was pushed and commits. With nothing to commit it does nothing.
    ///
    /// # Errors
    /// [`DbError::Unknown`] when the outcome is not known; otherwise nothing was kept.
    pub(crate) async fn commit(&mut self, pushed: &[Statement], emitted: bool) -> Result<(), DbError> {
        let mut orders = Vec::with_capacity(pushed.len() + 2);
        let folded = if self.begun { None } else { fold(&[pushed]) };
        let mut turn = None;
        // Who has lost against others already would have a whole group wait with it.
        if folded.is_some() && self.doomed.is_none() && !self.locks {
            match self.groups.join(pushed, emitted).await {
                Outcome::Kept => return Ok(()),
                Outcome::KeptOut(error) => return Err(self.keep_out(error)),
                Outcome::Unknown(error) => {
                    self.doomed = Some(error.clone());
                    return Err(error);
                }
                Outcome::Alone(own) => turn = own,
            }
        }
        match (self.begun, pushed, &folded) {
            (false, [], _) => return self.doomed.clone().map_or(Ok(()), Err),
            (false, [alone], None) => orders.push(Order::MustChangeAlone(alone)),
            (false, _, Some(folded)) => orders.push(Order::Folded(folded)),
            _ => {
                if !self.begun {
                    orders.push(Order::Begin);
                }
                orders.extend(pushed.iter().map(Order::MustChange));
                orders.push(Order::Commit);
            }
        }
        let signal = self.signal.clone();
        let lease = self.enter().await?;
        if emitted {
            lease.tell(&signal);
        }
        let sent = lease.connection()?.send(&orders).await;
        match sent {
            Ok(_) => {
                lease.clean();
                turn.into_iter().for_each(Turn::end);
                (self.begun, self.doomed) = (false, None);
                if emitted {
                    self.signal.tell();
                }
                Ok(())
            }
            Err(failure) => {
                drop(turn);
                Err(self.fail(&orders, &failure, sort_commit(&failure, orders.len() - 1)).await)
            }
        }
    }

    /// Takes the work back and waits until it is, so that its locks are free.
    pub(crate) async fn take_back(&mut self) {
        self.doomed.get_or_insert_with(ended);
        if let Some(lease) = &mut self.lease {
            lease.rollback().await;
        }
    }

    /// It runs again after a conflict: those whom it let through may hold what it wants for a while.
    pub(crate) const fn contends(&mut self) {
        self.locks = true;
    }

    /// True when it lost against another transaction and may be run again.
    pub(crate) const fn may_rerun(&self) -> bool {
        self.rerun
    }

    /// From here to the answer it is abandoned if nobody waits.
    async fn enter(&mut self) -> Result<&mut Lease, DbError> {
        if let Some(doomed) = &self.doomed {
            return Err(doomed.clone());
        }
        // What was pushed is out of the caller's hands: who does not get as far as a connection has lost it.
        self.doomed = Some(ended());
        let lease = match self.lease.take() {
            Some(lease) => lease,
            None => self.writers.lease().await.map_err(|error| self.keep_out(error))?,
        };
        let lease = self.lease.insert(lease);
        lease.soil();
        Ok(lease)
    }

    fn keep_out(&mut self, error: DbError) -> DbError {
        (self.kept_out, self.doomed) = (Some(error.clone()), Some(error.clone()));
        error
    }

    async fn fail(&mut self, orders: &[Order<'_>], failure: &Failure, sorted: Sorted) -> DbError {
        // Who waited in vain for a lock while it held some may have been in a deadlock: the server looks for those only
        // after `deadlock_timeout`, which a session may not set and which is as long as the lock limit by default.
        let held = || {
            let folded = matches!(orders, [Order::Folded(_)]);
            self.locks || folded || orders.iter().take(failure.order).any(Order::locks)
        };
        self.rerun = sorted.rerun || (sorted.error == DbError::Conflict && held());
        if let Some(lease) = self.lease.as_mut().filter(|_| sorted.broken) {
            lease.condemn();
        }
        let error = match sorted.error {
            error @ DbError::Unique { .. } => {
                // The look-up may need this very connection's place.
                if let Some(lease) = &mut self.lease {
                    lease.rollback().await;
                }
                self.pool.name(error).await
            }
            error => error,
        };
        self.doomed = Some(error.clone());
        error
    }
}

fn ended() -> DbError {
    DbError::Statement("the transaction can only be taken back: a statement was abandoned".to_owned())
}
