//! A task and three people for the tests of the rules: Anna made it, Ben is to do it, Root administers.

use super::{Actor, Labels, NewTask, Task, Title};
use chrono::{DateTime, TimeZone, Utc};
use contracts::task::Priority;
use contracts::{TaskId, UserId};
use uuid::Uuid;

pub(crate) fn anna() -> Actor {
    Actor { id: UserId(Uuid::from_u128(1)), is_admin: false }
}

pub(crate) fn ben() -> Actor {
    Actor { id: UserId(Uuid::from_u128(2)), is_admin: false }
}

pub(crate) fn root() -> Actor {
    Actor { id: UserId(Uuid::from_u128(3)), is_admin: true }
}

pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 2, 3, 0, 0).unwrap()
}

pub(crate) fn later() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 2, 4, 0, 0).unwrap()
}

pub(crate) fn task() -> Task {
    let new = NewTask {
        title: Title::stored("Buy milk".to_owned()),
        description: None,
        priority: Priority::None,
        category_id: None,
        labels: Labels::default(),
        assignee_id: Some(ben().id),
        due_at: None,
        remind_at: None,
    };
    Task::new(TaskId(Uuid::from_u128(9)), new, anna().id, now())
}
