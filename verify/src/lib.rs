//! Exhaustive search: every interleaving of a small world, instead of a lucky one. And luck: many large ones.
//!
//! | model | what is explored |
//! | --- | --- |
//! | [`table`] | the transition table with two ends and a network that loses, repeats and reorders for ever: all of it |
//! | [`connections`] | two real connections with tiny windows, to a stated depth and number of faults |
//! | [`flights`] | one loaded sender, its receiver and a path with a delay: every life with so many faults |
//! | [`worlds`] | not a model: random worlds with strangers and liars, many seeds |
//! | [`bodies`] | not a model: what the fuzz targets in `fuzz/` do, so that `cargo test` does it too |
//! | [`causes`] | not a model: what the lens says of retransmissions, beside what Linux says |
//!
//! [`many`] shares seeds among threads and [`inputs`] makes inputs for the bodies: in the tests, a share of them, and in the
//! commands of `main.rs`, as many as one likes.
//!
//! What is *not* here: proofs.

pub mod bodies;
mod caught;
pub mod causes;
pub mod connections;
pub mod flights;
pub mod inputs;
pub mod many;
pub mod table;
pub mod worlds;

pub use caught::caught;

// The tests of `sim` know it by the name of its package.
extern crate sim as synfin_sim;
