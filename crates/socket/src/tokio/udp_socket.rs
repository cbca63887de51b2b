//! Datagrams, with the methods of `tokio::net::UdpSocket` (RFC 768, RFC 8085).
//!
//! Not here: broadcast and multicast; the host sends to one address at a time.

use super::addresses::{ToSocketAddrs, addresses, each_address, no_address};
use super::budget::within_budget;
use super::ready;
use crate::{Cause, Fault, Handle, Held, Interest, Place, Reach};
use bytes::{BufMut, Bytes};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::io::{Interest as Asked, ReadBuf, Ready};
use tokio::task::coop;

/// The largest datagram, in bytes.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// A UDP socket. Several tasks may use it at once.
pub struct UdpSocket<R: Reach> {
    socket: Held<R>,
}

impl<R: Handle> UdpSocket<R> {
    /// Receives datagrams to this address from now on. Port zero: the host chooses one.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this host): those of the last address.
    pub async fn bind(stack: &R, addr: impl ToSocketAddrs) -> io::Result<Self> {
        UdpSocket::bind_on(stack, addr).await
    }
}

impl<R: Reach> UdpSocket<R> {
    pub(super) async fn bind_on(stack: &R, addr: impl ToSocketAddrs) -> io::Result<Self> {
        each_address(stack, addr, |local| {
            let id = stack.with(|core, _| core.bind(local))?;
            Ok(UdpSocket { socket: Held::new(stack.clone(), id) })
        })
        .await
    }

    /// The address it is bound to.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let local = self.socket.look(|core, _, id| core.host().local_addr(id));
        Ok(local.ok_or(Fault::of(Cause::StackIsDown))?)
    }

    /// The connected peer.
    ///
    /// # Errors
    /// `NotConnected` without one.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        let remote = self.socket.look(|core, _, id| core.host().remote_addr(id));
        Ok(remote.ok_or(Fault::of(Cause::NotConnected))?)
    }

    /// Sends to this peer by default, and receives from nobody else.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `InvalidInput`: those of the last address.
    pub async fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        let stack = self.socket.reach();
        each_address(stack, addr, |remote| {
            Ok(self.socket.with(|core, _, id| core.connect_datagrams(id, remote))?)
        })
        .await
    }

    /// Waits until the socket is ready for something of what is asked for. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn ready(&self, interest: Asked) -> io::Result<Ready> {
        ready::ready(&self.socket, interest).await
    }

    /// Waits until a datagram, or what came back for one, can be received. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn readable(&self) -> io::Result<()> {
        self.ready(Asked::READABLE).await.map(drop)
    }

    /// Waits until there is room to send. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn writable(&self) -> io::Result<()> {
        self.ready(Asked::WRITABLE).await.map(drop)
    }

    /// Like [`readable`](Self::readable), for callers that poll.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn poll_recv_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready::poll_ready(&self.socket, context, Asked::READABLE)
    }

    /// Like [`writable`](Self::writable), for callers that poll.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn poll_send_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready::poll_ready(&self.socket, context, Asked::WRITABLE)
    }

    /// Runs `io` if the socket is ready for something of what is asked for.
    ///
    /// # Errors
    /// `WouldBlock` if it is not, and those of `io`.
    pub fn try_io<T>(&self, interest: Asked, io: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        ready::try_io(&self.socket, interest, io)
    }

    /// Runs `io` when the socket is ready for something of what is asked for, again while it says `WouldBlock`.
    ///
    /// # Errors
    /// Those of `io`.
    pub async fn async_io<T>(&self, interest: Asked, io: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        ready::async_io(&self.socket, interest, io).await
    }

    /// The TTL (IPv6: hop limit) of our packets.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(self.socket.look(|core, _, id| core.hop_limit(id))?.into())
    }

    /// Sets the TTL (IPv6: hop limit) of our packets, 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput` for other numbers.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        Ok(self.socket.with(|core, _, id| core.set_hop_limit(id, ttl))?)
    }

    /// What came back for an earlier datagram of a connected socket. Asking forgets it.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.socket.with(|core, _, id| core.take_failure(id)).map(io::Error::from))
    }

    /// The stack that it lives on.
    pub fn stack(&self) -> &R {
        self.socket.reach()
    }
}

/// Sending: a datagram is sent whole or not at all.
impl<R: Reach> UdpSocket<R> {
    /// Sends one datagram to the connected peer; returns its length. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` without a peer; `ConnectionRefused` when an earlier datagram came back; `InvalidInput` if it is
    /// too long.
    pub async fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.send_data(buf, None).await
    }

    /// Sends one datagram to the first of these addresses; returns its length. Cancel safe.
    ///
    /// # Errors
    /// `NetworkUnreachable`, `InvalidInput` (too long, or an address nobody can have).
    pub async fn send_to(&self, buf: &[u8], addr: impl ToSocketAddrs) -> io::Result<usize> {
        let to = addresses(self.socket.reach(), addr).await?.next();
        self.send_data(buf, Some(to.ok_or_else(no_address)?)).await
    }

    async fn send_data(&self, buf: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        let data = Bytes::copy_from_slice(buf);
        let wait = self.socket.wait(Interest::Write, |core, now, id| core.poll_send_to(now, id, &data, to));
        Ok(coop::cooperative(wait).await?)
    }

    /// Like [`send`](Self::send), for callers that poll.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn poll_send(&self, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send_data(context, buf, None)
    }

    /// Like [`send_to`](Self::send_to), for callers that poll.
    ///
    /// # Errors
    /// As for [`send_to`](Self::send_to).
    pub fn poll_send_to(
        &self,
        context: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.poll_send_data(context, buf, Some(target))
    }

    fn poll_send_data(
        &self,
        context: &mut Context<'_>,
        buf: &[u8],
        to: Option<SocketAddr>,
    ) -> Poll<io::Result<usize>> {
        let data = Bytes::copy_from_slice(buf);
        let sent = within_budget(context, |context| {
            self.socket.poll(Interest::Write, Place::Slot, context, |core, now, id| {
                core.poll_send_to(now, id, &data, to)
            })
        });
        sent.map_err(io::Error::from)
    }

    /// Like [`send`](Self::send), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` without room, and those of [`send`](Self::send).
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.try_send_data(buf, None)
    }

    /// Like [`send_to`](Self::send_to), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` without room, and those of [`send_to`](Self::send_to).
    pub fn try_send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.try_send_data(buf, Some(target))
    }

    fn try_send_data(&self, buf: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        let data = Bytes::copy_from_slice(buf);
        Ok(self.socket.attempt(|core, now, id| core.poll_send_to(now, id, &data, to))?)
    }
}

/// Receiving: what does not fit into the buffer is lost.
impl<R: Reach> UdpSocket<R> {
    /// Receives one datagram; returns its length. Cancel safe.
    ///
    /// # Errors
    /// `ConnectionRefused` when a datagram that this connected socket sent came back.
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.recv_from(buf).await.map(|(len_bytes, _)| len_bytes)
    }

    /// Receives one datagram and who sent it. Cancel safe.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let wait = self.socket.wait(Interest::Read, |core, _, id| core.poll_recv_from(id, buf));
        Ok(coop::cooperative(wait).await?)
    }

    /// Like [`recv`](Self::recv), behind what is in the buffer.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub async fn recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        self.recv_buf_from(buf).await.map(|(len_bytes, _)| len_bytes)
    }

    /// Like [`recv_from`](Self::recv_from), behind what is in the buffer.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub async fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let mut datagram = vec![0; buf.remaining_mut().min(DATAGRAM_BYTES_MAX)];
        let (len_bytes, from) = self.recv_from(&mut datagram).await?;
        buf.put_slice(&datagram[..len_bytes]);
        Ok((len_bytes, from))
    }

    /// Like [`recv`](Self::recv), but the datagram stays to be received again.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.peek_from(buf).await.map(|(len_bytes, _)| len_bytes)
    }

    /// Like [`recv_from`](Self::recv_from), but the datagram stays to be received again.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub async fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let wait = self.socket.wait(Interest::Read, |core, _, id| core.poll_peek_from(id, buf));
        Ok(coop::cooperative(wait).await?)
    }

    /// Who sent the datagram that is next; it stays to be received. Cancel safe.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub async fn peek_sender(&self) -> io::Result<SocketAddr> {
        self.peek_from(&mut []).await.map(|(_, from)| from)
    }

    /// Like [`recv`](Self::recv), for callers that poll.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn poll_recv(&self, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_recv_from(context, buf).map_ok(drop)
    }

    /// Like [`recv_from`](Self::recv_from), for callers that poll.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn poll_recv_from(
        &self,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        let room = buf.initialize_unfilled();
        let received = within_budget(context, |context| {
            self.socket
                .poll(Interest::Read, Place::Slot, context, |core, _, id| core.poll_recv_from(id, room))
        });
        fill(buf, received)
    }

    /// Like [`peek_from`](Self::peek_from), for callers that poll.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn poll_peek_from(
        &self,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<SocketAddr>> {
        let room = buf.initialize_unfilled();
        let peeked = self
            .socket
            .poll(Interest::Read, Place::Slot, context, |core, _, id| core.poll_peek_from(id, room));
        fill(buf, peeked)
    }

    /// Like [`peek`](Self::peek), for callers that poll.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn poll_peek(&self, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_peek_from(context, buf).map_ok(drop)
    }

    /// Like [`peek_sender`](Self::peek_sender), for callers that poll.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv).
    pub fn poll_peek_sender(&self, context: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        self.poll_peek_from(context, &mut ReadBuf::new(&mut []))
    }

    /// Like [`recv`](Self::recv), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, and those of [`recv`](Self::recv).
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_recv_from(buf).map(|(len_bytes, _)| len_bytes)
    }

    /// Like [`recv_from`](Self::recv_from), without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, and those of [`recv`](Self::recv).
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        Ok(self.socket.attempt(|core, _, id| core.poll_recv_from(id, buf))?)
    }

    /// Like [`try_recv`](Self::try_recv), behind what is in the buffer.
    ///
    /// # Errors
    /// As for [`try_recv`](Self::try_recv).
    pub fn try_recv_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        self.try_recv_buf_from(buf).map(|(len_bytes, _)| len_bytes)
    }

    /// Like [`try_recv_from`](Self::try_recv_from), behind what is in the buffer.
    ///
    /// # Errors
    /// As for [`try_recv`](Self::try_recv).
    pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        let mut datagram = vec![0; buf.remaining_mut().min(DATAGRAM_BYTES_MAX)];
        let (len_bytes, from) = self.try_recv_from(&mut datagram)?;
        buf.put_slice(&datagram[..len_bytes]);
        Ok((len_bytes, from))
    }

    /// Like [`peek`](Self::peek), without waiting.
    ///
    /// # Errors
    /// As for [`try_recv`](Self::try_recv).
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_peek_from(buf).map(|(len_bytes, _)| len_bytes)
    }

    /// Like [`peek_sender`](Self::peek_sender), without waiting.
    ///
    /// # Errors
    /// As for [`try_recv`](Self::try_recv).
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.try_peek_from(&mut []).map(|(_, from)| from)
    }

    /// Like [`peek_from`](Self::peek_from), without waiting.
    ///
    /// # Errors
    /// As for [`try_recv`](Self::try_recv).
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        Ok(self.socket.attempt(|core, _, id| core.poll_peek_from(id, buf))?)
    }
}

/// Takes note of what was put into the buffer.
fn fill(
    buf: &mut ReadBuf<'_>,
    received: Poll<Result<(usize, SocketAddr), Fault>>,
) -> Poll<io::Result<SocketAddr>> {
    received.map(|received| {
        let (len_bytes, from) = received?;
        buf.advance(len_bytes);
        Ok(from)
    })
}

impl<R: Reach> fmt::Debug for UdpSocket<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket").field("local", &self.local_addr().ok()).finish()
    }
}
