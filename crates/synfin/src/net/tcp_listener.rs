//! A port that takes connections, with the methods of [`std::net::TcpListener`].

use super::deadlines::Deadlines;
use super::wait;
use super::{SocketAddr, TcpStream, ToSocketAddrs, each_address};
use crate::Stack;
use socket::{Held, Interest, ListenOptions};
use stack::FastOpenOptions;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Connections that may wait to be accepted, unless the caller says otherwise: what Linux allows since 5.4
/// (`net.core.somaxconn`). Each waits as a full connection, so the number bounds memory.
const BACKLOG: usize = 4_096;

/// A port that takes connections.
///
/// ```no_run
/// # fn serve(stack: &synfin::Stack) -> std::io::Result<()> {
/// let listener = synfin::net::TcpListener::bind(stack, "0.0.0.0:80")?;
/// for stream in listener.incoming() {
///     std::io::Write::write_all(&mut stream?, b"hello\n")?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// Dropping the last handle frees the port; connections that nobody accepted are reset.
pub struct TcpListener {
    inner: Arc<Inner>,
}

/// What all handles of one listener share.
struct Inner {
    socket: Held<Stack>,
    local: SocketAddr,
    deadlines: Deadlines,
}

impl TcpListener {
    /// Takes connections to this address from now on. Port zero: the host chooses one, see
    /// [`local_addr`](Self::local_addr). `0.0.0.0` stands for every IPv4 address of the host, `[::]` for
    /// every address.
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this host): those of the last address.
    pub fn bind(stack: &Stack, addr: impl ToSocketAddrs) -> io::Result<TcpListener> {
        TcpListener::bind_with_backlog(stack, addr, BACKLOG)
    }

    /// Like [`bind`](Self::bind), with a bound of the caller's choice on the connections that wait to be
    /// accepted.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind).
    pub fn bind_with_backlog(
        stack: &Stack,
        addr: impl ToSocketAddrs,
        backlog: usize,
    ) -> io::Result<TcpListener> {
        each_address(addr, |local| TcpListener::listen(stack, ListenOptions::new(local, backlog)))
    }

    /// Takes connections as the options say: families, and every option of the engine for the connections to come,
    /// those of the handshake too.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use synfin::{ListenOptions, Stack, net::TcpListener, tcp::Config};
    ///
    /// let stack = Stack::builder().start()?;
    /// let config = Some(Arc::new(Config { mss_bytes_max: 1_200, ..Config::default() }));
    /// let local = "127.0.0.1:8080".parse().expect("an address");
    /// let listener = TcpListener::listen(&stack, ListenOptions { config, ..ListenOptions::new(local, 128) })?;
    /// # assert_eq!(listener.local_addr()?, local);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As for [`bind`](Self::bind).
    pub fn listen(stack: &Stack, options: ListenOptions) -> io::Result<TcpListener> {
        let asked = options.local;
        let (id, local) = stack.shared().with(|locked, _| {
            let id = locked.core.listen(options)?;
            Ok::<_, io::Error>((id, locked.core.host().local_addr(id).unwrap_or(asked)))
        })?;
        let socket = Held::new(stack.clone(), id);
        Ok(TcpListener { inner: Arc::new(Inner { socket, local, deadlines: Deadlines::default() }) })
    }

    /// Waits for a connection and returns it with the address of its other end. A connection is there
    /// when the third step of the handshake has arrived, the peer's acknowledgment of our SYN-ACK; or with its SYN, see
    /// [`set_fastopen`](Self::set_fastopen).
    ///
    /// # Errors
    /// `WouldBlock` when non-blocking; `NotConnected` when the stack was shut down.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let Inner { socket, deadlines, .. } = &*self.inner;
        let patience = deadlines.patience(Interest::Read);
        let id = socket.id();
        let accepted = wait(socket, Interest::Read, patience, |core, now| core.poll_accept(now, id))?;
        let accepted_socket = Held::new(socket.reach().clone(), accepted.id);
        Ok((TcpStream::new(accepted_socket, accepted.local, accepted.remote), accepted.remote))
    }

    /// Takes connections that open fast (RFC 7413): the text of their SYN can be read, and answered, before the third
    /// step, if they show a cookie that this host gave them. So many may be open without their third step; the others
    /// have an ordinary handshake. Zero: none (`TCP_FASTOPEN`).
    ///
    /// The text of a SYN may arrive twice, as two connections, if the network doubles it: only for services to which that
    /// makes no difference (§6.1). [`Stack::set_fastopen_keys`] rotates the keys of the cookies.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn set_fastopen(&self, qlen: u32) -> io::Result<()> {
        let most = usize::try_from(qlen).unwrap_or(usize::MAX);
        let options = (most > 0).then(|| FastOpenOptions::new(most));
        Ok(self.inner.socket.with(|core, _, id| core.set_fast_open(id, options))?)
    }

    /// Every connection, one after the other, for ever.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.inner.local)
    }

    /// A second handle to the same listener; a connection goes to whoever accepts first.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn try_clone(&self) -> io::Result<TcpListener> {
        Ok(TcpListener { inner: Arc::clone(&self.inner) })
    }

    /// Makes `accept` return `WouldBlock` when no connection waits. What it accepts blocks all the same.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.inner.deadlines.set_nonblocking(nonblocking);
        // Whoever waits in `accept` finds out at the next connection, as in the kernel.
        Ok(())
    }

    /// Always `None`: a listener has no failures of its own.
    ///
    /// # Errors
    /// None today; the signature is that of `std`.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(None)
    }

    /// The TTL (IPv6: hop limit) of the packets of connections that are accepted from now on, 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput` for other numbers.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        Ok(self.inner.socket.with(|core, _, id| core.set_hop_limit(id, ttl))?)
    }

    /// The TTL (IPv6: hop limit) of the packets of connections that are accepted from now on.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(self.inner.socket.look(|core, _, id| core.hop_limit(id))?.into())
    }

    /// The stack that this listener lives on.
    pub fn stack(&self) -> &Stack {
        self.inner.socket.reach()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("local", &self.inner.local).finish()
    }
}

/// The connections of a listener, one after the other: [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl std::iter::FusedIterator for Incoming<'_> {}
