//! Lessons 9 to 12.

#[rustfmt::skip]
pub(crate) const TROUBLE: crate::words::Table = &[
];
