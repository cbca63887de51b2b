//! What all sockets of a stack and its driver share: the lock, and the ways of using it.
//!
//! Programs come through one door: [`Shared::call`] and [`Shared::wait`] refuse what needs a living stack.
//! [`Shared::with`] acts, settles what came of it and releases the lock before anybody is woken.
//! [`Shared::wait`] repeats an attempt until it is ready; between attempts the thread sleeps with its
//! waker in the socket's slot. The attempt and the registration happen under one lock, so no event can
//! fall between them.

use crate::clock::Clock;
use crate::core::Core;
use crate::readiness::{Interest, Patience, ThreadWait};
use device::Waker;
use stack::SocketId;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tcp::Instant;

/// The lock, the clock, and what wakes the driver.
pub(crate) struct Shared {
    core: Mutex<Core>,
    pub(crate) clock: Clock,
    pub(crate) waker: Waker,
}

impl Shared {
    /// Puts a core under a lock.
    pub(crate) fn new(core: Core, clock: Clock, waker: Waker) -> Self {
        Shared { core: Mutex::new(core), clock, waker }
    }

    /// The core. A thread that panicked in a tap left it whole: the tap is called between changes.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks, and changes nothing.
    pub(crate) fn look<T>(&self, question: impl FnOnce(&Core, Instant) -> T) -> T {
        question(&self.lock(), self.clock.now())
    }

    /// Changes something, and sends and tells what comes of it.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let mut core = self.lock();
        let now = self.clock.now();
        let outcome = change(&mut core, now);
        let aftermath = core.settle(now);
        drop(core);
        aftermath.wakeups.wake();
        if aftermath.driver_is_needed {
            self.waker.wake();
        }
        outcome
    }

    /// What a program asks of a socket, or of the stack, without waiting.
    ///
    /// # Errors
    /// `NotConnected` if the stack was shut down or its thread is gone; those of `change`.
    pub(crate) fn call<T>(&self, change: impl FnOnce(&mut Core, Instant) -> io::Result<T>) -> io::Result<T> {
        self.with(|core, now| {
            core.check_is_up()?;
            change(core, now)
        })
    }

    /// What a program asks of a socket, repeated until it is ready. `None`: the patience ran out.
    ///
    /// # Errors
    /// As for [`Shared::call`].
    pub(crate) fn wait<T>(
        &self,
        id: SocketId,
        interest: Interest,
        patience: Patience,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<io::Result<T>>,
    ) -> Option<io::Result<T>> {
        self.repeat(id, interest, patience, |core, now| match core.check_is_up() {
            Ok(()) => attempt(core, now),
            Err(error) => Poll::Ready(Err(error)),
        })
    }

    /// Repeats an attempt until it is ready. `None`: the patience ran out, or the driver is dead.
    fn repeat<T>(
        &self,
        id: SocketId,
        interest: Interest,
        patience: Patience,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Option<T> {
        let mut wait = None;
        loop {
            let mut is_registered = false;
            let outcome = self.with(|core, now| {
                let outcome = attempt(core, now);
                // A stack without its driver never wakes anybody.
                let can_wait = patience != Patience::None && !core.phase.is_over();
                if outcome.is_pending() && can_wait {
                    let wait = wait.get_or_insert_with(ThreadWait::begin);
                    core.sockets.register(id, interest, wait.waker());
                    is_registered = true;
                }
                outcome
            });
            match (outcome, &wait) {
                (Poll::Ready(outcome), _) => return Some(outcome),
                (Poll::Pending, Some(wait)) if is_registered && wait.park(patience) => {}
                (Poll::Pending, _) => return None,
            }
        }
    }

    /// Says that there is no more to send and waits for the peer to have it all.
    pub(crate) fn linger(&self, id: SocketId, patience: Patience) {
        self.with(|core, now| core.begin_linger(now, id));
        // Out of patience or not: the connection is closed next.
        let _ = self.repeat(id, Interest::Write, patience, |core, _| core.poll_linger(id));
        self.with(|core, _| core.lingering.retain(|lingering| *lingering != id));
    }
}
