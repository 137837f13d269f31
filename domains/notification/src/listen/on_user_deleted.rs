//! `user.deleted`: nothing of the user stays but that there was one.

use crate::app::forget_recipient;
use contracts::user::v1::UserDeleted;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_deleted(tx: &mut Tx, heard: &Heard<UserDeleted>) -> Result<(), ListenError> {
    // The database alone can fail here: trying again helps.
    forget_recipient(tx, heard.data.user_id).await?;
    Ok(())
}
