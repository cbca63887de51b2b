//! A bar: what a figure should be at least or at most.

use std::fmt;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// From the one to the other.
    Between(f64, f64),
    /// There is none: the figure is for orientation.
    None,
}

impl Bar {
    /// Whether the figure is what it should be; `None` without a bar.
    pub(crate) fn holds(self, figure: f64) -> Option<bool> {
        match self {
            Bar::AtLeast(least) => Some(figure >= least),
            Bar::AtMost(most) => Some(figure <= most),
            Bar::Between(least, most) => Some((least..=most).contains(&figure)),
            Bar::None => None,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bar::AtLeast(least) => write!(f, "≥ {least}"),
            Bar::AtMost(most) => write!(f, "≤ {most}"),
            Bar::Between(least, most) => write!(f, "{least} to {most}"),
            Bar::None => Ok(()),
        }
    }
}
