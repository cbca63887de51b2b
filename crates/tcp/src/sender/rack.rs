//! When a transmission counts as lost: something sent later has arrived, and it has had time enough
//! (RACK, RFC 8985 §6).
//!
//! [`Rack`] is what matters while data is in flight. How much the path reorders is remembered beyond that, in
//! [`Reordering`].

use crate::Instant;
use crate::sender::flight::{Flight, Newest, Search};
use crate::trace::LossSign;
use wire::Seq;

/// SACKed segments that make reordering unlikely (RFC 8985 §6.2, step 4; RFC 5681's DupThresh).
const SEGMENTS_FOR_LOSS: u32 = 3;
/// Recoveries after which a wider window of reordering is given up (RFC 8985 §6.2, step 4).
const RECOVERIES_REMEMBERED: u8 = 16;

/// What is known of the delivery that left last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rack {
    newest: Option<Newest>,
    /// Its round-trip time.
    rtt_ns: u64,
    /// Until SND.UNA is here further reports of duplicates belong to the same round.
    duplicate_round: Option<Seq>,
}

/// How much the path reorders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reordering {
    pub(crate) seen: bool,
    multiplier: u8,
    recoveries_left: u8,
}

/// What decides how long to wait for what may only be late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    pub(crate) is_recovering: bool,
    pub(crate) sacked_segments: u32,
    pub(crate) rtt_min_ns: u64,
    pub(crate) srtt_ns: u64,
}

impl Reordering {
    pub(crate) const NONE: Reordering = Reordering { seen: false, multiplier: 1, recoveries_left: 0 };

    /// RACK.reo_wnd in nanoseconds (RFC 8985 §6.2, step 4).
    pub(crate) fn window_ns(self, around: Circumstances) -> u64 {
        if !self.seen && (around.is_recovering || around.sacked_segments >= SEGMENTS_FOR_LOSS) {
            return 0;
        }
        (around.rtt_min_ns / 4).saturating_mul(u64::from(self.multiplier)).min(around.srtt_ns)
    }

    /// A retransmission of ours was in vain: wait longer.
    fn widen(&mut self) {
        self.multiplier = self.multiplier.saturating_add(1);
        self.recoveries_left = RECOVERIES_REMEMBERED;
    }

    /// A recovery is over.
    pub(crate) fn on_recovered(&mut self) {
        self.recoveries_left = self.recoveries_left.saturating_sub(1);
        if self.recoveries_left == 0 {
            self.multiplier = 1;
        }
    }
}

impl Rack {
    /// Nothing delivered yet; the latest round trip took `rtt_ns`.
    pub(crate) fn new(rtt_ns: u64) -> Self {
        Rack { rtt_ns, ..Rack::default() }
    }

    /// The newest delivery of an acknowledgment (RFC 8985 §6.2, step 2).
    pub(crate) fn on_delivered(&mut self, now: Instant, newest: Newest) {
        if self.newest.is_none_or(|old| newest.is_after(old)) {
            self.newest = Some(newest);
        }
        self.rtt_ns = now.nanos_since(newest.sent_at);
    }

    /// Everything before `una` is acknowledged.
    #[inline]
    pub(crate) fn on_advance(&mut self, una: Seq) {
        self.duplicate_round = self.duplicate_round.filter(|round| una.before(*round));
    }

    /// The peer got something of ours twice that we had sent again: once a round trip that widens the window.
    pub(crate) fn on_duplicate(&mut self, una: Seq, nxt: Seq, reordering: &mut Reordering) {
        if self.duplicate_round.is_some_and(|round| una.before(round)) {
            return;
        }
        self.duplicate_round = Some(nxt);
        reordering.widen();
    }

    /// Marks what is lost by now (RFC 8985 §6.2, step 5).
    pub(crate) fn detect(&self, now: Instant, flight: &mut Flight, window_ns: u64, sign: LossSign) -> Search {
        let Some(newest) = self.newest else { return Search::default() };
        flight.lose_older(now, newest, self.rtt_ns.saturating_add(window_ns), sign)
    }

    /// Whether something sent at this time has had time enough (RFC 8985 §6.3).
    pub(crate) fn is_overdue(&self, now: Instant, sent_at: Instant, window_ns: u64) -> bool {
        sent_at.plus_nanos(self.rtt_ns.saturating_add(window_ns)) <= now
    }
}

#[cfg(test)]
mod tests;
