//! A link whose other end is the program itself: packets that it decrypts, takes from a ring of a virtual machine or
//! makes up for a test go in, what a stack sends comes out.
//!
//! No descriptor and no system call: both sides leave wakers. Each direction is a bounded queue; a sender whose queue
//! is full is told so and woken when there is room. Frames cross by reference. What is *not* here: threads, and a wire
//! between two stacks, which is [`memory::pair`](crate::memory::pair).

use crate::queue::FrameQueue;
use crate::{Link, WakerUse};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use wire::{Frame, LinkCapabilities};

pub use crate::queue::{QUEUE_BYTES_MAX, QUEUE_FRAMES_MAX};

/// Makes a link, and what the program holds of it: where it puts frames for the link's user, and where it takes the
/// frames that the user sends.
///
/// Each direction holds at most [`QUEUE_FRAMES_MAX`] frames and [`QUEUE_BYTES_MAX`] bytes. Frames that the link's user
/// sends are cut and their checksums completed, unless `capabilities` say that the program does this.
///
/// ```
/// use synfin_device::{Link, channel};
/// use synfin_device::wire::{Frame, LinkCapabilities};
/// use std::collections::VecDeque;
///
/// let (link, sender, receiver) = channel::link(LinkCapabilities::default());
/// sender.try_send(Frame::from_bytes(vec![0x45, 0, 0, 20].into()))?;
///
/// // A stack does this.
/// let mut frames = VecDeque::new();
/// assert_eq!(link.receive(&mut frames, 64)?, 1);
/// link.transmit(&mut frames)?;
///
/// assert_eq!(receiver.try_recv()?.to_vec(), [0x45, 0, 0, 20]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A thread of the program that carries packets out, and sleeps while there are none:
///
/// ```
/// use synfin_device::{Link, channel};
/// use std::{sync::Arc, task::{Context, Poll, Wake, Waker}, thread};
/// # use synfin_device::wire::{Frame, LinkCapabilities};
///
/// struct Unpark(thread::Thread);
///
/// impl Wake for Unpark {
///     fn wake(self: Arc<Self>) {
///         self.0.unpark();
///     }
/// }
///
/// # let (link, _sender, receiver) = channel::link(LinkCapabilities::default());
/// let carrier = thread::spawn(move || {
///     let waker = Waker::from(Arc::new(Unpark(thread::current())));
///     let mut context = Context::from_waker(&waker);
///     let mut carried = 0;
///     loop {
///         match receiver.poll_recv(&mut context) {
///             Poll::Ready(Some(packet)) => carried += packet.len(), // encrypt it, send it
///             Poll::Ready(None) => return carried,                  // the stack is gone
///             Poll::Pending => thread::park(),
///         }
///     }
/// });
/// # link.transmit(&mut [Frame::from_bytes(vec![0; 40].into())].into())?;
/// drop(link);
/// assert_eq!(carrier.join().unwrap(), 40);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn link(capabilities: LinkCapabilities) -> (ChannelLink, FrameSender, FrameReceiver) {
    let inward = Arc::new(Mutex::new(Lane::default()));
    let outward = Arc::new(Mutex::new(Lane::default()));
    let sender = FrameSender { lane: Arc::clone(&inward) };
    let receiver = FrameReceiver { lane: Arc::clone(&outward) };
    (ChannelLink { capabilities, inward, outward }, sender, receiver)
}

/// The link of a stack; see [`link`].
///
/// When the program has dropped its [`FrameReceiver`], what is sent is lost, as on a cut wire; when it has dropped its
/// [`FrameSender`], nothing arrives any more.
#[derive(Debug)]
pub struct ChannelLink {
    capabilities: LinkCapabilities,
    inward: Arc<Mutex<Lane>>,
    outward: Arc<Mutex<Lane>>,
}

/// Where a program puts frames for the user of the [`ChannelLink`].
#[derive(Debug)]
pub struct FrameSender {
    lane: Arc<Mutex<Lane>>,
}

/// Where a program takes the frames that the user of the [`ChannelLink`] sends.
#[derive(Debug)]
pub struct FrameReceiver {
    lane: Arc<Mutex<Lane>>,
}

/// Why a frame was not taken. It is in there, so that nothing is lost.
#[derive(Debug)]
pub enum TrySendError {
    /// The queue is full; [`FrameSender::poll_ready`] says when there is room.
    Full(Frame),
    /// The link was dropped.
    Closed(Frame),
}

/// Why there is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is none now; [`FrameReceiver::poll_recv`] says when there is one.
    Empty,
    /// The link was dropped, and all its frames have been taken.
    Closed,
}

/// One direction, and who waits at its ends.
#[derive(Debug, Default)]
struct Lane {
    queue: FrameQueue,
    reader: Waiter,
    writer: Waiter,
    /// How long the frame was for which there was no room last: one that long is waited for.
    refused_bytes: usize,
    /// One of the two ends was dropped.
    is_closed: bool,
}

/// Who reads or writes a lane.
#[derive(Debug, Default)]
struct Waiter {
    waker: Option<Waker>,
    /// It has looked in vain since it was woken last.
    waits: bool,
}

impl Waiter {
    /// The waker to call, once the lane is let go of.
    fn take(&mut self) -> Option<Waker> {
        std::mem::take(&mut self.waits).then(|| self.waker.clone()).flatten()
    }

    /// Waits from here on; with another waker, if need be. Returns the one before, to be dropped without the lane.
    fn wait(&mut self, waker: &Waker) -> Option<Waker> {
        self.waits = true;
        if self.waker.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            return None;
        }
        self.waker.replace(waker.clone())
    }
}

fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    // No user code runs under the lock, so the lane is consistent even if a thread panicked.
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// One end is gone: whoever waits at the other learns of it.
fn close(lane: &Mutex<Lane>) {
    let mut lane = lock(lane);
    lane.is_closed = true;
    // Set even if nobody waits right now: this is the last news.
    let wakers = [lane.reader.waker.take(), lane.writer.waker.take()];
    drop(lane);
    wakers.into_iter().for_each(wake);
}

impl Link for ChannelLink {
    fn capabilities(&self) -> LinkCapabilities {
        self.capabilities
    }

    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        let mut lane = lock(&self.outward);
        if lane.is_closed {
            return Ok(frames.drain(..).count());
        }
        let taken = lane.queue.accept(frames, &self.capabilities);
        lane.writer.waits |= !frames.is_empty();
        let waker = if taken > 0 { lane.reader.take() } else { None };
        drop(lane);
        wake(waker);
        Ok(taken)
    }

    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        let mut lane = lock(&self.inward);
        let count = lane.queue.take(frames, frames_max);
        lane.reader.waits |= lane.queue.is_empty();
        let waker = if count > 0 { lane.writer.take() } else { None };
        drop(lane);
        wake(waker);
        Ok(count)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn set_waker(&self, waker: &Waker) -> WakerUse {
        let before = lock(&self.inward).reader.waker.replace(waker.clone());
        let other = lock(&self.outward).writer.waker.replace(waker.clone());
        // Dropped when no lane is locked: a waker is the user's code.
        drop((before, other));
        WakerUse::Kept
    }
}

impl FrameSender {
    /// Gives a frame to the link.
    ///
    /// # Errors
    /// [`TrySendError`] with the frame in it: the queue is full, or the link was dropped.
    #[allow(clippy::result_large_err)] // The frame is handed back as it came, without an allocation.
    pub fn try_send(&self, frame: Frame) -> Result<(), TrySendError> {
        let mut lane = lock(&self.lane);
        if lane.is_closed {
            return Err(TrySendError::Closed(frame));
        }
        if !lane.queue.has_room(frame.len()) {
            lane.refused_bytes = frame.len();
            return Err(TrySendError::Full(frame));
        }
        lane.refused_bytes = 0;
        lane.queue.push(frame);
        let waker = lane.reader.take();
        drop(lane);
        wake(waker);
        Ok(())
    }

    /// Ready when there is room for a frame (for the one that was refused last, if one was), or the link was dropped;
    /// otherwise the waker is called then. Another thread may be faster; then ask again.
    ///
    /// ```
    /// # use synfin_device::{channel, wire::{Frame, LinkCapabilities}};
    /// # use std::task::{Context, Waker};
    /// # let mut context = Context::from_waker(Waker::noop());
    /// let (link, sender, _receiver) = channel::link(LinkCapabilities::default());
    /// assert!(sender.poll_ready(&mut context).is_ready());
    /// while sender.try_send(Frame::from_bytes(vec![0; 1_500].into())).is_ok() {}
    /// assert!(sender.poll_ready(&mut context).is_pending());
    /// drop(link);
    /// assert!(sender.poll_ready(&mut context).is_ready());
    /// assert!(sender.is_closed());
    /// ```
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut lane = lock(&self.lane);
        if lane.is_closed || lane.queue.has_room(lane.refused_bytes) {
            return Poll::Ready(());
        }
        let before = lane.writer.wait(context.waker());
        drop(lane);
        drop(before);
        Poll::Pending
    }

    /// Whether the link was dropped: nobody receives any more.
    pub fn is_closed(&self) -> bool {
        lock(&self.lane).is_closed
    }
}

impl FrameReceiver {
    /// The next frame that the link's user has sent.
    ///
    /// # Errors
    /// [`TryRecvError`]: there is none now, or there will be none any more.
    pub fn try_recv(&self) -> Result<Frame, TryRecvError> {
        let mut lane = lock(&self.lane);
        let Some(frame) = lane.queue.pop() else {
            return Err(if lane.is_closed { TryRecvError::Closed } else { TryRecvError::Empty });
        };
        let waker = lane.writer.take();
        drop(lane);
        wake(waker);
        Ok(frame)
    }

    /// Appends at most `frames_max` frames; returns how many, 0 if there are none now.
    pub fn try_recv_many(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> usize {
        let mut lane = lock(&self.lane);
        let count = lane.queue.take(frames, frames_max);
        let waker = if count > 0 { lane.writer.take() } else { None };
        drop(lane);
        wake(waker);
        count
    }

    /// The next frame, or `None` when the link was dropped and all its frames have been taken. While there is none the
    /// waker is called when there is one.
    pub fn poll_recv(&self, context: &mut Context<'_>) -> Poll<Option<Frame>> {
        let mut lane = lock(&self.lane);
        let Some(frame) = lane.queue.pop() else {
            if lane.is_closed {
                return Poll::Ready(None);
            }
            let before = lane.reader.wait(context.waker());
            drop(lane);
            drop(before);
            return Poll::Pending;
        };
        let waker = lane.writer.take();
        drop(lane);
        wake(waker);
        Poll::Ready(Some(frame))
    }
}

impl Drop for ChannelLink {
    fn drop(&mut self) {
        close(&self.inward);
        close(&self.outward);
        // Nobody will receive these; what was sent is still there for the program.
        lock(&self.inward).queue.clear();
    }
}

impl Drop for FrameSender {
    fn drop(&mut self) {
        close(&self.lane);
    }
}

impl Drop for FrameReceiver {
    fn drop(&mut self) {
        close(&self.lane);
        lock(&self.lane).queue.clear();
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "the link's queue is full; send the frame again when there is room",
            TrySendError::Closed(_) => "the link was dropped, and nobody receives the frame",
        })
    }
}

impl std::error::Error for TrySendError {}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "the link's user has sent nothing more yet",
            TryRecvError::Closed => "the link was dropped, and will send nothing more",
        })
    }
}

impl std::error::Error for TryRecvError {}

#[cfg(test)]
mod tests;
