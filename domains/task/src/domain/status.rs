//! Where a task stands and where it may go from there. Rule: this table is the only place that knows.

use contracts::task::Status;

/// A step that the table has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {} cannot become {}", from.as_str(), to.as_str())]
pub(crate) struct InvalidTransition {
    pub(crate) from: Status,
    pub(crate) to: Status,
}

/// The statuses that may follow.
pub(crate) const fn allowed_after(status: Status) -> &'static [Status] {
    match status {
        Status::Todo => &[Status::InProgress, Status::Done, Status::Cancelled],
        Status::InProgress => &[Status::Todo, Status::Done, Status::Cancelled],
        Status::Done | Status::Cancelled => &[Status::Todo],
    }
}

/// Refuses a step that the table has not.
pub(super) fn check(from: Status, to: Status) -> Result<(), InvalidTransition> {
    if allowed_after(from).contains(&to) { Ok(()) } else { Err(InvalidTransition { from, to }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Cancelled, Done, InProgress, Todo};

    #[test]
    fn every_step_is_either_in_the_table_or_refused() {
        let steps = [
            (Todo, InProgress),
            (InProgress, Todo),
            (Todo, Done),
            (Todo, Cancelled),
            (InProgress, Done),
            (InProgress, Cancelled),
            (Done, Todo),
            (Cancelled, Todo),
        ];
        for &from in Status::ALL {
            for &to in Status::ALL {
                let expected = if steps.contains(&(from, to)) { Ok(()) } else { Err(InvalidTransition { from, to }) };
                assert_eq!(check(from, to), expected);
            }
        }
    }
}
