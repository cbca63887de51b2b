//! The trait of every link.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::task::Waker;
use std::time::Duration;
use wire::{Frame, LinkCapabilities};

/// Which way a frame goes, seen from the program that holds the link.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the link to us.
    Received,
    /// From us to the link.
    Transmitted,
}

/// What a link does with the waker that was left with it; see [`Link::set_waker`].
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WakerUse {
    /// The link calls it.
    Kept,
    /// It is never called: the link has a descriptor to wait on, or must be asked from time to time.
    Ignored,
}

/// Something that carries frames. No method blocks, and every method takes `&self`: an application
/// thread may transmit while a driver thread sleeps on [`poll_fd`](Link::poll_fd).
///
/// The driver's loop: `receive` until it returns 0, give the frames to the host, `transmit` the host's
/// frames, then [`wait`](crate::wait()) on `poll_fd` for at most [`due_in`](Link::due_in). A link without a
/// descriptor calls the waker of [`set_waker`](Link::set_waker) instead.
///
/// ```
/// use synfin_device::{Link, memory};
/// use std::collections::VecDeque;
/// use wire::{Frame, LinkCapabilities, Medium, TransmitChecksum};
///
/// let (ours, theirs) = memory::pair(LinkCapabilities {
///     medium: Medium::Ip,
///     mtu_bytes: 1500,
///     super_segment_bytes_max: 0,
///     transmit_checksum: TransmitChecksum::None,
/// });
/// let mut frames = VecDeque::from([Frame::from_bytes((&[0x45, 0][..]).into())]);
/// assert_eq!(ours.transmit(&mut frames)?, 1);
/// assert_eq!(theirs.receive(&mut frames, 64)?, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Link: Send + Sync {
    /// What the link carries and what it does for its users. It never changes.
    fn capabilities(&self) -> LinkCapabilities;

    /// Takes frames from the front until there are none or the link is full; returns how many. When a full
    /// link can take more, `poll_fd` becomes readable.
    ///
    /// # Errors
    /// The system's error about the frame that was taken last; this frame is lost. The frames after it are
    /// still in the queue.
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize>;

    /// Appends at most `frames_max` frames that have arrived; returns how many, 0 if there are none now. The buffer of
    /// a frame must not be much larger than the frame: who keeps it counts its bytes.
    ///
    /// # Errors
    /// The system's error; frames that were appended before it stay.
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize>;

    /// The descriptor to wait on: readable when there is something to receive. `None` if the link has none; then
    /// [`set_waker`](Link::set_waker) says whether it calls a waker or must be asked.
    ///
    /// It stays the same. When `receive` returns 0 and [`due_in`](Link::due_in) is not zero, there was nothing more
    /// behind it, so that pollers that tell each change only once (edge-triggered ones) lose nothing.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Leaves a waker with the link, in place of the one before, and says whether the link will call it. A link
    /// without a descriptor should; by default, and where waiting on `poll_fd` is enough, it is ignored. A user that
    /// can sleep on a waker sets it first, and needs no descriptor of a link that keeps it.
    ///
    /// **When a link that keeps it must call it**, on any thread:
    /// - something can be received, and the last `receive` (with room for at least one frame) had returned 0, or there
    ///   was none since the waker was set;
    /// - there is room, and the last `transmit` had left frames in its queue;
    /// - it has failed, and `receive` has not returned the error yet;
    /// - `due_in` has become earlier by something else than a call of `receive` or `transmit`.
    ///
    /// One call may stand for several of these. More calls are allowed at any time: whoever is woken looks and may find
    /// nothing.
    ///
    /// **So that no wake-up is lost**, the link first makes the change visible to `receive` or `transmit`, then calls
    /// the waker; and it decides that there is nothing (or no room) under the same lock under which the other side adds
    /// frames (or takes them away). The user first sets the waker, then calls `receive` until it returns 0 and
    /// `transmit`, and only then sleeps; after a wake-up again. What was there before the waker was set is found by
    /// these calls, and need not be announced. After an error of `receive` the user asks again by itself, some time
    /// later.
    ///
    /// **What the waker may do.** It may be called inside of `transmit` or `receive` of this link or of its other end,
    /// under whatever lock their caller holds; so it must not block, nor call the link. The link calls it without
    /// holding a lock of its own.
    ///
    /// ```
    /// use std::task::Waker;
    /// use synfin_device::{Link, WakerUse, Waker as Descriptor};
    ///
    /// /// How to sleep until this link has something.
    /// fn prepare(link: &dyn Link, waker: &Waker) -> &'static str {
    ///     match link.set_waker(waker) {
    ///         WakerUse::Kept => "sleep until the waker is called",
    ///         WakerUse::Ignored if link.poll_fd().is_some() => "wait on the descriptor",
    ///         WakerUse::Ignored => "ask again every millisecond",
    ///     }
    /// }
    ///
    /// // A thread that sleeps in `wait` is woken by a waker with a descriptor.
    /// let sleeper = Descriptor::new()?;
    /// let (link, far) = synfin_device::memory::pair(Default::default());
    /// assert_eq!(prepare(&link, &sleeper.clone().into()), "sleep until the waker is called");
    /// # let mut frames = std::collections::VecDeque::from([synfin_device::wire::Frame::default()]);
    /// far.transmit(&mut frames)?;
    /// assert!(synfin_device::wait(&[sleeper.as_fd()], None)?.contains(0));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn set_waker(&self, waker: &Waker) -> WakerUse {
        let _ = waker;
        WakerUse::Ignored
    }

    /// How long until the link has work that neither `poll_fd` nor the waker shows, such as a frame that was held back.
    /// Call `receive` then.
    fn due_in(&self) -> Option<Duration> {
        None
    }
}

impl<L: Link + ?Sized> Link for std::sync::Arc<L> {
    fn capabilities(&self) -> LinkCapabilities {
        (**self).capabilities()
    }
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        (**self).transmit(frames)
    }
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        (**self).receive(frames, frames_max)
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        (**self).poll_fd()
    }
    fn set_waker(&self, waker: &Waker) -> WakerUse {
        (**self).set_waker(waker)
    }
    fn due_in(&self) -> Option<Duration> {
        (**self).due_in()
    }
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn capabilities(&self) -> LinkCapabilities {
        (**self).capabilities()
    }
    fn transmit(&self, frames: &mut VecDeque<Frame>) -> io::Result<usize> {
        (**self).transmit(frames)
    }
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize> {
        (**self).receive(frames, frames_max)
    }
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        (**self).poll_fd()
    }
    fn set_waker(&self, waker: &Waker) -> WakerUse {
        (**self).set_waker(waker)
    }
    fn due_in(&self) -> Option<Duration> {
        (**self).due_in()
    }
}

#[cfg(test)]
mod tests;
