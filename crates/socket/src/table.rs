//! What the sockets layer remembers of each socket beside what the host knows: who waits on it, a
//! failure that was not told yet, and whether its reading side was shut.
//!
//! The kernel tells a failure once, to the first call that can return it; from then on reading ends
//! and writing is a broken pipe. The engine keeps saying it: [`Failure`] is the difference.

use crate::fault::Cause;
use crate::waiting::{Interest, Place, Waiter, Wakers, Wakeups};
use rustc_hash::FxHashMap;
use stack::{Event, SocketId};
use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::task::Waker;
use std::time::Duration;

/// A failure and whether the program has heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Failure {
    /// Nothing failed.
    #[default]
    None,
    /// The connection died and nobody has been told.
    Pending(Cause),
    /// The connection died and the program knows.
    Told,
}

/// One socket.
#[derive(Debug, Default)]
pub(crate) struct Socket {
    /// Who waits.
    wakers: Wakers,
    failure: Failure,
    /// The other end of a connection.
    pub(crate) peer: Option<SocketAddr>,
    peer_has_finished: bool,
    /// `shutdown(Read)` was called: an empty queue is the end.
    pub(crate) is_reading_shut: bool,
    /// `shutdown(Write)` was called.
    pub(crate) is_writing_shut: bool,
    /// What arrives is thrown away.
    is_discarding: bool,
    /// How often somebody who waits would have been woken.
    happenings: u64,
    /// What a close does with data that is still to be sent (`SO_LINGER`).
    pub(crate) linger: Option<Duration>,
    /// Of a listener: the hop limit of connections to come.
    pub(crate) hop_limit: Option<NonZeroU8>,
}

impl Socket {
    /// The peer has no more to send.
    pub(crate) fn on_peer_finished(&mut self) {
        self.peer_has_finished = true;
    }

    /// The connection died.
    pub(crate) fn on_failed(&mut self, error: tcp::Error) {
        if self.failure != Failure::None {
            return;
        }
        // In CLOSE-WAIT: the program has read to the end and is about to write.
        let is_about_to_write = self.peer_has_finished && !self.is_writing_shut;
        let is_after_end = error == tcp::Error::Reset && is_about_to_write;
        self.failure =
            Failure::Pending(if is_after_end { Cause::ResetAfterEnd } else { Cause::Connection(error) });
    }

    /// What arrives is thrown away from now on.
    pub(crate) fn discard(&mut self) {
        self.is_discarding = true;
    }

    /// How often something happened for which somebody might wait.
    pub(crate) fn happenings(&self) -> u64 {
        self.happenings
    }

    /// Something happened for those who wait for this.
    fn happened(&mut self, interest: Interest, wakeups: &mut Wakeups) {
        self.happenings += 1;
        self.wakers.take(interest, wakeups);
    }

    /// Whether the peer has no more to send.
    pub(crate) fn peer_has_finished(&self) -> bool {
        self.peer_has_finished
    }

    /// Whether there is a failure that nobody was told.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.failure, Failure::Pending(_))
    }

    /// The failure, once.
    pub(crate) fn take_failure(&mut self) -> Option<Cause> {
        match self.failure {
            Failure::Pending(cause) => {
                self.failure = Failure::Told;
                Some(cause)
            }
            Failure::None | Failure::Told => None,
        }
    }
}

/// The sockets that programs hold.
///
/// A connection that nobody has accepted yet, or that its program has left, is known to the host only.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    by_id: FxHashMap<SocketId, Socket>,
    /// The number of the waiter that came last.
    last_key: u64,
}

impl Sockets {
    /// A program holds this socket from now on.
    pub(crate) fn insert(&mut self, id: SocketId) -> &mut Socket {
        self.by_id.entry(id).or_default()
    }

    /// The program let go of it.
    pub(crate) fn remove(&mut self, id: SocketId) {
        self.by_id.remove(&id);
        // A burst of connections should not hold its memory for ever.
        if self.by_id.capacity() > 1_024 && self.by_id.len() < self.by_id.capacity() / 8 {
            self.by_id.shrink_to(self.by_id.len() * 2);
        }
    }

    /// What is remembered of a socket.
    pub(crate) fn get_mut(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.by_id.get_mut(&id)
    }

    /// What is remembered of a socket.
    pub(crate) fn get(&self, id: SocketId) -> Option<&Socket> {
        self.by_id.get(&id)
    }

    /// Leaves a waker. What it replaces is in `wakeups`.
    pub(crate) fn register(
        &mut self,
        id: SocketId,
        interest: Interest,
        place: Place<'_>,
        waker: &Waker,
        wakeups: &mut Wakeups,
    ) {
        if let Some(socket) = self.by_id.get_mut(&id) {
            socket.wakers.register(interest, place, waker, &mut self.last_key, wakeups);
        }
    }

    /// Takes a waiter's entry away; its waker is in `wakeups`.
    pub(crate) fn forget(&mut self, id: SocketId, waiter: &mut Waiter, wakeups: &mut Wakeups) {
        match self.by_id.get_mut(&id) {
            Some(socket) => socket.wakers.forget(waiter, wakeups),
            None => *waiter = Waiter::new(),
        }
    }

    /// How many wakers are left in all sockets.
    pub(crate) fn waiting(&self) -> usize {
        self.by_id.values().map(|socket| socket.wakers.len()).sum()
    }

    /// Wakes who waits for what this event brings. Returns whether there is text to throw away.
    pub(crate) fn on_event(&mut self, id: SocketId, event: Event, wakeups: &mut Wakeups) -> bool {
        let Some(socket) = self.by_id.get_mut(&id) else { return false };
        match event {
            Event::Acceptable | Event::Readable | Event::Urgent => {
                socket.happened(Interest::Read, wakeups);
            }
            Event::PeerFinished => {
                socket.on_peer_finished();
                socket.happened(Interest::Read, wakeups);
            }
            Event::Writable | Event::Finished => socket.happened(Interest::Write, wakeups),
            Event::Failed(error) => {
                socket.on_failed(error);
                socket.happened(Interest::Either, wakeups);
            }
            // No call returns because of it; `watch.rs` tells the observer.
            Event::PathDoubted => {}
            // Connected, Closed, and whatever else a call may wait for.
            _ => socket.happened(Interest::Either, wakeups),
        }
        socket.is_discarding && event == Event::Readable
    }

    /// Wakes everybody who waits on this socket.
    pub(crate) fn wake(&mut self, id: SocketId, wakeups: &mut Wakeups) {
        if let Some(socket) = self.by_id.get_mut(&id) {
            socket.happened(Interest::Either, wakeups);
        }
    }

    /// Wakes everybody who waits on any socket.
    pub(crate) fn wake_all(&mut self, wakeups: &mut Wakeups) {
        for id in self.ids() {
            self.wake(id, wakeups);
        }
    }

    /// Every socket that programs hold, in a fixed order.
    pub(crate) fn ids(&self) -> Vec<SocketId> {
        let mut ids: Vec<_> = self.by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// How many sockets programs hold.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_once() {
        let mut socket = Socket::default();
        assert_eq!(socket.take_failure(), None);
        socket.on_failed(tcp::Error::Reset);
        assert_eq!(socket.take_failure(), Some(Cause::Connection(tcp::Error::Reset)));
        socket.on_failed(tcp::Error::Reset);
        assert_eq!(socket.take_failure(), None);
    }

    #[test]
    fn a_reset_between_the_two_ends_is_a_broken_pipe() {
        for (is_writing_shut, error, cause) in [
            (false, tcp::Error::Reset, Cause::ResetAfterEnd),
            (true, tcp::Error::Reset, Cause::Connection(tcp::Error::Reset)),
            (false, tcp::Error::TimedOut, Cause::Connection(tcp::Error::TimedOut)),
        ] {
            let mut socket = Socket { is_writing_shut, ..Socket::default() };
            socket.on_peer_finished();
            socket.on_failed(error);
            assert_eq!(socket.take_failure(), Some(cause));
        }
    }
}
