//! The JSON Schema of every event. Rule: what others read is a snapshot; a test compares these with the files
//! in `schemas/`.

use schemars::Schema;

/// Event type (`task.completed.v1`) and schema of its `data`, for every published event.
#[must_use]
pub fn all() -> Vec<(String, Schema)> {
    let mut all = crate::user::v1::schemas();
    all.extend(crate::task::v1::schemas());
    all.extend(crate::notification::v1::schemas());
    all
}
