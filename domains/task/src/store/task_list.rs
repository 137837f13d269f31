//! A page of the tasks that the caller may see. Rule: what `visible_to` shows, and nothing else; what it may be sorted by
//! stands in the list here.

use super::TaskFilter;
use super::task_row::{Column, Entity};
use super::tasks::visible_to;
use crate::domain::{Actor, Task};
use chrono::{DateTime, Utc};
use db::Reader;
use sea_orm::sea_query::{Alias, Asterisk, Query, UnionType};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait, Select};
use web::{Keyset, Page, Paging, Problem};

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
    let narrowed = |select: Select<Entity>| keyset.select(select.filter(filter.condition(by, now)));
    let select = if by.is_admin { narrowed(visible_to(by)) } else { own(by, &keyset, narrowed) };
    let rows = reader.all(select).await?;
    let Page { items, next_cursor } = keyset.page(rows, Task::try_from)?;
    Ok(Page { items: items.into_iter().collect::<Result<_, _>>()?, next_cursor })
}

/// A page of what somebody made, and one of what somebody is to do besides; the page of all that is the beginning of both.
/// Each has an index that brings its rows in order, and ends with the page. With one condition over both, all rows of the
/// caller would be read and sorted each time.
fn own(by: Actor, keyset: &Keyset<Entity>, narrowed: impl Fn(Select<Entity>) -> Select<Entity>) -> Select<Entity> {
    let me = by.id.uuid();
    let made = Entity::find().filter(Column::CreatorId.eq(me));
    let to_do = Entity::find().filter(Column::AssigneeId.eq(me)).filter(Column::CreatorId.ne(me));
    let page_of = |part: Select<Entity>, name| {
        Query::select().column(Asterisk).from_subquery(narrowed(part).into_query(), Alias::new(name)).take()
    };
    let both = page_of(made, "made").union(UnionType::All, page_of(to_do, "to_do")).take();
    let mut select = keyset.select(Entity::find());
    QueryTrait::query(&mut select).from_clear().from_subquery(both, Entity);
    select
}
