//! What the domain hears, and the use-case that each event starts. An event type that is not here only moves the
//! watermark on.

mod on_user_created;
mod on_user_deleted;
mod on_user_snapshot;
mod on_user_updated;

use outbox::Listeners;

/// Everything about users: who there is, who is active, who is gone.
pub(crate) fn listeners() -> Listeners {
    Listeners::new("task")
        .on(on_user_created::on_user_created)
        .on(on_user_updated::on_user_updated)
        .on(on_user_deleted::on_user_deleted)
        .on(on_user_snapshot::on_user_snapshot)
}

#[cfg(test)]
mod tests;
