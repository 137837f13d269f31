//! The document of everything that a process serves or hands on (`/openapi.json`). Rule: made from the tables of routes
//! alone, so that it can be made without starting anything and is the same whoever serves a domain.

use crate::module::Module;
use crate::{gateway, ops, routes};
use web::At;
use web::openapi::{Described, Document, Info};

const INFO: Info = Info {
    title: "Cleave",
    version: env!("CARGO_PKG_VERSION"),
    description: "Users, tasks and notifications.\n\nWhatever is refused is a problem document (RFC 9457); programs \
                  compare its `code`, and [/docs/errors](/docs/errors) says what each means. An address that has GET \
                  has HEAD as well. Lists are read page by page with `cursor`; a cursor is good for the filters and the \
                  sort that it came from.",
    tags: &[
        ("auth", "Signing in and out."),
        ("users", "Accounts."),
        ("tasks", "What is to be done."),
        ("categories", "Drawers for tasks."),
        ("notifications", "What users are told."),
        ("operations", "For administrators: what becomes of events, and who serves what."),
        ("process", "How the system is, and what it says of itself."),
    ],
};

/// The document of these domains and of the process around them.
#[must_use]
pub fn document(modules: &[Module]) -> Document {
    of(&modules.iter().collect::<Vec<_>>())
}

pub(crate) fn of(modules: &[&Module]) -> Document {
    let mut names: Vec<&str> = modules.iter().map(|module| module.name()).collect();
    names.sort_unstable();
    let own = [routes::table(&names), ops::table(), ops::of_domain(&ops::prefix("{domain}"), &names), gateway::table()];
    let own = own.into_iter().flatten().flat_map(At::described);
    let operations: Vec<Described> = own.chain(modules.iter().flat_map(|module| module.operations())).collect();
    Document::new(&INFO, &operations)
}

/// As it is sent, printed and kept.
pub(crate) fn text(modules: &[&Module]) -> String {
    // Names are texts and values are JSON already.
    serde_json::to_string_pretty(&of(modules).value).unwrap_or_default() + "\n"
}
