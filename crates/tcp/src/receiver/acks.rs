//! When to acknowledge (RFC 9293 §3.8.6.3, RFC 5681 §4.2), and how often to answer the suspicious.

use crate::allowance::SpentByKind;
use crate::habits::DelayedAckLimit;
use crate::{Config, SendReason};
use core::time::Duration;

/// RFC 9293 §3.8.6.3, MUST-40: less than half a second.
const DELAYED_ACK_MAX: Duration = Duration::from_millis(499);

/// What the next acknowledgment owes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acks {
    owed: Option<SendReason>,
    /// One for each segment out of order: the peer counts them (RFC 5681 §4.2).
    duplicates_owed: u8,
    /// Segments still to be acknowledged at once, while the peer is in slow start.
    quick_left: u8,
    /// Answers to suspicious segments.
    pub(crate) suspicious: SpentByKind,
    /// Text taken since the last acknowledgment.
    unacked_bytes: u32,
    /// The largest segment seen, our estimate of the peer's full size.
    segment_bytes: u16,
    segment_limit: u16,
}

/// Nobody needs more answers from one connection before it sends again.
const DUPLICATES_OWED_MAX: u8 = 64;

impl Acks {
    pub(crate) const fn new(quick_ack_segments: u8) -> Self {
        Acks {
            owed: None,
            duplicates_owed: 0,
            quick_left: quick_ack_segments,
            suspicious: SpentByKind::NOTHING,
            unacked_bytes: 0,
            segment_bytes: 0,
            segment_limit: 536,
        }
    }

    /// No segment of the peer is larger than the MSS that we announced.
    pub(crate) fn set_segment_limit(&mut self, mss_bytes: u16) {
        self.segment_limit = mss_bytes;
    }

    /// The next `segments` segments are acknowledged at once.
    pub(crate) fn set_quick(&mut self, segments: u8) {
        self.quick_left = segments;
    }

    /// An acknowledgment must go out; the first reason stands.
    pub(crate) fn owe(&mut self, why: SendReason) {
        if why == SendReason::DuplicateAck {
            self.duplicates_owed = (self.duplicates_owed + 1).min(DUPLICATES_OWED_MAX);
        } else {
            self.owed.get_or_insert(why);
        }
    }

    /// Drops what is owed for one of these reasons; returns whether nothing is owed then.
    pub(crate) fn forget_if(&mut self, reasons: [SendReason; 2]) -> bool {
        self.owed = self.owed.filter(|owed| !reasons.contains(owed));
        self.owed().is_none()
    }

    /// What is owed, duplicates first.
    pub(crate) fn owed(&self) -> Option<SendReason> {
        if self.duplicates_owed > 0 { Some(SendReason::DuplicateAck) } else { self.owed }
    }

    /// Text arrived in order. Returns whether it may wait for the delayed-ACK timer.
    pub(crate) fn on_text(&mut self, bytes: u32, limit: DelayedAckLimit) -> bool {
        let another_waits = self.unacked_bytes > 0;
        self.unacked_bytes = self.unacked_bytes.saturating_add(bytes);
        let size = u16::try_from(bytes).unwrap_or(u16::MAX).min(self.segment_limit);
        self.segment_bytes = self.segment_bytes.max(size);
        let full = u32::from(self.segment_bytes.max(1));
        let is_due = match limit {
            DelayedAckLimit::TwoFullSegments => {
                self.unacked_bytes >= 2 * full && bytes >= full
                    || self.unacked_bytes >= 2 * u32::from(self.segment_limit)
            }
            // Until a larger one was seen a full-sized segment is taken to have 536 bytes.
            DelayedAckLimit::OneFullSegment => {
                self.unacked_bytes > full.max(536.min(u32::from(self.segment_limit)))
            }
            DelayedAckLimit::OneSegment => another_waits || bytes > u32::from(self.segment_limit),
        };
        if is_due {
            self.owe(SendReason::SecondSegmentAck);
            return false;
        }
        if self.quick_left > 0 {
            self.quick_left -= 1;
            self.owe(SendReason::ImmediateAck);
            return false;
        }
        true
    }

    /// Text was taken that is not acknowledged.
    pub(crate) fn text_waits(&self) -> bool {
        self.unacked_bytes > 0
    }

    /// An acknowledgment went out, alone or with data; `duplicate` if it paid one of those owed.
    pub(crate) fn on_sent(&mut self, why: SendReason) {
        if why == SendReason::DuplicateAck && self.duplicates_owed > 1 {
            self.duplicates_owed -= 1;
        } else {
            self.duplicates_owed = 0;
        }
        self.owed = None;
        self.unacked_bytes = 0;
    }

    /// Nothing is owed any more.
    pub(crate) fn forget(&mut self) {
        (self.owed, self.duplicates_owed, self.unacked_bytes) = (None, 0, 0);
    }

    /// How long an acknowledgment may wait for company.
    pub(crate) fn delay(config: &Config) -> Duration {
        config.delayed_ack.min(DELAYED_ACK_MAX)
    }

    /// The largest segment seen.
    pub(crate) fn segment_bytes(&self) -> u16 {
        self.segment_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_full_segment_at_once_the_rest_waits() {
        let mut acks = Acks::new(0);
        acks.set_segment_limit(1_460);
        assert!(acks.on_text(1_460, DelayedAckLimit::TwoFullSegments));
        assert!(!acks.on_text(1_460, DelayedAckLimit::TwoFullSegments));
        assert_eq!(acks.owed(), Some(SendReason::SecondSegmentAck));
        acks.on_sent(SendReason::SecondSegmentAck);
        assert!(
            acks.on_text(100, DelayedAckLimit::TwoFullSegments)
                && acks.on_text(100, DelayedAckLimit::TwoFullSegments),
            "small ones wait"
        );
        assert!(
            !acks.on_text(1_460, DelayedAckLimit::TwoFullSegments)
                || !acks.on_text(1_460, DelayedAckLimit::TwoFullSegments)
        );
    }

    #[test]
    fn duplicates_are_paid_one_by_one_and_all_by_data() {
        let mut acks = Acks::new(0);
        (0..3).for_each(|_| acks.owe(SendReason::DuplicateAck));
        acks.on_sent(SendReason::DuplicateAck);
        assert_eq!(acks.owed(), Some(SendReason::DuplicateAck));
        acks.on_sent(SendReason::NewData);
        assert_eq!(acks.owed(), None);
    }
}
