//! The programs over TCP as it is.

use ::sim::tokio as sim;

#[path = "programs.rs"]
pub mod programs;
