//! How a connection is closed: one direction or both, at once or with a wait for the peer, or by a reset.
//!
//! What is *not* here: letting go of a socket, which is [`Core::close`].

use crate::core::Core;
use crate::fault::{Cause, Fault};
use stack::{SocketId, SocketKind};
use std::net::Shutdown;
use std::task::Poll;
use std::time::Duration;
use tcp::{Instant, State};

/// Which sides of a socket are closed, for whatever reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ClosedSides {
    /// No more bytes will arrive after those that wait.
    pub read: bool,
    /// No more bytes will be taken.
    pub write: bool,
}

impl Core {
    /// Throws away what waits to be read, and whatever arrives from now on. The peer is not kept waiting; after
    /// [`Core::shutdown`], some systems do this and others leave it to be read.
    pub fn discard(&mut self, now: Instant, id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.discard();
        }
        self.throw_away(now, id);
    }

    pub(crate) fn throw_away(&mut self, now: Instant, id: SocketId) {
        while self.host.tcp_read_with(now, id, usize::MAX, |_| {}).is_ok_and(|bytes| bytes > 0) {}
    }

    /// Ends one direction or both (`shutdown(2)`): a FIN is queued behind the data, and nothing is waited for. Of a
    /// datagram socket, sending is refused from now on, and its reader is told by [`Core::closed_sides`].
    ///
    /// # Errors
    /// [`Cause::NotConnected`] when the connection is over already, and for a datagram socket without a peer.
    pub fn shutdown(&mut self, now: Instant, id: SocketId, how: Shutdown) -> Result<(), Fault> {
        self.check_is_open()?;
        let gone = self.fault(id, Cause::NotConnected);
        let is_udp = id.kind() == SocketKind::Udp;
        let is_gone = if is_udp { self.peer(id).is_none() } else { self.is_over(id) };
        if is_gone {
            return Err(gone);
        }
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.is_reading_shut |= how != Shutdown::Write;
            socket.is_writing_shut |= how != Shutdown::Read;
        }
        if how != Shutdown::Read && !is_udp {
            self.watch.on_closing(&self.host, now, id);
            self.host.tcp_finish(now, id).map_err(|_| gone)?;
        }
        self.sockets.wake(id, &mut self.wakeups);
        Ok(())
    }

    /// What a close does with data that is still to be sent: `None` sends it behind the scenes, zero throws it away
    /// and resets the connection. Any other time is for faces that can wait, see [`Core::poll_lingered`].
    pub fn set_linger(&mut self, id: SocketId, linger: Option<Duration>) {
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.linger = linger;
        }
    }

    /// What [`Core::set_linger`] set.
    pub fn linger(&self, id: SocketId) -> Option<Duration> {
        self.sockets.get(id)?.linger
    }

    /// Says that there is no more to send, for a close that waits for the peer.
    pub fn begin_linger(&mut self, now: Instant, id: SocketId) {
        self.watch.on_closing(&self.host, now, id);
        // A connection that is gone has nothing to wait for.
        let _ = self.host.tcp_finish(now, id);
    }

    /// Whether a close that waits for the peer has waited enough: our FIN is acknowledged, or the
    /// connection is gone.
    pub fn poll_lingered(&self, id: SocketId) -> Poll<()> {
        match self.state_of(id) {
            State::Closed | State::TimeWait | State::FinWait2 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Throws a connection away: the peer gets a reset.
    pub fn abort(&mut self, now: Instant, id: SocketId) {
        self.watch.on_closing(&self.host, now, id);
        // An unknown id is a connection that is gone already.
        let _ = self.host.tcp_abort(now, id);
    }

    /// Which sides are closed: by a shutdown, by the peer's FIN, or because the connection is gone.
    pub fn closed_sides(&self, id: SocketId) -> ClosedSides {
        let is_gone = id.kind() == SocketKind::Connection && self.state_of(id) == State::Closed;
        let (reading, writing) = self.sockets.get(id).map_or((false, false), |socket| {
            (socket.is_reading_shut || socket.peer_has_finished(), socket.is_writing_shut)
        });
        ClosedSides { read: is_gone || reading, write: is_gone || writing }
    }

    /// Whether both directions are over. Linux counts TIME-WAIT as over, and so do we.
    pub(crate) fn is_over(&self, id: SocketId) -> bool {
        matches!(self.state_of(id), State::Closed | State::TimeWait)
    }
}
