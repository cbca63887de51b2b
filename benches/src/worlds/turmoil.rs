//! The programs over turmoil's streams.

use ::turmoil as sim;

#[allow(clippy::duplicate_mod, reason = "the same programs over another simulation")]
#[path = "programs.rs"]
pub mod programs;
