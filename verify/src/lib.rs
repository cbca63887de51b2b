//! Exhaustive search: every interleaving of a small world, instead of a lucky one. And luck: many large ones.
//!
//! | model | what is explored |
//! | --- | --- |
//! | [`table`] | the transition table with two ends and a network that loses, repeats and reorders for ever: all of it |
//! | [`connections`] | two real connections with tiny windows, to a stated depth and number of faults |
//! | [`flights`] | one loaded sender, its receiver and a path with a delay: every life with so many faults |
//! | [`worlds`] | not a model: random worlds with strangers and liars, many seeds |
//! | [`bodies`] | not a model: what the fuzz targets in `fuzz/` do, so that `cargo test` does it too |
//!
//! What is *not* here: proofs.

pub mod bodies;
pub mod connections;
pub mod flights;
pub mod table;
pub mod worlds;

// The tests of `sim` know it by the name of its package.
extern crate sim as synfin_sim;
