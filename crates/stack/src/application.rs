//! What an application asks of its connections.
//!
//! Each method finds the connection by its id, calls it, and takes note that it may have something to send.
//! A stale id never reaches another connection: the method returns an error.

use crate::error::Error;
use crate::host::Host;
use crate::id::{SlabKey, SocketId, SocketKind};
use crate::socket::Standing;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use tcp::{Connection, Instant, ReadError, WriteError};

impl Host {
    pub(crate) fn owned_key(&self, id: SocketId) -> Option<SlabKey> {
        let key = id.key(SocketKind::Connection)?;
        self.sockets.get(key).filter(|socket| socket.standing.is_owned()).map(|_| key)
    }

    fn with_connection<T>(
        &mut self,
        now: Instant,
        id: SocketId,
        call: impl FnOnce(&mut Connection, Instant) -> T,
    ) -> Option<T> {
        let key = self.owned_key(id)?;
        let now = self.advance(now);
        let memory = self.budget.memory();
        let connection = &mut self.sockets.get_mut(key)?.connection;
        connection.set_memory(memory);
        let answer = call(connection, now);
        self.touch_connection(now, key.index);
        Some(answer)
    }

    /// Like [`Host::with_connection`], for what queues more; it waits while memory is used up.
    fn write_to(
        &mut self,
        now: Instant,
        id: SocketId,
        write: impl FnOnce(&mut Connection, Instant) -> Result<usize, WriteError>,
    ) -> Result<usize, WriteError> {
        if self.budget.is_alarmed()
            && let Some(key) = self.owned_key(id)
            && !self.has_room_to_write(key)
        {
            self.starve_writer(key);
            return Err(WriteError::WouldBlock);
        }
        self.with_connection(now, id, write).unwrap_or(Err(WriteError::NotConnected))
    }

    /// Like [`Host::with_connection`], for what only takes text out: nothing can come of it but an acknowledgment.
    fn read_from<T>(
        &mut self,
        now: Instant,
        id: SocketId,
        read: impl FnOnce(&mut Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let key = self.owned_key(id).ok_or(ReadError::NotConnected)?;
        self.advance(now);
        let memory = self.budget.memory();
        let socket = self.sockets.get_mut(key).ok_or(ReadError::NotConnected)?;
        socket.connection.set_memory(memory);
        let answer = read(&mut socket.connection);
        if !socket.connection.is_drained() {
            self.touch_connection(now, key.index);
        } else if self.budget.charge(socket) {
            self.reassess(key.index);
        }
        answer
    }

    /// Queues a copy of `data` for the peer and returns how many bytes of it were queued.
    ///
    /// # Errors
    /// [`WriteError::WouldBlock`] when the send buffer is full, [`WriteError::Finished`] after
    /// [`Host::tcp_finish`], [`WriteError::Failed`]; [`WriteError::NotConnected`] also for a stale id.
    pub fn tcp_write(&mut self, now: Instant, id: SocketId, data: &[u8]) -> Result<usize, WriteError> {
        self.write_to(now, id, |connection, now| connection.write(now, data))
    }

    /// Queues `data` for the peer without copying it and returns how many bytes were queued. The caller
    /// keeps the rest and tries again with it later.
    ///
    /// # Errors
    /// As [`Host::tcp_write`].
    pub fn tcp_write_bytes(
        &mut self,
        now: Instant,
        id: SocketId,
        data: impl Into<Bytes>,
    ) -> Result<usize, WriteError> {
        let data = data.into();
        self.write_to(now, id, |connection, now| connection.write_bytes(now, &data))
    }

    /// Queues a copy of `data`, behind which a record ends: no segment has bytes of two records.
    ///
    /// # Errors
    /// As [`Host::tcp_write`].
    pub fn tcp_write_record(&mut self, now: Instant, id: SocketId, data: &[u8]) -> Result<usize, WriteError> {
        self.write_to(now, id, |connection, now| connection.write_record(now, data))
    }

    /// Queues a copy of `data` as urgent (RFC 6093: new programs should not use urgent data).
    ///
    /// # Errors
    /// As [`Host::tcp_write`].
    pub fn tcp_write_urgent(&mut self, now: Instant, id: SocketId, data: &[u8]) -> Result<usize, WriteError> {
        self.write_to(now, id, |connection, now| connection.write_urgent(now, data))
    }

    /// Bytes that a write would take now: at least one. [`crate::Event::Writable`] tells when there is room again.
    ///
    /// # Errors
    /// As [`Host::tcp_write`], when a write would not take any.
    pub fn tcp_await_write_room(&mut self, now: Instant, id: SocketId) -> Result<usize, WriteError> {
        self.write_to(now, id, |connection, now| connection.await_write_room(now))
    }

    /// Copies what has arrived into `into`; `Ok(0)` when the peer has finished.
    ///
    /// # Errors
    /// [`ReadError::WouldBlock`], [`ReadError::Failed`]; [`ReadError::NotConnected`] also for a stale id.
    pub fn tcp_read(&mut self, now: Instant, id: SocketId, into: &mut [u8]) -> Result<usize, ReadError> {
        self.read_from(now, id, |connection| connection.read(into))
    }

    /// Like [`Host::tcp_read`], for readers whose memory is not one slice: at most `most_bytes` are given to `take`,
    /// piece by piece.
    ///
    /// # Errors
    /// As [`Host::tcp_read`].
    pub fn tcp_read_with(
        &mut self,
        now: Instant,
        id: SocketId,
        most_bytes: usize,
        take: impl FnMut(&[u8]),
    ) -> Result<usize, ReadError> {
        self.read_from(now, id, |connection| connection.read_with(most_bytes, take))
    }

    /// Takes one piece as it arrived, without copying; an empty piece when the peer has finished.
    ///
    /// # Errors
    /// As [`Host::tcp_read`].
    pub fn tcp_read_bytes(&mut self, now: Instant, id: SocketId) -> Result<Bytes, ReadError> {
        self.read_from(now, id, Connection::read_bytes)
    }

    /// Like [`Host::tcp_read`], but the bytes stay in the receive buffer.
    ///
    /// # Errors
    /// As [`Host::tcp_read`].
    pub fn tcp_peek(&self, id: SocketId, into: &mut [u8]) -> Result<usize, ReadError> {
        self.tcp(id).map_or(Err(ReadError::NotConnected), |connection| connection.peek(into))
    }

    /// Sends what waits as far as the windows allow, however small it is, even behind a cork.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn tcp_flush(&mut self, now: Instant, id: SocketId) -> Result<(), Error> {
        self.with_connection(now, id, |connection, _| connection.flush()).ok_or(Error::UnknownSocket)
    }

    /// Says that there is no more data to send: a FIN follows what is queued. Reading is still possible.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn tcp_finish(&mut self, now: Instant, id: SocketId) -> Result<(), Error> {
        self.with_connection(now, id, |connection, now| connection.finish(now)).ok_or(Error::UnknownSocket)
    }

    /// Ends the connection at once with a reset. The id stays valid until [`Host::tcp_close`].
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn tcp_abort(&mut self, now: Instant, id: SocketId) -> Result<(), Error> {
        self.with_connection(now, id, |connection, now| connection.abort(now)).ok_or(Error::UnknownSocket)
    }

    /// Gives the socket up: the id is invalid from now on. A connection sends what is queued and then closes
    /// by itself, or is reset if it holds data that was not read (RFC 9293 §3.6.1). A listener is closed,
    /// connections that were not accepted are reset, and half-open ones are forgotten. A UDP socket is closed. A gate
    /// is closed, see [`Host::close_gate`] and [`Host::close_datagram_gate`].
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn tcp_close(&mut self, now: Instant, id: SocketId) -> Result<(), Error> {
        let now = self.advance(now);
        match id.kind() {
            SocketKind::Listener => {
                let key = id.key(SocketKind::Listener).ok_or(Error::UnknownSocket)?;
                return self.close_listener(now, key);
            }
            SocketKind::Udp => return self.udp_close(id),
            SocketKind::Gate => return self.close_gate(now, id),
            SocketKind::DatagramGate => return self.close_datagram_gate(id),
            SocketKind::Connection | SocketKind::Host => {}
        }
        let key = self.owned_key(id).ok_or(Error::UnknownSocket)?;
        if let Some(predecessor) = self.end_answering(key.index) {
            self.give_up(&predecessor);
        }
        let mut socket = self.sockets.get_mut(key).ok_or(Error::UnknownSocket)?;
        if socket.standing == Standing::OpeningFast {
            self.watch_fast_open(key.index);
            socket = self.sockets.get_mut(key).ok_or(Error::UnknownSocket)?;
        }
        socket.standing = Standing::Orphan;
        socket.connection.close(now);
        self.enter_orphans(now, key.index);
        self.touch_connection(now, key.index);
        Ok(())
    }

    /// The connection, for inspection; `None` for a stale id.
    pub fn tcp(&self, id: SocketId) -> Option<&Connection> {
        self.sockets.get(self.owned_key(id)?).map(|socket| &socket.connection)
    }

    /// Changes the options of a connection, or those that a listener or a gate gives to its connections.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn tcp_configure(
        &mut self,
        now: Instant,
        id: SocketId,
        change: impl FnOnce(&mut tcp::Config),
    ) -> Result<(), Error> {
        if let Some(listener) = id.key(SocketKind::Listener).and_then(|key| self.listeners.get_mut(key)) {
            change(Arc::make_mut(listener.config.get_or_insert_with(|| self.config.tcp.clone())));
            return Ok(());
        }
        if let Some(gate) = id.key(SocketKind::Gate).and_then(|key| self.gates.get_mut(key)) {
            change(Arc::make_mut(gate.options.config.get_or_insert_with(|| self.config.tcp.clone())));
            return Ok(());
        }
        self.with_connection(now, id, |connection, now| {
            let mut config = connection.config().clone();
            change(Arc::make_mut(&mut config));
            connection.set_config(now, config);
        })
        .ok_or(Error::UnknownSocket)
    }

    /// Sets the TTL or hop limit of what a socket sends.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn set_hop_limit(&mut self, id: SocketId, hop_limit: u8) -> Result<(), Error> {
        if let Some(socket) = id.key(SocketKind::Udp).and_then(|key| self.udp.get_mut(key)) {
            socket.hop_limit = Some(hop_limit);
            return Ok(());
        }
        let key = self.owned_key(id).ok_or(Error::UnknownSocket)?;
        let socket = self.sockets.get_mut(key).ok_or(Error::UnknownSocket)?;
        socket.hop_limit = hop_limit;
        Ok(())
    }

    /// The TTL or hop limit of what a socket sends.
    pub fn hop_limit(&self, id: SocketId) -> Option<u8> {
        match id.kind() {
            SocketKind::Connection => Some(self.sockets.get(self.owned_key(id)?)?.hop_limit),
            SocketKind::Udp => {
                let socket = self.udp.get(id.key(SocketKind::Udp)?)?;
                Some(socket.hop_limit.unwrap_or(self.config.hop_limit))
            }
            _ => Some(self.config.hop_limit),
        }
    }

    /// Our end of a socket.
    pub fn local_addr(&self, id: SocketId) -> Option<SocketAddr> {
        match id.kind() {
            SocketKind::Connection => Some(self.sockets.get(self.owned_key(id)?)?.key.local()),
            SocketKind::Listener => Some(self.listeners.get(id.key(SocketKind::Listener)?)?.local),
            SocketKind::Udp => Some(self.udp.get(id.key(SocketKind::Udp)?)?.local_end()),
            SocketKind::Gate | SocketKind::DatagramGate | SocketKind::Host => None,
        }
    }

    /// The peer's end of a socket, if it has one.
    pub fn remote_addr(&self, id: SocketId) -> Option<SocketAddr> {
        match id.kind() {
            SocketKind::Connection => Some(self.sockets.get(self.owned_key(id)?)?.key.remote()),
            SocketKind::Udp => self.udp.get(id.key(SocketKind::Udp)?)?.remote,
            _ => None,
        }
    }
}
