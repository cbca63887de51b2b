//! Two ends of a wire in memory: frames go across by reference, never copied.
//!
//! Each direction is a bounded queue. A super-segment passes whole when the capabilities say so;
//! otherwise it is cut, and checksums are completed, as a network card would. A full queue takes no more:
//! the sender keeps its frames and is told by its own `poll_fd` when there is room again.

use crate::Link;
use crate::event::Event;
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use wire::{Checksum, Frame, LinkCapabilities, TransmitChecksum, segmentation};

/// Most frames in one direction: some milliseconds of a fast link, as a network card's ring holds.
pub const QUEUE_FRAMES_MAX: usize = 1024;
/// Most bytes in one direction, so that 1,024 super-segments cannot hold 64 MB.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;

/// Makes a wire and returns its two ends.
///
/// ```
/// # use wire::*;
/// let capabilities = LinkCapabilities {
///     medium: Medium::Ip,
///     mtu_bytes: 1500,
///     super_segment_bytes_max: 65_000,
///     transmit_checksum: TransmitChecksum::None,
/// };
/// let (client_side, server_side) = synfin_device::memory::pair(capabilities);
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
    /// Where we transmit to: what is `here` for the other end.
    there: Arc<End>,
}

/// What has arrived at one end, and the event that says so.
#[derive(Debug, Default)]
struct End {
    inbox: Mutex<Inbox>,
    /// Made when somebody first asks for `poll_fd`; a driver that never sleeps pays no system call.
    event: OnceLock<Event>,
}

#[derive(Debug, Default)]
struct Inbox {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// The other end had more than there was room for.
    sender_waits: bool,
    /// There is room again in the *other* direction, for which this end waited.
    room_again: bool,
    /// The other end is gone.
    closed: bool,
    raised: bool,
}

impl End {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        // No user code runs under the lock; the queue is whole even if a thread died.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the event say what the inbox holds.
    fn settle(&self, inbox: &mut Inbox) {
        let wanted = !inbox.frames.is_empty() || inbox.room_again;
        if let Some(event) = self.event.get()
            && wanted != inbox.raised
        {
            inbox.raised = wanted;
            if wanted { event.raise() } else { event.clear() }
        }
    }
}

impl Inbox {
    /// Room for one more frame; a single one is always taken, however large.
    fn has_room(&self, frame: &Frame) -> bool {
        self.frames.is_empty()
            || (self.frames.len() < QUEUE_FRAMES_MAX && self.bytes + frame.len() <= QUEUE_BYTES_MAX)
    }

    fn has_room_for_all(&self, frames: &VecDeque<Frame>) -> bool {
        let bytes: usize = frames.iter().map(Frame::len).sum();
        self.frames.len() + frames.len() <= QUEUE_FRAMES_MAX && self.bytes + bytes <= QUEUE_BYTES_MAX
    }

    /// Takes all, by moving the memory that they stand in.
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
    /// Whether the link carries the frame as it is.
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
            self.there.settle(&mut inbox);
            return Ok(taken);
        }
        let mut taken = 0;
        while let Some(frame) = frames.pop_front() {
            if inbox.closed {
                // Nobody listens: a cut wire swallows what is sent.
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
                // May exceed the bound by one super-segment's pieces.
                segmentation::cut(frame, medium, transmit_checksum).for_each(|piece| inbox.push(piece));
            }
        }
        self.there.settle(&mut inbox);
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
        self.here.settle(&mut inbox);
        drop(inbox);
        if sender_waits {
            let mut other = self.there.lock();
            other.room_again = true;
            self.there.settle(&mut other);
        }
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        if self.here.event.get().is_none() {
            let event = Event::new().ok()?;
            let mut inbox = self.here.lock();
            if self.here.event.set(event).is_ok() {
                self.here.settle(&mut inbox);
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
            self.there.settle(&mut other);
        }
    }
}

#[cfg(test)]
mod tests;
