//! Somebody is gone: given no more tasks from here on. Their tasks may be many, so they are only put down for the job
//! that works through them; a listener has to be done within its second.

use crate::store;
use contracts::user::v1::UserDeleted;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_deleted(tx: &mut Tx, heard: &Heard<UserDeleted>) -> Result<(), ListenError> {
    // Only the database can fail here, so another try can help.
    store::note_deleted_user(tx, heard.data.user_id).await?;
    web::forget_caller(tx, heard.data.user_id).await?;
    Ok(store::request_erasure(tx, heard.data.user_id, &heard.envelope).await?)
}
