//! Somebody new can be given tasks.

use crate::store;
use contracts::user::v1::UserCreated;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_created(tx: &mut Tx, heard: &Heard<UserCreated>) -> Result<(), ListenError> {
    // Only the database can fail here, so another try can help.
    Ok(store::note_user(tx, heard.data.user_id, heard.data.is_active).await?)
}
