//! What is lost, and what to send again: one RFC, one file.

pub(crate) mod fast_recovery;
pub(crate) mod rtt;
