//! What an error of PostgreSQL means. Rule: its SQLSTATE decides, never its words, which depend on the server's
//! language; and whoever sorts one must know whether a COMMIT was on its way.

use super::connection::{Cause, Failure, is_misfit};
use crate::error::DbError;
use std::error::Error;
use tokio_postgres::error::{Severity, SqlState};

/// An error, sorted.
pub(super) struct Sorted {
    pub error: DbError,
    /// The use-case may be run again at once.
    pub rerun: bool,
    /// The connection is of no more use.
    pub broken: bool,
}

/// Sorts a failure after which nothing of the transaction can have been kept.
pub(super) fn sort(failure: &Failure) -> Sorted {
    let sorted = |error, rerun, broken| Sorted { error, rerun, broken };
    let raw = match &failure.cause {
        Cause::Raw(raw) => raw,
        cause => return sorted(DbError::Unavailable(cause.describe()), false, true),
    };
    let Some(server) = raw.as_db_error() else {
        // What the driver says by itself is the network's fault, unless a value or a row could not be converted.
        return match is_misfit(raw) {
            true => sorted(DbError::Statement(describe(raw)), false, false),
            false => sorted(DbError::Unavailable(describe(raw)), false, true),
        };
    };
    let code = server.code();
    let ends = is_fatal(raw);
    if *code == SqlState::DIVISION_BY_ZERO && failure.must_change {
        return sorted(DbError::NoRowChanged(failure.sql.clone()), false, false);
    }
    let error = match code.code() {
        "40001" | "40P01" => return sorted(DbError::Conflict, true, ends),
        // The wait was as long as a wait may be: running again would only double it, unless it was a deadlock, which
        // whoever knows the transaction decides.
        "55P03" => DbError::Conflict,
        // A migration changed what a prepared statement returns; another connection prepares it anew.
        "0A000" if server.message().starts_with("cached plan") => return sorted(DbError::Conflict, true, true),
        "23505" => {
            let constraint = server.constraint().unwrap_or_default().to_owned();
            return sorted(DbError::Unique { constraint }, false, ends);
        }
        "57014" => DbError::Deadline,
        // A standby: the next connection finds the primary.
        "25006" => return sorted(DbError::Unavailable(describe(raw)), false, true),
        "25P03" => DbError::Deadline,
        "XX001" | "XX002" => DbError::Unavailable(describe(raw)),
        other => match other.get(..2) {
            Some("08" | "28" | "3D" | "53" | "57" | "58") => DbError::Unavailable(describe(raw)),
            _ if ends => DbError::Unavailable(describe(raw)),
            _ => DbError::Statement(describe(raw)),
        },
    };
    sorted(error, false, ends)
}

/// Sorts a failure of a batch that ended in a commit. The server works a batch in order and answers each part before
/// it begins the next; so an error of its own before the commit means that the commit kept nothing. Silence and a
/// broken connection mean that nobody knows, and so does an error that ends the session in place of the commit's answer.
pub(super) fn sort_commit(failure: &Failure, commit: usize) -> Sorted {
    let certain = match &failure.cause {
        Cause::Raw(raw) => raw.as_db_error().is_some() && (failure.order < commit || !is_fatal(raw)),
        Cause::Silent | Cause::Closed => false,
    };
    if certain || !failure.sent_commit {
        return sort(failure);
    }
    Sorted { error: DbError::Unknown(failure.cause.describe()), rerun: false, broken: true }
}

fn is_fatal(raw: &tokio_postgres::Error) -> bool {
    raw.as_db_error().is_some_and(|server| match server.parsed_severity() {
        Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
        None => true,
    })
}

/// One line: what the server said and its SQLSTATE, or what the driver said and why. Never the values: `DETAIL`
/// repeats them.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(server) => format!("{} ({})", server.message(), server.code().code()),
        None => match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}
