//! Somebody may have been deactivated, and then is given no more tasks, or activated again.

use crate::store;
use contracts::user::v1::UserUpdated;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_updated(tx: &mut Tx, heard: &Heard<UserUpdated>) -> Result<(), ListenError> {
    // Only the database can fail here, so another try can help.
    Ok(store::note_user(tx, heard.data.user_id, heard.data.is_active).await?)
}
