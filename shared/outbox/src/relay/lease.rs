//! Who relays. Rule: one active relay per outbox; nothing relies on that for safety, since two cause duplicates only.
//! A process that starts takes the lease at once and raises its epoch: whoever held it learns that at the next
//! renewal. Lease as in Gray and Cheriton, "Leases" (1989).

use crate::entity::relay_lease::{ActiveModel, Column, Entity};
use crate::tuning::Tuning;
use chrono::{DateTime, TimeDelta, Utc};
use db::{Context, Db, DbError, Tx};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The row's key: a database has one outbox.
const NAME: &str = "relay";

/// This process's claim to one outbox.
pub(crate) struct Lease {
    owner: Uuid,
    leads: bool,
    asked: Option<Instant>,
    /// From then until it is asked again.
    pause: Duration,
}

/// A wish for the lease.
struct Claim {
    owner: Uuid,
    /// Take it whoever holds it.
    at_once: bool,
    holds_for: TimeDelta,
}

/// What became of a wish.
enum Answer {
    Granted,
    /// Somebody else holds it, for that long if it is not renewed.
    Held(Duration),
}

impl Lease {
    /// A claim that has not been made yet.
    pub(crate) fn new(owner: Uuid) -> Self {
        Self { owner, leads: false, asked: None, pause: Duration::ZERO }
    }

    /// Makes or renews the claim when it is time; true while this process leads.
    pub(crate) async fn keep(&mut self, db: &Db, tuning: &Tuning) -> bool {
        if !self.is_due() {
            return self.leads;
        }
        let claim = Claim {
            owner: self.owner,
            at_once: self.asked.is_none(),
            holds_for: TimeDelta::from_std(tuning.lease.0).unwrap_or(TimeDelta::MAX),
        };
        match db.write(&Context::default(), &claim, take).await {
            Ok(answer) => {
                let leads = matches!(answer, Answer::Granted);
                // Who waits asks again at the moment when the holder's time is up, so that a holder's death costs no
                // more than its lease.
                self.pause = match answer {
                    Answer::Granted => tuning.lease.1,
                    Answer::Held(left) => left.min(tuning.lease.1),
                };
                if self.leads && !leads {
                    tracing::info!(database = db.location(), "another process relays this outbox now");
                }
                self.leads = leads;
                db.leads(leads);
                self.asked = Some(Instant::now());
            }
            // Going on for a while is harmless; the next renewal decides.
            Err(error) => tracing::warn!(database = db.location(), %error, "the relay's lease was not renewed"),
        }
        self.leads
    }

    /// Gives the claim up, so that whoever relays next need not wait for its end.
    pub(crate) async fn release(&mut self, db: &Db) {
        if !std::mem::take(&mut self.leads) {
            return;
        }
        db.leads(false);
        if let Err(error) = db.write(&Context::default(), &self.owner, give_up).await {
            tracing::debug!(database = db.location(), %error, "the relay's lease was not given up; it runs out");
        }
    }

    /// Whether it must be renewed.
    pub(crate) fn is_due(&self) -> bool {
        self.asked.is_none_or(|asked| asked.elapsed() >= self.pause)
    }

    /// How long until it must be renewed.
    pub(crate) fn next(&self, tuning: &Tuning) -> Duration {
        self.asked.map_or(tuning.poll.0, |asked| self.pause.saturating_sub(asked.elapsed()).max(tuning.poll.0))
    }
}

async fn give_up(tx: &mut Tx, owner: &Uuid) -> Result<u64, DbError> {
    let ended = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(DateTime::<Utc>::UNIX_EPOCH))
        .filter(Column::Name.eq(NAME))
        .filter(Column::Owner.eq(owner.to_string()));
    tx.run(ended).await
}

async fn take(tx: &mut Tx, claim: &Claim) -> Result<Answer, DbError> {
    let owner = claim.owner.to_string();
    let held = tx.one(Entity::find().filter(Column::Name.eq(NAME)).lock_exclusive()).await?;
    // Processes compare this instant with each other, so it is of the one clock that they share.
    let now = tx.database_now().await?;
    let expires_at = now + claim.holds_for;
    let Some(held) = held else {
        let row =
            ActiveModel { name: Set(NAME.to_owned()), owner: Set(owner), epoch: Set(1), expires_at: Set(expires_at) };
        let inserted = Entity::insert(row).on_conflict(OnConflict::column(Column::Name).do_nothing().to_owned());
        return Ok(granted(tx.run(inserted).await?));
    };
    if held.owner != owner && !claim.at_once && held.expires_at >= now {
        return Ok(Answer::Held((held.expires_at - now).to_std().unwrap_or_default()));
    }
    let epoch = if held.owner == owner { held.epoch } else { held.epoch + 1 };
    let renewed = Entity::update_many()
        .col_expr(Column::Owner, Expr::value(owner))
        .col_expr(Column::Epoch, Expr::value(epoch))
        .col_expr(Column::ExpiresAt, Expr::value(expires_at))
        .filter(Column::Name.eq(NAME));
    Ok(granted(tx.run(renewed).await?))
}

/// By the number of rows changed; who met somebody else in the act asks again at once.
fn granted(rows: u64) -> Answer {
    if rows == 1 { Answer::Granted } else { Answer::Held(Duration::ZERO) }
}
