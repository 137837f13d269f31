//! What the two domains do: emit one event after the other, and listen, or fail on command.

use crate::table;
use contracts::user::Role;
use contracts::user::v1::{UserCreated, UserDeleted, UserSnapshot};
use contracts::{Stream, UserId};
use db::{DbError, Reader, Tx};
use outbox::{Heard, ListenError, Living, State, emit};
use sea_orm::{EntityTrait, QuerySelect};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What the listener of one user does: fail that many times, fail at an event, fail for good, panic, hang, find its row
/// unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Fails(u32),
    FailsAt(i64),
    Refuses,
    Panics,
    Hangs,
    Troubled,
    Emits,
}

/// What the listener shares with the test.
#[derive(Clone, Default)]
pub struct Script {
    pub moods: Arc<Mutex<HashMap<UserId, Mood>>>,
}

pub fn created(user: UserId) -> UserCreated {
    UserCreated {
        user_id: user,
        username: "u".to_owned(),
        email: "u@example.org".to_owned(),
        display_name: None,
        timezone: "UTC".to_owned(),
        role: Role::User,
        is_active: true,
    }
}

pub fn snapshot(user: UserId) -> UserSnapshot {
    let UserCreated { user_id, username, email, display_name, timezone, role, is_active } = created(user);
    UserSnapshot { user_id, username, email, display_name, timezone, role, is_active }
}

/// What it leaves is told apart from an event's effect.
pub async fn on_snapshot(tx: &mut Tx, heard: &Heard<UserSnapshot>) -> Result<(), ListenError> {
    tx.push(table::effect::insert(heard.data.user_id.uuid(), 1_000 + heard.envelope.sequence));
    Ok(())
}

pub async fn living(reader: Reader, living: Living) -> Result<Vec<State<UserSnapshot>>, DbError> {
    let rows = reader.all(table::aggregate::living(living)).await?;
    let state = |row: table::aggregate::Model| (Stream::at("user", row.id, row.seq), snapshot(UserId(row.id)));
    Ok(rows.into_iter().map(state).collect())
}

async fn next_sequence(tx: &mut Tx, id: Uuid) -> Result<i64, DbError> {
    let seen = || table::aggregate::Entity::find_by_id(id).lock_exclusive();
    let row = match tx.one(seen()).await? {
        Some(row) => Some(row),
        None => {
            // There is no row to lock before the first event: one of those who come at once makes it.
            tx.run(table::aggregate::first(id)).await?;
            tx.one(seen()).await?
        }
    };
    let seq = row.map_or(0, |row| row.seq);
    tx.push(table::aggregate::update(id, seq + 1));
    Ok(seq)
}

/// The first event is heard with a listener, every third is of a type that has none.
pub async fn emit_one(tx: &mut Tx, user: &UserId) -> Result<(), DbError> {
    let mut stream = Stream::at("user", user.uuid(), next_sequence(tx, user.uuid()).await?);
    if stream.seq % 3 == 2 {
        emit(tx, UserDeleted { user_id: *user }, &mut stream);
    } else {
        emit(tx, created(*user), &mut stream);
    }
    Ok(())
}

type Boxed<'t> = std::pin::Pin<Box<dyn Future<Output = Result<(), ListenError>> + Send + 't>>;

pub fn scripted<E: Send + Sync + 'static>(
    script: Script,
    of: fn(&E) -> UserId,
) -> impl for<'t> Fn(&'t mut Tx, &'t Heard<E>) -> Boxed<'t> + Send + Sync {
    move |tx, heard| {
        let script = script.clone();
        Box::pin(async move {
            let user = of(&heard.data);
            tx.push(table::effect::insert(user.uuid(), heard.envelope.sequence));
            let mood = script.moods.lock().unwrap().get(&user).copied();
            match mood {
                None => Ok(()),
                Some(Mood::Fails(0)) => Ok(()),
                Some(Mood::Fails(left)) => {
                    script.moods.lock().unwrap().insert(user, Mood::Fails(left - 1));
                    Err(ListenError::Retry("not yet".to_owned()))
                }
                Some(Mood::FailsAt(seq)) if seq == heard.envelope.sequence => {
                    Err(ListenError::Retry("not yet".to_owned()))
                }
                Some(Mood::FailsAt(_)) => Ok(()),
                Some(Mood::Refuses) => Err(ListenError::Permanent("never".to_owned())),
                Some(Mood::Panics) => panic!("on purpose"),
                Some(Mood::Hangs) => std::future::pending().await,
                Some(Mood::Emits) => {
                    tx.mark_new(1);
                    Ok(())
                }
                Some(Mood::Troubled) => Err(DbError::Unavailable("this row alone".to_owned()).into()),
            }
        })
    }
}
