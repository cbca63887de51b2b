//! What is asked of a listener.

use crate::core::Core;
use crate::fault::Fault;
use stack::{Accepted, FastOpenOptions, ListenOptions, SocketId};
use std::net::SocketAddr;
use std::task::Poll;
use tcp::{Connection, Instant};

impl Core {
    /// Takes connections from now on; [`stack::Host::local_addr`] tells the port if the host chose it.
    ///
    /// # Errors
    /// What the host refuses: an address in use, or not of this host.
    pub fn listen(&mut self, options: ListenOptions) -> Result<SocketId, Fault> {
        self.check_is_open()?;
        let local = options.local;
        let id = self.host.tcp_listen_with(options).map_err(|error| Fault::host(error, Some(local)))?;
        self.sockets.insert(id);
        Ok(id)
    }

    /// Takes connections that open fast from now on, or none any more (RFC 7413).
    ///
    /// # Errors
    /// [`crate::Cause::NotConnected`] if the listener is gone.
    pub fn set_fast_open(&mut self, id: SocketId, options: Option<FastOpenOptions>) -> Result<(), Fault> {
        self.check_is_open()?;
        self.host.set_fast_open(id, options).map_err(|_| self.fault(id, crate::Cause::NotConnected))
    }

    /// The connection that has waited longest to be accepted. Its handshake is over: the third step has arrived; or the
    /// text of its SYN was taken, and it may be read and written before that ([`Core::set_fast_open`]). It is the
    /// caller's to close from here on.
    ///
    /// # Errors
    /// None of its own.
    pub fn poll_accept(&mut self, now: Instant, id: SocketId) -> Poll<Result<Accepted, Fault>> {
        match self.host.tcp_accept(id) {
            Some(accepted) => {
                self.adopt(now, id, accepted);
                Poll::Ready(Ok(accepted))
            }
            None => Poll::Pending,
        }
    }

    /// A program holds a connection that it accepted.
    pub(crate) fn adopt(&mut self, now: Instant, listener: SocketId, accepted: Accepted) {
        let Accepted { id, local, remote, .. } = accepted;
        let hop_limit = self.sockets.get(listener).and_then(|listener| listener.hop_limit);
        let socket = self.sockets.insert(id);
        socket.peer = Some(remote);
        // It may have died in the queue: whoever accepted it should hear of that.
        let connection = self.host.tcp(id);
        if connection.is_some_and(|connection| connection.peek(&mut [0]) == Ok(0)) {
            socket.on_peer_finished();
        }
        if let Some(error) = connection.and_then(Connection::failure) {
            socket.on_failed(error);
        }
        if let Some(hop_limit) = hop_limit {
            // The id is as new as can be.
            let _ = self.host.set_hop_limit(id, hop_limit.get());
        }
        self.watch.on_accepted(&self.host, now, id, local, remote);
    }

    /// Whether an address could be listened on now: the address, with the port that the host would choose for port 0.
    ///
    /// # Errors
    /// As for [`Core::listen`].
    pub fn try_address(&mut self, now: Instant, local: SocketAddr) -> Result<SocketAddr, Fault> {
        let id = self.listen(ListenOptions::new(local, 1))?;
        let local = self.host.local_addr(id).unwrap_or(local);
        self.close(now, id);
        Ok(local)
    }

    /// Whether a connection waits to be accepted.
    pub fn has_acceptable(&self, id: SocketId) -> bool {
        self.host.tcp_acceptable(id) > 0
    }
}
