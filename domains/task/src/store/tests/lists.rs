//! Who sees what, and what each filter and sort makes of it.

use crate::app::{CompleteTask, CreateTask, UpdateTask, complete_task, create_task, update_task};
use crate::domain::testing::{anna, ben, now, root};
use crate::domain::{Actor, Edit, Labels, NewTask, Title};
use crate::store::{TaskFilter, list_tasks};
use crate::testing::Bench;
use actix_web::FromRequest;
use actix_web::dev::Payload;
use actix_web::test::TestRequest;
use chrono::{Duration, SecondsFormat};
use contracts::task::{Priority, Status};
use db::Context;
use web::{IfMatch, Problem, ProblemCode, SortedListing};

/// The titles on the first page.
pub(super) async fn titles(bench: &Bench, by: Actor, query: &str) -> Result<Vec<String>, Problem> {
    Ok(page(bench, by, query).await?.0)
}

/// The titles of a page, and the cursor of the next.
pub(super) async fn page(bench: &Bench, by: Actor, query: &str) -> Result<(Vec<String>, Option<String>), Problem> {
    let request = TestRequest::with_uri(&format!("/api/v1/tasks?{query}")).to_http_request();
    let SortedListing { filters, paging } =
        SortedListing::<TaskFilter>::from_request(&request, &mut Payload::None).await?;
    let page = list_tasks(bench.db.reader(), by, &filters, &paging, now()).await?;
    Ok((page.items.iter().map(|task| task.title.as_str().to_owned()).collect(), page.next_cursor))
}

pub(super) fn titled(title: &str) -> NewTask {
    NewTask {
        title: Title::stored(title.to_owned()),
        description: None,
        priority: Priority::None,
        category_id: None,
        labels: Labels::default(),
        assignee_id: None,
        due_at: None,
        remind_at: None,
    }
}

pub(super) async fn create(bench: &Bench, by: Actor, task: NewTask) -> contracts::TaskId {
    bench.db.write(&Context::default(), &CreateTask { task, by }, create_task).await.unwrap().id
}

/// Anna's four tasks and one of Ben's; `late` is overdue.
async fn five_tasks() -> Bench {
    let bench = Bench::open().await;
    bench.know(ben()).await;
    let labels = |labels: &[&str]| Labels::stored(labels.iter().map(|&label| label.to_owned()).collect());
    let due = |hours| Some(now() + Duration::hours(hours));
    create(&bench, anna(), NewTask { priority: Priority::Low, labels: labels(&["home"]), ..titled("a low") }).await;
    let late =
        NewTask { due_at: due(-1), priority: Priority::Urgent, labels: labels(&["home", "work"]), ..titled("late") };
    create(&bench, anna(), late).await;
    let soon = NewTask { due_at: due(1), assignee_id: Some(ben().id), priority: Priority::High, ..titled("soon") };
    create(&bench, anna(), soon).await;
    let done = create(&bench, anna(), NewTask { due_at: due(-2), ..titled("Done") }).await;
    let command = CompleteTask { task: done, by: anna(), if_match: IfMatch::Absent };
    bench.db.write(&Context::default(), &command, complete_task).await.unwrap();
    let bens = create(&bench, ben(), NewTask { priority: Priority::Medium, ..titled("of Ben") }).await;
    let edit = Edit { status: Some(Status::InProgress), ..Edit::default() };
    let command = UpdateTask { task: bens, edit, by: ben(), if_match: IfMatch::Absent };
    bench.db.write(&Context::default(), &command, update_task).await.unwrap();
    bench
}

#[tokio::test]
async fn creator_assignee_and_administrators_see_a_task() {
    let bench = five_tasks().await;
    assert_eq!(titles(&bench, anna(), "").await.unwrap(), ["Done", "soon", "late", "a low"]);
    assert_eq!(titles(&bench, ben(), "").await.unwrap(), ["of Ben", "soon"]);
    assert_eq!(titles(&bench, root(), "").await.unwrap().len(), 5);
    let stranger = Actor { is_admin: false, ..root() };
    assert!(titles(&bench, stranger, "").await.unwrap().is_empty());
    // A filter narrows; it never opens.
    let query = format!("creator_id={}", anna().id);
    assert_eq!(titles(&bench, ben(), &query).await.unwrap(), ["soon"]);
}

#[tokio::test]
async fn each_filter_means_what_it_says() {
    let bench = five_tasks().await;
    let hour = |hours| (now() + Duration::hours(hours)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let (past, future) = (hour(-1), hour(1));
    for (query, expected) in [
        ("status=done", &["Done"][..]),
        ("status=todo,in_progress&sort=title", &["a low", "late", "of Ben", "soon"]),
        ("status=cancelled", &[]),
        ("priority=none", &["Done"]),
        ("priority=high,urgent&sort=title", &["late", "soon"]),
        ("category_id=none&sort=title&limit=1", &["Done"]),
        ("category_id=0190a5da-c967-74bb-bcce-b302099a8057", &[]),
        ("label=home&sort=title", &["a low", "late"]),
        ("label=work,unheard", &["late"]),
        ("label=none&sort=title", &["Done", "of Ben", "soon"]),
        ("label=none,work&sort=title", &["Done", "late", "of Ben", "soon"]),
        ("assignee_id=none&sort=title", &["Done", "a low", "late", "of Ben"]),
        ("assignee_id=me", &[]),
        (&format!("assignee_id={}", ben().id), &["soon"]),
        (&format!("creator_id={}", ben().id), &["of Ben"]),
        (&format!("due_before={past}"), &["Done"]),
        (&format!("due_after={past}"), &["soon"]),
        (&format!("due_before={future}&sort=title"), &["Done", "late"]),
        ("overdue=true", &["late"]),
        ("overdue=false&sort=title", &["Done", "a low", "of Ben", "soon"]),
        (&format!("created_before={past}"), &[]),
        (&format!("created_after={past}&status=done"), &["Done"]),
        (&format!("updated_since={past}&status=done"), &["Done"]),
    ] {
        assert_eq!(titles(&bench, root(), query).await.unwrap(), expected, "{query}");
    }
}

#[tokio::test]
async fn null_sorts_last_both_ways_and_priority_by_rank() {
    let bench = five_tasks().await;
    for (query, expected) in [
        ("sort=priority", ["Done", "a low", "of Ben", "soon", "late"]),
        ("sort=-priority", ["late", "soon", "of Ben", "a low", "Done"]),
        ("sort=due_at,title", ["Done", "late", "soon", "a low", "of Ben"]),
        ("sort=-due_at,-title", ["soon", "late", "Done", "of Ben", "a low"]),
        ("sort=title", ["Done", "a low", "late", "of Ben", "soon"]),
        ("sort=created_at", ["a low", "late", "soon", "Done", "of Ben"]),
    ] {
        assert_eq!(titles(&bench, root(), query).await.unwrap(), expected, "{query}");
    }
}

#[tokio::test]
async fn what_has_no_meaning_is_refused() {
    let bench = Bench::open().await;
    for (query, code) in [
        ("q=milk", ProblemCode::UnknownParameter),
        ("statuses=todo", ProblemCode::UnknownParameter),
        ("status=asleep", ProblemCode::InvalidParameter),
        ("status=", ProblemCode::InvalidParameter),
        ("status=todo&status=done", ProblemCode::InvalidParameter),
        ("assignee_id=Ben", ProblemCode::InvalidParameter),
        ("creator_id=none", ProblemCode::InvalidParameter),
        ("overdue=perhaps", ProblemCode::InvalidParameter),
        ("due_before=tomorrow", ProblemCode::InvalidParameter),
        ("limit=0", ProblemCode::InvalidParameter),
        ("limit=101", ProblemCode::InvalidParameter),
        ("sort=description", ProblemCode::InvalidSort),
        ("sort=title,-title", ProblemCode::InvalidSort),
        ("cursor=x", ProblemCode::InvalidCursor),
    ] {
        assert_eq!(titles(&bench, anna(), query).await.unwrap_err().code(), code, "{query}");
    }
}
