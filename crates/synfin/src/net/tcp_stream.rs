//! One end of a TCP connection, with the methods of [`std::net::TcpStream`].
//!
//! Calls run to completion: `write` copies into the send queue and puts what may be sent on the link
//! itself, `read` copies out and sends the window update if one is due. No other thread is waited for,
//! unless there is nothing to do yet. What the engine's answers mean is decided in [`socket`].

use super::deadlines::Deadlines;
use super::{Shutdown, SocketAddr, ToSocketAddrs, each_address};
use super::{gone, invalid, wait};
use crate::Stack;
use crate::park::Patience;
use bytes::Bytes;
use socket::{Cause, Core, Fault, Held, Interest, OpenOptions, Opened};
use stack::OpenFast;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// One end of a TCP connection.
///
/// ```no_run
/// # fn page(stack: &synfin::Stack) -> std::io::Result<Vec<u8>> {
/// use std::io::{Read, Write};
/// let mut stream = synfin::net::TcpStream::connect(stack, "10.90.0.1:8000")?;
/// stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
/// let mut page = Vec::new();
/// stream.read_to_end(&mut page)?;
/// # Ok(page)
/// # }
/// ```
///
/// Dropping the last handle closes the connection: queued data is still sent, then a FIN; if data had
/// arrived that nobody read, the peer gets a reset instead, for it must not believe that it was read
/// (RFC 9293 §3.6.1, SHLD-3). [`set_linger`](Self::set_linger) changes that. Closing does not wait, but dropping
/// the last handle to the stack does, see [`Stack`].
pub struct TcpStream {
    inner: Arc<Inner>,
}

/// What all handles of one connection share.
struct Inner {
    socket: Held<Stack>,
    local: SocketAddr,
    remote: SocketAddr,
    deadlines: Deadlines,
}

impl Drop for Inner {
    /// A close that waits for its peer waits here; the rest is that of every socket.
    fn drop(&mut self) {
        let linger = self.socket.look(|core, _, id| core.linger(id)).filter(|linger| !linger.is_zero());
        if linger.is_some() {
            self.socket.reach().shared().linger(self.socket.id(), Patience::of(linger));
        }
    }
}

impl TcpStream {
    /// Connects and returns when the peer's SYN-ACK has arrived, the second step of the handshake.
    /// Several addresses are tried one after the other.
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut`, `HostUnreachable`, `NetworkUnreachable`, `AddrNotAvailable`
    /// (no free port), `InvalidInput` (an address nobody can connect to): those of the last address.
    pub fn connect(stack: &Stack, addr: impl ToSocketAddrs) -> io::Result<TcpStream> {
        each_address(addr, |remote| TcpStream::open_within(stack, OpenOptions::to(remote), Patience::Forever))
    }

    /// Like [`connect`](Self::connect), but waits no longer than `timeout`.
    ///
    /// # Errors
    /// `TimedOut` when the time is up; `InvalidInput` for a timeout of zero.
    pub fn connect_timeout(stack: &Stack, addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        if timeout.is_zero() {
            return Err(invalid("a timeout of zero leaves no time to connect in; give more"));
        }
        TcpStream::open_within(stack, OpenOptions::to(*addr), Patience::of(Some(timeout)))
    }

    /// Like [`connect`](Self::connect), from an address and port of the caller's choice (port zero:
    /// the host chooses).
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`, and those of [`connect`](Self::connect).
    pub fn connect_from(stack: &Stack, local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::open(stack, OpenOptions { local: Some(local), ..OpenOptions::to(remote) })
    }

    /// Connects with `first` as the first bytes of the stream, and returns when the peer's SYN-ACK has arrived. If the
    /// peer has given us a Fast Open cookie, as much of `first` as fits goes with the SYN, a round trip sooner; if not,
    /// the SYN asks for one, and all of it goes when the connection is open (RFC 7413).
    ///
    /// What goes with a SYN may reach the peer's program twice, if the network doubles it: only for requests to which
    /// that makes no difference (§6.1).
    ///
    /// ```no_run
    /// # fn page(stack: &synfin::Stack) -> std::io::Result<Vec<u8>> {
    /// use std::io::Read;
    /// let mut stream = synfin::net::TcpStream::connect_with(stack, "10.90.0.1:8000", b"GET / HTTP/1.0\r\n\r\n")?;
    /// let mut page = Vec::new();
    /// stream.read_to_end(&mut page)?;
    /// # Ok(page)
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`connect`](Self::connect), and those of writing.
    pub fn connect_with(stack: &Stack, addr: impl ToSocketAddrs, first: &[u8]) -> io::Result<TcpStream> {
        let text = Bytes::copy_from_slice(first);
        each_address(addr, |remote| {
            let fast_open = Some(OpenFast { text: text.clone(), ..OpenFast::default() });
            TcpStream::open(stack, OpenOptions { fast_open, ..OpenOptions::to(remote) })
        })
    }

    /// Connects as the options say: from where, and with every option of the engine, those of the handshake too
    /// (buffers, segment size, window scale, congestion control, user timeout, hop limit).
    ///
    /// ```no_run
    /// # fn open(stack: &synfin::Stack) -> std::io::Result<()> {
    /// use std::sync::Arc;
    /// use synfin::{OpenOptions, net::TcpStream, tcp::{Config, CongestionControl}};
    ///
    /// let config = Config { congestion: CongestionControl::NewReno, ..Config::default() };
    /// let remote = "10.90.0.1:80".parse().expect("an address");
    /// let options = OpenOptions { config: Some(Arc::new(config)), hop_limit: Some(1), ..OpenOptions::to(remote) };
    /// let stream = TcpStream::open(stack, options)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`, and those of [`connect`](Self::connect).
    pub fn open(stack: &Stack, options: OpenOptions) -> io::Result<TcpStream> {
        TcpStream::open_within(stack, options, Patience::Forever)
    }

    fn open_within(stack: &Stack, options: OpenOptions, patience: Patience) -> io::Result<TcpStream> {
        let remote = options.remote;
        let first = options.fast_open.as_ref().map(|open| open.text.clone()).unwrap_or_default();
        let (Opened { id, local }, queued) = stack.shared().with(|locked, now| {
            let opened = locked.core.open(now, options)?;
            Ok::<_, Fault>((opened, locked.core.unacknowledged_bytes(opened.id)))
        })?;
        // From here on dropping the stream takes everything back.
        let mut stream = TcpStream::new(Held::new(stack.clone(), id), local, remote);
        stream.connected(patience)?;
        if queued < first.len() {
            stream.write_all(&first[queued..])?;
        }
        Ok(stream)
    }

    /// Waits until the handshake is over.
    pub(super) fn connected(&self, patience: Patience) -> io::Result<()> {
        let Inner { socket, remote, .. } = &*self.inner;
        let (shared, id) = (socket.reach().shared(), socket.id());
        let connected = shared.wait(id, Interest::Write, patience, |core, _| core.poll_connected(id));
        Ok(connected.unwrap_or(Err(Fault::with(Some(*remote), Cause::NotInTime)))?)
    }

    /// A handle to a connection that the host has made.
    pub(crate) fn new(socket: Held<Stack>, local: SocketAddr, remote: SocketAddr) -> TcpStream {
        let deadlines = Deadlines::default();
        TcpStream { inner: Arc::new(Inner { socket, local, remote, deadlines }) }
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// `NotConnected` once the connection is over in both directions.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.inner.socket.look(|core, _, id| core.connected_peer(id))?)
    }

    /// The address of our end.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.inner.local)
    }

    /// Ends one direction, or both. For writing: the peer reads to the end and then sees it (a FIN). For
    /// reading: an empty queue is the end from now on. Threads that wait in an ended direction return.
    ///
    /// # Errors
    /// `NotConnected` when the connection is over already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Ok(self.inner.socket.with(|core, now, id| core.shutdown(now, id, how))?)
    }

    /// A second handle to the same connection: it shares options and timeouts, and the last one closes.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        Ok(TcpStream { inner: Arc::clone(&self.inner) })
    }

    /// Like [`read`](Read::read), but the bytes stay to be read again.
    ///
    /// # Errors
    /// As for reading.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let Inner { socket, deadlines, .. } = &*self.inner;
        let id = socket.id();
        wait(socket, Interest::Read, deadlines.patience(Interest::Read), |core, _| core.poll_peek(id, buf))
    }

    /// How long `read` and `peek` wait before they give `WouldBlock`; `None`: for ever.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.inner.deadlines.set_timeout(Interest::Read, timeout)
    }

    /// How long `write` waits before it gives `WouldBlock`; `None`: for ever.
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

    /// Makes reads and writes that would have to wait return `WouldBlock` instead.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.inner.deadlines.set_nonblocking(nonblocking);
        Ok(())
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`) or may wait while earlier ones are
    /// unacknowledged (Nagle, RFC 9293 §3.7.4).
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.configure(|config| config.nagle = if nodelay { tcp::Nagle::Off } else { tcp::Nagle::default() })
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.ask(|connection, _| connection.config().nagle == tcp::Nagle::Off)
    }

    /// What closing does with data that is still to be sent.
    ///
    /// - `None`, the default: closing returns at once; the data and the FIN are sent behind the scenes;
    /// - zero: the data is thrown away and the peer gets a reset;
    /// - otherwise closing waits so long for the peer to have it all.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.inner.socket.with(|core, _, id| core.set_linger(id, linger));
        Ok(())
    }

    /// What [`set_linger`](Self::set_linger) set.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.inner.socket.look(|core, _, id| core.linger(id)))
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
    /// `NotConnected` when the connection is gone.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(self.inner.socket.look(|core, _, id| core.hop_limit(id))?.into())
    }

    /// The failure of the connection, if there was one that no call has returned yet. Asking forgets it.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(self.inner.socket.with(|core, _, id| core.take_failure(id)).map(io::Error::from))
    }

    fn ask<T>(&self, question: impl FnOnce(&tcp::Connection, tcp::Instant) -> T) -> io::Result<T> {
        let Inner { socket, remote, .. } = &*self.inner;
        let answer = socket.look(|core, now, id| core.host().tcp(id).map(|tcp| question(tcp, now)));
        answer.ok_or_else(|| gone(Some(*remote)))
    }

    fn read_pieces(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Ok(0);
        }
        let Inner { socket, deadlines, .. } = &*self.inner;
        let id = socket.id();
        let patience = deadlines.patience(Interest::Read);
        wait(socket, Interest::Read, patience, |core, now| core.poll_read(now, id, bufs))
    }

    /// Repeats `attempt(core, now, done_bytes)` until `total_bytes` are queued, as a blocking `send(2)`
    /// does. What cuts it short is told only if nothing was queued; else the next call tells it.
    fn write_until_done(
        &self,
        total_bytes: usize,
        mut attempt: impl FnMut(&mut Core, tcp::Instant, usize) -> Poll<Result<usize, Fault>>,
    ) -> io::Result<usize> {
        let Inner { socket, deadlines, .. } = &*self.inner;
        let patience = deadlines.patience(Interest::Write);
        let mut done_bytes = 0;
        // An empty write is one, too: it may tell of a failure.
        loop {
            let queued = wait(socket, Interest::Write, patience, |core, now| {
                if done_bytes > 0 && core.has_failed(socket.id()) {
                    return Poll::Ready(Ok(None));
                }
                attempt(core, now, done_bytes).map_ok(Some)
            });
            match queued {
                Ok(Some(queued_bytes)) => done_bytes += queued_bytes,
                Ok(None) | Err(_) if done_bytes > 0 => break,
                Ok(None) => return Err(ErrorKind::WouldBlock.into()),
                Err(error) => return Err(error),
            }
            if done_bytes >= total_bytes {
                break;
            }
        }
        Ok(done_bytes)
    }

    fn write_pieces(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let total_bytes = bufs.iter().map(|buf| buf.len()).sum();
        let id = self.inner.socket.id();
        self.write_until_done(total_bytes, |core, now, done_bytes| core.poll_write(now, id, bufs, done_bytes))
    }
}

/// Beyond `std::net`.
impl TcpStream {
    /// What the engine knows of this connection: state, round-trip time, windows, retransmissions, bytes
    /// (what Linux tells by `TCP_INFO`).
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn info(&self) -> io::Result<tcp::Info> {
        self.ask(|connection, now| connection.info(now))
    }

    /// Asks an idle peer from time to time whether it is still there (RFC 9293 §3.8.4); `None`, the
    /// default: never.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn set_keepalive(&self, keep_alive: Option<tcp::KeepAlive>) -> io::Result<()> {
        self.configure(|config| config.keep_alive = keep_alive)
    }

    /// The keep-alive settings.
    ///
    /// # Errors
    /// `NotConnected` when the connection is gone.
    pub fn keepalive(&self) -> io::Result<Option<tcp::KeepAlive>> {
        self.ask(|connection, _| connection.config().keep_alive)
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
        Ok(self.inner.socket.with(|core, now, id| core.configure(now, id, change))?)
    }

    /// Queues bytes without copying them. Waits for room as `write` does; returns how many were taken,
    /// which is all of them unless the socket is non-blocking, a timeout ran out or the connection died.
    ///
    /// # Errors
    /// As for writing.
    pub fn write_bytes(&self, data: Bytes) -> io::Result<usize> {
        let id = self.inner.socket.id();
        let total_bytes = data.len();
        self.write_until_done(total_bytes, move |core, now, done_bytes| {
            core.poll_write_bytes(now, id, data.slice(done_bytes..))
        })
    }

    /// The stack that this connection lives on.
    pub fn stack(&self) -> &Stack {
        self.inner.socket.reach()
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_pieces(&mut [IoSliceMut::new(buf)])
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.read_pieces(bufs)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_pieces(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_pieces(bufs)
    }

    /// Nothing waits outside the engine, so there is nothing to flush.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(bufs)
    }
}

impl Write for TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.socket.look(|core, _, id| core.state_of(id));
        f.debug_struct("TcpStream")
            .field("local", &self.inner.local)
            .field("remote", &self.inner.remote)
            .field("state", &state)
            .finish()
    }
}
