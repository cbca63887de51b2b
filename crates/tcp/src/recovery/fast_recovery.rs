//! Fast retransmit and NewReno fast recovery (RFC 5681 §3.2, RFC 6582), limited transmit (RFC 3042).
//!
//! Decides *when* data counts as lost and *which* range is to be sent again. The congestion window is
//! the controller's; the sending is `transmit.rs`'s. SACK-based recovery will stand beside this file.

use crate::SendReason;
use wire::Seq;

/// Duplicate acknowledgments that make a loss (RFC 5681 §3.2).
const DUPLICATE_ACKS_FOR_LOSS: u16 = 3;

/// Where a sender stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Nothing is known to be lost.
    Open,
    /// Three duplicate acknowledgments came; recovering without waiting for the timer.
    FastRecovery,
    /// The retransmission timer ran out; everything sent counts as lost.
    Loss,
}

/// A range to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resend {
    pub(crate) next: Seq,
    pub(crate) end: Seq,
    pub(crate) why: SendReason,
}

/// What a duplicate acknowledgment means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDuplicate {
    /// One of the first two: one more new segment may go out (RFC 3042).
    LimitedTransmit,
    /// The third: the first unacknowledged segment is lost.
    Enter,
    /// In recovery: a segment has left the network.
    Inflate,
    /// Nothing: a new recovery of what the last one covered would be a mistake (RFC 6582 §3.2 step 2).
    Ignore,
}

/// What an acknowledgment of new data means for a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnAdvance {
    /// No fast recovery is under way.
    Nothing,
    /// All that was in flight when the loss was found has arrived: recovery is over.
    Full,
    /// Part of it: the next hole is lost too.
    Partial {
        /// RFC 6582 §3.2 step 3: only the first partial acknowledgment restarts the timer.
        first: bool,
    },
}

/// The state of loss recovery.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FastRecovery {
    pub(crate) phase: Phase,
    duplicate_acks: u16,
    partial_seen: bool,
    /// RFC 6582's `recover`: SND.NXT when the last loss was found.
    recover: Seq,
    /// Bytes that limited transmit has sent since the first duplicate.
    limited_bytes: u32,
    pub(crate) resend: Option<Resend>,
}

impl FastRecovery {
    pub(crate) const fn new(iss: Seq) -> Self {
        FastRecovery {
            phase: Phase::Open,
            duplicate_acks: 0,
            partial_seen: false,
            recover: iss,
            limited_bytes: 0,
            resend: None,
        }
    }

    /// Segments that limited transmit allows beyond the congestion window.
    pub(crate) fn limited_transmit_segments(&self) -> u32 {
        if self.phase == Phase::Open { u32::from(self.duplicate_acks.min(2)) } else { 0 }
    }

    /// Limited transmit has sent so much beyond the congestion window.
    pub(crate) fn on_limited_transmit(&mut self, bytes: u32) {
        self.limited_bytes = self.limited_bytes.saturating_add(bytes);
    }

    /// What limited transmit sent is no part of the FlightSize that is halved (RFC 5681 §3.2 step 2).
    pub(crate) fn limited_bytes(&self) -> u32 {
        self.limited_bytes
    }

    /// A duplicate acknowledgment of `una` arrived while data up to `nxt` was in flight.
    pub(crate) fn on_duplicate(&mut self, una: Seq, nxt: Seq) -> OnDuplicate {
        self.duplicate_acks = self.duplicate_acks.saturating_add(1);
        match self.phase {
            Phase::FastRecovery => OnDuplicate::Inflate,
            Phase::Loss => OnDuplicate::Ignore,
            Phase::Open if self.duplicate_acks < DUPLICATE_ACKS_FOR_LOSS => OnDuplicate::LimitedTransmit,
            Phase::Open if self.duplicate_acks > DUPLICATE_ACKS_FOR_LOSS => OnDuplicate::Ignore,
            // RFC 6582 §3.2 step 2: the acknowledgment must cover more than `recover`.
            Phase::Open if (una - 1).before(self.recover) => OnDuplicate::Ignore,
            Phase::Open => {
                (self.phase, self.partial_seen, self.recover) = (Phase::FastRecovery, false, nxt);
                OnDuplicate::Enter
            }
        }
    }

    /// `una` advanced to here.
    pub(crate) fn on_advance(&mut self, una: Seq) -> OnAdvance {
        (self.duplicate_acks, self.limited_bytes) = (0, 0);
        if let Some(resend) = &mut self.resend {
            resend.next = resend.next.latest(una);
            if resend.next.at_or_after(resend.end) {
                self.resend = None;
            }
        }
        match self.phase {
            Phase::Open => {
                // Pulled along: half a circle later it would forbid a recovery.
                self.recover = self.recover.latest(una - 1);
                OnAdvance::Nothing
            }
            _ if una.at_or_after(self.recover) => {
                let fast = self.phase == Phase::FastRecovery;
                self.phase = Phase::Open;
                if fast { OnAdvance::Full } else { OnAdvance::Nothing }
            }
            Phase::Loss => OnAdvance::Nothing,
            Phase::FastRecovery => {
                let first = !self.partial_seen;
                self.partial_seen = true;
                OnAdvance::Partial { first }
            }
        }
    }

    /// The retransmission timer ran out (RFC 6582 §3.2 step 4): all of `una..nxt` is sent again.
    pub(crate) fn on_timeout(&mut self, una: Seq, nxt: Seq) {
        (self.phase, self.duplicate_acks, self.recover) = (Phase::Loss, 0, nxt);
        self.limited_bytes = 0;
        self.resend = Some(Resend { next: una, end: nxt, why: SendReason::Timeout });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_duplicates_then_partial_then_full() {
        let (una, nxt) = (Seq::new(1_000), Seq::new(9_000));
        let mut recovery = FastRecovery::new(Seq::new(0));
        assert_eq!(recovery.on_duplicate(una, nxt), OnDuplicate::LimitedTransmit);
        assert_eq!(recovery.on_duplicate(una, nxt), OnDuplicate::LimitedTransmit);
        assert_eq!(recovery.limited_transmit_segments(), 2);
        assert_eq!(recovery.on_duplicate(una, nxt), OnDuplicate::Enter);
        assert_eq!(recovery.on_duplicate(una, nxt), OnDuplicate::Inflate);
        assert_eq!(recovery.on_advance(una + 2_000), OnAdvance::Partial { first: true });
        assert_eq!(recovery.on_advance(una + 3_000), OnAdvance::Partial { first: false });
        assert_eq!(recovery.on_advance(nxt), OnAdvance::Full);
        assert_eq!(recovery.phase, Phase::Open);
    }

    #[test]
    fn no_second_recovery_for_what_a_timeout_covers() {
        let (una, nxt) = (Seq::new(1_000), Seq::new(9_000));
        let mut recovery = FastRecovery::new(Seq::new(0));
        recovery.on_timeout(una, nxt);
        assert_eq!(recovery.on_duplicate(una, nxt), OnDuplicate::Ignore);
        assert_eq!(recovery.on_advance(una + 4_000), OnAdvance::Nothing);
        assert_eq!(recovery.resend.map(|resend| resend.next), Some(una + 4_000));
        for _ in 0..5 {
            assert_eq!(recovery.on_duplicate(una + 4_000, nxt), OnDuplicate::Ignore);
        }
        assert_eq!(recovery.on_advance(nxt), OnAdvance::Nothing);
        assert_eq!((recovery.phase, recovery.resend), (Phase::Open, None));
    }
}
