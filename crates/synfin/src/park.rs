//! How a thread waits: it sleeps until its waker is called, or until its patience runs out.
//!
//! A blocking call leaves the waker of its thread where a task would leave its own; who wakes cannot tell them apart.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

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
    /// Each thread has one waker for all its waits.
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
