//! How the sockets of a program reach the core that they live on: through a lock, into a simulated world.

use crate::core::{Core, Wait};
use crate::fault::Fault;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use tcp::Instant;

/// The addresses of a name, when they are known.
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// A way to a core that programs hold and name whenever they make a socket; the other kind is
/// [`Ambient`](crate::Ambient).
pub trait Handle: Reach {}

/// A way to a [`Core`], and what keeps it alive. Sockets hold one; clones lead to the same core.
pub trait Reach: Clone {
    /// Changes something, then does what comes of it: takes the host's frames, settles, and wakes after the lock is
    /// released. `now` is the time of the call.
    fn with<T>(&self, change: impl FnOnce(&mut Core, Instant) -> T) -> T;

    /// Looks, and changes nothing.
    fn look<T>(&self, question: impl FnOnce(&Core, Instant) -> T) -> T {
        self.with(|core, now| question(core, now))
    }

    /// The addresses of a host by its name, each with this port.
    fn lookup(&self, name: &str, port: u16) -> Lookup;

    /// Makes an attempt, and leaves the waker if it is not ready: the one primitive of every face.
    ///
    /// # Errors
    /// Those of the attempt, and why the core was closed down.
    fn poll<T>(
        &self,
        wait: Wait<'_>,
        attempt: impl FnOnce(&mut Core, Instant) -> Poll<Result<T, Fault>>,
    ) -> Poll<Result<T, Fault>> {
        self.with(|core, now| core.poll(now, wait, attempt))
    }
}
