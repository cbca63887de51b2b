//! Datagrams, with the methods of [`std::net::UdpSocket`] (RFC 768, RFC 8085).
//!
//! Not here: broadcast and multicast; the host sends to one address at a time.

use super::deadlines::Deadlines;
use super::{SocketAddr, ToSocketAddrs, each_address};
use super::{gone, invalid, wait};
use crate::Stack;
use bytes::Bytes;
use socket::{Core, Fault, Held, Interest};
use std::fmt;
use std::io;
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
    socket: Held<Stack>,
    deadlines: Deadlines,
}

impl UdpSocket {
    /// Receives datagrams to this address from now on. Port zero: the host chooses one.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this host): those of the last address.
    pub fn bind(stack: &Stack, addr: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        each_address(addr, |local| {
            let id = stack.shared().with(|locked, _| locked.core.bind(local))?;
            let socket = Held::new(stack.clone(), id);
            Ok(UdpSocket { inner: Arc::new(Inner { socket, deadlines: Deadlines::default() }) })
        })
    }

    /// Sends one datagram. Returns its length: a datagram is sent whole or not at all.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `InvalidInput` (too long, or an address nobody can have), `ConnectionRefused`
    /// (an earlier datagram of a connected socket came back), `WouldBlock` when non-blocking.
    pub fn send_to(&self, buf: &[u8], addr: impl ToSocketAddrs) -> io::Result<usize> {
        let remote = addr.to_socket_addrs()?.next();
        let remote = remote.ok_or_else(|| invalid("the name stands for no address at all"))?;
        let (id, data) = (self.inner.socket.id(), Bytes::copy_from_slice(buf));
        self.wait(Interest::Write, |core, now| core.poll_send_to(now, id, &data, Some(remote)))
    }

    /// Receives one datagram and who sent it. What does not fit into `buf` is lost.
    ///
    /// # Errors
    /// `WouldBlock` when non-blocking or out of time; `ConnectionRefused` when a datagram that this
    /// connected socket sent came back.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let id = self.inner.socket.id();
        self.wait(Interest::Read, |core, _| core.poll_recv_from(id, buf))
    }

    /// Like [`recv_from`](Self::recv_from), but the datagram stays to be received again.
    ///
    /// # Errors
    /// As for [`recv_from`](Self::recv_from).
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let id = self.inner.socket.id();
        self.wait(Interest::Read, |core, _| core.poll_peek_from(id, buf))
    }

    /// Sends to this peer by default, and receives from nobody else.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `InvalidInput`: those of the last address.
    pub fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        each_address(addr, |remote| {
            Ok(self.inner.socket.with(|core, _, id| core.connect_datagrams(id, remote))?)
        })
    }

    /// Sends one datagram to the connected peer.
    ///
    /// # Errors
    /// `NotConnected` without a peer; otherwise as for [`send_to`](Self::send_to).
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        let (id, data) = (self.inner.socket.id(), Bytes::copy_from_slice(buf));
        self.wait(Interest::Write, |core, now| core.poll_send_to(now, id, &data, None))
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
        self.inner.socket.look(|core, _, id| core.host().local_addr(id)).ok_or_else(|| gone(None))
    }

    /// The connected peer.
    ///
    /// # Errors
    /// `NotConnected` without one.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.socket.look(|core, _, id| core.host().remote_addr(id)).ok_or_else(|| gone(None))
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
        Ok(self.inner.socket.with(|core, _, id| core.set_hop_limit(id, ttl))?)
    }

    /// The TTL (IPv6: hop limit) of our packets.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(self.inner.socket.look(|core, _, id| core.hop_limit(id))?.into())
    }

    /// What came back for an earlier datagram of a connected socket. Asking forgets it.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.inner.socket.with(|core, _, id| core.take_failure(id)).map(io::Error::from))
    }

    /// The stack that this socket lives on.
    pub fn stack(&self) -> &Stack {
        self.inner.socket.reach()
    }

    fn wait<T>(
        &self,
        interest: Interest,
        attempt: impl FnMut(&mut Core, tcp::Instant) -> Poll<Result<T, Fault>>,
    ) -> io::Result<T> {
        let Inner { socket, deadlines } = &*self.inner;
        wait(socket, interest, deadlines.patience(interest), attempt)
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket").field("local", &self.local_addr().ok()).finish()
    }
}
