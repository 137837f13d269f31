//! What every handler of the domain has at hand. A type of its own, so that another domain's database in the same
//! process cannot be mistaken for this one.

use crate::app;
use crate::domain::Actor;
use contracts::UserId;
use db::Db;
use web::{Caller, Problem};

pub(crate) struct TaskState {
    pub(crate) db: Db,
}

impl TaskState {
    /// Gives an assignee who may just have registered a moment to become known.
    pub(super) async fn await_assignee(&self, assignee: Option<UserId>) -> Result<(), Problem> {
        if let Some(user) = assignee {
            // Whether known or not: the use-case says what is wrong with the request, and who may not ask comes first.
            app::await_user(&self.db, user).await?;
        }
        Ok(())
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        Self { id: caller.user_id, is_admin: caller.is_admin() }
    }
}
