//! `user.access_revoked`: the owner is told that a sign-in was ended which somebody else may have had.

use crate::app::{Told, tell};
use crate::domain::{SourceEvent, access_revoked};
use contracts::user::v1::{AccessRevocation, UserAccessRevoked};
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_access_revoked(tx: &mut Tx, heard: &Heard<UserAccessRevoked>) -> Result<(), ListenError> {
    let category = heard.envelope.type_without_version();
    let content = match heard.data.reason {
        AccessRevocation::RefreshReused => access_revoked(category),
    };
    // The database alone can fail here: trying again helps.
    tell(tx, Told { recipient: heard.data.user_id, content, source: SourceEvent::from(&heard.envelope) }).await?;
    Ok(())
}
