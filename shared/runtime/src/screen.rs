//! The one screen at the start: what runs, on what, and where to go next.

use crate::process::Process;
use std::fmt::Write;

/// Writing into a `String` cannot fail.
pub(crate) fn screen(process: &Process, bus: &str, notices: &[String]) -> String {
    let public_url = process.public_url.as_str();
    let mounted = process.domains.iter();
    let mounted = mounted.map(|domain| (domain.name, domain.db.location(), domain.migrated.to_string()));
    let remote = process.remote.iter().map(|service| (service.name, service.addresses(), "elsewhere".to_owned()));
    // Who mounts nothing has no events.
    let bus = (!process.domains.is_empty()).then(|| ("bus", bus.to_owned(), String::new()));
    let rows: Vec<_> = mounted.chain(remote).chain(bus).collect();
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
