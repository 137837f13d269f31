//! What the domain does about other domains' events. Rule: an explicit list; a type without a line moves the
//! watermark and nothing else.

mod on_task_assigned;
mod on_task_completed;
mod on_user_access_revoked;
mod on_user_created;
mod on_user_deleted;
mod on_user_password_changed;
mod on_user_snapshot;
mod on_user_updated;

pub(crate) use on_task_assigned::on_task_assigned;
pub(crate) use on_task_completed::on_task_completed;
pub(crate) use on_user_access_revoked::on_user_access_revoked;
pub(crate) use on_user_created::on_user_created;
pub(crate) use on_user_deleted::on_user_deleted;
pub(crate) use on_user_password_changed::on_user_password_changed;
pub(crate) use on_user_snapshot::on_user_snapshot;
pub(crate) use on_user_updated::on_user_updated;

use contracts::task::v1::{TaskAssigned, TaskCompleted};
use contracts::user::v1::{
    UserAccessRevoked, UserCreated, UserDeleted, UserPasswordChanged, UserSnapshot, UserUpdated,
};
use outbox::Listeners;

/// All listeners of the domain.
pub(crate) fn listeners() -> Listeners {
    Listeners::new("notification")
        .on::<UserCreated, _>(on_user_created)
        .on::<UserUpdated, _>(on_user_updated)
        .on::<UserDeleted, _>(on_user_deleted)
        .on::<UserSnapshot, _>(on_user_snapshot)
        .on::<UserPasswordChanged, _>(on_user_password_changed)
        .on::<UserAccessRevoked, _>(on_user_access_revoked)
        .on::<TaskAssigned, _>(on_task_assigned)
        .on::<TaskCompleted, _>(on_task_completed)
}
