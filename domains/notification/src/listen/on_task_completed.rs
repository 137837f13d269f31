//! `task.completed`: its creator and its assignee are told, each once, and never whoever completed it.

use crate::app::{Told, tell};
use crate::domain::{SourceEvent, completed};
use contracts::UserId;
use contracts::task::v1::TaskCompleted;
use db::Tx;
use outbox::{Heard, ListenError};
use std::collections::BTreeSet;

pub(crate) async fn on_task_completed(tx: &mut Tx, heard: &Heard<TaskCompleted>) -> Result<(), ListenError> {
    let content = completed(heard.envelope.type_without_version(), heard.data.task_id, &heard.data.title);
    for recipient in concerned(&heard.data) {
        let source = SourceEvent::from(&heard.envelope);
        // The database alone can fail here: trying again helps.
        tell(tx, Told { recipient, content: content.clone(), source }).await?;
    }
    Ok(())
}

fn concerned(event: &TaskCompleted) -> BTreeSet<UserId> {
    let mut concerned: BTreeSet<UserId> = event.assignee_id.into_iter().chain([event.creator_id]).collect();
    concerned.remove(&event.completed_by);
    concerned
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use contracts::TaskId;
    use uuid::Uuid;

    fn told(creator: u128, assignee: Option<u128>, by: u128) -> Vec<u128> {
        let user = |id| UserId(Uuid::from_u128(id));
        let event = TaskCompleted {
            task_id: TaskId(Uuid::from_u128(9)),
            title: "x".to_owned(),
            creator_id: user(creator),
            assignee_id: assignee.map(user),
            completed_by: user(by),
            completed_at: DateTime::UNIX_EPOCH,
        };
        concerned(&event).into_iter().map(|user| user.uuid().as_u128()).collect()
    }

    #[test]
    fn creator_and_assignee_are_told_but_not_who_did_it() {
        assert_eq!(told(1, Some(2), 2), [1]);
        assert_eq!(told(1, Some(2), 1), [2]);
        assert_eq!(told(1, Some(2), 3), [1, 2]);
        assert_eq!(told(1, None, 3), [1]);
        assert_eq!(told(1, Some(1), 3), [1]);
        assert!(told(1, Some(1), 1).is_empty());
        assert!(told(1, None, 1).is_empty());
    }
}
