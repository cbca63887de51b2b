//! Numbers per connection and direction: bytes, round trips, windows, what limited the speed.
//!
//! Everything here is counted in one pass and in fixed space. What is *not* here: verdicts, and what
//! the numbers mean; findings say that.

mod limited;
mod quantile;
mod traffic;

pub use limited::LimitedTime;
pub(crate) use limited::TextSent;
pub use quantile::Distribution;
pub(crate) use quantile::Sketch;
pub(crate) use traffic::Traffic;
