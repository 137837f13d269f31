//! Part of a batch, and its text. Rule: what must not be waited for fails by itself, so that whatever follows it comes to
//! nothing.

use sea_orm::Statement;
use std::borrow::Cow;

/// Begins a transaction and leaves a mark in it, which is gone with it. A guarded statement that was sent together
/// with a BEGIN that failed finds no mark and fails too, instead of committing by itself.
const BEGIN: &str = "BEGIN; SELECT set_config('cleave.open', 'yes', true)";

/// Begins a transaction in which a statement goes by an index wherever one fits: what else would do is made dear, and very
/// dear where none does. It counts when a plan is made, so that a statement that is always sent behind it never gets another.
const BEGIN_BY_INDEX: &str = "BEGIN; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off; \
                              SET LOCAL enable_sort = off";

/// Part of a batch.
#[derive(Debug, Clone, Copy)]
pub(in crate::postgres) enum Order<'a> {
    Begin,
    BeginByIndex,
    Commit,
    Rollback,
    /// Rows.
    Read(&'a Statement),
    /// The number of rows changed.
    Change(&'a Statement),
    /// Must change a row; in an open transaction only.
    MustChange(&'a Statement),
    /// Must change a row, in a transaction of its own.
    MustChangeAlone(&'a Statement),
    /// Several statements as one text; see [`super::super::fold`].
    Folded(&'a Statement),
}

impl<'a> Order<'a> {
    pub(super) fn statement(&self) -> Option<&'a Statement> {
        match self {
            Self::Begin | Self::BeginByIndex | Self::Commit | Self::Rollback => None,
            Self::Read(statement)
            | Self::Change(statement)
            | Self::MustChange(statement)
            | Self::MustChangeAlone(statement)
            | Self::Folded(statement) => Some(statement),
        }
    }

    /// Whether it may leave rows locked that others want.
    pub(in crate::postgres) fn locks(&self) -> bool {
        match self {
            Self::Begin | Self::BeginByIndex | Self::Commit | Self::Rollback => false,
            Self::Read(statement) => statement.sql.contains(" FOR "),
            Self::Change(_) | Self::MustChange(_) | Self::MustChangeAlone(_) | Self::Folded(_) => true,
        }
    }

    pub(super) fn must_change(&self) -> bool {
        matches!(self, Self::MustChange(_) | Self::MustChangeAlone(_))
    }

    /// The text to prepare. A statement that must change a row is made to fail by itself, by a division by the number
    /// of rows, so that it need not be waited for: whatever follows it in the transaction, the commit included,
    /// comes to nothing.
    pub(super) fn sql(&self) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::Begin | Self::BeginByIndex | Self::Commit | Self::Rollback => return None,
            Self::Read(statement) | Self::Change(statement) | Self::Folded(statement) => statement.sql.as_str().into(),
            Self::MustChange(statement) => format!(
                "WITH changed AS ({} RETURNING 1) SELECT 1 / (count(*) * \
                 coalesce(current_setting('cleave.open', true) = 'yes', false)::int) FROM changed",
                statement.sql
            )
            .into(),
            Self::MustChangeAlone(statement) => {
                format!("WITH changed AS ({} RETURNING 1) SELECT 1 / count(*) FROM changed", statement.sql).into()
            }
        })
    }

    /// The text of what is no statement.
    pub(super) fn control(&self) -> &'static str {
        match self {
            Self::Begin => BEGIN,
            Self::BeginByIndex => BEGIN_BY_INDEX,
            Self::Commit => "COMMIT",
            _ => "ROLLBACK",
        }
    }
}
