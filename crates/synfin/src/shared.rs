//! What all sockets of a stack and its driver share: the lock, and the ways of using it.
//!
//! [`Shared::with`] acts, settles what came of it and releases the lock before anybody is woken. All that a socket may
//! have to wait for is one attempt under the lock ([`socket::Core::poll`]), which leaves the caller's waker if it is
//! not ready; a blocking call ([`Shared::wait`]) is the same attempt with the waker of its thread, repeated after each
//! sleep.

use crate::clock::Clock;
use crate::locked::Locked;
use crate::park::{Patience, ThreadWait};
use device::Waker;
use socket::{Core, Fault, Interest, Place, Wait, Waiter};
use stack::SocketId;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tcp::Instant;

/// The lock, the clock, and what wakes the driver.
pub(crate) struct Shared {
    locked: Mutex<Locked>,
    pub(crate) clock: Clock,
    pub(crate) waker: Waker,
}

impl Shared {
    /// Puts a stack under a lock.
    pub(crate) fn new(locked: Locked, clock: Clock, waker: Waker) -> Self {
        Shared { locked: Mutex::new(locked), clock, waker }
    }

    /// The stack. A thread that panicked in a tap left it whole: the tap is called between changes.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks, and changes nothing.
    pub(crate) fn look<T>(&self, question: impl FnOnce(&Core, Instant) -> T) -> T {
        question(&self.lock().core, self.clock.now())
    }

    /// Changes something, and sends and tells what comes of it.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Locked, Instant) -> T) -> T {
        let mut locked = self.lock();
        let now = self.clock.now();
        let outcome = change(&mut locked, now);
        let aftermath = locked.settle(now);
        drop(locked);
        aftermath.wakeups.wake();
        if aftermath.driver_is_needed {
            self.waker.wake();
        }
        outcome
    }

    /// Repeats an attempt until it is ready. `None`: the patience ran out.
    ///
    /// # Errors
    /// Those of the attempt; why the stack is closed down.
    pub(crate) fn wait<T>(
        &self,
        id: SocketId,
        interest: Interest,
        patience: Patience,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<Result<T, Fault>>,
    ) -> Option<Result<T, Fault>> {
        self.sleep_between(id, interest, patience, |core, now, wait| core.poll(now, wait, &mut attempt))
    }

    /// Says that there is no more to send and waits for the peer to have it all.
    pub(crate) fn linger(&self, id: SocketId, patience: Patience) {
        self.with(|locked, now| locked.core.begin_linger(now, id));
        // Out of patience or not: the connection is closed next.
        let _ = self.sleep_between(id, Interest::Write, patience, |core, _, wait| {
            core.wait_for(wait, |core| core.poll_lingered(id))
        });
    }

    /// Polls until it is ready, and sleeps in between. `None`: the patience ran out, or the driver is dead, so that
    /// nobody would end the sleep.
    fn sleep_between<T>(
        &self,
        id: SocketId,
        interest: Interest,
        patience: Patience,
        mut poll: impl FnMut(&mut Core, Instant, Wait<'_>) -> Poll<T>,
    ) -> Option<T> {
        let mut waiter = Waiter::new();
        let mut thread: Option<ThreadWait> = None;
        loop {
            let (outcome, can_wait) = self.with(|locked, now| {
                let can_wait = patience != Patience::None && !locked.phase.is_over();
                let waker = match &thread {
                    Some(thread) => thread.waker(),
                    None => std::task::Waker::noop(),
                };
                let place = if thread.is_some() { Place::Entry(&mut waiter) } else { Place::Nowhere };
                (poll(&mut locked.core, now, Wait { id, interest, place, waker }), can_wait)
            });
            match (outcome, &thread) {
                (Poll::Ready(outcome), _) => return Some(outcome),
                (Poll::Pending, _) if !can_wait => break,
                // The usual call has nothing to wait for and needs no waker.
                (Poll::Pending, None) => thread = Some(ThreadWait::begin()),
                (Poll::Pending, Some(wait)) if wait.park(patience) => {}
                (Poll::Pending, Some(_)) => break,
            }
        }
        if waiter.is_waiting() {
            self.with(|locked, _| locked.core.forget(id, &mut waiter));
        }
        None
    }
}
