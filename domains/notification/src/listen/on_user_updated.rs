//! `user.updated`: the profile follows.

use crate::domain::Profile;
use crate::store;
use contracts::user::v1::UserUpdated;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_updated(tx: &mut Tx, heard: &Heard<UserUpdated>) -> Result<(), ListenError> {
    // The database alone can fail here: trying again helps. Of somebody who is gone nothing is kept.
    store::save_profile(tx, &Profile::from(&heard.data)).await?;
    Ok(())
}
