//! A descriptor that is readable while something is the matter, and the [`Waker`] made from it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Readable from `raise` until `clear`, however often each is called.
#[derive(Debug)]
pub(crate) struct Event {
    #[cfg(target_os = "linux")]
    counter: std::fs::File,
    #[cfg(not(target_os = "linux"))]
    ends: (std::os::unix::net::UnixStream, std::os::unix::net::UnixStream),
}

#[cfg(target_os = "linux")]
impl Event {
    pub(crate) fn new() -> io::Result<Event> {
        crate::sys::eventfd().map(|fd| Event { counter: fd.into() })
    }

    pub(crate) fn raise(&self) {
        // Fails only when the counter is full: it is readable then.
        let _ = (&self.counter).write(&1u64.to_ne_bytes());
    }

    pub(crate) fn clear(&self) {
        // Fails only when the counter is zero already.
        let _ = (&self.counter).read(&mut [0; 8]);
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.counter.as_fd()
    }
}

#[cfg(not(target_os = "linux"))]
impl Event {
    pub(crate) fn new() -> io::Result<Event> {
        let ends = std::os::unix::net::UnixStream::pair()?;
        ends.0.set_nonblocking(true)?;
        ends.1.set_nonblocking(true)?;
        Ok(Event { ends })
    }

    pub(crate) fn raise(&self) {
        // Fails only when the buffer is full: it is readable then.
        let _ = (&self.ends.1).write(&[1]);
    }

    pub(crate) fn clear(&self) {
        // Ends when nothing is left; a thread that raises at the same time leaves it readable or not, both true.
        while matches!((&self.ends.0).read(&mut [0; 64]), Ok(64)) {}
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.ends.0.as_fd()
    }
}

/// Wakes a thread that sleeps in [`wait`](crate::wait()). Clones wake the same thread.
///
/// ```
/// use std::time::Duration;
/// let waker = synfin_device::Waker::new()?;
/// let other = waker.clone();
/// std::thread::spawn(move || other.wake());
/// let ready = synfin_device::wait(&[waker.as_fd()], Some(Duration::from_secs(10)))?;
/// assert!(ready.contains(0));
/// waker.clear();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Waker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    event: Event,
    /// The event is raised: waking again costs nothing.
    raised: AtomicBool,
}

impl Waker {
    /// A waker that nobody has used yet.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub fn new() -> io::Result<Waker> {
        Ok(Waker { shared: Arc::new(Shared { event: Event::new()?, raised: AtomicBool::new(false) }) })
    }

    /// Wakes the sleeper now, or as soon as it goes to sleep.
    pub fn wake(&self) {
        if !self.shared.raised.swap(true, Ordering::AcqRel) {
            self.shared.event.raise();
        }
    }

    /// Forgets the wake-ups so far. Call it after waking and *before* looking for what there is to do.
    pub fn clear(&self) {
        // In this order: a wake-up between the two is not raised again, but what it is about is seen by
        // the look that follows, since the swap reads what it wrote. The other order would lose one.
        if self.shared.raised.load(Ordering::Acquire) {
            self.shared.event.clear();
            self.shared.raised.swap(false, Ordering::AcqRel);
        }
    }

    /// What the sleeper waits on.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.event.as_fd()
    }
}
