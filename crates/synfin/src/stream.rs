//! What is asked of a connection, under the stack's lock: one attempt each, never waiting.
//!
//! Blocking sockets repeat an attempt until it is ready ([`crate::shared::Shared::wait`]); a task would
//! be polled again. Both find here what the kernel's rules make of the engine's answers: what is an
//! end, what a failure, and which failure was told already.

use crate::core::Core;
use crate::error::{self, Cause};
use stack::{Accepted, SocketId};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::num::NonZeroU8;
use std::task::Poll;
use tcp::{Instant, ReadError, State, WriteError};

/// Bytes that one attempt copies at most, so that the lock is not held for long while acknowledgments wait.
const COPY_BYTES_MAX: usize = 256 << 10;

impl Core {
    /// Begins to connect. The socket is the caller's to close from here on.
    pub(crate) fn open_stream(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> io::Result<(SocketId, SocketAddr)> {
        let refused = |error| error::host(error, Some(remote));
        let id = self.host.tcp_connect(now, local, remote).map_err(refused)?;
        self.sockets.insert(id);
        let local = self.host.local_addr(id).ok_or_else(|| refused(stack::Error::UnknownSocket))?;
        self.watch.on_opening(now, id, local, remote);
        Ok((id, local))
    }

    /// The program holds a connection that it accepted.
    pub(crate) fn adopt_stream(&mut self, now: Instant, accepted: Accepted, hop_limit: Option<NonZeroU8>) {
        let Accepted { id, local, remote, .. } = accepted;
        let socket = self.sockets.insert(id);
        // It may have died in the queue: whoever accepted it should hear of that.
        let connection = self.host.tcp(id);
        if connection.is_some_and(|connection| connection.peek(&mut [0]) == Ok(0)) {
            socket.on_peer_finished();
        }
        if let Some(error) = connection.and_then(tcp::Connection::failure) {
            socket.on_failed(error);
        }
        if let Some(hop_limit) = hop_limit {
            // The id is as new as can be.
            let _ = self.host.set_hop_limit(id, hop_limit.get());
        }
        self.watch.on_accepted(&self.host, now, id, local, remote);
    }

    /// Whether the handshake is over, for the end that connects.
    pub(crate) fn poll_connected(&mut self, id: SocketId, remote: SocketAddr) -> Poll<io::Result<()>> {
        if let Some(cause) = self.take_failure(id) {
            return Poll::Ready(Err(error::failed(cause, remote)));
        }
        match self.state_of(id) {
            State::SynSent | State::SynReceived => Poll::Pending,
            State::Closed => Poll::Ready(Err(error::not_connected(Some(remote)))),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Reads into the buffers, one after the other.
    pub(crate) fn poll_read(
        &mut self,
        now: Instant,
        id: SocketId,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize, ReadError>> {
        let mut done = 0;
        for buf in bufs.iter_mut().filter(|buf| !buf.is_empty()) {
            match self.host.tcp_read(now, id, buf) {
                Ok(taken) => {
                    done += taken;
                    if taken < buf.len() {
                        return Poll::Ready(Ok(done));
                    }
                }
                Err(_) if done > 0 => break,
                Err(error) => return self.read_later(id, error),
            }
        }
        Poll::Ready(Ok(done))
    }

    /// Copies what can be read, and leaves it there.
    pub(crate) fn poll_peek(&mut self, id: SocketId, buf: &mut [u8]) -> Poll<Result<usize, ReadError>> {
        match self.host.tcp_peek(id, buf) {
            Ok(taken) => Poll::Ready(Ok(taken)),
            Err(error) => self.read_later(id, error),
        }
    }

    fn read_later(&mut self, id: SocketId, error: ReadError) -> Poll<Result<usize, ReadError>> {
        match error {
            ReadError::WouldBlock if self.is_reading_shut(id) => Poll::Ready(Ok(0)),
            ReadError::WouldBlock => Poll::Pending,
            error => Poll::Ready(Err(error)),
        }
    }

    /// Queues what there is room for, of the buffers without their first `skip_bytes` bytes.
    pub(crate) fn poll_write(
        &mut self,
        now: Instant,
        id: SocketId,
        bufs: &[IoSlice<'_>],
        mut skip_bytes: usize,
    ) -> Poll<Result<usize, WriteError>> {
        let mut done = 0;
        for buf in bufs {
            let skipped = skip_bytes.min(buf.len());
            skip_bytes -= skipped;
            let rest = &buf[skipped..];
            let piece = &rest[..rest.len().min(COPY_BYTES_MAX - done)];
            if piece.is_empty() {
                continue;
            }
            match self.host.tcp_write(now, id, piece) {
                Ok(taken) => {
                    done += taken;
                    if taken < piece.len() || done == COPY_BYTES_MAX {
                        break;
                    }
                }
                Err(_) if done > 0 => break,
                Err(WriteError::WouldBlock) => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if done == 0 { Poll::Pending } else { Poll::Ready(Ok(done)) }
    }

    /// Ends one direction or both (`shutdown(2)`).
    pub(crate) fn shutdown_stream(
        &mut self,
        now: Instant,
        id: SocketId,
        how: Shutdown,
    ) -> Result<(), ReadError> {
        if self.is_over(id) {
            return Err(ReadError::NotConnected);
        }
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.is_reading_shut |= how != Shutdown::Write;
            socket.is_writing_shut |= how != Shutdown::Read;
        }
        if how != Shutdown::Read {
            self.watch.on_closing(&self.host, now, id);
            self.host.tcp_finish(now, id).map_err(|_| ReadError::NotConnected)?;
        }
        self.sockets.wake(id, &mut self.wakeups);
        Ok(())
    }

    /// Whether a close that waits for the peer has waited enough: our FIN is acknowledged, or the
    /// connection is gone.
    pub(crate) fn poll_linger(&mut self, id: SocketId) -> Poll<()> {
        match self.state_of(id) {
            State::Closed | State::TimeWait | State::FinWait2 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Says that there is no more to send, for a close that waits for the peer.
    pub(crate) fn begin_linger(&mut self, now: Instant, id: SocketId) {
        self.watch.on_closing(&self.host, now, id);
        if self.host.tcp_finish(now, id).is_ok() {
            self.lingering.push(id);
        }
    }

    /// The program lets go of a socket of any kind.
    pub(crate) fn close(&mut self, now: Instant, id: SocketId) {
        self.watch.on_closing(&self.host, now, id);
        // An unknown id is a socket that is closed already (by the shutdown of the stack).
        let _ = self.host.tcp_close(now, id);
        self.sockets.wake(id, &mut self.wakeups);
        self.sockets.remove(id);
    }

    /// Throws a connection away: the peer gets a reset.
    pub(crate) fn abort(&mut self, now: Instant, id: SocketId) {
        self.watch.on_closing(&self.host, now, id);
        // As above.
        let _ = self.host.tcp_abort(now, id);
    }

    /// The state of a connection; CLOSED if the host does not know it any more.
    pub(crate) fn state_of(&self, id: SocketId) -> State {
        self.host.tcp(id).map_or(State::Closed, tcp::Connection::state)
    }

    /// Whether both directions are over. Linux counts TIME-WAIT as over, and so do we.
    pub(crate) fn is_over(&self, id: SocketId) -> bool {
        matches!(self.state_of(id), State::Closed | State::TimeWait)
    }

    fn is_reading_shut(&mut self, id: SocketId) -> bool {
        self.sockets.get_mut(id).is_some_and(|socket| socket.is_reading_shut)
    }

    /// The failure that was not told yet.
    pub(crate) fn take_failure(&mut self, id: SocketId) -> Option<Cause> {
        self.sockets.get_mut(id)?.take_failure()
    }

    /// What `read` returns when the engine has nothing to give: the failure once, then the end.
    pub(crate) fn read_failure(
        &mut self,
        id: SocketId,
        remote: SocketAddr,
        error: ReadError,
    ) -> io::Result<usize> {
        if let (ReadError::Failed(error), Some(socket)) = (error, self.sockets.get_mut(id)) {
            socket.on_failed(error);
        }
        match self.take_failure(id) {
            Some(cause) => Err(error::failed(cause, remote)),
            None => Ok(0),
        }
    }

    /// What `write` returns when the engine takes nothing: the failure once, then a broken pipe.
    pub(crate) fn write_failure(&mut self, id: SocketId, remote: SocketAddr, error: WriteError) -> io::Error {
        if let (WriteError::Failed(error), Some(socket)) = (error, self.sockets.get_mut(id)) {
            socket.on_failed(error);
        }
        match self.take_failure(id) {
            Some(cause) => error::failed(cause, remote),
            None => error::closed(remote),
        }
    }
}
