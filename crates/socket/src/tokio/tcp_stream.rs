//! One end of a TCP connection, with the methods of `tokio::net::TcpStream`.

use super::addresses::{ToSocketAddrs, addresses, no_address};
use super::budget::within_budget;
use super::owned::{self, OwnedReadHalf, OwnedWriteHalf};
use super::ready;
use super::split::{ReadHalf, WriteHalf};
use crate::{Cause, Fault, Handle, Held, Interest, OpenOptions, Opened, Place, Reach};
use bytes::{BufMut, Bytes};
use stack::OpenFast;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, Interest as Asked, ReadBuf, Ready};
use tokio::task::coop;

/// One end of a TCP connection.
///
/// Dropping it closes the connection: queued data is still sent, then a FIN; if data had arrived that nobody read, the
/// peer gets a reset instead (RFC 9293 §3.6.1, SHLD-3).
pub struct TcpStream<R: Reach> {
    pub(super) socket: Held<R>,
    local: SocketAddr,
    remote: SocketAddr,
}

impl<R: Handle> TcpStream<R> {
    /// Connects and returns when the peer's SYN-ACK has arrived, the second step of the handshake.
    /// Several addresses are tried one after the other. Cancelling it takes the connection back.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut`, `HostUnreachable`, `NetworkUnreachable`, `AddrNotAvailable`
    /// (no free port), `InvalidInput` (an address nobody can connect to): those of the last address.
    pub async fn connect(stack: &R, addr: impl ToSocketAddrs) -> io::Result<Self> {
        TcpStream::connect_on(stack, addr, None).await
    }

    /// Connects with `first` as the first bytes of the stream, and returns when the peer's SYN-ACK has arrived. If the
    /// peer has given us a Fast Open cookie, as much of `first` as fits goes with the SYN, a round trip sooner; if not,
    /// the SYN asks for one, and all of it goes when the connection is open (RFC 7413).
    ///
    /// What goes with a SYN may reach the peer's program twice, if the network doubles it: only for requests to which
    /// that makes no difference (§6.1).
    ///
    /// # Errors
    /// As for [`connect`](Self::connect), and those of writing.
    pub async fn connect_with(stack: &R, addr: impl ToSocketAddrs, first: &[u8]) -> io::Result<Self> {
        TcpStream::connect_on(stack, addr, Some(first)).await
    }
}

impl<R: Reach> TcpStream<R> {
    pub(super) async fn connect_on(
        stack: &R,
        addr: impl ToSocketAddrs,
        first: Option<&[u8]>,
    ) -> io::Result<Self> {
        let first = first.map(|text| OpenFast { text: Bytes::copy_from_slice(text), ..OpenFast::default() });
        let mut last = None;
        for remote in addresses(stack, addr).await? {
            let options = OpenOptions { fast_open: first.clone(), ..OpenOptions::to(remote) };
            match Self::open(stack, options).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(no_address))
    }

    /// Connects as the options say.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect), and `AddrInUse`.
    pub async fn open(stack: &R, options: OpenOptions) -> io::Result<Self> {
        let remote = options.remote;
        let first = options.fast_open.as_ref().map(|open| open.text.clone()).unwrap_or_default();
        let (Opened { id, local }, queued) = stack.with(|core, now| {
            let opened = core.open(now, options)?;
            Ok::<_, Fault>((opened, core.unacknowledged_bytes(opened.id)))
        })?;
        // From here on dropping the stream takes everything back.
        let stream = TcpStream::new(Held::new(stack.clone(), id), local, remote);
        stream.connected().await?;
        stream.write_rest(&first[queued.min(first.len())..]).await?;
        Ok(stream)
    }

    /// Writes what did not fit the send buffer when the connection was opened with it.
    async fn write_rest(&self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            let write = self
                .socket
                .wait(Interest::Write, |core, now, id| core.poll_write(now, id, &[IoSlice::new(rest)], 0));
            let count = write.await?;
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Waits until the handshake is over.
    pub(super) async fn connected(&self) -> io::Result<()> {
        Ok(self.socket.wait(Interest::Write, |core, _, id| core.poll_connected(id)).await?)
    }

    /// A connection that the host has made.
    pub(crate) fn new(socket: Held<R>, local: SocketAddr, remote: SocketAddr) -> Self {
        TcpStream { socket, local, remote }
    }

    pub(super) fn socket(&self) -> &Held<R> {
        &self.socket
    }

    /// The address of our end.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// `NotConnected` once the connection is over in both directions.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.socket.look(|core, _, id| core.connected_peer(id))?)
    }

    /// The failure of the connection, if there was one that no call has returned yet. Asking forgets it.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.socket.with(|core, _, id| core.take_failure(id)).map(io::Error::from))
    }

    /// Copies what can be read, and leaves it there; waits until there is something. Zero bytes are the end.
    ///
    /// # Errors
    /// The failure of the connection, once.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        Ok(self.socket.wait(Interest::Read, |core, _, id| core.poll_peek(id, buf)).await?)
    }

    /// Like [`peek`](Self::peek), for callers that poll.
    ///
    /// # Errors
    /// As for [`peek`](Self::peek).
    pub fn poll_peek(&self, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let room = buf.initialize_unfilled();
        let peeked =
            self.socket.poll(Interest::Read, Place::Slot, context, |core, _, id| core.poll_peek(id, room));
        peeked.map(|peeked| {
            let count = peeked?;
            buf.advance(count);
            Ok(count)
        })
    }

    /// Waits until the stream is ready for something of what is asked for. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn ready(&self, interest: Asked) -> io::Result<Ready> {
        ready::ready(&self.socket, interest).await
    }

    /// Waits until a read would return something: bytes, the end or a failure. Cancel safe.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn readable(&self) -> io::Result<()> {
        self.ready(Asked::READABLE).await.map(drop)
    }

    /// Waits until a write would take something, or fail. Cancel safe.
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
    pub fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready::poll_ready(&self.socket, context, Asked::READABLE)
    }

    /// Like [`writable`](Self::writable), for callers that poll.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready::poll_ready(&self.socket, context, Asked::WRITABLE)
    }

    /// Reads without waiting; zero bytes are the end.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing; the failure of the connection, once.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_read_vectored(&mut [IoSliceMut::new(buf)])
    }

    /// Like [`try_read`](Self::try_read), into one buffer after the other.
    ///
    /// # Errors
    /// As for [`try_read`](Self::try_read).
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Ok(self.socket.attempt(|core, now, id| core.poll_read(now, id, bufs))?)
    }

    /// Like [`try_read`](Self::try_read), behind what is in the buffer.
    ///
    /// # Errors
    /// As for [`try_read`](Self::try_read).
    pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        let most = buf.remaining_mut();
        Ok(self
            .socket
            .attempt(|core, now, id| core.poll_read_with(now, id, most, |piece| buf.put_slice(piece)))?)
    }

    /// Writes without waiting; returns how much was taken.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room; the failure of the connection, once; then `BrokenPipe`.
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(buf)])
    }

    /// Like [`try_write`](Self::try_write), from one buffer after the other.
    ///
    /// # Errors
    /// As for [`try_write`](Self::try_write).
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.socket.attempt(|core, now, id| core.poll_write(now, id, bufs, 0))?)
    }

    /// Runs `io` if the stream is ready for something of what is asked for.
    ///
    /// # Errors
    /// `WouldBlock` if it is not, and those of `io`.
    pub fn try_io<T>(&self, interest: Asked, io: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        ready::try_io(&self.socket, interest, io)
    }

    /// Runs `io` when the stream is ready for something of what is asked for, again while it says `WouldBlock`.
    ///
    /// # Errors
    /// Those of `io`.
    pub async fn async_io<T>(&self, interest: Asked, io: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        ready::async_io(&self.socket, interest, io).await
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn nodelay(&self) -> io::Result<bool> {
        let nagle = self.socket.look(|core, _, id| core.connection(id).map(|tcp| tcp.config().nagle));
        Ok(nagle? == tcp::Nagle::Off)
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`) or may wait while earlier ones are
    /// unacknowledged (Nagle, RFC 9293 §3.7.4).
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.configure(|config| config.nagle = if nodelay { tcp::Nagle::Off } else { tcp::Nagle::default() })
    }

    /// What [`set_linger`](Self::set_linger) set.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.socket.look(|core, _, id| core.linger(id)))
    }

    /// What closing does with data that is still to be sent. Zero: it is thrown away and the peer gets a reset. Any
    /// other time is the same as `None`: the data is sent behind the scenes, and nobody is kept waiting for it.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.socket.with(|core, _, id| core.set_linger(id, linger));
        Ok(())
    }

    /// Closing throws away what is still to be sent, and resets the connection.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// The TTL (IPv6: hop limit) of our packets.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
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

    /// Both halves, for as long as the stream is borrowed.
    pub fn split(&mut self) -> (ReadHalf<'_, R>, WriteHalf<'_, R>) {
        (ReadHalf::new(self), WriteHalf::new(self))
    }

    /// Both halves, each of which may go to a task of its own. Dropping the half that writes sends a FIN.
    pub fn into_split(self) -> (OwnedReadHalf<R>, OwnedWriteHalf<R>) {
        owned::split(self)
    }
}

/// Beyond tokio.
impl<R: Reach> TcpStream<R> {
    /// What the engine knows of this connection: state, round-trip time, windows, retransmissions, bytes
    /// (what Linux tells by `TCP_INFO`).
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn info(&self) -> io::Result<tcp::Info> {
        Ok(self.socket.look(|core, now, id| core.connection(id).map(|connection| connection.info(now)))?)
    }

    /// The keep-alive settings.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn keepalive(&self) -> io::Result<Option<tcp::KeepAlive>> {
        Ok(self.socket.look(|core, _, id| core.connection(id).map(|tcp| tcp.config().keep_alive))?)
    }

    /// Asks an idle peer from time to time whether it is still there (RFC 9293 §3.8.4); `None`, the
    /// default: never.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn set_keepalive(&self, keep_alive: Option<tcp::KeepAlive>) -> io::Result<()> {
        self.configure(|config| config.keep_alive = keep_alive)
    }

    /// How long sent data may stay unacknowledged before the connection is given up (RFC 9293 §3.10.8,
    /// `TCP_USER_TIMEOUT`); `None`, the default: as long as retransmissions last.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn set_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.configure(|config| config.user_timeout = timeout)
    }

    /// Changes any option of the engine for this connection.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn configure(&self, change: impl FnOnce(&mut tcp::Config)) -> io::Result<()> {
        Ok(self.socket.with(|core, now, id| core.configure(now, id, change))?)
    }

    /// Queues bytes without copying them; waits until there is room for some, and returns how many were taken.
    /// Cancel safe.
    ///
    /// # Errors
    /// The failure of the connection, once; then `BrokenPipe`.
    pub async fn write_bytes(&self, data: Bytes) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let wait =
            self.socket.wait(Interest::Write, |core, now, id| core.poll_write_bytes(now, id, data.clone()));
        Ok(coop::cooperative(wait).await?)
    }

    /// The stack that this connection lives on.
    pub fn stack(&self) -> &R {
        self.socket.reach()
    }
}

/// The calls of [`AsyncRead`] and [`AsyncWrite`], on a shared stream: its halves use them as well.
impl<R: Reach> TcpStream<R> {
    pub(super) fn poll_read_shared(
        &self,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = buf.remaining();
        self.poll_read_with(context, most, |piece| buf.put_slice(piece)).map_ok(drop)
    }

    pub(super) fn poll_write_shared(
        &self,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = within_budget(context, |context| {
            self.socket.poll(Interest::Write, Place::Slot, context, |core, now, id| {
                core.poll_write(now, id, bufs, 0)
            })
        });
        written.map_err(io::Error::from)
    }

    pub(super) fn finish(&self) -> io::Result<()> {
        match self.socket.with(|core, now, id| core.shutdown(now, id, Shutdown::Write)) {
            // Whoever ends the writing of a connection that is over has what was wanted; tokio says so, too.
            Err(fault) if fault.cause() == Cause::NotConnected => Ok(()),
            finished => Ok(finished?),
        }
    }
}

impl<R: Reach + Unpin> AsyncRead for TcpStream<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_read_shared(context, buf)
    }
}

impl<R: Reach + Unpin> AsyncWrite for TcpStream<R> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_shared(context, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_shared(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing waits outside the engine, so there is nothing to flush.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Queues a FIN behind the data. It does not wait for the peer.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.finish())
    }
}

impl<R: Reach> fmt::Debug for TcpStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.socket.look(|core, _, id| core.state_of(id));
        f.debug_struct("TcpStream")
            .field("local", &self.local)
            .field("remote", &self.remote)
            .field("state", &state)
            .finish()
    }
}
