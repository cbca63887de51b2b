//! A port that takes connections, with the methods of `tokio::net::TcpListener`.

use super::addresses::{ToSocketAddrs, each_address};
use super::budget::within_budget;
use super::tcp_stream::TcpStream;
use crate::{Handle, Held, Interest, Place, Reach};
use stack::{Accepted, FastOpenOptions, ListenOptions};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::task::coop;

/// Connections that may wait to be accepted, unless the caller says otherwise: tokio asks for as many.
const BACKLOG: usize = 1_024;

/// A port that takes connections.
///
/// Dropping it frees the port; connections that nobody accepted are reset.
pub struct TcpListener<R: Reach> {
    socket: Held<R>,
    local: SocketAddr,
}

impl<R: Handle> TcpListener<R> {
    /// Takes connections to this address from now on. Port zero: the host chooses one, see
    /// [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    /// `AddrInUse`, `AddrNotAvailable` (not an address of this host): those of the last address.
    pub async fn bind(stack: &R, addr: impl ToSocketAddrs) -> io::Result<Self> {
        TcpListener::bind_on(stack, addr).await
    }
}

impl<R: Reach> TcpListener<R> {
    pub(super) async fn bind_on(stack: &R, addr: impl ToSocketAddrs) -> io::Result<Self> {
        each_address(stack, addr, |local| Self::listen(stack, ListenOptions::new(local, BACKLOG))).await
    }

    /// Takes connections as the options say.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind).
    pub fn listen(stack: &R, options: ListenOptions) -> io::Result<Self> {
        let asked = options.local;
        let (id, local) = stack.with(|core, _| {
            let id = core.listen(options)?;
            Ok::<_, io::Error>((id, core.host().local_addr(id).unwrap_or(asked)))
        })?;
        Ok(TcpListener { socket: Held::new(stack.clone(), id), local })
    }

    /// Waits for a connection and returns it with the address of its other end: the third step of the handshake
    /// has arrived. Several tasks may wait. Cancel safe: a connection that this did not return waits for the next call.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub async fn accept(&self) -> io::Result<(TcpStream<R>, SocketAddr)> {
        let wait = self.socket.wait(Interest::Read, |core, now, id| core.poll_accept(now, id));
        Ok(self.stream(coop::cooperative(wait).await?))
    }

    /// Like [`accept`](Self::accept), for callers that poll. The waker of the last call counts.
    ///
    /// # Errors
    /// As for [`accept`](Self::accept).
    pub fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<(TcpStream<R>, SocketAddr)>> {
        let accepted = within_budget(context, |context| {
            self.socket.poll(Interest::Read, Place::Slot, context, |core, now, id| core.poll_accept(now, id))
        });
        accepted.map(|accepted| Ok(self.stream(accepted?)))
    }

    fn stream(&self, accepted: Accepted) -> (TcpStream<R>, SocketAddr) {
        let Accepted { id, local, remote, .. } = accepted;
        let socket = Held::new(self.socket.reach().clone(), id);
        (TcpStream::new(socket, local, remote), remote)
    }

    /// Takes connections that open fast (RFC 7413): the text of their SYN can be read, and answered, before the third
    /// step, if they show a cookie that this host gave them. So many may be open without their third step; the others
    /// have an ordinary handshake. Zero: none (`TCP_FASTOPEN`).
    ///
    /// The text of a SYN may arrive twice, as two connections, if the network doubles it: only for services to which that
    /// makes no difference (§6.1).
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn set_fastopen(&self, qlen: u32) -> io::Result<()> {
        let most = usize::try_from(qlen).unwrap_or(usize::MAX);
        let options = (most > 0).then(|| FastOpenOptions::new(most));
        Ok(self.socket.with(|core, _, id| core.set_fast_open(id, options))?)
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// None today; the signature is that of tokio.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    /// The TTL (IPv6: hop limit) of the packets of connections that are accepted from now on.
    ///
    /// # Errors
    /// `NotConnected` when the stack was shut down.
    pub fn ttl(&self) -> io::Result<u32> {
        Ok(self.socket.look(|core, _, id| core.hop_limit(id))?.into())
    }

    /// Sets the TTL (IPv6: hop limit) of the packets of connections that are accepted from now on, 1 to 255.
    ///
    /// # Errors
    /// `InvalidInput` for other numbers.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        Ok(self.socket.with(|core, _, id| core.set_hop_limit(id, ttl))?)
    }

    /// The stack that it lives on.
    pub fn stack(&self) -> &R {
        self.socket.reach()
    }
}

impl<R: Reach> fmt::Debug for TcpListener<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("local", &self.local).finish()
    }
}
