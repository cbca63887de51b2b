//! Faults by script: what becomes of one frame, decided by whoever hands it over.

use std::time::Duration;

/// What a lane does with a frame, beside what its settings do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fate {
    /// It goes its way.
    #[default]
    Deliver,
    /// It is lost on the wire.
    Lose,
    /// It arrives twice.
    Double,
    /// It arrives this much later than it would.
    Late(Duration),
    /// One bit of it is flipped.
    Corrupt,
}
