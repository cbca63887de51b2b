//! Numbers per connection and direction: bytes, round trips, windows, what limited the speed.
//!
//! Everything here is counted in one pass and in fixed space. What is *not* here: verdicts, and what
//! the numbers mean; findings say that.

mod limits;
mod quantile;
mod traffic;

pub use limits::LimitedTime;
pub(crate) use limits::TextSent;
pub use quantile::Distribution;
pub(crate) use quantile::Sketch;
pub(crate) use traffic::Traffic;
