//! How much more is acknowledged at once than the rate explains: links and hosts that gather packets or acknowledgments
//! (§ "BBR.extra_acked").

use super::filters::WindowedMax;
use super::gain::bytes_over;
use super::{Bbr, NO_BOUND};
use crate::Instant;

/// BBR.ExtraAckedFilterLen in rounds; in Startup one round is remembered.
const FILTER_ROUNDS: u32 = 10;
const FILTER_ROUNDS_STARTUP: u32 = 1;

/// The estimator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Aggregation {
    /// BBR.extra_acked_interval_start.
    began_at: Option<Instant>,
    /// BBR.extra_acked_delivered.
    delivered_bytes: u32,
    extra: WindowedMax,
}

impl Aggregation {
    /// BBR.extra_acked.
    pub(super) fn extra_bytes(&self) -> u32 {
        self.extra.get()
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.began_at.get_or_insert(now);
    }

    /// The time in which nothing was sent does not count. What was delivered before it does not, either: the draft moves the
    /// start of the interval alone, and then the surplus of an application that sends little at a time grows up to the
    /// window, and the window with it.
    pub(super) fn restart(&mut self, now: Instant) {
        (self.began_at, self.delivered_bytes) = (Some(now), 0);
    }
}

impl Bbr {
    /// UpdateACKAggregation.
    pub(super) fn update_aggregation(&mut self, newly_acked: u32) {
        let now = self.c.now;
        let rounds_max = if self.full_pipe.is_reached() { FILTER_ROUNDS } else { FILTER_ROUNDS_STARTUP };
        let Aggregation { began_at, delivered_bytes, extra } = &mut self.aggregation;
        let mut expected = bytes_over(self.bw, now.nanos_since(began_at.unwrap_or(now)));
        if *delivered_bytes <= expected {
            (*delivered_bytes, *began_at, expected) = (0, Some(now), 0);
        }
        *delivered_bytes = delivered_bytes.saturating_add(newly_acked).min(NO_BOUND - 1);
        let surplus = (*delivered_bytes - expected).min(self.cwnd_bytes);
        extra.update(surplus, self.rounds.count(), rounds_max);
    }
}
