//! Datagrams, with the methods of [`std::net::UdpSocket`] (RFC 768, RFC 8085).
//!
//! Not here: broadcast and multicast; the host sends to one address at a time.

use super::deadlines::Deadlines;
use super::{SocketAddr, ToSocketAddrs, each_address};
use crate::core::Core;
use crate::readiness::Interest;
use crate::{Stack, error};
use bytes::Bytes;
use stack::SocketId;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A UDP socket.
///
/// ```no_run
/// # fn ask(stack: &synfin::Stack) -> std::io::Result<()> {
/// let socket = synfin::net::UdpSocket::bind(stack, "0.0.0.0:0")?;
/// socket.send_to(b"ping", "10.90.0.1:7")?;
/// let mut buf = [0; 1500];
/// let (len_bytes, from) = socket.recv_from(&mut buf)?;
/// println!("{from} says {:?}", &buf[..len_bytes]);
/// # Ok(())
/// # }
/// ```
pub struct UdpSocket {
    inner: Arc<Inner>,
}

/// What all handles of one socket share.
struct Inner {
    stack: Stack,
    id: SocketId,
    deadlines: Deadlines,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stack.shared().with(|core, now| core.close(now, self.id));
    }
}

impl UdpSocket {
    /// Receives datagrams to this address from now on. Port zero: the host chooses one.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this host): those of the last address.
    pub fn bind(stack: &Stack, addr: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        each_address(addr, |local| {
            let id = stack.shared().call(|core, _| {
                let id = core.host.udp_bind(local).map_err(|error| error::host(error, Some(local)))?;
                core.sockets.insert(id);
                Ok(id)
            })?;
            let inner = Inner { stack: stack.clone(), id, deadlines: Deadlines::default() };
            Ok(UdpSocket { inner: Arc::new(inner) })
        })
    }

    /// Sends one datagram. Returns its length: a datagram is sent whole or not at all.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `InvalidInput` (too long, or an address nobody can have), `ConnectionRefused`
    /// (an earlier datagram of a connected socket came back), `WouldBlock` when non-blocking.
    pub fn send_to(&self, buf: &[u8], addr: impl ToSocketAddrs) -> io::Result<usize> {
        let remote = addr.to_socket_addrs()?.next();
        let remote = remote.ok_or_else(|| error::invalid("the name stands for no address at all"))?;
        let (id, data) = (self.inner.id, Bytes::copy_from_slice(buf));
        self.wait(Interest::Write, Some(remote), |core, now| {
            core.host.udp_send_to(now, id, data.clone(), remote)
        })
    }

    /// Receives one datagram and who sent it. What does not fit into `buf` is lost.
    ///
    /// # Errors
    /// `WouldBlock` when non-blocking or out of time; `ConnectionRefused` when a datagram that this
    /// connected socket sent came back.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let id = self.inner.id;
        self.wait(Interest::Read, None, |core, _| core.host.udp_recv_from(id, buf))
    }

    /// Like [`recv_from`](Self::recv_from), but the datagram stays to be received again.
    ///
    /// # Errors
    /// As for [`recv_from`](Self::recv_from).
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let id = self.inner.id;
        self.wait(Interest::Read, None, |core, _| core.host.udp_peek_from(id, buf))
    }

    /// Sends to this peer by default, and receives from nobody else.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `InvalidInput`: those of the last address.
    pub fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        let id = self.inner.id;
        each_address(addr, |remote| {
            self.inner.stack.shared().call(|core, _| {
                core.host.udp_connect(id, Some(remote)).map_err(|error| error::host(error, Some(remote)))
            })
        })
    }

    /// Sends one datagram to the connected peer.
    ///
    /// # Errors
    /// `NotConnected` without a peer; otherwise as for [`send_to`](Self::send_to).
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        let (id, data) = (self.inner.id, Bytes::copy_from_slice(buf));
        self.wait(Interest::Write, None, |core, now| core.host.udp_send(now, id, data.clone()))
    }

    /// Receives one datagram; from the connected peer if there is one.
    ///
    /// # Errors
    /// As for [`recv_from`](Self::recv_from).
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.recv_from(buf).map(|(len_bytes, _)| len_bytes)
    }

    /// Like [`recv`](Self::recv), but the datagram stays to be received again.
    ///
    /// # Errors
    /// As for [`recv_from`](Self::recv_from).
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.peek_from(buf).map(|(len_bytes, _)| len_bytes)
    }

    /// The address it is bound to.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let shared = self.inner.stack.shared();
        shared.look(|core, _| core.host.local_addr(self.inner.id)).ok_or_else(error::stack_is_down)
    }

    /// The connected peer.
    ///
    /// # Errors
    /// `NotConnected` without one.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        let shared = self.inner.stack.shared();
        shared.look(|core, _| core.host.remote_addr(self.inner.id)).ok_or_else(|| error::not_connected(None))
    }

    /// A second handle to the same socket.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        Ok(UdpSocket { inner: Arc::clone(&self.inner) })
    }

    /// How long receiving waits before it gives `WouldBlock`; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.deadlines.set_timeout(Interest::Read, timeout)
    }

    /// How long sending waits for room before it gives `WouldBlock`; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.deadlines.set_timeout(Interest::Write, timeout)
    }

    /// The read timeout.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.inner.deadlines.timeout(Interest::Read))
    }

    /// The write timeout.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.inner.deadlines.timeout(Interest::Write))
    }

    /// Makes calls that would have to wait return `WouldBlock` instead.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.inner.deadlines.set_nonblocking(nonblocking);
        Ok(())
    }

    /// The TTL (IPv6: hop limit) of our packets, 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput` for other numbers.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.inner.stack.set_hop_limit(self.inner.id, ttl)
    }

    /// The TTL (IPv6: hop limit) of our packets.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn ttl(&self) -> io::Result<u32> {
        self.inner.stack.hop_limit(self.inner.id)
    }

    /// What came back for an earlier datagram of a connected socket. Asking forgets it.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let taken = self.inner.stack.shared().with(|core, _| core.host.udp_take_error(self.inner.id));
        Ok(taken.map(|error| error::host(error, None)))
    }

    /// The stack that this socket lives on.
    pub fn stack(&self) -> &Stack {
        &self.inner.stack
    }

    fn wait<T>(
        &self,
        interest: Interest,
        remote: Option<SocketAddr>,
        mut attempt: impl FnMut(&mut Core, tcp::Instant) -> Result<T, stack::Error>,
    ) -> io::Result<T> {
        let patience = self.inner.deadlines.patience(interest);
        let outcome = self.inner.stack.shared().wait(self.inner.id, interest, patience, |core, now| {
            match attempt(core, now) {
                Err(stack::Error::WouldBlock) => Poll::Pending,
                outcome => Poll::Ready(outcome.map_err(|error| error::host(error, remote))),
            }
        });
        outcome.unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket").field("local", &self.local_addr().ok()).finish()
    }
}
