//! The frames on their way in one direction of a wire in memory: bounded in number and in bytes.
//!
//! What a wire has to do for its users is done on entry: a frame that it does not carry unchanged is cut, and its
//! checksum completed, as a network card would. What is *not* here: who waits for frames, or for room.

use std::collections::VecDeque;
use wire::{Checksum, Frame, LinkCapabilities, TransmitChecksum, segmentation};

/// The most frames in one direction: some milliseconds of a fast link, as in the ring of a network card.
pub const QUEUE_FRAMES_MAX: usize = 1024;
/// The most bytes in one direction, because 1,024 super-segments would hold 64 MB.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;

/// A bounded queue of frames.
#[derive(Debug, Default)]
pub(crate) struct FrameQueue {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl FrameQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether there is room for one more frame of this length. An empty queue takes a frame of any length.
    pub(crate) fn has_room(&self, frame_bytes: usize) -> bool {
        self.frames.is_empty()
            || (self.frames.len() < QUEUE_FRAMES_MAX && self.bytes + frame_bytes <= QUEUE_BYTES_MAX)
    }

    /// Takes frames from the front of `frames` as long as there is room; returns how many.
    pub(crate) fn accept(&mut self, frames: &mut VecDeque<Frame>, wire: &LinkCapabilities) -> usize {
        let bytes: usize = frames.iter().map(Frame::len).sum();
        let has_room_for_all =
            self.frames.len() + frames.len() <= QUEUE_FRAMES_MAX && self.bytes + bytes <= QUEUE_BYTES_MAX;
        if has_room_for_all && frames.iter().all(|frame| passes_whole(frame, wire)) {
            return self.append(frames, bytes);
        }
        let mut taken = 0;
        while let Some(frame) = frames.pop_front() {
            if !self.has_room(frame.len()) {
                frames.push_front(frame);
                break;
            }
            taken += 1;
            if passes_whole(&frame, wire) {
                self.push(frame);
            } else {
                // May exceed the bound by the pieces of one super-segment.
                segmentation::cut(frame, wire.medium, wire.transmit_checksum)
                    .for_each(|piece| self.push(piece));
            }
        }
        taken
    }

    /// Adds a frame, which the caller has found room for.
    pub(crate) fn push(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    /// Moves at most `frames_max` frames to the back of `into`; returns how many.
    pub(crate) fn take(&mut self, into: &mut VecDeque<Frame>, frames_max: usize) -> usize {
        let count = frames_max.min(self.frames.len());
        if count == self.frames.len() && into.is_empty() {
            std::mem::swap(&mut self.frames, into);
            self.bytes = 0;
            return count;
        }
        for frame in self.frames.drain(..count) {
            self.bytes -= frame.len();
            into.push_back(frame);
        }
        count
    }

    /// The first frame.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        Some(frame)
    }

    /// Forgets all frames.
    pub(crate) fn clear(&mut self) {
        *self = FrameQueue::default();
    }

    /// How many frames and bytes there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.frames.len(), self.bytes)
    }

    /// Takes all frames, by moving the whole queue if this one is empty.
    fn append(&mut self, frames: &mut VecDeque<Frame>, bytes: usize) -> usize {
        let taken = frames.len();
        self.bytes += bytes;
        if self.frames.is_empty() {
            std::mem::swap(&mut self.frames, frames);
        } else {
            self.frames.append(frames);
        }
        taken
    }
}

/// Whether a wire of these capabilities carries the frame unchanged.
fn passes_whole(frame: &Frame, wire: &LinkCapabilities) -> bool {
    let full = wire.transmit_checksum == TransmitChecksum::Full;
    let checksum_is_left = full && frame.offload.checksum != Checksum::Complete;
    let too_large = frame.offload.segment_bytes != 0
        && frame.len() > wire.super_segment_bytes_max as usize + wire::frame::HEAD_BYTES_MAX;
    !checksum_is_left && !too_large
}
