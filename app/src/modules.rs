//! The explicit list of domains. Rule: this is the only place that knows all of them.

use runtime::Module;

pub(crate) fn all() -> Vec<Module> {
    vec![user::module(), task::module(), notification::module()]
}
