//! Two ends of a wire in memory: frames cross by reference and are never copied.
//!
//! Each direction is a bounded queue. A super-segment passes whole if the capabilities say so; otherwise
//! it is cut, and checksums are completed, as a network card would do. A full queue takes no more frames:
//! the sender keeps them, and its own `poll_fd` becomes readable when there is room again. Whoever has a waker needs no
//! descriptor. For packets that a program has in its own hands there is [`channel`](crate::channel).

use crate::event::Event;
use crate::queue::FrameQueue;
use crate::{Link, WakerUse};
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use wire::{Frame, LinkCapabilities};

pub use crate::queue::{QUEUE_BYTES_MAX, QUEUE_FRAMES_MAX};

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
    /// Created by the first call of `poll_fd`, so that a driver that never sleeps, or has a waker, makes no system
    /// call.
    event: OnceLock<Event>,
}

#[derive(Debug, Default)]
struct Inbox {
    queue: FrameQueue,
    /// The other end has frames for which there was no room.
    sender_waits: bool,
    /// There is room again in the *other* direction, for which this end waited.
    room_again: bool,
    /// The end that receives from this inbox was dropped.
    closed: bool,
    /// There was something here, or room there, when we looked last; the event says so.
    raised: bool,
    /// Of the end that receives from this inbox.
    waker: Option<Waker>,
}

impl End {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        // No user code runs under the lock, so the queue is consistent even if a thread panicked.
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises or clears the event, according to the inbox, and lets go of it. Then the waker is called if there is
    /// something new.
    fn update(&self, mut inbox: MutexGuard<'_, Inbox>) {
        let is_readable = !inbox.queue.is_empty() || inbox.room_again;
        if is_readable == inbox.raised {
            return;
        }
        inbox.raised = is_readable;
        if let Some(event) = self.event.get() {
            if is_readable { event.raise() } else { event.clear() }
        }
        let waker = inbox.waker.clone().filter(|_| is_readable);
        drop(inbox);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The other end has made room.
    fn tell_of_room(&self) {
        let mut inbox = self.lock();
        inbox.room_again = true;
        self.update(inbox);
    }
}

impl Link for MemoryLink {
    fn capabilities(&self) -> LinkCapabilities {
        self.capabilities
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let mut inbox = self.there.lock();
        if inbox.closed {
            // The other end was dropped: frames are lost, as on a cut wire.
            return Ok(frames.drain(..).count());
        }
        let taken = inbox.queue.accept(frames, &self.capabilities);
        inbox.sender_waits |= !frames.is_empty();
        self.there.update(inbox);
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut inbox = self.here.lock();
        inbox.room_again = false;
        let count = inbox.queue.take(frames, frames_max);
        let sender_waits = count > 0 && std::mem::take(&mut inbox.sender_waits);
        self.here.update(inbox);
        if sender_waits {
            self.there.tell_of_room();
        }
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        if self.here.event.get().is_none() {
            let event = Event::new().ok()?;
            let inbox = self.here.lock();
            if inbox.raised {
                event.raise();
            }
            // Under the lock, so that nobody misses what happens in between. Another thread may have been first.
            let _ = self.here.event.set(event);
        }
        self.here.event.get().map(Event::as_fd)
    }

    fn set_waker(&self, waker: &Waker) -> WakerUse {
        let before = self.here.lock().waker.replace(waker.clone());
        // Dropped without the lock: a waker is the user's code.
        drop(before);
        WakerUse::Kept
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        let mut inbox = self.here.lock();
        inbox.closed = true;
        inbox.queue.clear();
        let waker = inbox.waker.take();
        let sender_waits = std::mem::take(&mut inbox.sender_waits);
        drop(inbox);
        drop(waker);
        if sender_waits {
            self.there.tell_of_room();
        }
    }
}

#[cfg(test)]
mod tests;
