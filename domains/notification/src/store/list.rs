//! Lists of notifications, newest first.

use super::entity::notification_view::{Column, Entity};
use super::rows::to_notification;
use super::visibility::Viewer;
use crate::domain::{Notification, State};
use chrono::{DateTime, Utc};
use contracts::UserId;
use db::Reader;
use schemars::JsonSchema;
use sea_orm::sea_query::Order;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryTrait, Select};
use serde::{Deserialize, Serialize};
use web::{AnyOf, AnyOrNone, Page, Paging, Problem};

/// Which part of what somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Box")]
pub(crate) enum InBox {
    /// Sent and not put away.
    #[default]
    Inbox,
    /// Put away.
    Archived,
    /// Both, and the drafts that the viewer may see.
    All,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// On whose behalf. What concerns the viewer alone is looked at with a recipient's eyes, also by an
    /// administrator.
    pub(crate) viewer: Viewer,
    pub(crate) recipients: Vec<UserId>,
    pub(crate) in_box: InBox,
    pub(crate) read: Option<bool>,
    pub(crate) categories: Option<AnyOrNone<String>>,
    pub(crate) states: Option<AnyOf<State>>,
    pub(crate) created_after: Option<DateTime<Utc>>,
    pub(crate) created_before: Option<DateTime<Utc>>,
}

/// One page.
pub(crate) async fn page(reader: &Reader, filter: &Filter, paging: &Paging) -> Result<Page<Notification>, Problem> {
    let keyset = paging.ordered_by::<Entity>(Column::CreatedAt, Order::Desc, Column::Id)?;
    let rows = reader.all(keyset.select(filter.select())).await?;
    let page = keyset.page(rows, to_notification)?;
    Ok(Page { items: page.items.into_iter().collect::<Result<_, _>>()?, next_cursor: page.next_cursor })
}

impl Filter {
    fn select(&self) -> Select<Entity> {
        let own = self.recipients == [self.viewer.user];
        let viewer = Viewer { is_admin: self.viewer.is_admin && !own, ..self.viewer };
        Entity::find()
            .filter(Column::RecipientId.is_in(self.recipients.iter().map(|user| user.uuid())))
            .filter(viewer.condition())
            .filter(self.in_box.condition())
            .apply_if(self.read, |select, read| {
                select.filter(if read { Column::ReadAt.is_not_null() } else { Column::ReadAt.is_null() })
            })
            .apply_if(self.categories.as_ref(), |select, any| {
                select.filter(any.condition(Column::Category, |name| name.clone()))
            })
            .apply_if(self.states.as_ref(), |select, any| {
                select.filter(any.condition(Column::State, |state| state.as_str()))
            })
            .apply_if(self.created_after, |select, instant| select.filter(Column::CreatedAt.gt(instant)))
            .apply_if(self.created_before, |select, instant| select.filter(Column::CreatedAt.lt(instant)))
    }
}

impl InBox {
    fn condition(self) -> Condition {
        match self {
            Self::Inbox => Condition::all().add(Column::SentAt.is_not_null()).add(Column::ArchivedAt.is_null()),
            Self::Archived => Condition::all().add(Column::ArchivedAt.is_not_null()),
            Self::All => Condition::all(),
        }
    }
}
