//! Worlds of tokio programs, each written once and run by two simulations: ours, and turmoil, whose published examples
//! they follow. What differs is one line, `use ... as sim`.

pub mod ours;
pub mod turmoil;
