//! CoDel (RFC 8289): who has waited longer than a target for longer than an interval is dropped, or marked.
//!
//! The time to the next drop shrinks with the square root of how many there were, until the wait falls below the
//! target. What is *not* here: whether a packet can be marked.

use super::PACKET_BYTES;
use std::time::Duration;
use wire::Instant;

/// The state variables of RFC 8289 §5.4.
#[derive(Debug, Default)]
pub(super) struct CoDel {
    first_above: Option<Instant>,
    drop_next: Instant,
    count: u32,
    last_count: u32,
    dropping: bool,
}

/// The parameters of RFC 8289 §4.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) target: Duration,
    pub(super) interval: Duration,
}

impl CoDel {
    /// Nobody waits any more.
    pub(super) const fn on_empty(&mut self) {
        self.first_above = None;
        self.dropping = false;
    }

    /// Whether a packet that has waited this long, behind which this many bytes are left, is one to be dropped or
    /// marked (RFC 8289 §5.5).
    pub(super) fn hits(&mut self, now: Instant, waited: Duration, left_bytes: u64, limits: Limits) -> bool {
        let Limits { target, interval } = limits;
        let ok_to_drop = if waited < target || left_bytes <= PACKET_BYTES {
            self.first_above = None;
            false
        } else {
            let above = *self.first_above.get_or_insert(now + interval);
            now >= above
        };
        if self.dropping {
            if !ok_to_drop {
                self.dropping = false;
                return false;
            }
            if now < self.drop_next {
                return false;
            }
            self.count += 1;
            self.drop_next += control_law(interval, self.count);
            return true;
        }
        if !ok_to_drop {
            return false;
        }
        self.dropping = true;
        let delta = self.count.saturating_sub(self.last_count);
        let recently = now.since(self.drop_next) < interval * 16;
        self.count = if recently && delta > 1 { delta } else { 1 };
        self.last_count = self.count;
        self.drop_next = now + control_law(interval, self.count);
        true
    }
}

/// The time to the next drop (RFC 8289 §3.3). A square root is the same on every machine (IEEE 754).
fn control_law(interval: Duration, count: u32) -> Duration {
    let nanos = interval.as_nanos() as f64 / f64::from(count.max(1)).sqrt();
    Duration::from_nanos(nanos as u64)
}
