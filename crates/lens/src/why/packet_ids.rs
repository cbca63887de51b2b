//! The identifications of a sender's IPv4 packets (RFC 791 §3.2), where they count up: they tell the order of sending,
//! and how many packets were sent that the capture does not hold.
//!
//! Linux counts for each connection, also in super-segments; others count for all connections together, or not at all.
//! So they are believed only while many packets of the connection follow the one before by one.

use crate::Segment;

/// Steps by one that make a counter of it: one by chance is one in 65,536.
const STEPS_MIN: u8 = 1;
/// For each of them so many may be larger: a third of the packets can be lost, or more.
const JUMPS_PER_STEP: u16 = 2;
/// Larger steps are another connection's packets, or another counter.
const MISSING_MAX: u16 = 64;
/// No sender has so many packets on their way before a silence that all of them are lost; a blackout aside.
const SILENT_MAX: u16 = 16;
/// While only so many steps were seen, fewer may be missing.
const STEPS_FEW: u8 = 3;
const MISSING_OF_FEW_MAX: u16 = 12;

/// The counter of one sender.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PacketIds {
    /// What the next packet will have, if nothing else is sent.
    next: u16,
    is_begun: bool,
    /// Packets that followed the one before, and others; halved together when one is full.
    steps: u8,
    jumps: u8,
    /// It ran on while the connection was silent: it counts for others, too.
    is_shared: bool,
}

impl PacketIds {
    /// A value out of it, to have it fetched.
    pub(crate) fn warmth(&self) -> u64 {
        u64::from(self.next)
    }

    /// They count up, one for each packet of this connection.
    #[inline]
    fn is_counting(&self) -> bool {
        self.steps >= STEPS_MIN && u16::from(self.jumps) <= JUMPS_PER_STEP * u16::from(self.steps)
    }

    /// `segment` is the next packet: none is missing.
    #[inline]
    pub(super) fn are_followed_by(&self, segment: &Segment) -> bool {
        segment.ip_id == Some(self.next)
    }

    /// How far `segment` is ahead of what would come next, below zero for what was sent before. `None` where that says
    /// nothing.
    #[inline]
    pub(super) fn ahead(&self, segment: &Segment) -> Option<i16> {
        let id = segment.ip_id.filter(|id| *id != 0 && self.is_counting())?;
        let ahead = id.wrapping_sub(self.next).cast_signed();
        let most = if self.steps < STEPS_FEW { MISSING_OF_FEW_MAX } else { MISSING_MAX };
        (ahead.unsigned_abs() <= most).then_some(ahead)
    }

    /// Packets that were sent before `segment` since the last one, and are not here: after a silence, while the counter
    /// seems to be the connection's own.
    #[inline]
    pub(super) fn missing(&self, segment: &Segment) -> Option<u16> {
        let missing = self.ahead(segment)?.max(0).cast_unsigned();
        (!self.is_shared && missing <= SILENT_MAX).then_some(missing)
    }

    /// The same where many may be missing: after the sender's timer ran out in a blackout.
    #[inline]
    pub(super) fn missing_in_blackout(&self, segment: &Segment) -> Option<u16> {
        let missing = self.ahead(segment)?.max(0).cast_unsigned();
        (!self.is_shared && self.steps >= STEPS_FEW).then_some(missing)
    }

    /// Remembers a packet, or a super-segment of as many as have `mss_bytes` of text each.
    #[inline]
    pub(super) fn on_sent(&mut self, segment: &Segment, mss_bytes: u32, follows_silence: bool) {
        let Some(id) = segment.ip_id.filter(|id| *id != 0) else { return };
        let mss_bytes = mss_bytes.max(1);
        let packets = if segment.text_bytes > mss_bytes { segment.text_bytes.div_ceil(mss_bytes) } else { 1 };
        let ahead = id.wrapping_sub(self.next).cast_signed();
        if ahead < 0 && ahead.unsigned_abs() <= MISSING_MAX && self.is_counting() {
            return; // overtaken on the way
        }
        self.is_shared |= self.is_begun && follows_silence && ahead.unsigned_abs() > SILENT_MAX;
        let tally = if !self.is_begun || ahead == 0 { &mut self.steps } else { &mut self.jumps };
        *tally += u8::from(self.is_begun);
        if *tally == u8::MAX {
            (self.steps, self.jumps) = (self.steps / 2, self.jumps / 2);
        }
        (self.next, self.is_begun) = (id.wrapping_add(packets as u16), true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(id: u16, text_bytes: u32) -> Segment {
        Segment { ip_id: Some(id), text_bytes, ..Segment::default() }
    }

    #[test]
    fn a_counter_tells_what_is_missing_and_what_was_overtaken() {
        let mut ids = PacketIds::default();
        assert_eq!(ids.missing(&packet(7, 0)), None, "not known to count yet");
        for id in [7, 8, 9, 10] {
            ids.on_sent(&packet(id - 1, 100), 1_460, false);
        }
        assert_eq!(ids.missing(&packet(10, 0)), Some(0));
        assert_eq!(ids.missing(&packet(12, 0)), Some(2));
        assert_eq!(ids.ahead(&packet(8, 0)), Some(-2));
        ids.on_sent(&packet(10, 14_480), 1_460, false);
        assert_eq!(ids.missing(&packet(20, 0)), Some(0), "ten packets in one record");
    }

    #[test]
    fn a_counter_that_runs_on_in_silence_is_shared() {
        let mut ids = PacketIds::default();
        for id in [7, 8, 9] {
            ids.on_sent(&packet(id, 100), 1_460, false);
        }
        assert_eq!(ids.missing(&packet(11, 0)), Some(1));
        ids.on_sent(&packet(60, 100), 1_460, true);
        ids.on_sent(&packet(61, 100), 1_460, false);
        assert_eq!(ids.missing(&packet(63, 0)), None);
        assert_eq!(ids.ahead(&packet(63, 0)), Some(1), "it tells the order all the same");
    }

    #[test]
    fn random_and_shared_counters_say_nothing() {
        let mut ids = PacketIds::default();
        for id in [40_000, 3, 17_000, 17_001, 9, 60_000, 60_005] {
            ids.on_sent(&packet(id, 100), 1_460, false);
        }
        assert_eq!(ids.missing(&packet(60_009, 0)), None);
        assert_eq!(ids.missing(&packet(0, 0)), None);
    }
}
