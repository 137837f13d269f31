//! Who may see what. Rule: every finder takes a [`Viewer`], so that no use-case can forget the question.

use super::entity::notification_view::Column;
use contracts::UserId;
use sea_orm::{ColumnTrait, Condition};

/// On whose behalf something is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    pub(crate) user: UserId,
    pub(crate) is_admin: bool,
}

impl Viewer {
    /// A recipient sees what was sent to them, and drafts only where they are the author; administrators see all.
    pub(super) fn condition(self) -> Condition {
        if self.is_admin {
            return Condition::all();
        }
        let user = self.user.uuid();
        Condition::all()
            .add(Column::RecipientId.eq(user))
            .add(Condition::any().add(Column::SentAt.is_not_null()).add(Column::CreatedBy.eq(user)))
    }
}
