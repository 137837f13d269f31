//! The one screen at the start: what runs, on what, and where to go next.

use crate::server::Domain;
use std::fmt::Write;

/// Writing into a `String` cannot fail.
pub(crate) fn screen(public_url: &str, domains: &[Domain], bus: &str, notices: &[String]) -> String {
    let rows: Vec<(&str, String, String)> = domains
        .iter()
        .map(|domain| (domain.name, domain.db.location(), domain.migrated.to_string()))
        .chain([("bus", bus.to_owned(), String::new())])
        .collect();
    let first = rows.iter().map(|(name, _, _)| name.len()).max().unwrap_or_default();
    let second = rows.iter().map(|(_, place, _)| place.len()).max().unwrap_or_default();
    let mut screen = format!("Cleave {}\n\n", env!("CARGO_PKG_VERSION"));
    for (name, place, state) in rows {
        let line = format!("  {name:first$}  {place:second$}  {state}");
        let _ = writeln!(screen, "{}", line.trim_end());
    }
    screen.push('\n');
    let width = public_url.len() + "/health".len();
    for (path, what) in [("/", "what is here"), ("/docs", "routes and a first request"), ("/health", "how it is")] {
        let _ = writeln!(screen, "  {:width$}  {what}", format!("{public_url}{path}"));
    }
    for notice in notices {
        let _ = write!(screen, "\n  {notice}\n");
    }
    screen
}
