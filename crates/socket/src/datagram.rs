//! What is asked of a socket for datagrams.

use crate::core::Core;
use crate::fault::{Cause, Fault};
use bytes::Bytes;
use stack::{Datagram, DatagramError, DatagramGateOptions, Flow, SocketId, Unreachable};
use std::net::SocketAddr;
use std::task::Poll;
use tcp::Instant;

impl Core {
    /// Receives datagrams to this address from now on; port 0: the host chooses.
    ///
    /// # Errors
    /// What the host refuses: an address in use, or not of this host.
    pub fn bind(&mut self, local: SocketAddr) -> Result<SocketId, Fault> {
        self.check_is_open()?;
        let id = self.host.udp_bind(local).map_err(|error| Fault::host(error, Some(local)))?;
        self.sockets.insert(id);
        Ok(id)
    }

    /// Sends to this peer by default, and receives from nobody else.
    ///
    /// # Errors
    /// No route, or an address that nobody can have.
    pub fn connect_datagrams(&mut self, id: SocketId, remote: SocketAddr) -> Result<(), Fault> {
        self.check_is_open()?;
        self.host.udp_connect(id, Some(remote)).map_err(|error| Fault::host(error, Some(remote)))?;
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.peer = Some(remote);
        }
        Ok(())
    }

    /// Sends one datagram, whole or not at all; returns its length. `to`: the connected peer if it is `None`.
    ///
    /// # Errors
    /// What the host refuses; what came back for an earlier datagram; [`Cause::NotConnected`] without a peer;
    /// [`Cause::Closed`] after a shutdown.
    pub fn poll_send_to(
        &mut self,
        now: Instant,
        id: SocketId,
        data: &Bytes,
        to: Option<SocketAddr>,
    ) -> Poll<Result<usize, Fault>> {
        let Some(remote) = to.or_else(|| self.host.remote_addr(id)) else {
            return Poll::Ready(Err(Fault::of(Cause::NotConnected)));
        };
        if self.sockets.get(id).is_some_and(|socket| socket.is_writing_shut) {
            let closed = Fault::with(Some(remote), Cause::Closed);
            return Poll::Ready(Err(self.take_failure(id).unwrap_or(closed)));
        }
        let sent = self.host.udp_send_to(now, id, data.clone(), remote);
        pending_if_it_blocks(sent, Some(remote))
    }

    /// Receives one datagram and who sent it. What does not fit is lost. After a shutdown
    /// nothing more is to be waited for ([`Core::closed_sides`]).
    ///
    /// # Errors
    /// What came back for an earlier datagram.
    pub fn poll_recv_from(
        &mut self,
        id: SocketId,
        buf: &mut [u8],
    ) -> Poll<Result<(usize, SocketAddr), Fault>> {
        pending_if_it_blocks(self.host.udp_recv_from(id, buf), self.peer(id))
    }

    /// Like [`Core::poll_recv_from`], but the datagram stays.
    ///
    /// # Errors
    /// As for [`Core::poll_recv_from`].
    pub fn poll_peek_from(
        &mut self,
        id: SocketId,
        buf: &mut [u8],
    ) -> Poll<Result<(usize, SocketAddr), Fault>> {
        pending_if_it_blocks(self.host.udp_peek_from(id, buf), self.peer(id))
    }

    /// Whether a datagram, or what came back for one, waits to be received.
    pub fn has_datagram(&self, id: SocketId) -> bool {
        self.host.udp_is_readable(id)
    }

    /// Whether there is room to send.
    pub fn has_datagram_room(&self, id: SocketId) -> bool {
        self.host.udp_is_writable(id)
    }
}

/// Datagrams to any address and any port.
impl Core {
    /// Opens a gate: every datagram to an address that it takes and to a port for which there is no socket comes to it.
    ///
    /// # Errors
    /// What the host refuses: too many gates.
    pub fn open_datagram_gate(&mut self, options: DatagramGateOptions) -> Result<SocketId, Fault> {
        self.check_is_open()?;
        let id = self.host.open_datagram_gate(options).map_err(|error| Fault::host(error, None))?;
        self.sockets.insert(id);
        Ok(id)
    }

    /// The next datagram at a gate; the flows take turns.
    ///
    /// # Errors
    /// None of its own.
    pub fn poll_datagram(&mut self, gate: SocketId) -> Poll<Result<Datagram, Fault>> {
        self.host.next_datagram(gate).map_or(Poll::Pending, |datagram| Poll::Ready(Ok(datagram)))
    }

    /// The next ICMP error about something that was sent through a gate.
    ///
    /// # Errors
    /// None of its own.
    pub fn poll_datagram_error(&mut self, gate: SocketId) -> Poll<Result<DatagramError, Fault>> {
        self.host.next_datagram_error(gate).map_or(Poll::Pending, |error| Poll::Ready(Ok(error)))
    }

    /// Sends one datagram from any address that the gate takes.
    ///
    /// # Errors
    /// What the host refuses.
    pub fn poll_send_from(
        &mut self,
        now: Instant,
        gate: SocketId,
        ends: Flow,
        data: &Bytes,
    ) -> Poll<Result<usize, Fault>> {
        let Flow { local, remote } = ends;
        let sent = self.host.send_datagram_from(now, gate, local, remote, data.clone());
        pending_if_it_blocks(sent, Some(remote))
    }

    /// Refuses a datagram with an ICMP error that quotes it, within the rate limit for such errors.
    ///
    /// # Errors
    /// What the host refuses.
    pub fn refuse_datagram(
        &mut self,
        now: Instant,
        gate: SocketId,
        datagram: &Datagram,
        why: Unreachable,
    ) -> Result<(), Fault> {
        let refused = self.host.refuse_datagram(now, gate, datagram, why);
        refused.map_err(|error| Fault::host(error, Some(datagram.remote)))
    }
}

fn pending_if_it_blocks<T>(
    outcome: Result<T, stack::Error>,
    peer: Option<SocketAddr>,
) -> Poll<Result<T, Fault>> {
    match outcome {
        Err(stack::Error::WouldBlock) => Poll::Pending,
        outcome => Poll::Ready(outcome.map_err(|error| Fault::host(error, peer))),
    }
}
