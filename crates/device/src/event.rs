//! A descriptor that is readable while an event is raised, and the [`Waker`] made from it.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

/// Readable from `raise` until `clear`. Calling either again changes nothing.
#[derive(Debug)]
pub(crate) struct Event {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    counter: std::fs::File,
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    ends: (std::os::unix::net::UnixStream, std::os::unix::net::UnixStream),
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Event {
    pub(crate) fn new() -> io::Result<Event> {
        crate::sys::eventfd().map(|fd| Event { counter: fd.into() })
    }

    pub(crate) fn raise(&self) {
        // Fails only if the counter is full; then it is readable already.
        let _ = (&self.counter).write(&1u64.to_ne_bytes());
    }

    pub(crate) fn clear(&self) {
        // Fails only if the counter is zero already.
        let _ = (&self.counter).read(&mut [0; 8]);
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.counter.as_fd()
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Event {
    pub(crate) fn new() -> io::Result<Event> {
        let ends = std::os::unix::net::UnixStream::pair()?;
        ends.0.set_nonblocking(true)?;
        ends.1.set_nonblocking(true)?;
        Ok(Event { ends })
    }

    pub(crate) fn raise(&self) {
        // Fails only if the buffer is full; then it is readable already.
        let _ = (&self.ends.1).write(&[1]);
    }

    pub(crate) fn clear(&self) {
        // Ends when nothing is left. If another thread raises the event at the same time, either result is right.
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
    /// The event is raised; waking again needs no system call.
    raised: AtomicBool,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.raised.swap(true, Ordering::AcqRel) {
            self.event.raise();
        }
    }
}

/// The same waker as the standard library knows it, for [`Link::set_waker`](crate::Link::set_waker).
impl From<Waker> for std::task::Waker {
    fn from(waker: Waker) -> Self {
        waker.shared.into()
    }
}

impl Waker {
    /// A waker that has not been used yet.
    ///
    /// # Errors
    /// If the process has no descriptors left.
    pub fn new() -> io::Result<Waker> {
        Ok(Waker { shared: Arc::new(Shared { event: Event::new()?, raised: AtomicBool::new(false) }) })
    }

    /// Wakes the sleeping thread now, or as soon as it goes to sleep.
    pub fn wake(&self) {
        self.shared.wake_by_ref();
    }

    /// Forgets the wake-ups so far. Call it after waking and *before* looking for work.
    pub fn clear(&self) {
        // The order matters. A wake-up between the two steps does not raise the event again, but its work is
        // found afterwards, because the swap synchronizes with it. In the other order it would be lost.
        if self.shared.raised.load(Ordering::Acquire) {
            self.shared.event.clear();
            self.shared.raised.swap(false, Ordering::AcqRel);
        }
    }

    /// The descriptor that the sleeping thread waits on.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.event.as_fd()
    }
}
