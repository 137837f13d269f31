//! What is no event. Rule: it is kept as it came, beside the inbox, because nothing in it can be believed.

use super::deliver::Inbox;
use crate::entity::undecodable::{ActiveModel, Entity};
use bus::{Infrastructure, Undecodable};
use db::{Context, DbError, Tx};
use sea_orm::{ActiveValue, EntityTrait, Set};

/// A message, and whose it would have been.
struct Stray {
    consumer: &'static str,
    message: Undecodable,
}

impl Inbox {
    /// Keeps a message that is no event.
    ///
    /// # Errors
    /// [`Infrastructure`] when the database cannot be used; nothing was written.
    pub(crate) async fn keep(&self, message: Undecodable) -> Result<(), Infrastructure> {
        let stray = Stray { consumer: self.listeners.consumer, message };
        let kept: Result<(), DbError> = self.db.write(&Context::default(), &stray, insert).await;
        kept.map_err(|error| Infrastructure(error.to_string()))
    }
}

async fn insert(tx: &mut Tx, stray: &Stray) -> Result<(), DbError> {
    let Stray { consumer, message } = stray;
    // A bus makes the headers; should they be no JSON, they are kept as the text they are.
    let headers = serde_json::from_str(&message.headers).unwrap_or_else(|_| message.headers.clone().into());
    let row = ActiveModel {
        id: ActiveValue::NotSet,
        consumer: Set((*consumer).to_owned()),
        error: Set(message.error.clone()),
        headers: Set(headers),
        body: Set(message.body.clone()),
        received_at: Set(tx.now()),
    };
    tx.push(Entity::insert(row));
    Ok(())
}
