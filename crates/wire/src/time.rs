//! Points in time, as the caller counts them.
//!
//! No room below the edge has a clock: every method that needs the time is told it. An [`Instant`] counts
//! nanoseconds from a moment that the driver chooses (the start of the process, of the simulated
//! world, or 1970 for a capture); only differences matter.

use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// A point in time: nanoseconds since an origin that the caller chose.
///
/// ```
/// use core::time::Duration;
/// use synfin_wire::Instant;
/// let start = Instant::ZERO + Duration::from_millis(5);
/// assert_eq!(start.as_nanos(), 5_000_000);
/// assert_eq!((start + Duration::from_micros(3)).since(start), Duration::from_micros(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Instant = Instant(0);
    /// A time that never comes.
    pub const FAR_FUTURE: Instant = Instant(u64::MAX);

    /// The point `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Instant(nanos)
    }

    /// The point `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Instant(micros.saturating_mul(1_000))
    }

    /// The point `millis` milliseconds after the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Instant(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole milliseconds since the origin.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole seconds since the origin.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// The time from `earlier` until here; zero if `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Like [`Instant::since`], in whole microseconds.
    pub const fn micros_since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000
    }

    /// Like [`Instant::since`], in nanoseconds.
    pub const fn nanos_since(self, earlier: Instant) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `nanos` nanoseconds after this one.
    #[must_use]
    pub const fn plus_nanos(self, nanos: u64) -> Instant {
        Instant(self.0.saturating_add(nanos))
    }

    /// The point `micros` microseconds after this one.
    #[must_use]
    pub const fn plus_micros(self, micros: u64) -> Instant {
        Instant(self.0.saturating_add(micros.saturating_mul(1_000)))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, duration: Duration) -> Instant {
        // Not `as_nanos`, which counts in 128 bits: timers are set for every segment.
        let nanos = duration.as_secs().saturating_mul(1_000_000_000);
        Instant(self.0.saturating_add(nanos).saturating_add(duration.subsec_nanos().into()))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}
