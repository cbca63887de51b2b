//! What people look at: ladders, the state diagram, tables, graphs, a one-file page, JSON lines.
//!
//! Everything here turns values into text and returns it. Nothing prints, reads a clock, a file or a
//! socket; colours, width and character set are an argument ([`Style`]). `report` sees trace values
//! only: it cannot tell a live run, a simulation and a capture apart.

pub mod captured;
pub mod diagram;
mod flags;
pub mod json;
pub mod ladder;
pub mod numbers;
pub mod page;
pub mod plot;
mod style;
mod svg;
pub mod tables;
pub mod words;

#[cfg(test)]
mod snapshot;

pub use style::{Charset, ColorChoice, Style, columns};

// The crates whose types are in our signatures, so that programs need not depend on them directly.
pub use lens;
pub use tcp;
pub use wire;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
