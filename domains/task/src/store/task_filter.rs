//! The filters of `GET /tasks`, named as in the address. Rule: each one narrows what the caller may see anyway;
//! `before` and `after` exclude the instant given, `since` includes it.

use super::label_row;
use super::task_row::{self, Column};
use crate::domain::Actor;
use chrono::{DateTime, Utc};
use contracts::task::{Priority, Status};
use contracts::{CategoryId, UserId};
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, ExprTrait};
use serde::Deserialize;
use web::{AnyOf, AnyOrNone, Instant, UserRef, Word};

/// Which tasks are asked for; absent filters let everything through.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskFilter {
    /// One of these statuses.
    status: Option<AnyOf<Status>>,
    /// One of these priorities.
    priority: Option<AnyOf<Priority>>,
    /// In one of these categories; `none` for those in no category.
    category_id: Option<AnyOrNone<CategoryId>>,
    /// With one of these labels; `none` for those without any.
    label: Option<AnyOrNone<Word>>,
    /// To be done by one of these; `me` for the caller, `none` for those that nobody is to do.
    assignee_id: Option<AnyOrNone<UserRef>>,
    /// Made by one of these; `me` for the caller.
    creator_id: Option<AnyOf<UserRef>>,
    /// Due earlier.
    due_before: Option<Instant>,
    /// Due later.
    due_after: Option<Instant>,
    /// Whether they are late and still open.
    overdue: Option<bool>,
    /// Made later.
    created_after: Option<Instant>,
    /// Made earlier.
    created_before: Option<Instant>,
    /// Changed then or later.
    updated_since: Option<Instant>,
}

impl TaskFilter {
    /// What a row must fulfil.
    pub(super) fn condition(&self, by: Actor, now: DateTime<Utc>) -> Condition {
        let user = |user: &UserRef| match user {
            UserRef::Me => by.id.uuid(),
            UserRef::Id(UserId(id)) => *id,
        };
        Condition::all()
            .add_option(self.status.as_ref().map(|any| any.condition(Column::Status, |status| status.as_str())))
            .add_option(self.priority.as_ref().map(|any| any.condition(Column::Priority, |one| task_row::rank(*one))))
            .add_option(self.category_id.as_ref().map(|any| any.condition(Column::CategoryId, |id| id.uuid())))
            .add_option(self.label.as_ref().map(labelled))
            .add_option(self.assignee_id.as_ref().map(|any| any.condition(Column::AssigneeId, user)))
            .add_option(self.creator_id.as_ref().map(|any| any.condition(Column::CreatorId, user)))
            .add_option(self.due_before.map(|instant| Column::DueAt.lt(instant.0)))
            .add_option(self.due_after.map(|instant| Column::DueAt.gt(instant.0)))
            .add_option(self.overdue.map(|overdue| if overdue { is_overdue(now) } else { is_not_overdue(now) }))
            .add_option(self.created_after.map(|instant| Column::CreatedAt.gt(instant.0)))
            .add_option(self.created_before.map(|instant| Column::CreatedAt.lt(instant.0)))
            .add_option(self.updated_since.map(|instant| Column::UpdatedAt.gte(instant.0)))
    }
}

/// What is finished or given up is not late.
const CLOSED: [&str; 2] = [Status::Done.as_str(), Status::Cancelled.as_str()];

fn is_overdue(now: DateTime<Utc>) -> Condition {
    Condition::all().add(Column::DueAt.lt(now)).add(Column::Status.is_not_in(CLOSED))
}

/// Spelt out, because the negation of a comparison with null is not true.
fn is_not_overdue(now: DateTime<Utc>) -> Condition {
    Condition::any().add(Column::DueAt.is_null()).add(Column::DueAt.gte(now)).add(Column::Status.is_in(CLOSED))
}

fn labelled(any: &AnyOrNone<Word>) -> Condition {
    let mut condition = Condition::any();
    if !any.values.is_empty() {
        let with = tasks_with_labels()
            .and_where(label_row::Column::Label.is_in(any.values.iter().map(|Word(label)| label)))
            .take();
        condition = condition.add(Column::Id.in_subquery(with));
    }
    if any.none {
        let of_this = Expr::col((label_row::Entity, label_row::Column::TaskId));
        let own = tasks_with_labels().and_where(of_this.equals((task_row::Entity, Column::Id))).take();
        condition = condition.add(Expr::not_exists(own));
    }
    condition
}

fn tasks_with_labels() -> SelectStatement {
    Query::select().column((label_row::Entity, label_row::Column::TaskId)).from(label_row::Entity).take()
}
