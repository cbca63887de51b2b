//! Sleeping until one of a few descriptors is readable, or until a time has passed.

use crate::sys;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// The most descriptors in one [`wait`]: a link per queue and a waker. A program with more must use its own poller.
pub const WAIT_MAX: usize = 16;

/// Which of the descriptors given to [`wait`] are ready, by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ready(u16);

impl Ready {
    /// Whether the descriptor at this place is readable, closed, or in error. In each case, try to read.
    pub const fn contains(self, place: usize) -> bool {
        place < WAIT_MAX && self.0 & (1 << place) != 0
    }

    /// Whether the time ran out, or a signal came, before any descriptor was ready.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Sleeps until one of `fds` is readable or `timeout` has passed (`None`: without limit).
///
/// A signal ends the sleep early, with nothing ready.
///
/// # Errors
/// The error of `poll`.
///
/// # Panics
/// If there are more than [`WAIT_MAX`] descriptors.
///
/// ```
/// use std::time::Duration;
/// let waker = synfin_device::Waker::new()?;
/// assert!(synfin_device::wait(&[waker.as_fd()], Some(Duration::from_micros(50)))?.is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn wait(fds: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Ready> {
    assert!(fds.len() <= WAIT_MAX, "at most {WAIT_MAX} descriptors can be waited on");
    sys::poll_readable(fds, timeout).map(Ready)
}
