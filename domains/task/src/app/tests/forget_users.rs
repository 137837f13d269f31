//! What becomes of a deleted user's tasks.

use crate::app::{CreateCategory, create_category, forget_users};
use crate::domain::testing::{anna, ben};
use crate::domain::{Actor, CategoryName, NewCategory};
use crate::store;
use crate::testing::{Bench, heard};
use contracts::user::v1::UserDeleted;
use db::{Context, DbError, Tx};
use futures_util::future::join_all;
use outbox::Heard;
use serde_json::{Value, json};

async fn delete_user(bench: &Bench, user: Actor) {
    async fn note(tx: &mut Tx, event: &Heard<UserDeleted>) -> Result<(), DbError> {
        store::note_deleted_user(tx, event.data.user_id).await?;
        store::request_erasure(tx, event.data.user_id, &event.envelope).await
    }
    let event = heard(user.id, 2, UserDeleted { user_id: user.id });
    bench.db.write(&Context::default(), &event, note).await.unwrap();
}

async fn category(bench: &Bench, by: Actor, name: &str) -> contracts::CategoryId {
    let category = NewCategory { name: CategoryName::stored(name.to_owned()), color: None, description: None };
    bench.db.write(&Context::default(), &CreateCategory { category, by }, create_category).await.unwrap().id
}

#[tokio::test]
async fn each_task_goes_stays_or_loses_its_assignee() {
    let bench = Bench::open().await;
    bench.know(anna()).await;
    bench.know(ben()).await;
    let (used, unused) = (category(&bench, ben(), "used").await, category(&bench, ben(), "unused").await);
    let given_to_ben = bench.create(anna(), Some(ben())).await;
    let of_ben = bench.create(ben(), None).await;
    let of_ben_for_ben = bench.create(ben(), Some(ben())).await;
    let of_ben_for_anna = bench.create_in(ben(), Some(anna()), Some(used)).await;
    let of_anna = bench.create(anna(), None).await;
    delete_user(&bench, ben()).await;
    forget_users(bench.db.clone()).await.unwrap();

    let taken = bench.look(&given_to_ben).await.unwrap();
    assert_eq!((taken.assignee_id, taken.version), (None, 2));
    let told = bench.emitted(&given_to_ben).await;
    assert_eq!(told.last().unwrap().event_type, "task.updated.v1");
    assert_eq!(told.last().unwrap().data["changes"], json!([{"field": "assignee_id", "from": ben().id, "to": null}]));
    for gone in [of_ben, of_ben_for_ben] {
        assert_eq!(bench.look(&gone).await, None);
        assert_eq!(bench.emitted(&gone).await.last().unwrap().event_type, "task.deleted.v1");
    }
    assert_eq!(bench.look(&of_ben_for_anna).await, Some(of_ben_for_anna.clone()));
    assert_eq!(bench.look(&of_anna).await, Some(of_anna));
    let root = Actor { is_admin: true, ..anna() };
    assert!(store::get_category(bench.db.reader(), used, root).await.unwrap().is_some());
    assert!(store::get_category(bench.db.reader(), unused, root).await.unwrap().is_none());
}

#[tokio::test]
async fn what_follows_names_the_deletion_as_its_cause() {
    let bench = Bench::open().await;
    let task = bench.create(ben(), None).await;
    delete_user(&bench, ben()).await;
    forget_users(bench.db.clone()).await.unwrap();
    let last = bench.emitted(&task).await.pop().unwrap();
    let cause = heard(ben().id, 2, UserDeleted { user_id: ben().id }).envelope.id;
    assert_eq!(last.headers["causationid"], json!(cause));
    assert_eq!(last.headers["correlationid"], "request-1");
    assert_eq!(last.headers.get("authid").cloned().unwrap_or_default(), Value::Null);
}

#[tokio::test]
async fn more_tasks_than_a_batch_are_all_worked_through_once() {
    let bench = Bench::open().await;
    bench.know(ben()).await;
    let mut tasks = Vec::new();
    for _ in 0..501 {
        tasks.push(bench.create(anna(), Some(ben())).await);
    }
    delete_user(&bench, ben()).await;
    forget_users(bench.db.clone()).await.unwrap();
    forget_users(bench.db.clone()).await.unwrap();
    assert!(store::next_erasure(bench.db.reader()).await.unwrap().is_none());
    let looks = join_all(tasks.iter().map(|task| bench.look(task))).await;
    assert!(looks.iter().flatten().all(|task| task.assignee_id.is_none() && task.version == 2));
    assert_eq!(looks.iter().flatten().count(), 501);
}
