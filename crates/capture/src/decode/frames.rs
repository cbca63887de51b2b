//! Frames that a radio sent again: IEEE 802.11 repeats what was not acknowledged, so a capture in monitor mode holds
//! the same packet twice. TCP sent it once.

use super::walk::{LinkFrame, Walk};
use std::num::NonZeroU64;

/// The frames remembered. A sender may repeat any of the 256 that it has in flight under one block acknowledgment
/// (IEEE 802.11ax); more than that of others rarely come between.
const FRAMES_MAX: usize = 256;

/// The latest IEEE 802.11 frames, each with the number of its record.
#[derive(Debug, Default)]
pub(super) struct RecentFrames {
    frames: Vec<(LinkFrame, u64)>,
    /// Where the next one goes.
    next: usize,
}

impl RecentFrames {
    /// Remembers the frame of a walk. If it is a retry of one that is remembered, the walk learns which.
    pub(super) fn note(&mut self, walk: &mut Walk<'_>, record: u64) {
        let Some(frame) = walk.link_frame else { return };
        if frame.is_retry {
            let same = self.frames.iter().find(|(seen, _)| seen.is_same(&frame));
            if let Some((_, first)) = same {
                walk.repeats = NonZeroU64::new(*first);
                return;
            }
        }
        match self.frames.get_mut(self.next) {
            Some(place) => *place = (frame, record),
            None => self.frames.push((frame, record)),
        }
        self.next = (self.next + 1) % FRAMES_MAX;
    }
}

impl LinkFrame {
    fn is_same(&self, other: &LinkFrame) -> bool {
        self.transmitter == other.transmitter
            && self.traffic == other.traffic
            && self.sequence_control == other.sequence_control
    }
}
