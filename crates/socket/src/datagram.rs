//! What is asked of a socket for datagrams.

use crate::core::Core;
use crate::fault::{Cause, Fault};
use bytes::Bytes;
use stack::SocketId;
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
    /// What the host refuses; what came back for an earlier datagram; [`Cause::NotConnected`] without a peer.
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
        let sent = self.host.udp_send_to(now, id, data.clone(), remote);
        pending_if_it_blocks(sent, Some(remote))
    }

    /// Receives one datagram and who sent it. What does not fit is lost.
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

fn pending_if_it_blocks<T>(
    outcome: Result<T, stack::Error>,
    peer: Option<SocketAddr>,
) -> Poll<Result<T, Fault>> {
    match outcome {
        Err(stack::Error::WouldBlock) => Poll::Pending,
        outcome => Poll::Ready(outcome.map_err(|error| Fault::host(error, peer))),
    }
}
