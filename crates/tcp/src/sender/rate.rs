//! How fast data is delivered: samples for controllers that want a rate, and for those who ask
//! (draft-ietf-ccwg-bbr, "Delivery Rate Samples").
//!
//! Each transmission carries what had been delivered when it left; when it is acknowledged, the difference over
//! the longer of the times that sending and acknowledging took is a rate. A sample is marked when the sender had
//! nothing to send in between.

use crate::Instant;

/// What a transmission carries. Counters wrap: only differences within a flight matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Delivered in all when it left.
    pub(crate) delivered: u32,
    /// Lost in all when it left.
    pub(crate) lost: u32,
    /// In flight when it had left, itself included.
    pub(crate) in_flight_bytes: u32,
    /// The sender had run out of data.
    pub(crate) is_app_limited: bool,
    /// When that much was delivered.
    delivered_at: Instant,
    /// When the first transmission of this flight left.
    first_sent_at: Instant,
}

impl Stamp {
    /// What follows it in its transmission goes another way: it was not in flight when this left.
    pub(crate) fn cut(&mut self, bytes: u32) {
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
    }
}

/// A measured rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateSample {
    pub(crate) bytes_per_s: u64,
    /// The application, not the network, may have been the limit.
    pub(crate) is_app_limited: bool,
}

/// What the newest delivery of an acknowledgment shows, for a controller that has a model of the path (the draft's RS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathSample {
    /// RS.delivery_rate; 0: measured over too short a time to be believed.
    pub(crate) bytes_per_s: u64,
    /// RS.delivered: over how much.
    pub(crate) delivered_bytes: u32,
    /// RS.prior_delivered: delivered in all when it left.
    pub(crate) prior_delivered: u32,
    /// RS.tx_in_flight: in flight when it had left.
    pub(crate) sent_in_flight_bytes: u32,
    /// RS.lost: what was lost since it left.
    pub(crate) lost_bytes: u32,
    /// The application, not the network, may have been the limit.
    pub(crate) is_app_limited: bool,
}

/// The counters of a flight.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DeliveryRate {
    delivered: u32,
    lost: u32,
    delivered_at: Instant,
    first_sent_at: Instant,
    /// Samples are application-limited until so much is delivered.
    app_limited_until: Option<u32>,
    /// Delivered, in nanoseconds, limited by the application: divided only for those who ask.
    latest: Option<(u32, u64, bool)>,
}

impl DeliveryRate {
    /// So many bytes leave while so much is in flight.
    #[inline]
    pub(crate) fn on_sent(&mut self, now: Instant, in_flight_bytes: u32, bytes: u32) -> Stamp {
        if in_flight_bytes == 0 {
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        Stamp {
            delivered: self.delivered,
            lost: self.lost,
            in_flight_bytes: in_flight_bytes + bytes,
            is_app_limited: self.app_limited_until.is_some(),
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
        }
    }

    /// Delivered in all (C.delivered). It wraps.
    pub(crate) fn delivered(&self) -> u32 {
        self.delivered
    }

    /// What leaves now belongs to a flight that the application limits.
    pub(crate) fn is_app_limited(&self) -> bool {
        self.app_limited_until.is_some()
    }

    /// What left with `stamp` counts as lost; returns what is lost in all. If it left before the data ran out, the gap
    /// behind it arrives after so much less.
    pub(crate) fn on_lost(&mut self, stamp: Stamp, bytes: u32) -> u32 {
        self.lost = self.lost.wrapping_add(bytes);
        if let Some(until) = &mut self.app_limited_until {
            let sent = stamp.delivered.wrapping_add(stamp.in_flight_bytes);
            let left_before = until.wrapping_sub(sent) as i32 >= 0;
            let ahead = (until.wrapping_sub(self.delivered) as i32).max(0).cast_unsigned();
            if left_before {
                *until = until.wrapping_sub(bytes.min(ahead));
            }
        }
        self.lost
    }

    #[inline]
    pub(crate) fn on_delivered(&mut self, now: Instant, bytes: u32) {
        self.delivered = self.delivered.wrapping_add(bytes);
        self.delivered_at = now;
    }

    /// There is nothing more to send while the window has room: until what is in flight is delivered, samples say
    /// little of the network. Returns whether the mark is new, and does not just reach further.
    pub(crate) fn on_app_limited(&mut self, in_flight_bytes: u32) -> bool {
        let until = self.delivered.wrapping_add(in_flight_bytes.max(1));
        self.app_limited_until.replace(until).is_none()
    }

    /// The latest sample.
    pub(crate) fn latest(&self) -> Option<RateSample> {
        let (delivered, interval_ns, is_app_limited) = self.latest?;
        // Fits: 4 GiB times 10^9 is below 2^64.
        Some(RateSample { bytes_per_s: u64::from(delivered) * 1_000_000_000 / interval_ns, is_app_limited })
    }

    /// The rate that the newest delivery shows; it left at `sent_at` with `stamp`. None over less than `rtt_min_ns`:
    /// acknowledgments that were held together would show too much. Says whether there is one.
    pub(crate) fn sample(&mut self, stamp: Stamp, sent_at: Instant, rtt_min_ns: u64) -> bool {
        if self.app_limited_until.is_some_and(|until| (self.delivered.wrapping_sub(until) as i32) > 0) {
            self.app_limited_until = None;
        }
        self.first_sent_at = sent_at;
        let sending = sent_at.nanos_since(stamp.first_sent_at);
        let acknowledging = self.delivered_at.nanos_since(stamp.delivered_at);
        let interval = sending.max(acknowledging);
        let delivered = self.delivered.wrapping_sub(stamp.delivered);
        if interval == 0 || interval < rtt_min_ns {
            return false;
        }
        self.latest = Some((delivered, interval, stamp.is_app_limited));
        true
    }

    /// The same with all that a model of the path asks for.
    pub(crate) fn path_sample(&mut self, stamp: Stamp, sent_at: Instant, rtt_min_ns: u64) -> PathSample {
        let is_believed = self.sample(stamp, sent_at, rtt_min_ns);
        let latest = self.latest().filter(|_| is_believed);
        PathSample {
            bytes_per_s: latest.map_or(0, |sample| sample.bytes_per_s),
            delivered_bytes: self.delivered.wrapping_sub(stamp.delivered),
            prior_delivered: stamp.delivered,
            sent_in_flight_bytes: stamp.in_flight_bytes,
            lost_bytes: self.lost.wrapping_sub(stamp.lost),
            is_app_limited: stamp.is_app_limited,
        }
    }
}

#[cfg(test)]
mod tests;
