//! The origins whose scripts may call. Rule: named one by one and compared letter by letter with what a browser sends;
//! there is no way to say "all of them".

/// A list of origins; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Those, each as a browser writes it: `https://app.example.org`, with a port where it is not the usual one.
    #[must_use]
    pub const fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    /// Whether nobody is named.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether that one is named.
    #[must_use]
    pub fn names(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|named| named.as_bytes() == origin)
    }
}
