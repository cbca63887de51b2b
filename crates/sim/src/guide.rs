//! A program to begin with, complete: copy it into `src/main.rs` of a crate that depends on `synfin-sim`.
//!
//! Two hosts, a link that is slow and loses one frame in twenty, a program on each, and what the connections said
//! about what they sent again. It is `examples/lossy_link.rs` of this crate.
//!
//! ```
#![doc = include_str!("../examples/lossy_link.rs")]
//! ```
//!
//! - Ready-made programs (a bulk sender, a sink, an echo, requests and responses) are in [`apps`](crate::apps); whole
//!   measurements of bulk flows are an [`Experiment`](crate::Experiment).
//! - One fault at one place, for a test that tells one story: [`World::set_fate`](crate::World::set_fate).
//! - Frames can be written into a capture: [`captured`](crate::captured()).
