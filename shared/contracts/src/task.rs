//! What others may know of a task.

use serde::{Deserialize, Serialize};

pub mod v1;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// All, in their order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The one of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

named! {
    /// Where a task stands.
    Status {
        /// Not begun.
        Todo => "todo",
        /// Begun.
        InProgress => "in_progress",
        /// Finished.
        Done => "done",
        /// Given up.
        Cancelled => "cancelled",
    }
}

named! {
    /// How pressing a task is; ordered by rank.
    Priority {
        /// Nobody said.
        None => "none",
        /// Some day.
        Low => "low",
        /// In its turn.
        Medium => "medium",
        /// Before the others.
        High => "high",
        /// Now.
        Urgent => "urgent",
    }
}
