//! A socket in the hands of a program.

use crate::attempt::Attempt;
use crate::core::{Core, Wait};
use crate::fault::Fault;
use crate::reach::Reach;
use crate::waiting::{Interest, Place};
use stack::SocketId;
use std::fmt;
use std::task::{Context, Poll, Waker};
use tcp::Instant;

/// A socket that a program holds: it is closed when this is dropped.
pub struct Held<R: Reach> {
    reach: R,
    id: SocketId,
}

impl<R: Reach> Held<R> {
    /// Holds this socket.
    pub fn new(reach: R, id: SocketId) -> Self {
        Held { reach, id }
    }

    /// The way to the core.
    pub fn reach(&self) -> &R {
        &self.reach
    }

    /// The socket.
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// Changes something of the socket.
    pub fn with<T>(&self, change: impl FnOnce(&mut Core, Instant, SocketId) -> T) -> T {
        self.reach.with(|core, now| change(core, now, self.id))
    }

    /// Looks at the socket.
    pub fn look<T>(&self, question: impl FnOnce(&Core, Instant, SocketId) -> T) -> T {
        self.reach.look(|core, now| question(core, now, self.id))
    }

    /// Makes an attempt; see [`Core::poll`].
    ///
    /// # Errors
    /// Those of the attempt.
    pub fn poll<T>(
        &self,
        interest: Interest,
        place: Place<'_>,
        context: &Context<'_>,
        attempt: impl FnOnce(&mut Core, Instant, SocketId) -> Poll<Result<T, Fault>>,
    ) -> Poll<Result<T, Fault>> {
        let wait = Wait { id: self.id, interest, place, waker: context.waker() };
        self.reach.poll(wait, |core, now| attempt(core, now, self.id))
    }

    /// A future that repeats an attempt until it is ready.
    pub fn wait<T, F>(&self, interest: Interest, attempt: F) -> Attempt<'_, R, F>
    where
        F: FnMut(&mut Core, Instant, SocketId) -> Poll<Result<T, Fault>> + Unpin,
    {
        Attempt::new(self, interest, attempt)
    }

    /// Makes an attempt that nobody waits for.
    ///
    /// # Errors
    /// Those of the attempt, and `WouldBlock` if it is not ready.
    pub fn attempt<T>(
        &self,
        attempt: impl FnOnce(&mut Core, Instant, SocketId) -> Poll<Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let wait =
            Wait { id: self.id, interest: Interest::Either, place: Place::Nowhere, waker: Waker::noop() };
        match self.reach.poll(wait, |core, now| attempt(core, now, self.id)) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => Err(Fault::WOULD_BLOCK),
        }
    }
}

impl<R: Reach> Drop for Held<R> {
    fn drop(&mut self) {
        self.with(Core::close);
    }
}

impl<R: Reach> fmt::Debug for Held<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}
