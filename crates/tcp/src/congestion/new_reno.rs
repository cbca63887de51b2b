//! Slow start and congestion avoidance of RFC 5681 §3.1, with byte counting (RFC 3465).

use super::{Acked, Controller, Lost};

/// The classic controller: exponential up to ssthresh, then one segment per round trip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewReno {
    cwnd_bytes: u32,
    ssthresh_bytes: u32,
    /// Bytes acknowledged since the window last grew in congestion avoidance.
    counted_bytes: u32,
}

impl NewReno {
    /// The window must never wrap: no path holds more than this.
    const CWND_BYTES_MAX: u32 = 1 << 30;

    pub(crate) const fn new(initial_window_bytes: u32) -> Self {
        // RFC 5681 §3.1: ssthresh SHOULD be set arbitrarily high.
        NewReno { cwnd_bytes: initial_window_bytes, ssthresh_bytes: u32::MAX, counted_bytes: 0 }
    }
}

impl Controller for NewReno {
    fn cwnd_bytes(&self) -> u32 {
        self.cwnd_bytes
    }

    fn ssthresh_bytes(&self) -> u32 {
        self.ssthresh_bytes
    }

    fn on_acked(&mut self, acked: &Acked, mss: u32) {
        if acked.app_limited {
            return;
        }
        if self.cwnd_bytes < self.ssthresh_bytes {
            // RFC 3465 §2.2, by default with no limit L below the acknowledged bytes: our receivers
            // acknowledge whole super-segments, and a limit of two segments would slow the start by as
            // much as the offload helps. What one ACK releases is bounded by the window it acknowledges.
            let growth = acked.bytes.min(acked.growth_bytes_max);
            self.cwnd_bytes = self.cwnd_bytes.saturating_add(growth).min(Self::CWND_BYTES_MAX);
            return;
        }
        self.counted_bytes = self.counted_bytes.saturating_add(acked.bytes);
        if self.counted_bytes >= self.cwnd_bytes {
            self.counted_bytes -= self.cwnd_bytes;
            self.cwnd_bytes = self.cwnd_bytes.saturating_add(mss).min(Self::CWND_BYTES_MAX);
        }
    }

    fn on_lost(&mut self, lost: &Lost, mss: u32) {
        // RFC 5681 equation (4).
        self.ssthresh_bytes = (lost.in_flight_bytes / 2).max(2 * mss);
        self.counted_bytes = 0;
        self.cwnd_bytes = if lost.by_timeout { mss } else { self.ssthresh_bytes };
    }

    fn set_cwnd(&mut self, cwnd_bytes: u32) {
        self.cwnd_bytes = cwnd_bytes.min(Self::CWND_BYTES_MAX);
        self.counted_bytes = 0;
    }

    fn on_idle(&mut self, initial_window_bytes: u32) {
        // RFC 5681 §4.1: the restart window is min(IW, cwnd).
        self.cwnd_bytes = self.cwnd_bytes.min(initial_window_bytes);
        self.counted_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u32 = 1_000;

    fn acked(bytes: u32) -> Acked {
        Acked { bytes, growth_bytes_max: u32::MAX, app_limited: false }
    }

    #[test]
    fn doubles_per_round_trip_then_adds_one_segment() {
        let mut cc = NewReno::new(10 * MSS);
        (0..10).for_each(|_| cc.on_acked(&acked(MSS), MSS));
        assert_eq!(cc.cwnd_bytes(), 20 * MSS);
        cc.on_lost(&Lost { in_flight_bytes: 20 * MSS, by_timeout: false }, MSS);
        assert_eq!((cc.cwnd_bytes(), cc.ssthresh_bytes()), (10 * MSS, 10 * MSS));
        (0..10).for_each(|_| cc.on_acked(&acked(MSS), MSS));
        assert_eq!(cc.cwnd_bytes(), 11 * MSS);
    }

    #[test]
    fn a_limit_bounds_what_one_acknowledgment_opens() {
        let mut cc = NewReno::new(10 * MSS);
        cc.on_acked(&Acked { growth_bytes_max: 2 * MSS, ..acked(8 * MSS) }, MSS);
        assert_eq!(cc.cwnd_bytes(), 12 * MSS);
        cc.on_acked(&acked(8 * MSS), MSS);
        assert_eq!(cc.cwnd_bytes(), 20 * MSS);
    }

    #[test]
    fn a_timeout_leaves_one_segment_and_never_less_than_two_as_threshold() {
        let mut cc = NewReno::new(10 * MSS);
        cc.on_lost(&Lost { in_flight_bytes: MSS, by_timeout: true }, MSS);
        assert_eq!((cc.cwnd_bytes(), cc.ssthresh_bytes()), (MSS, 2 * MSS));
    }

    #[test]
    fn an_application_that_sends_little_does_not_grow_the_window() {
        let mut cc = NewReno::new(10 * MSS);
        cc.on_acked(&Acked { app_limited: true, ..acked(MSS) }, MSS);
        assert_eq!(cc.cwnd_bytes(), 10 * MSS);
    }
}
