//! Lessons 5 to 8.

#[rustfmt::skip]
pub(crate) const CLOSING: crate::words::Table = &[
];
