//! An attempt as a future, which leaves nothing behind when it is dropped before it is ready.

use crate::core::Core;
use crate::fault::Fault;
use crate::held::Held;
use crate::reach::Reach;
use crate::waiting::{Interest, Place, Waiter};
use stack::SocketId;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tcp::Instant;

/// Repeats an attempt until it is ready; made by [`Held::wait`].
///
/// Dropping it cancels the wait: an attempt is made whole or not at all, so nothing is lost, and its waker is taken out
/// of the socket.
#[must_use = "futures do nothing until they are polled"]
pub struct Attempt<'a, R: Reach, F> {
    held: &'a Held<R>,
    interest: Interest,
    waiter: Waiter,
    attempt: F,
}

impl<'a, R: Reach, F> Attempt<'a, R, F> {
    pub(crate) fn new(held: &'a Held<R>, interest: Interest, attempt: F) -> Self {
        Attempt { held, interest, waiter: Waiter::new(), attempt }
    }
}

impl<T, R, F> Future for Attempt<'_, R, F>
where
    R: Reach,
    F: FnMut(&mut Core, Instant, SocketId) -> Poll<Result<T, Fault>> + Unpin,
{
    type Output = Result<T, Fault>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Attempt { held, interest, waiter, attempt } = self.get_mut();
        held.poll(*interest, Place::Entry(waiter), context, attempt)
    }
}

impl<R: Reach, F> Drop for Attempt<'_, R, F> {
    fn drop(&mut self) {
        if self.waiter.is_waiting() {
            self.held.with(|core, _, id| core.forget(id, &mut self.waiter));
        }
    }
}

impl<R: Reach, F> fmt::Debug for Attempt<'_, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("socket", self.held).field("interest", &self.interest).finish()
    }
}
