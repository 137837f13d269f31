//! Walking a list page by page.

use super::lists::{create, page, titled};
use crate::domain::NewTask;
use crate::domain::testing::{anna, ben, now};
use crate::testing::Bench;
use chrono::Duration;
use contracts::task::Priority;
use web::ProblemCode;

#[tokio::test]
async fn a_walk_shows_every_row_of_its_start_once_while_others_come() {
    for sort in ["created_at", "-created_at", "due_at", "-due_at", "priority,-due_at", "-priority,title", "title"] {
        let bench = Bench::open().await;
        for n in 0..23_i32 {
            let priority = Priority::ALL[n as usize % 5];
            let due_at = (n % 3 != 0).then(|| now() + Duration::hours(i64::from(n % 4)));
            create(&bench, anna(), NewTask { priority, due_at, ..titled(&format!("old {n:02}")) }).await;
        }
        let mut seen = Vec::new();
        let mut query = format!("limit=4&sort={sort}");
        loop {
            let (titles, next) = page(&bench, anna(), &query).await.unwrap();
            assert!(titles.len() <= 4);
            seen.extend(titles.into_iter().filter(|title| title.starts_with("old")));
            let Some(cursor) = next else { break };
            query = format!("limit=4&sort={sort}&cursor={cursor}");
            if seen.len() < 12 {
                create(&bench, anna(), NewTask { priority: Priority::Medium, ..titled("new") }).await;
            }
        }
        let mut distinct = seen.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!((seen.len(), distinct.len()), (23, 23), "{sort}");
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list() {
    let bench = Bench::open().await;
    bench.know(ben()).await;
    for n in 0..3 {
        create(&bench, anna(), titled(&format!("{n}"))).await;
    }
    let (_, cursor) = page(&bench, anna(), "limit=1&sort=title").await.unwrap();
    let cursor = cursor.unwrap();
    let (titles, _) = page(&bench, anna(), &format!("limit=2&sort=title&cursor={cursor}")).await.unwrap();
    assert_eq!(titles, ["1", "2"]);
    for other in ["sort=-title", "sort=title&status=todo", ""] {
        let refused = page(&bench, anna(), &format!("{other}&cursor={cursor}")).await.unwrap_err();
        assert_eq!(refused.code(), ProblemCode::CursorMismatch, "{other}");
    }
    // Somebody else's cursor says where to go on, not what may be seen.
    let (titles, _) = page(&bench, ben(), &format!("sort=title&cursor={cursor}")).await.unwrap();
    assert!(titles.is_empty());
}
