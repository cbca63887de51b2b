//! Who waits for what: the waker slots of a socket, and how a thread waits in one.
//!
//! A socket has two slots, one for readers and one for writers, each a short list of
//! [`std::task::Waker`]s. A blocking call leaves the waker of its thread there and parks; an
//! asynchronous socket leaves the waker of its task: the driver cannot tell them apart. Wakers are
//! taken out under the stack's lock but woken after it is released ([`Wakeups`]), so that the woken
//! thread does not run into the lock.
//!
//! Nothing here knows what a socket is ready *for*: a woken caller tries again.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// What a caller waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Data, a connection to accept, a datagram, the peer's FIN, or a failure.
    Read,
    /// Room in the send queue, the end of a handshake or of a close, or a failure.
    Write,
}

/// The waker slots of one socket.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    read: Vec<Waker>,
    write: Vec<Waker>,
}

impl Slots {
    /// Leaves a waker. One that would wake the same thread or task is not stored twice, so a slot
    /// never holds more wakers than there are threads and tasks that use the socket.
    pub(crate) fn register(&mut self, interest: Interest, waker: &Waker) {
        let slot = match interest {
            Interest::Read => &mut self.read,
            Interest::Write => &mut self.write,
        };
        if !slot.iter().any(|known| known.will_wake(waker)) {
            slot.push(waker.clone());
        }
    }

    /// Moves the wakers of one slot to the list of those to be woken.
    pub(crate) fn take(&mut self, interest: Interest, wakeups: &mut Wakeups) {
        let slot = match interest {
            Interest::Read => &mut self.read,
            Interest::Write => &mut self.write,
        };
        wakeups.wakers.append(slot);
    }

    /// Moves the wakers of both slots to the list of those to be woken.
    pub(crate) fn take_all(&mut self, wakeups: &mut Wakeups) {
        self.take(Interest::Read, wakeups);
        self.take(Interest::Write, wakeups);
    }
}

/// Wakers to be woken once the stack's lock is released.
#[derive(Debug, Default)]
#[must_use = "the wakers are woken by `wake`"]
pub(crate) struct Wakeups {
    wakers: Vec<Waker>,
}

impl Wakeups {
    /// More to be woken.
    pub(crate) fn extend(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.wakers.extend(wakers);
    }

    /// Wakes them all.
    pub(crate) fn wake(self) {
        self.wakers.into_iter().for_each(Waker::wake);
    }
}

/// How long a call is ready to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all: the socket is non-blocking.
    None,
    /// Until this moment.
    Until(Instant),
    /// As long as it takes.
    Forever,
}

impl Patience {
    /// Until `timeout` from now; without a timeout, or with one beyond the clock's range, for ever.
    pub(crate) fn of(timeout: Option<Duration>) -> Self {
        timeout
            .and_then(|timeout| Instant::now().checked_add(timeout))
            .map_or(Patience::Forever, Patience::Until)
    }
}

/// Wakes one thread.
#[derive(Debug)]
struct Parker {
    thread: Thread,
    notified: AtomicBool,
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.notified.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

thread_local! {
    /// Each thread has one waker for all its waits, so that slots recognise it.
    static PARKER: RefCell<Option<(Arc<Parker>, Waker)>> = const { RefCell::new(None) };
}

/// One wait of the current thread.
#[derive(Debug)]
pub(crate) struct ThreadWait {
    parker: Arc<Parker>,
    waker: Waker,
}

impl ThreadWait {
    /// Prepares the current thread to be woken. Wake-ups from here on count.
    pub(crate) fn begin() -> Self {
        let (parker, waker) = PARKER
            .try_with(|cell| {
                let mut cell = cell.borrow_mut();
                let (parker, waker) = cell.get_or_insert_with(new_parker);
                (Arc::clone(parker), waker.clone())
            })
            // The thread is being torn down (a socket is used in a destructor of its locals).
            .unwrap_or_else(|_| new_parker());
        parker.notified.store(false, Ordering::Release);
        ThreadWait { parker, waker }
    }

    /// The waker to leave in a slot.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Sleeps until woken, then is ready for another round. Returns false if the patience ran out.
    pub(crate) fn park(&self, patience: Patience) -> bool {
        while !self.parker.notified.swap(false, Ordering::AcqRel) {
            match patience {
                Patience::None => return false,
                Patience::Forever => std::thread::park(),
                Patience::Until(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    std::thread::park_timeout(left);
                }
            }
        }
        true
    }
}

fn new_parker() -> (Arc<Parker>, Waker) {
    let parker = Arc::new(Parker { thread: std::thread::current(), notified: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&parker));
    (parker, waker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_stored_once_however_often_it_waits() {
        let mut slots = Slots::default();
        for _ in 0..3 {
            slots.register(Interest::Read, ThreadWait::begin().waker());
        }
        assert_eq!(slots.read.len(), 1);
        let mut wakeups = Wakeups::default();
        slots.take_all(&mut wakeups);
        assert_eq!((slots.read.len(), wakeups.wakers.len()), (0, 1));
    }

    #[test]
    fn a_wake_up_before_the_park_is_not_lost() {
        let wait = ThreadWait::begin();
        wait.waker().wake_by_ref();
        assert!(wait.park(Patience::Forever));
        assert!(!wait.park(Patience::None), "one wake-up is good for one round");
    }

    #[test]
    fn patience_runs_out() {
        let wait = ThreadWait::begin();
        let before = Instant::now();
        assert!(!wait.park(Patience::of(Some(Duration::from_millis(10)))));
        assert!(before.elapsed() >= Duration::from_millis(10));
        assert_eq!(Patience::of(Some(Duration::MAX)), Patience::Forever);
    }

    #[test]
    fn another_thread_wakes_it() {
        let wait = ThreadWait::begin();
        let waker = wait.waker().clone();
        let other = std::thread::spawn(move || waker.wake());
        assert!(wait.park(Patience::of(Some(Duration::from_secs(10)))));
        other.join().expect("the other thread only wakes");
    }
}
