//! `task.assigned`: the assignee is told, unless they took the task themselves.

use crate::app::{Told, tell};
use crate::domain::{SourceEvent, assigned};
use contracts::task::v1::TaskAssigned;
use db::Tx;
use outbox::{Heard, ListenError};

pub(crate) async fn on_task_assigned(tx: &mut Tx, heard: &Heard<TaskAssigned>) -> Result<(), ListenError> {
    let TaskAssigned { task_id, ref title, assignee_id, by } = heard.data;
    if assignee_id != by {
        let content = assigned(heard.envelope.type_without_version(), task_id, title);
        // The database alone can fail here: trying again helps.
        tell(tx, Told { recipient: assignee_id, content, source: SourceEvent::from(&heard.envelope) }).await?;
    }
    Ok(())
}
