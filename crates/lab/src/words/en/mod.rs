//! The tables in English.

mod closing;
mod notes;
mod opening;
mod states;
mod surface;
mod trouble;

pub(super) use surface::SURFACE;

/// All of them.
pub(super) static TABLES: [super::Table; 6] =
    [SURFACE, notes::NOTES, states::STATES, opening::OPENING, closing::CLOSING, trouble::TROUBLE];
