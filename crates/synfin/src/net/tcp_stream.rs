//! One end of a TCP connection, with the methods of [`std::net::TcpStream`].
//!
//! Calls run to completion: `write` copies into the send queue and puts what may be sent on the link
//! itself, `read` copies out and sends the window update if one is due. No other thread is waited for,
//! unless there is nothing to do yet. What the engine's answers mean is in [`crate::stream`].

use super::deadlines::Deadlines;
use super::{Shutdown, SocketAddr, ToSocketAddrs, each_address};
use crate::core::Core;
use crate::readiness::{Interest, Patience};
use crate::{Stack, error};
use bytes::Bytes;
use stack::SocketId;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tcp::WriteError;

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
    stack: Stack,
    id: SocketId,
    local: SocketAddr,
    remote: SocketAddr,
    deadlines: Deadlines,
    linger: Mutex<Option<Duration>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let linger = *self.linger.get_mut().unwrap_or_else(PoisonError::into_inner);
        let shared = self.stack.shared();
        if let Some(patience) = linger.filter(|linger| !linger.is_zero()) {
            shared.linger(self.id, Patience::of(Some(patience)));
        }
        shared.with(|core, now| {
            if linger == Some(Duration::ZERO) {
                core.abort(now, self.id);
            }
            core.close(now, self.id);
        });
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
        each_address(addr, |remote| TcpStream::open(stack, None, remote, Patience::Forever))
    }

    /// Like [`connect`](Self::connect), but waits no longer than `timeout`.
    ///
    /// # Errors
    /// `TimedOut` when the time is up; `InvalidInput` for a timeout of zero.
    pub fn connect_timeout(stack: &Stack, addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        if timeout.is_zero() {
            return Err(error::invalid("a timeout of zero leaves no time to connect in; give more"));
        }
        TcpStream::open(stack, None, *addr, Patience::of(Some(timeout)))
    }

    /// Like [`connect`](Self::connect), from an address and port of the caller's choice (port zero:
    /// the host chooses).
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable`, and those of [`connect`](Self::connect).
    pub fn connect_from(stack: &Stack, local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::open(stack, Some(local), remote, Patience::Forever)
    }

    fn open(
        stack: &Stack,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        patience: Patience,
    ) -> io::Result<TcpStream> {
        let shared = stack.shared();
        let (id, local) = shared.call(|core, now| core.open_stream(now, local, remote))?;
        // From here on dropping the stream takes everything back.
        let stream = TcpStream::new(stack, id, local, remote);
        shared
            .wait(id, Interest::Write, patience, |core, _| core.poll_connected(id, remote))
            .unwrap_or_else(|| Err(error::not_in_time(remote)))?;
        Ok(stream)
    }

    /// A handle to a connection that the host has made.
    pub(crate) fn new(stack: &Stack, id: SocketId, local: SocketAddr, remote: SocketAddr) -> TcpStream {
        let (deadlines, linger) = (Deadlines::default(), Mutex::new(None));
        TcpStream { inner: Arc::new(Inner { stack: stack.clone(), id, local, remote, deadlines, linger }) }
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// `NotConnected` once the connection is over in both directions.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        if self.inner.stack.shared().look(|core, _| core.is_over(self.inner.id)) {
            return Err(self.is_gone());
        }
        Ok(self.inner.remote)
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
        self.inner
            .stack
            .shared()
            .call(|core, now| core.shutdown_stream(now, self.inner.id, how).map_err(|_| self.is_gone()))
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
        let Inner { id, remote, .. } = *self.inner;
        let shared = self.inner.stack.shared();
        let patience = self.inner.deadlines.patience(Interest::Read);
        let peeked = shared.wait(id, Interest::Read, patience, |core, _| {
            core.poll_peek(id, buf).map(|peeked| peeked.or_else(|error| core.read_failure(id, remote, error)))
        });
        peeked.unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
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
        self.ask(|connection| connection.config().nagle == tcp::Nagle::Off)
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
        *self.inner.linger.lock().unwrap_or_else(PoisonError::into_inner) = linger;
        Ok(())
    }

    /// What [`set_linger`](Self::set_linger) set.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(*self.inner.linger.lock().unwrap_or_else(PoisonError::into_inner))
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
    /// `NotConnected` when the connection is gone.
    pub fn ttl(&self) -> io::Result<u32> {
        self.inner.stack.hop_limit(self.inner.id)
    }

    /// The failure of the connection, if there was one that no call has returned yet. Asking forgets it.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        let Inner { id, remote, .. } = *self.inner;
        let failure = self.inner.stack.shared().with(|core, _| core.take_failure(id));
        Ok(failure.map(|cause| error::failed(cause, remote)))
    }

    fn is_gone(&self) -> io::Error {
        error::not_connected(Some(self.inner.remote))
    }

    fn ask<T>(&self, question: impl FnOnce(&tcp::Connection) -> T) -> io::Result<T> {
        let shared = self.inner.stack.shared();
        shared.look(|core, _| core.host.tcp(self.inner.id).map(question)).ok_or_else(|| self.is_gone())
    }

    fn read_pieces(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Ok(0);
        }
        let Inner { id, remote, .. } = *self.inner;
        let shared = self.inner.stack.shared();
        let patience = self.inner.deadlines.patience(Interest::Read);
        let read = shared.wait(id, Interest::Read, patience, |core, now| {
            core.poll_read(now, id, bufs)
                .map(|read| read.or_else(|error| core.read_failure(id, remote, error)))
        });
        read.unwrap_or_else(|| Err(ErrorKind::WouldBlock.into()))
    }

    /// Repeats `attempt(core, now, done_bytes)` until `total_bytes` are queued, as a blocking `send(2)`
    /// does. What cuts it short is told only if nothing was queued; else the next call tells it.
    fn write_until_done(
        &self,
        total_bytes: usize,
        mut attempt: impl FnMut(&mut Core, tcp::Instant, usize) -> Poll<Result<usize, WriteError>>,
    ) -> io::Result<usize> {
        let Inner { id, remote, .. } = *self.inner;
        let shared = self.inner.stack.shared();
        let patience = self.inner.deadlines.patience(Interest::Write);
        let mut done_bytes = 0;
        while done_bytes < total_bytes {
            let queued = shared.wait(id, Interest::Write, patience, |core, now| {
                attempt(core, now, done_bytes).map(|queued| match queued {
                    Ok(queued_bytes) => Ok(Some(queued_bytes)),
                    Err(_) if done_bytes > 0 => Ok(None),
                    Err(error) => Err(core.write_failure(id, remote, error)),
                })
            });
            match queued {
                Some(Ok(Some(queued_bytes))) => done_bytes += queued_bytes,
                None | Some(Ok(None) | Err(_)) if done_bytes > 0 => break,
                Some(Err(error)) => return Err(error),
                _ => return Err(ErrorKind::WouldBlock.into()),
            }
        }
        Ok(done_bytes)
    }

    fn write_pieces(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let total_bytes = bufs.iter().map(|buf| buf.len()).sum();
        let id = self.inner.id;
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
        let shared = self.inner.stack.shared();
        shared
            .look(|core, now| core.host.tcp(self.inner.id).map(|connection| connection.info(now)))
            .ok_or_else(|| self.is_gone())
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
        self.ask(|connection| connection.config().keep_alive)
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
        let Inner { id, remote, .. } = *self.inner;
        self.inner.stack.shared().call(|core, now| {
            core.host.tcp_configure(now, id, change).map_err(|error| error::host(error, Some(remote)))
        })
    }

    /// Queues bytes without copying them. Waits for room as `write` does; returns how many were taken,
    /// which is all of them unless the socket is non-blocking, a timeout ran out or the connection died.
    ///
    /// # Errors
    /// As for writing.
    pub fn write_bytes(&self, data: Bytes) -> io::Result<usize> {
        let id = self.inner.id;
        let total_bytes = data.len();
        self.write_until_done(total_bytes, move |core, now, done_bytes| {
            match core.host.tcp_write_bytes(now, id, data.slice(done_bytes..)) {
                Ok(0) | Err(WriteError::WouldBlock) => Poll::Pending,
                outcome => Poll::Ready(outcome),
            }
        })
    }

    /// The stack that this connection lives on.
    pub fn stack(&self) -> &Stack {
        &self.inner.stack
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
        let state = self.inner.stack.shared().look(|core, _| core.state_of(self.inner.id));
        f.debug_struct("TcpStream")
            .field("local", &self.inner.local)
            .field("remote", &self.inner.remote)
            .field("state", &state)
            .finish()
    }
}
