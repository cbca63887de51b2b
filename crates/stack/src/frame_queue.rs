//! Frames that wait for something, and how much memory they keep.

use std::collections::VecDeque;
use wire::Frame;

/// Something that waits with a frame.
pub(crate) trait HeldFrame {
    fn frame(&self) -> &Frame;
}

impl HeldFrame for Frame {
    fn frame(&self) -> &Frame {
        self
    }
}

/// What a frame takes besides its bytes.
const FRAME_OVERHEAD_BYTES: usize = 64;

/// So many places a queue keeps when it is empty.
const PLACES_KEPT: usize = 64;

/// Frames in order.
#[derive(Debug)]
pub(crate) struct FrameQueue<T> {
    frames: VecDeque<T>,
    payload_bytes: usize,
}

impl<T> Default for FrameQueue<T> {
    fn default() -> Self {
        FrameQueue { frames: VecDeque::new(), payload_bytes: 0 }
    }
}

impl<T: HeldFrame> FrameQueue<T> {
    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Memory that the queue takes: its places, and the payloads of the frames.
    pub(crate) fn held_bytes(&self) -> usize {
        self.frames.capacity() * size_of::<T>() + self.payload_bytes
    }

    pub(crate) fn push_back(&mut self, waiting: T) {
        self.payload_bytes += FRAME_OVERHEAD_BYTES + waiting.frame().payload.len();
        if self.frames.len() == self.frames.capacity() {
            // By a quarter, because twice as many places would be a leap in a small budget.
            self.frames.reserve_exact((self.frames.len() / 4).max(PLACES_KEPT));
        }
        self.frames.push_back(waiting);
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let waiting = self.frames.pop_front()?;
        self.payload_bytes -= FRAME_OVERHEAD_BYTES + waiting.frame().payload.len();
        if self.frames.is_empty() && self.frames.capacity() > PLACES_KEPT {
            self.frames = VecDeque::new();
        }
        Some(waiting)
    }
}
