//! What the receiver says of segments that arrived out of order (RFC 2018 §4, RFC 2883 §4).
//!
//! The block with the newest segment comes first, then those reported most recently, so that every
//! block is reported several times and a lost acknowledgment loses little. A duplicate is reported once,
//! before them. Using the peer's blocks to retransmit is the sender's business, not this file's.

use super::Receiver;
use crate::Config;
use wire::Seq;
use wire::tcp::{SackBlock, SackBlocks};

/// No window is larger (RFC 7323 §2.3).
const WINDOW_BYTES_MAX: u32 = 1 << 30;

/// The blocks to report, newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct SackReport {
    recent: SackBlocks,
    duplicate: Option<SackBlock>,
}

impl SackReport {
    pub(crate) fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.duplicate.is_none()
    }

    /// A segment belongs to the run `newest` now; runs that it swallowed go.
    pub(crate) fn on_arrival(&mut self, newest: SackBlock) {
        let mut blocks = SackBlocks::default();
        blocks.push(newest);
        for old in self.recent.as_slice() {
            let swallowed = newest.left.at_or_before(old.left) && old.right.at_or_before(newest.right);
            if !swallowed {
                // A full list drops the block that was reported longest ago.
                let _ = blocks.push(*old);
            }
        }
        self.recent = blocks;
    }

    /// `block` arrived a second time (RFC 2883 §4).
    pub(crate) fn on_duplicate(&mut self, block: SackBlock) {
        self.duplicate = Some(block);
    }

    /// Everything before `next` is acknowledged cumulatively from now on.
    pub(crate) fn on_advance(&mut self, next: Seq) {
        if self.recent.is_empty() {
            return;
        }
        let mut blocks = SackBlocks::default();
        for old in self.recent.as_slice().iter().filter(|old| old.right.after(next)) {
            let _ = blocks.push(*old);
        }
        self.recent = blocks;
    }

    /// Nothing is held from `end` on any more.
    pub(crate) fn on_pruned(&mut self, end: Seq) {
        let mut blocks = SackBlocks::default();
        for old in self.recent.as_slice().iter().filter(|old| old.left.before(end)) {
            let _ = blocks.push(SackBlock { right: old.right.earliest(end), ..*old });
        }
        self.recent = blocks;
    }

    /// Nothing is held any more.
    pub(crate) fn forget_held(&mut self) {
        self.recent = SackBlocks::default();
    }

    /// The blocks for the next acknowledgment, at most `room`; a duplicate is reported only once.
    pub(crate) fn take(&mut self, room: usize) -> SackBlocks {
        let mut blocks = SackBlocks::default();
        if let Some(duplicate) = self.duplicate.take() {
            let _ = blocks.push(duplicate);
        }
        for block in self.recent.as_slice() {
            let _ = blocks.push(*block);
        }
        blocks.truncate(room);
        blocks
    }

    /// How many blocks [`SackReport::take`] would give.
    pub(crate) fn count(&self, room: usize) -> usize {
        (self.recent.as_slice().len() + usize::from(self.duplicate.is_some())).min(room)
    }
}

impl Receiver {
    /// `text_bytes` that begin at `seq` arrived, and some or all of them were received before: D-SACK for
    /// those (RFC 2883 §4). What lies farther back than the largest window is nobody's retransmission, and not reported:
    /// half a circle back it might never have been received.
    #[cold]
    pub(crate) fn report_duplicate(&mut self, seq: Seq, text_bytes: u32, config: &Config) {
        let right = (seq + text_bytes).earliest(self.nxt);
        if text_bytes > 0 && seq.before(right) && self.nxt.bytes_since(seq) <= WINDOW_BYTES_MAX {
            self.received.duplicates = self.received.duplicates.wrapping_add(1);
            if self.sack && config.dsack {
                self.disorder.get_or_insert_default().report.on_duplicate(SackBlock { left: seq, right });
            }
        }
    }

    /// The blocks for the next segment, at most `room`; what they report may end the disorder.
    #[inline(never)]
    pub(crate) fn take_sack_blocks(&mut self, room: usize) -> SackBlocks {
        let Some(disorder) = &mut self.disorder else { return SackBlocks::default() };
        let blocks = if self.sack { disorder.report.take(room) } else { SackBlocks::default() };
        if disorder.is_empty() {
            self.disorder = None;
        }
        blocks
    }

    /// How many blocks [`Receiver::take_sack_blocks`] would return if there were room for all.
    pub(crate) fn sack_blocks_waiting(&self) -> usize {
        let waiting = self.disorder.as_ref().map_or(0, |disorder| disorder.report.count(usize::MAX));
        if self.sack { waiting } else { 0 }
    }

    /// Bytes of the option that [`Receiver::take_sack_blocks`] would fill, without padding.
    pub(crate) fn sack_option_bytes(&self, room: usize) -> u32 {
        let blocks = self.disorder.as_ref().map_or(0, |disorder| disorder.report.count(room));
        if self.sack && blocks > 0 { 4 + 8 * blocks as u32 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(left: u32, right: u32) -> SackBlock {
        SackBlock { left: Seq::new(left), right: Seq::new(right) }
    }

    #[test]
    fn newest_first_swallowed_gone_duplicate_once() {
        let mut report = SackReport::default();
        report.on_arrival(block(100, 200));
        report.on_arrival(block(300, 400));
        report.on_arrival(block(500, 600));
        assert_eq!(report.take(4).as_slice(), [block(500, 600), block(300, 400), block(100, 200)]);
        report.on_arrival(block(100, 400));
        report.on_duplicate(block(500, 550));
        assert_eq!(report.take(3).as_slice(), [block(500, 550), block(100, 400), block(500, 600)]);
        assert_eq!(report.take(3).as_slice(), [block(100, 400), block(500, 600)]);
        report.on_advance(Seq::new(400));
        assert_eq!(report.take(3).as_slice(), [block(500, 600)]);
    }
}
