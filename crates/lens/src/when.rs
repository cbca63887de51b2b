//! A time that may not have come: eight bytes instead of sixteen, of which every connection has many.

/// Nanoseconds, or never.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct When(u64);

impl When {
    /// It has not come.
    pub(crate) const NEVER: When = When(u64::MAX);

    /// It came then.
    pub(crate) fn at(ns: u64) -> When {
        When(ns.min(u64::MAX - 1))
    }

    /// When it came.
    pub(crate) fn ns(self) -> Option<u64> {
        (self != When::NEVER).then_some(self.0)
    }

    /// It has not come.
    pub(crate) fn is_never(self) -> bool {
        self == When::NEVER
    }
}

impl Default for When {
    fn default() -> Self {
        When::NEVER
    }
}

impl std::fmt::Debug for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.ns().fmt(f)
    }
}
