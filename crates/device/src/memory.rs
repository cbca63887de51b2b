//! Two ends of a wire in memory: frames cross by reference and are never copied.
//!
//! Each direction is a bounded queue. A super-segment passes whole if the capabilities say so; otherwise
//! it is cut, and checksums are completed, as a network card would do. A full queue takes no more frames:
//! the sender keeps them, and its own `poll_fd` becomes readable when there is room again.

use crate::Link;
use crate::event::Event;
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use wire::{Checksum, Frame, LinkCapabilities, TransmitChecksum, segmentation};

/// The most frames in one direction: some milliseconds of a fast link, as in the ring of a network card.
pub const QUEUE_FRAMES_MAX: usize = 1024;
/// The most bytes in one direction, because 1,024 super-segments would hold 64 MB.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;

/// Makes a wire and returns its two ends.
///
/// ```
/// use wire::{LinkCapabilities, TransmitChecksum};
/// let (client_side, server_side) = synfin_device::memory::pair(LinkCapabilities::default());
///
/// // Without checksums, in super-segments of up to 65,000 bytes: as fast as memory is.
/// let (fast_client_side, fast_server_side) = synfin_device::memory::pair(LinkCapabilities {
///     super_segment_bytes_max: 65_000,
///     transmit_checksum: TransmitChecksum::None,
///     ..LinkCapabilities::default()
/// });
/// ```
pub fn pair(capabilities: LinkCapabilities) -> (MemoryLink, MemoryLink) {
    let ends: [Arc<End>; 2] = Default::default();
    let [here, there] = ends;
    let first = MemoryLink { capabilities, here: Arc::clone(&here), there: Arc::clone(&there) };
    (first, MemoryLink { capabilities, here: there, there: here })
}

/// One end of a wire in memory; see [`pair`].
#[derive(Debug)]
pub struct MemoryLink {
    capabilities: LinkCapabilities,
    /// Where we receive from.
    here: Arc<End>,
    /// Where we transmit to: the `here` of the other end.
    there: Arc<End>,
}

/// What has arrived at one end, and the event that is raised while there is something.
#[derive(Debug, Default)]
struct End {
    inbox: Mutex<Inbox>,
    /// Created by the first call of `poll_fd`, so that a driver that never sleeps makes no system call.
    event: OnceLock<Event>,
}

#[derive(Debug, Default)]
struct Inbox {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// The other end has frames for which there was no room.
    sender_waits: bool,
    /// There is room again in the *other* direction, for which this end waited.
    room_again: bool,
    /// The end that receives from this inbox was dropped.
    closed: bool,
    raised: bool,
}

impl End {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        // No user code runs under the lock, so the queue is consistent even if a thread panicked.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises or clears the event, according to the inbox.
    fn update_event(&self, inbox: &mut Inbox) {
        let is_readable = !inbox.frames.is_empty() || inbox.room_again;
        if let Some(event) = self.event.get()
            && is_readable != inbox.raised
        {
            inbox.raised = is_readable;
            if is_readable { event.raise() } else { event.clear() }
        }
    }
}

impl Inbox {
    /// Whether there is room for one more frame. An empty inbox takes a frame of any size.
    fn has_room(&self, frame: &Frame) -> bool {
        self.frames.is_empty()
            || (self.frames.len() < QUEUE_FRAMES_MAX && self.bytes + frame.len() <= QUEUE_BYTES_MAX)
    }

    fn has_room_for_all(&self, frames: &VecDeque<Frame>) -> bool {
        let bytes: usize = frames.iter().map(Frame::len).sum();
        self.frames.len() + frames.len() <= QUEUE_FRAMES_MAX && self.bytes + bytes <= QUEUE_BYTES_MAX
    }

    /// Takes all frames, by moving the whole queue if this inbox is empty.
    fn append(&mut self, frames: &mut VecDeque<Frame>) {
        self.bytes += frames.iter().map(Frame::len).sum::<usize>();
        if self.frames.is_empty() {
            std::mem::swap(&mut self.frames, frames);
        } else {
            self.frames.append(frames);
        }
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }
}

impl MemoryLink {
    /// Whether the link carries the frame unchanged.
    fn passes_whole(&self, frame: &Frame) -> bool {
        let full = self.capabilities.transmit_checksum == TransmitChecksum::Full;
        let checksum_is_left = full && frame.offload.checksum != Checksum::Complete;
        let too_large = frame.offload.segment_bytes != 0
            && frame.len() > self.capabilities.super_segment_bytes_max as usize + wire::frame::HEAD_BYTES_MAX;
        !checksum_is_left && !too_large
    }
}

impl Link for MemoryLink {
    fn capabilities(&self) -> LinkCapabilities {
        self.capabilities
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let mut inbox = self.there.lock();
        if !inbox.closed
            && inbox.has_room_for_all(frames)
            && frames.iter().all(|frame| self.passes_whole(frame))
        {
            let taken = frames.len();
            inbox.append(frames);
            self.there.update_event(&mut inbox);
            return Ok(taken);
        }
        let mut taken = 0;
        while let Some(frame) = frames.pop_front() {
            if inbox.closed {
                // The other end was dropped: frames are lost, as on a cut wire.
                taken += 1;
                continue;
            }
            if !inbox.has_room(&frame) {
                inbox.sender_waits = true;
                frames.push_front(frame);
                break;
            }
            taken += 1;
            if self.passes_whole(&frame) {
                inbox.push(frame);
            } else {
                let LinkCapabilities { medium, transmit_checksum, .. } = self.capabilities;
                // May exceed the bound by the pieces of one super-segment.
                segmentation::cut(frame, medium, transmit_checksum).for_each(|piece| inbox.push(piece));
            }
        }
        self.there.update_event(&mut inbox);
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut inbox = self.here.lock();
        inbox.room_again = false;
        let count = frames_max.min(inbox.frames.len());
        if count == inbox.frames.len() && frames.is_empty() {
            std::mem::swap(&mut inbox.frames, frames);
            inbox.bytes = 0;
        } else {
            for _ in 0..count {
                let Some(frame) = inbox.frames.pop_front() else { break };
                inbox.bytes -= frame.len();
                frames.push_back(frame);
            }
        }
        let sender_waits = count > 0 && core::mem::take(&mut inbox.sender_waits);
        self.here.update_event(&mut inbox);
        drop(inbox);
        if sender_waits {
            let mut other = self.there.lock();
            other.room_again = true;
            self.there.update_event(&mut other);
        }
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        if self.here.event.get().is_none() {
            let event = Event::new().ok()?;
            let mut inbox = self.here.lock();
            if self.here.event.set(event).is_ok() {
                self.here.update_event(&mut inbox);
            }
        }
        self.here.event.get().map(Event::as_fd)
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        let mut inbox = self.here.lock();
        inbox.closed = true;
        inbox.frames.clear();
        inbox.bytes = 0;
        if core::mem::take(&mut inbox.sender_waits) {
            drop(inbox);
            let mut other = self.there.lock();
            other.room_again = true;
            self.there.update_event(&mut other);
        }
    }
}

#[cfg(test)]
mod tests;
