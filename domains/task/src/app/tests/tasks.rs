//! Tasks: each change with its events, and none without.

use crate::app::{
    CompleteTask, CompleteTaskError, DeleteTask, DeleteTaskError, ReferenceError, ReopenTask, UpdateTask,
    UpdateTaskError, complete_task, delete_task, reopen_task, update_task,
};
use crate::domain::testing::{anna, ben, root};
use crate::domain::{Actor, Edit, EditError, Labels, Task, Title};
use crate::testing::Bench;
use contracts::UserId;
use contracts::task::Status;
use db::Context;
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;
use web::{IfMatch, Stale};

const STRANGER: Actor = Actor { id: UserId(Uuid::from_u128(77)), is_admin: false };

async fn people() -> Bench {
    let bench = Bench::open().await;
    bench.know(anna()).await;
    bench.know(ben()).await;
    bench
}

async fn complete(bench: &Bench, task: &Task, by: Actor, if_match: IfMatch) -> Result<Task, CompleteTaskError> {
    let command = CompleteTask { task: task.id, by, if_match };
    bench.db.write(&Context::default(), &command, complete_task).await
}

async fn update(bench: &Bench, task: &Task, by: Actor, edit: Edit) -> Result<Task, UpdateTaskError> {
    let command = UpdateTask { task: task.id, edit, by, if_match: IfMatch::Absent };
    bench.db.write(&Context::default(), &command, update_task).await
}

async fn types(bench: &Bench, task: &Task) -> Vec<String> {
    let emitted = bench.emitted(task).await;
    assert_eq!(emitted.iter().map(|e| e.seq).collect::<Vec<_>>(), (1..=emitted.len() as i64).collect::<Vec<_>>());
    emitted.into_iter().map(|e| e.event_type.trim_end_matches(".v1").trim_start_matches("task.").to_owned()).collect()
}

fn title(text: &str) -> Edit {
    Edit { title: Some(Title::stored(text.to_owned())), ..Edit::default() }
}

#[tokio::test]
async fn a_new_task_is_told_and_then_who_is_to_do_it() {
    let bench = people().await;
    let (alone, given) = (bench.create(anna(), None).await, bench.create(anna(), Some(ben())).await);
    assert_eq!(types(&bench, &alone).await, ["created"]);
    assert_eq!(types(&bench, &given).await, ["created", "assigned"]);
    assert_eq!(bench.look(&given).await, Some(given.clone()));
    assert_eq!(
        bench.emitted(&given).await[1].data,
        json!({"task_id": given.id, "title": "Buy milk", "assignee_id": ben().id, "by": anna().id})
    );
}

#[tokio::test]
async fn two_hundred_who_complete_one_task_at_once_complete_it_once() {
    let bench = people().await;
    let task = bench.create(anna(), Some(ben())).await;
    let answers = join_all((0..200).map(|_| complete(&bench, &task, ben(), IfMatch::Absent))).await;
    for answer in answers {
        let done = answer.unwrap();
        assert_eq!((done.status, done.version), (Status::Done, 2));
    }
    assert_eq!(types(&bench, &task).await, ["created", "assigned", "completed"]);
    let reopen = ReopenTask { task: task.id, by: ben(), if_match: IfMatch::version(2) };
    let open = bench.db.write(&Context::default(), &reopen, reopen_task).await.unwrap();
    assert_eq!((open.status, open.version, open.completion), (Status::Todo, 3, None));
    assert_eq!(types(&bench, &task).await, ["created", "assigned", "completed", "reopened"]);
}

#[tokio::test]
async fn a_stale_write_changes_nothing() {
    let bench = people().await;
    let task = bench.create(anna(), None).await;
    update(&bench, &task, anna(), title("Buy tea")).await.unwrap();
    let refused = complete(&bench, &task, anna(), IfMatch::version(1)).await;
    assert!(matches!(refused, Err(CompleteTaskError::Stale(Stale { current: 2 }))), "{refused:?}");
    assert_eq!(types(&bench, &task).await, ["created", "updated"]);
}

#[tokio::test]
async fn one_edit_makes_its_events_in_their_order() {
    let bench = people().await;
    let task = bench.create(anna(), None).await;
    let edit = Edit { status: Some(Status::Done), assignee_id: Some(Some(ben().id)), ..title("Buy tea") };
    let done = update(&bench, &task, anna(), edit).await.unwrap();
    assert_eq!(types(&bench, &task).await, ["created", "updated", "completed", "assigned"]);
    assert_eq!((done.version, done.stream.seq), (2, 4));
    let status = |status| Edit { status: Some(status), ..Edit::default() };
    update(&bench, &task, ben(), status(Status::Todo)).await.unwrap();
    update(&bench, &task, ben(), status(Status::Cancelled)).await.unwrap();
    assert_eq!(types(&bench, &task).await[4..], ["reopened", "updated"]);
}

#[tokio::test]
async fn an_edit_that_changes_nothing_leaves_version_and_stream() {
    let bench = people().await;
    let task = bench.create(anna(), Some(ben())).await;
    let edit = Edit { assignee_id: Some(Some(ben().id)), status: Some(Status::Todo), ..title("Buy milk") };
    assert_eq!(update(&bench, &task, anna(), edit).await.unwrap(), task);
    assert_eq!(types(&bench, &task).await, ["created", "assigned"]);
}

#[tokio::test]
async fn labels_are_replaced_as_a_whole() {
    let bench = people().await;
    let mut task = bench.create(anna(), None).await;
    for labels in [vec!["a".to_owned(), "shop".to_owned()], vec![], vec![], vec!["z".to_owned()]] {
        let edit = Edit { labels: Some(Labels::stored(labels)), ..Edit::default() };
        task = update(&bench, &task, anna(), edit).await.unwrap();
        assert_eq!(bench.look(&task).await, Some(task.clone()));
    }
    let delete = DeleteTask { task: task.id, by: anna(), if_match: IfMatch::Absent };
    bench.db.write(&Context::default(), &delete, delete_task).await.unwrap();
    assert_eq!(bench.look(&task).await, None);
    assert_eq!(types(&bench, &task).await, ["created", "updated", "updated", "updated", "deleted"]);
}

#[tokio::test]
async fn who_may_not_leaves_no_trace() {
    let bench = people().await;
    let task = bench.create(anna(), Some(ben())).await;
    let refused = update(&bench, &task, ben(), title("Mine")).await;
    assert!(matches!(refused, Err(UpdateTaskError::Edit(EditError::NotOwner))), "{refused:?}");
    let delete = |by| DeleteTask { task: task.id, by, if_match: IfMatch::Absent };
    let refused = bench.db.write(&Context::default(), &delete(ben()), delete_task).await;
    assert!(matches!(refused, Err(DeleteTaskError::NotOwner)), "{refused:?}");
    let refused = bench.db.write(&Context::default(), &delete(STRANGER), delete_task).await;
    assert!(matches!(refused, Err(DeleteTaskError::NotFound)), "{refused:?}");
    let refused = update(&bench, &task, STRANGER, title("Mine")).await;
    assert!(matches!(refused, Err(UpdateTaskError::NotFound)), "{refused:?}");
    let refused = complete(&bench, &task, STRANGER, IfMatch::Absent).await;
    assert!(matches!(refused, Err(CompleteTaskError::NotFound)), "{refused:?}");
    assert_eq!(bench.look(&task).await, Some(task.clone()));
    assert_eq!(types(&bench, &task).await, ["created", "assigned"]);
    assert!(update(&bench, &task, root(), title("Ours")).await.is_ok());
}

#[tokio::test]
async fn nobody_unknown_is_assigned() {
    let bench = people().await;
    let task = bench.create(anna(), None).await;
    let edit = Edit { assignee_id: Some(Some(STRANGER.id)), ..title("Yours") };
    let refused = update(&bench, &task, anna(), edit).await;
    assert!(
        matches!(refused, Err(UpdateTaskError::Reference(ReferenceError::UnknownUser(id))) if id == STRANGER.id),
        "{refused:?}"
    );
    assert_eq!(bench.look(&task).await, Some(task.clone()));
}
