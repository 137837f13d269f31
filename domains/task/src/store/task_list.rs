//! A page of the tasks that the caller may see. Rule: begins with `visible_to`, as every look-up does; what it may be
//! sorted by stands in the list here.

use super::TaskFilter;
use super::task_row::{Column, Entity};
use super::tasks::visible_to;
use crate::domain::{Actor, Task};
use chrono::{DateTime, Utc};
use db::Reader;
use sea_orm::QueryFilter;
use web::{Page, Paging, Problem};

const SORTABLE: &[(&str, Column)] = &[
    ("created_at", Column::CreatedAt),
    ("updated_at", Column::UpdatedAt),
    ("due_at", Column::DueAt),
    ("priority", Column::Priority),
    ("title", Column::Title),
];

/// What a client may sort by.
pub(crate) fn task_sorts() -> impl Iterator<Item = &'static str> {
    SORTABLE.iter().map(|(name, _)| *name)
}

/// The newest first, unless the client says otherwise. `now` decides what is overdue.
pub(crate) async fn list_tasks(
    reader: &Reader,
    by: Actor,
    filter: &TaskFilter,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Page<Task>, Problem> {
    let keyset = paging.keyset::<Entity>(SORTABLE, "-created_at", Column::Id)?;
    let rows = reader.all(keyset.select(visible_to(by).filter(filter.condition(by, now)))).await?;
    let Page { items, next_cursor } = keyset.page(rows, Task::try_from)?;
    Ok(Page { items: items.into_iter().collect::<Result<_, _>>()?, next_cursor })
}
