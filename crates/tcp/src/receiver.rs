//! The receive half of a connection.

pub(crate) mod acks;
mod delivery;
pub(crate) mod queue;
pub(crate) mod reassembly;
pub(crate) mod sack;
mod window;
