//! What others can be told of accounts whose history they were not there for.

use crate::store::users;
use contracts::user::v1::UserSnapshot;
use db::{DbError, Reader};
use outbox::{Living, Snapshots, State};

/// All snapshots of the domain.
pub(crate) fn snapshots() -> Snapshots {
    Snapshots::new().of(living_users)
}

async fn living_users(reader: Reader, living: Living) -> Result<Vec<State<UserSnapshot>>, DbError> {
    let users = users::living(&reader, living).await?;
    Ok(users.into_iter().map(|user| (user.stream.clone(), user.snapshot())).collect())
}
