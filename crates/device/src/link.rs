//! The trait of every link.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
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

/// Something that carries frames. No method blocks, and every method takes `&self`: an application
/// thread may transmit while a driver thread sleeps on [`poll_fd`](Link::poll_fd).
///
/// The driver's loop: `receive` until it returns 0, give the frames to the host, `transmit` the host's
/// frames, then [`wait`](crate::wait()) on `poll_fd` for at most [`due_in`](Link::due_in).
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

    /// Appends at most `frames_max` frames that have arrived; returns how many, 0 if there are none now. The buffer of a
    /// frame must not be much larger than the frame: who keeps it counts its bytes.
    ///
    /// # Errors
    /// The system's error; frames that were appended before it stay.
    fn receive(&self, frames: &mut VecDeque<Frame>, frames_max: usize) -> io::Result<usize>;

    /// The descriptor to wait on: readable when there is something to receive. `None` if the link has none.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>>;

    /// How long until the link has work that `poll_fd` does not show, such as a frame that was held back.
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
    fn due_in(&self) -> Option<Duration> {
        (**self).due_in()
    }
}
