//! `user.snapshot`: the profile of somebody of whom not everything was heard. It is no news, so nobody is told.

use crate::domain::Profile;
use crate::store;
use contracts::user::v1::UserSnapshot;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_snapshot(tx: &mut Tx, heard: &Heard<UserSnapshot>) -> Result<(), ListenError> {
    // The database alone can fail here: trying again helps. Of somebody who is gone nothing is kept.
    store::save_profile(tx, &Profile::from(&heard.data)).await?;
    Ok(())
}
