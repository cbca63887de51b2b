//! The one clock of a stack: the engine counts nanoseconds from an origin, the program has a
//! monotonic clock; this is where the two meet. Captures need the time of day as well, so the origin
//! is remembered in both.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Turns the program's monotonic clock into the engine's instants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    origin_since_1970: Duration,
}

impl Clock {
    /// A clock that starts now.
    ///
    /// The engine's origin lies one second in the past, so that no engine instant of a live stack is
    /// zero and "a moment ago" can always be expressed.
    pub(crate) fn start() -> Self {
        let lead = Duration::from_secs(1);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Instant::now();
        match now.checked_sub(lead) {
            Some(origin) => Clock { origin, origin_since_1970: since_1970.saturating_sub(lead) },
            None => Clock { origin: now, origin_since_1970: since_1970 },
        }
    }

    /// The engine's idea of now.
    pub(crate) fn now(&self) -> tcp::Instant {
        tcp::Instant::ZERO + self.origin.elapsed()
    }

    /// The time of day of an engine instant, since 1970.
    pub(crate) fn since_1970(&self, at: tcp::Instant) -> Duration {
        self.origin_since_1970 + at.since(tcp::Instant::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_forward_from_after_the_origin() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(first > tcp::Instant::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.now().since(first) >= Duration::from_millis(2));
        assert!(clock.since_1970(first) > Duration::from_secs(1_500_000_000));
    }
}
