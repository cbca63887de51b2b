//! Which share of what is sent arrives marked: alpha, averaged over round trips (RFC 8257 §3.3; the draft's "Moving
//! Average of ECN Feedback").

use crate::Instant;
use wire::Seq;

/// What an acknowledgment says of marks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feedback {
    /// When it arrived.
    pub(crate) now: Instant,
    /// Bytes that it newly delivers, cumulatively or by SACK.
    pub(crate) delivered_bytes: u32,
    /// Packets that it newly says to be marked.
    pub(crate) marked_packets: u32,
    /// SND.UNA after it.
    pub(crate) una: Seq,
    /// SND.NXT after it. Rounds are counted with these two.
    pub(crate) nxt: Seq,
    /// The round-trip time of the newest delivered segment that was never sent again, in nanoseconds.
    pub(crate) rtt_ns: Option<u64>,
    /// The shortest round trip of the last minutes in nanoseconds; 0: none yet.
    pub(crate) rtt_min_ns: u64,
    /// The smoothed round-trip time in microseconds; 0: none yet.
    pub(crate) srtt_us: u32,
    /// SMSS with the options taken off, in bytes.
    pub(crate) mss: u32,
    /// A loss is being repaired: the window was reduced for it, and marks reduce it no further.
    pub(crate) recovering: bool,
}

impl Feedback {
    /// What is marked, as far as packets say.
    pub(super) fn marked_bytes(&self) -> u32 {
        self.marked_packets.saturating_mul(self.mss)
    }
}

/// A share from nothing to [`Alpha::ONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alpha(u32);

impl Alpha {
    /// All is marked. So fine that two marks in the largest window still count.
    pub(super) const ONE: u32 = 1 << 24;
    /// The gain g is 1/16 (RFC 8257 §4.2; the draft has the same).
    const GAIN_SHIFT: u32 = 4;

    /// Before anything is known the first mark is answered as a loss would be (RFC 8257 §3.3: DCTCP.Alpha SHOULD be
    /// initialised to 1).
    pub(super) const fn first() -> Self {
        Alpha(Self::ONE)
    }

    /// Another round: so much of what was delivered in it was marked.
    pub(super) fn on_round(&mut self, marked_bytes: u32, delivered_bytes: u32) {
        let share = u64::from(marked_bytes.min(delivered_bytes)) * u64::from(Self::ONE)
            / u64::from(delivered_bytes.max(1));
        // The old value keeps 15 parts of 16; what is cut off is less than anything that is measured.
        let old = u64::from(self.0);
        let new = old - (old >> Self::GAIN_SHIFT) + (share >> Self::GAIN_SHIFT);
        self.0 = (new as u32).min(Self::ONE);
    }

    /// Half of this share of a number: what a mark takes off a window.
    pub(super) fn half_of(self, number: u64) -> u64 {
        // Windows have 46 bits.
        ((u128::from(number) * u128::from(self.0)) >> (Self::ONE.trailing_zeros() + 1)) as u64
    }

    #[cfg(test)]
    pub(super) const fn get(self) -> u32 {
        self.0
    }
}

/// What was delivered and marked in the round trip that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    end: Seq,
    began_at: Instant,
    delivered_bytes: u32,
    marked_bytes: u32,
    /// The shortest round trip in it, in nanoseconds; `u64::MAX`: none was measured.
    pub(super) rtt_min_ns: u64,
}

impl Round {
    /// From this acknowledgment on.
    pub(super) fn begin(feedback: &Feedback) -> Self {
        Round {
            end: feedback.nxt,
            began_at: feedback.now,
            delivered_bytes: 0,
            marked_bytes: 0,
            rtt_min_ns: u64::MAX,
        }
    }

    /// Counts an acknowledgment. Returns the round if it is over: everything that was out at its beginning is
    /// acknowledged, and `least_us` have passed.
    pub(super) fn on_feedback(&mut self, feedback: &Feedback, least_us: u64) -> Option<Round> {
        self.delivered_bytes = self.delivered_bytes.saturating_add(feedback.delivered_bytes);
        self.marked_bytes = self.marked_bytes.saturating_add(feedback.marked_bytes());
        self.rtt_min_ns = self.rtt_min_ns.min(feedback.rtt_ns.unwrap_or(u64::MAX));
        let is_over = feedback.una.at_or_after(self.end)
            && feedback.now.micros_since(self.began_at) >= least_us
            && self.delivered_bytes > 0;
        if !is_over {
            // Pulled along: half a circle later it would lie ahead again.
            self.end = self.end.latest(feedback.una);
            return None;
        }
        Some(core::mem::replace(self, Round::begin(feedback)))
    }

    /// Something of it was marked.
    pub(super) fn has_marks(&self) -> bool {
        self.marked_bytes > 0
    }

    /// Takes it into the average.
    pub(super) fn weigh(&self, alpha: &mut Alpha) {
        alpha.on_round(self.marked_bytes, self.delivered_bytes);
    }
}
