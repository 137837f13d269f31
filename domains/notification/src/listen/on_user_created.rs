//! `user.created`: the user can be written to, and is welcomed.

use crate::app::{Told, tell};
use crate::domain::{Profile, SourceEvent, welcome};
use crate::store;
use contracts::user::v1::UserCreated;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_created(tx: &mut Tx, heard: &Heard<UserCreated>) -> Result<(), ListenError> {
    let profile = Profile::from(&heard.data);
    // The database alone can fail here: trying again helps.
    if store::save_profile(tx, &profile).await? {
        let content = welcome(heard.envelope.type_without_version(), &profile);
        tell(tx, Told { recipient: profile.user, content, source: SourceEvent::from(&heard.envelope) }).await?;
    }
    Ok(())
}
