//! The ways a notification reaches its recipient. Rule: a plain list while there is one way; a second one that leaves
//! the process brings a trait with it.

use schemars::json_schema;
use std::fmt::{self, Display};

/// A way to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    /// The recipient's box in this system: delivered by being stored.
    InApp,
}

web::schemas! {
    Channel => json_schema!({ "type": "string", "enum": Channel::ALL.map(Channel::as_str) });
}

impl Channel {
    /// All.
    pub(crate) const ALL: [Self; 1] = [Self::InApp];

    /// The name in JSON and in the store.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InApp => "in_app",
        }
    }

    /// The channel of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "in_app" => Some(Self::InApp),
            _ => None,
        }
    }
}

impl Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
