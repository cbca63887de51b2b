//! A socket that neither listens nor is connected yet, with the methods of `tokio::net::TcpSocket`: every option
//! that a handshake depends on is set here.

use super::tcp_listener::TcpListener;
use super::tcp_stream::TcpStream;
use crate::{Cause, Fault, Handle, OpenOptions, Reach};
use bytes::Bytes;
use stack::{Families, FastOpenOptions, ListenOptions, OpenFast};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU8;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A socket that neither listens nor is connected yet.
///
/// Options that a SYN carries (segment size, window scale, hop limit) have to be said before it leaves, so they are
/// said here. Listeners hand theirs on to the connections that they accept.
pub struct TcpSocket<R: Reach> {
    stack: R,
    family: Family,
    settings: Mutex<Settings>,
}

/// What was said so far.
#[derive(Clone, Debug)]
struct Settings {
    local: Option<SocketAddr>,
    config: Arc<tcp::Config>,
    hop_limit: Option<NonZeroU8>,
    linger: Option<Duration>,
    reuses_address: bool,
    fastopen: Option<FastOpenOptions>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    fn has(self, address: SocketAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }

    fn unspecified(self) -> SocketAddr {
        let ip = match self {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        SocketAddr::new(ip, 0)
    }
}

impl<R: Handle> TcpSocket<R> {
    /// A socket for IPv4.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn new_v4(stack: &R) -> io::Result<Self> {
        Ok(TcpSocket::new(stack, Family::V4))
    }

    /// A socket for IPv6.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn new_v6(stack: &R) -> io::Result<Self> {
        Ok(TcpSocket::new(stack, Family::V6))
    }
}

impl<R: Reach> TcpSocket<R> {
    pub(super) fn new(stack: &R, family: Family) -> Self {
        let config = stack.look(|core, _| Arc::clone(&core.host().config().tcp));
        let (local, hop_limit, linger, fastopen) = (None, None, None, None);
        let settings = Settings { local, config, hop_limit, linger, reuses_address: false, fastopen };
        TcpSocket { stack: stack.clone(), family, settings: Mutex::new(settings) }
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_family(&self, address: SocketAddr) -> io::Result<()> {
        if self.family.has(address) {
            return Ok(());
        }
        let sentence = format!("{address} is of the other family than the socket");
        Err(io::Error::new(ErrorKind::InvalidInput, sentence))
    }

    /// The address to listen on or to connect from; port zero lets the host choose one.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this host), `InvalidInput` for an address of the other
    /// family, or if it was bound already.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.check_family(addr)?;
        let mut settings = self.settings();
        if settings.local.is_some() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the socket is bound already"));
        }
        settings.local = Some(self.stack.with(|core, now| core.try_address(now, addr))?);
        Ok(())
    }

    /// The address that it was bound to.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.settings().local.unwrap_or(self.family.unspecified()))
    }

    /// Connects; see [`TcpStream::connect`].
    ///
    /// # Errors
    /// Those of [`TcpStream::connect`]; `InvalidInput` for an address of the other family.
    pub async fn connect(self, addr: SocketAddr) -> io::Result<TcpStream<R>> {
        self.open(addr, None).await
    }

    async fn open(self, addr: SocketAddr, fast_open: Option<OpenFast>) -> io::Result<TcpStream<R>> {
        self.check_family(addr)?;
        let Settings { local, config, hop_limit, linger, .. } = self.settings().clone();
        let hop_limit = hop_limit.map(NonZeroU8::get);
        let config = Some(config);
        let options = OpenOptions { local, config, hop_limit, fast_open, ..OpenOptions::to(addr) };
        let stream = TcpStream::open(&self.stack, options).await?;
        stream.set_linger(linger)?;
        Ok(stream)
    }

    /// Listens, with at most so many connections that wait to be accepted.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this host).
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener<R>> {
        let Settings { local, config, hop_limit, fastopen, .. } = self.settings().clone();
        let local = local.unwrap_or(self.family.unspecified());
        let backlog = usize::try_from(backlog).unwrap_or(usize::MAX);
        let options = ListenOptions {
            families: Families::Both,
            config: Some(config),
            fast_open: fastopen,
            ..ListenOptions::new(local, backlog)
        };
        let listener = TcpListener::listen(&self.stack, options)?;
        if let Some(hop_limit) = hop_limit {
            listener.set_ttl(hop_limit.get().into())?;
        }
        Ok(listener)
    }

    /// Whether an idle peer is asked from time to time whether it is still there.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn keepalive(&self) -> io::Result<bool> {
        Ok(self.settings().config.keep_alive.is_some())
    }

    /// Asks an idle peer from time to time whether it is still there (RFC 9293 §3.8.4), after two hours at first.
    /// [`configure`](Self::configure) sets other times.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.configure(|config| config.keep_alive = keepalive.then(tcp::KeepAlive::default));
        Ok(())
    }

    /// What [`set_reuseaddr`](Self::set_reuseaddr) set.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn reuseaddr(&self) -> io::Result<bool> {
        Ok(self.settings().reuses_address)
    }

    /// Changes nothing: an address whose old connections are in TIME-WAIT can be bound in any case.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_reuseaddr(&self, reuseaddr: bool) -> io::Result<()> {
        self.settings().reuses_address = reuseaddr;
        Ok(())
    }

    /// Bytes that may wait to be acknowledged.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        Ok(self.settings().config.send_buffer_bytes)
    }

    /// Sets how many bytes may wait to be acknowledged.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        self.configure(|config| {
            config.send_buffer_bytes = size.max(1);
            config.send_buffer_bytes_initial = 0;
        });
        Ok(())
    }

    /// Bytes that may wait to be read.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        Ok(self.settings().config.receive_buffer_bytes)
    }

    /// Sets how many bytes may wait to be read: the window offered to the peer, and its scale.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        self.configure(|config| {
            config.receive_buffer_bytes = size.max(1);
            config.receive_buffer_bytes_initial = 0;
        });
        Ok(())
    }

    /// What [`set_linger`](Self::set_linger) set.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        Ok(self.settings().linger)
    }

    /// See [`TcpStream::set_linger`].
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.settings().linger = linger;
        Ok(())
    }

    /// Closing throws away what is still to be sent, and resets the connection.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    /// Whether small writes are sent at once.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn nodelay(&self) -> io::Result<bool> {
        Ok(self.settings().config.nagle == tcp::Nagle::Off)
    }

    /// See [`TcpStream::set_nodelay`].
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.configure(|config| config.nagle = if nodelay { tcp::Nagle::Off } else { tcp::Nagle::default() });
        Ok(())
    }

    /// The failure of a socket that is not connected: there is none.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(None)
    }
}

/// Beyond tokio.
impl<R: Reach> TcpSocket<R> {
    /// The stack that it lives on.
    pub fn stack(&self) -> &R {
        &self.stack
    }

    /// Changes any option of the engine: segment size, window scale, congestion control, timestamps, user timeout,
    /// times of keep-alive and retransmission.
    pub fn configure(&self, change: impl FnOnce(&mut tcp::Config)) {
        change(Arc::make_mut(&mut self.settings().config));
    }

    /// Connects with `first` as the first bytes of the stream, which may go with the SYN; see
    /// [`TcpStream::connect_with`].
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect) and of writing.
    pub async fn connect_with(self, addr: SocketAddr, first: &[u8]) -> io::Result<TcpStream<R>> {
        let text = Bytes::copy_from_slice(first);
        self.open(addr, Some(OpenFast { text, ..OpenFast::default() })).await
    }

    /// The listener takes connections that open fast: see [`TcpListener::set_fastopen`]. Zero: it takes none.
    pub fn set_fastopen(&self, qlen: u32) {
        let most = usize::try_from(qlen).unwrap_or(usize::MAX);
        self.settings().fastopen = (most > 0).then(|| FastOpenOptions::new(most));
    }

    /// How long a listener's connections wait for text before they are accepted without, and whether the third step of
    /// an active open waits for text to take along (`TCP_DEFER_ACCEPT`).
    pub fn set_defer_accept(&self, time: Option<Duration>) {
        self.configure(|config| config.defer_accept = time);
    }

    /// The largest segment to ask the peer for, in bytes (`TCP_MAXSEG`; RFC 9293 §3.7.1).
    pub fn set_max_segment_size(&self, bytes: u16) {
        self.configure(|config| config.mss_bytes_max = bytes);
    }

    /// How the window grows and shrinks (`TCP_CONGESTION`).
    pub fn set_congestion_control(&self, congestion: tcp::CongestionControl) {
        self.configure(|config| config.congestion = congestion);
    }

    /// How long sent data may stay unacknowledged before the connection is given up (`TCP_USER_TIMEOUT`).
    pub fn set_user_timeout(&self, timeout: Option<Duration>) {
        self.configure(|config| config.user_timeout = timeout);
    }

    /// The TTL (IPv6: hop limit) of our packets, from the SYN on, 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput` for other numbers.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        let hop_limit = u8::try_from(ttl).ok().and_then(NonZeroU8::new);
        self.settings().hop_limit = Some(hop_limit.ok_or(Fault::of(Cause::InvalidHopLimit))?);
        Ok(())
    }
}

impl<R: Reach> fmt::Debug for TcpSocket<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.settings().local;
        f.debug_struct("TcpSocket").field("family", &self.family).field("local", &local).finish()
    }
}
