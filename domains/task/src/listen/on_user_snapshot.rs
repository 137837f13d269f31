//! How somebody is of whom not everything was heard.

use crate::store;
use contracts::user::v1::UserSnapshot;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_snapshot(tx: &mut Tx, heard: &Heard<UserSnapshot>) -> Result<(), ListenError> {
    // Only the database can fail here, so another try can help.
    Ok(store::note_user(tx, heard.data.user_id, heard.data.is_active).await?)
}
