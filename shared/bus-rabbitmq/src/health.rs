//! What stands in the way. Rule: every trouble is logged once when it begins and once when it ends, and is in the
//! status as long as it lasts.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The present troubles, each under the name of what has it.
#[derive(Debug, Default)]
pub(crate) struct Health {
    troubles: Mutex<BTreeMap<String, String>>,
}

impl Health {
    /// `what` has a trouble.
    pub(crate) fn trouble(&self, what: &str, trouble: &str) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.insert(what.to_owned(), trouble.to_owned()).is_none() {
            tracing::error!(what, trouble, "the bus is in trouble");
        }
    }

    /// `what` has none any more.
    pub(crate) fn fine(&self, what: &str) {
        if self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(what).is_some() {
            tracing::info!(what, "the bus is out of that trouble");
        }
    }

    /// All of them in one line.
    pub(crate) fn summary(&self) -> Option<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        (!troubles.is_empty()).then(|| troubles.values().cloned().collect::<Vec<_>>().join("; "))
    }
}
