//! What is asked of a connection: one attempt each, never waiting.
//!
//! Here is what the kernel's rules make of the engine's answers: what is an end, what a failure, and which failure was
//! told already.

use crate::core::Core;
use crate::fault::{Cause, Fault};
use bytes::Bytes;
use stack::{ConnectOptions, OpenFast, SocketId};
use std::io::{IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use tcp::{Connection, Instant, ReadError, State, WriteError};

/// How to open a connection.
///
/// Fields are added in minor versions: write `OpenOptions { local, ..OpenOptions::to(remote) }`.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The peer.
    pub remote: SocketAddr,
    /// Our end; `None`, an unspecified address or port 0: the host chooses.
    pub local: Option<SocketAddr>,
    /// The options of the connection; `None`: the host's.
    pub config: Option<Arc<tcp::Config>>,
    /// The TTL or hop limit, from the SYN on; `None`: the host's.
    pub hop_limit: Option<u8>,
    /// Text to open with, which may go with the SYN (RFC 7413); see [`OpenFast`].
    pub fast_open: Option<OpenFast>,
}

impl OpenOptions {
    /// To this peer, with the host's choices.
    pub fn to(remote: SocketAddr) -> Self {
        OpenOptions { remote, local: None, config: None, hop_limit: None, fast_open: None }
    }
}

/// A connection that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub id: SocketId,
    /// Our end, as the host has chosen it.
    pub local: SocketAddr,
}

/// What a write says beside its bytes.
///
/// There are no others: a face may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMark {
    /// They are urgent (`MSG_OOB`, RFC 6093).
    Urgent,
    /// A record ends behind them (`MSG_EOR`): no segment has bytes of two records.
    EndOfRecord,
}

/// What a call would not have to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Readiness {
    /// A read returns bytes, the end or a failure.
    pub is_readable: bool,
    /// A write takes bytes or returns a failure.
    pub is_writable: bool,
    /// No more bytes will arrive after those that wait.
    pub is_read_closed: bool,
    /// No more bytes will be taken.
    pub is_write_closed: bool,
    /// A failure was not told yet.
    pub has_failed: bool,
}

impl Core {
    /// Begins to connect. The socket is the caller's to close from here on.
    ///
    /// # Errors
    /// What the host refuses: an address that nobody can have, no route, no free port, too many sockets.
    pub fn open(&mut self, now: Instant, options: OpenOptions) -> Result<Opened, Fault> {
        self.check_is_open()?;
        let OpenOptions { remote, local, config, hop_limit, fast_open } = options;
        let refused = |error| Fault::host(error, Some(remote));
        let connect = ConnectOptions { local, config, fast_open, ..ConnectOptions::new(remote) };
        let id = self.host.tcp_connect_with(now, connect).map_err(refused)?;
        if let Some(hop_limit) = hop_limit {
            // The id is as new as can be.
            let _ = self.host.set_hop_limit(id, hop_limit);
        }
        self.sockets.insert(id).peer = Some(remote);
        let local = self.host.local_addr(id).ok_or_else(|| refused(stack::Error::UnknownSocket))?;
        self.watch.on_opening(now, id, local, remote);
        Ok(Opened { id, local })
    }

    /// Whether the handshake is over, for the end that connects.
    ///
    /// # Errors
    /// Why the connection failed.
    pub fn poll_connected(&mut self, id: SocketId) -> Poll<Result<(), Fault>> {
        if let Some(fault) = self.take_failure(id) {
            return Poll::Ready(Err(fault));
        }
        match self.state_of(id) {
            State::SynSent | State::SynReceived => Poll::Pending,
            State::Closed => Poll::Ready(Err(self.fault(id, Cause::NotConnected))),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Reads into the buffers, one after the other; zero bytes are the end.
    ///
    /// # Errors
    /// The failure of the connection, once.
    pub fn poll_read(
        &mut self,
        now: Instant,
        id: SocketId,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize, Fault>> {
        let mut done = 0;
        for buf in bufs.iter_mut().filter(|buf| !buf.is_empty()) {
            let most = buf.len().min(self.copy_bytes_max - done);
            match self.host.tcp_read(now, id, &mut buf[..most]) {
                Ok(taken) => {
                    done += taken;
                    if taken < buf.len() || done == self.copy_bytes_max {
                        break;
                    }
                }
                Err(_) if done > 0 => break,
                Err(error) => return self.nothing_read(id, error),
            }
        }
        Poll::Ready(Ok(done))
    }

    /// Reads at most `most_bytes` and gives them to `take` piece by piece, for readers whose memory is not one slice.
    ///
    /// # Errors
    /// As for [`Core::poll_read`].
    pub fn poll_read_with(
        &mut self,
        now: Instant,
        id: SocketId,
        most_bytes: usize,
        take: impl FnMut(&[u8]),
    ) -> Poll<Result<usize, Fault>> {
        match self.host.tcp_read_with(now, id, most_bytes.min(self.copy_bytes_max), take) {
            Ok(taken) => Poll::Ready(Ok(taken)),
            Err(error) => self.nothing_read(id, error),
        }
    }

    /// Copies what can be read, and leaves it there.
    ///
    /// # Errors
    /// As for [`Core::poll_read`].
    pub fn poll_peek(&mut self, id: SocketId, buf: &mut [u8]) -> Poll<Result<usize, Fault>> {
        let most = buf.len().min(self.copy_bytes_max);
        match self.host.tcp_peek(id, &mut buf[..most]) {
            Ok(taken) => Poll::Ready(Ok(taken)),
            Err(error) => self.nothing_read(id, error),
        }
    }

    /// What a read returns when the engine has nothing to give: the failure once, then the end.
    fn nothing_read(&mut self, id: SocketId, error: ReadError) -> Poll<Result<usize, Fault>> {
        match error {
            ReadError::WouldBlock if !self.is_reading_shut(id) => return Poll::Pending,
            ReadError::WouldBlock => return Poll::Ready(Ok(0)),
            ReadError::Failed(error) => self.note_failure(id, error),
            _ => {}
        }
        Poll::Ready(self.take_failure(id).map_or(Ok(0), Err))
    }

    /// Queues what there is room for, of the buffers without their first `skip_bytes` bytes.
    ///
    /// # Errors
    /// The failure of the connection, once; then [`Cause::Closed`].
    pub fn poll_write(
        &mut self,
        now: Instant,
        id: SocketId,
        bufs: &[IoSlice<'_>],
        mut skip_bytes: usize,
    ) -> Poll<Result<usize, Fault>> {
        let mut done = 0;
        for buf in bufs {
            let skipped = skip_bytes.min(buf.len());
            skip_bytes -= skipped;
            let rest = &buf[skipped..];
            let piece = &rest[..rest.len().min(self.copy_bytes_max - done)];
            if piece.is_empty() {
                continue;
            }
            match self.host.tcp_write(now, id, piece) {
                Ok(taken) => {
                    done += taken;
                    if taken < piece.len() || done == self.copy_bytes_max {
                        break;
                    }
                }
                Err(_) if done > 0 => break,
                Err(error) => return self.nothing_written(id, error),
            }
        }
        match done {
            0 if bufs.iter().all(|buf| buf.is_empty()) => self.poll_write_nothing(now, id),
            0 => Poll::Pending,
            _ => Poll::Ready(Ok(done)),
        }
    }

    /// An empty write never waits, but it tells that there is no writing any more, as in Linux.
    fn poll_write_nothing(&mut self, now: Instant, id: SocketId) -> Poll<Result<usize, Fault>> {
        match self.host.tcp_write(now, id, &[]) {
            Ok(_) | Err(WriteError::WouldBlock) => Poll::Ready(Ok(0)),
            Err(error) => self.nothing_written(id, error),
        }
    }

    /// Queues what there is room for, and says something of it.
    ///
    /// # Errors
    /// As for [`Core::poll_write`].
    pub fn poll_write_marked(
        &mut self,
        now: Instant,
        id: SocketId,
        data: &[u8],
        mark: WriteMark,
    ) -> Poll<Result<usize, Fault>> {
        let written = match mark {
            WriteMark::Urgent => self.host.tcp_write_urgent(now, id, data),
            WriteMark::EndOfRecord => self.host.tcp_write_record(now, id, data),
        };
        match written {
            Ok(taken) => Poll::Ready(Ok(taken)),
            Err(error) => self.nothing_written(id, error),
        }
    }

    /// Queues bytes without copying them, as many as there is room for.
    ///
    /// # Errors
    /// As for [`Core::poll_write`].
    pub fn poll_write_bytes(
        &mut self,
        now: Instant,
        id: SocketId,
        data: Bytes,
    ) -> Poll<Result<usize, Fault>> {
        if data.is_empty() {
            return self.poll_write_nothing(now, id);
        }
        match self.host.tcp_write_bytes(now, id, data) {
            Ok(0) => Poll::Pending,
            Ok(taken) => Poll::Ready(Ok(taken)),
            Err(error) => self.nothing_written(id, error),
        }
    }

    /// How many bytes a write would take, when it would take some.
    ///
    /// # Errors
    /// As for [`Core::poll_write`].
    pub fn poll_room(&mut self, now: Instant, id: SocketId) -> Poll<Result<usize, Fault>> {
        match self.host.tcp_await_write_room(now, id) {
            Ok(room) => Poll::Ready(Ok(room)),
            Err(error) => self.nothing_written(id, error),
        }
    }

    /// What a write returns when the engine takes nothing: the failure once, then a broken pipe.
    fn nothing_written(&mut self, id: SocketId, error: WriteError) -> Poll<Result<usize, Fault>> {
        match error {
            WriteError::WouldBlock => return Poll::Pending,
            WriteError::Failed(error) => self.note_failure(id, error),
            _ => {}
        }
        let closed = self.fault(id, Cause::Closed);
        Poll::Ready(Err(self.take_failure(id).unwrap_or(closed)))
    }

    /// Bytes that were written and that the peer has not acknowledged: right after [`Core::open`], how much of the text to
    /// open with was queued.
    pub fn unacknowledged_bytes(&self, id: SocketId) -> usize {
        self.host.tcp(id).map_or(0, Connection::unacknowledged_bytes)
    }

    /// Sends what waits as far as the windows allow, however small it is, even behind a cork.
    pub fn flush(&mut self, now: Instant, id: SocketId) {
        // A connection that is gone has nothing to send.
        let _ = self.host.tcp_flush(now, id);
    }

    /// The connection, for inspection.
    ///
    /// # Errors
    /// [`Cause::NotConnected`] when it is gone.
    pub fn connection(&self, id: SocketId) -> Result<&Connection, Fault> {
        self.host.tcp(id).ok_or_else(|| self.fault(id, Cause::NotConnected))
    }

    /// Changes the options of a connection, or those that a listener gives to its connections.
    ///
    /// # Errors
    /// [`Cause::NotConnected`] when it is gone.
    pub fn configure(
        &mut self,
        now: Instant,
        id: SocketId,
        change: impl FnOnce(&mut tcp::Config),
    ) -> Result<(), Fault> {
        self.check_is_open()?;
        self.host.tcp_configure(now, id, change).map_err(|_| self.fault(id, Cause::NotConnected))
    }

    /// The peer of a connection that is not over in both directions.
    ///
    /// # Errors
    /// [`Cause::NotConnected`].
    pub fn connected_peer(&self, id: SocketId) -> Result<SocketAddr, Fault> {
        let gone = || self.fault(id, Cause::NotConnected);
        if self.is_over(id) { Err(gone()) } else { self.peer(id).ok_or_else(gone) }
    }

    /// The state of a connection; CLOSED if the host does not know it any more.
    pub fn state_of(&self, id: SocketId) -> State {
        self.host.tcp(id).map_or(State::Closed, Connection::state)
    }

    /// What would not have to wait. Where a write would, an event tells when it does not any more.
    pub fn readiness(&mut self, now: Instant, id: SocketId) -> Readiness {
        let is_writable = self.host.tcp_await_write_room(now, id) != Err(WriteError::WouldBlock);
        let state = self.state_of(id);
        let Some(socket) = self.sockets.get(id) else {
            return Readiness { is_readable: true, is_writable: true, ..Readiness::default() };
        };
        let closed = self.closed_sides(id);
        let is_early = self.host.tcp(id).is_some_and(Connection::may_exchange);
        let is_opening = matches!(state, State::SynSent | State::SynReceived) && !is_early;
        let has_bytes_or_end = self
            .host
            .tcp(id)
            .is_none_or(|connection| connection.peek(&mut [0]) != Err(ReadError::WouldBlock));
        let has_failed = socket.has_failed();
        Readiness {
            is_readable: has_bytes_or_end || socket.is_reading_shut || has_failed,
            is_writable: is_writable && !is_opening,
            is_read_closed: closed.read,
            is_write_closed: closed.write,
            has_failed,
        }
    }

    fn is_reading_shut(&self, id: SocketId) -> bool {
        self.sockets.get(id).is_some_and(|socket| socket.is_reading_shut)
    }

    fn note_failure(&mut self, id: SocketId, error: tcp::Error) {
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.on_failed(error);
        }
    }
}
