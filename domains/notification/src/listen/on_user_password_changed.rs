//! `user.password_changed`: the user is told, also about what the user did: it may have been somebody else.

use crate::app::{Told, tell};
use crate::domain::{SourceEvent, password_changed};
use contracts::user::v1::UserPasswordChanged;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_user_password_changed(
    tx: &mut Tx,
    heard: &Heard<UserPasswordChanged>,
) -> Result<(), ListenError> {
    let content = password_changed(heard.envelope.type_without_version());
    // The database alone can fail here: trying again helps.
    tell(tx, Told { recipient: heard.data.user_id, content, source: SourceEvent::from(&heard.envelope) }).await?;
    Ok(())
}
