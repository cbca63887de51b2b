//! Numbers per connection and direction: bytes, round trips, windows, what limited the speed.
//!
//! Everything here is counted in one pass and in fixed space. What is *not* here: verdicts, and what
//! the numbers mean; findings say that.

mod gaps;
mod keep_alives;
mod limited;
mod own;
mod quantile;
mod repeats;
mod talk;
mod traffic;
mod turns;
mod unread;

pub use keep_alives::KeepAlives;
pub use limited::{LimitedTime, OwnLimit, Waited};
pub(crate) use limited::{PathNow, TextSent};
pub use quantile::Distribution;
pub(crate) use quantile::Sketch;
pub use repeats::Again;
pub(crate) use talk::{Moved, Spoken, Talk};
pub(crate) use traffic::{Closed, Traffic};
pub use turns::TurnTimes;
