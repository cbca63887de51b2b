//! Names and connections: bind, listen, accept, connect, shutdown.

use crate::descriptor::{Fd, Phase, Role, Socket};
use crate::system::Entry;
use crate::{Errno, Stop, System, Type, Waiting};
use socket::{Cause, OpenOptions, SocketId};
use stack::{Families, ListenOptions};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use tcp::{Habits, Instant};

impl System {
    /// Gives the socket an address of its own.
    ///
    /// # Errors
    /// `EINVAL` if it has one, `EADDRINUSE` if another socket has it, `EADDRNOTAVAIL` if it is none of the
    /// host's, `EAFNOSUPPORT` for the wrong family.
    pub fn bind(&mut self, fd: Fd, address: SocketAddr) -> Result<(), Errno> {
        let socket = self.socket_at(fd)?;
        if socket.bound.is_some() || socket.role != Role::Fresh {
            return Err(Errno::Invalid);
        }
        let address = socket.canonical(address)?;
        if !address.ip().is_unspecified() && !self.core.host_mut().has_address(address.ip()) {
            return Err(Errno::AddressNotAvailable);
        }
        let socket = self.socket_at(fd)?;
        if self.conflicts(fd, socket, address) {
            return Err(Errno::AddressInUse);
        }
        if socket.kind == Type::Datagram {
            self.bind_datagrams(fd, address)?;
        } else {
            self.socket_at_mut(fd)?.bound = Some(address);
        }
        Ok(())
    }

    /// Whether another descriptor has this address: allowed only if both reuse addresses and the
    /// other does not listen.
    fn conflicts(&self, fd: Fd, socket: &Socket, address: SocketAddr) -> bool {
        let others = self.entries.iter().filter(|(other, _)| **other != fd);
        others.into_iter().any(|(_, entry)| {
            let Entry::Socket(other) = entry else { return false };
            let Some(bound) = other.bound else { return false };
            let same = bound.port() == address.port()
                && address.port() != 0
                && (bound.ip() == address.ip()
                    || bound.ip().is_unspecified()
                    || address.ip().is_unspecified());
            let both_reuse = other.options.reuse_address && socket.options.reuse_address;
            same && other.kind == socket.kind && (!both_reuse || matches!(other.role, Role::Listener(_)))
        })
    }

    /// Makes the socket accept connections.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for a datagram socket, `EINVAL` for a connected one, `EADDRINUSE`.
    pub fn listen(&mut self, fd: Fd, backlog: i32) -> Result<(), Errno> {
        let socket = self.socket_at_mut(fd)?;
        if socket.kind == Type::Datagram {
            return Err(Errno::NotSupported);
        }
        match socket.role {
            Role::Listener(_) => return Ok(()),
            Role::Stream(_) | Role::Udp(_) => return Err(Errno::Invalid),
            Role::Fresh => {}
        }
        let local = socket.bound.unwrap_or(SocketAddr::new(socket.domain.unspecified(), 0));
        // As on Linux and FreeBSD, a backlog of N lets N + 1 connections wait.
        let mut options = ListenOptions::new(local, usize::try_from(backlog).unwrap_or(0).saturating_add(1));
        options.families = if socket.options.only_v6 { Families::OnlyV6 } else { Families::Both };
        options.config = Some(Arc::new(socket.options.config().clone()));
        socket.backlog = backlog;
        let socket = self.socket_at(fd)?;
        options.fast_open = self.fast_open_of_listener(&socket.options, backlog);
        let id = self.core.listen(options).map_err(|fault| self.errno(fault))?;
        self.apply_hop_limit(fd, id);
        let bound = self.core.host().local_addr(id);
        let socket = self.socket_at_mut(fd)?;
        socket.bound = bound.or(socket.bound);
        socket.role = Role::Listener(id);
        Ok(())
    }

    /// Takes a connection from a listener's queue: its descriptor and the peer's address.
    ///
    /// # Errors
    /// [`Stop::Blocked`] or `EAGAIN` when there is none, `EINVAL` if the socket does not listen,
    /// `EOPNOTSUPP` for a datagram socket, `EMFILE`.
    pub fn accept(&mut self, now: Instant, fd: Fd) -> Result<(Fd, SocketAddr), Stop> {
        self.settle(now);
        let socket = self.socket_at(fd)?;
        if socket.kind == Type::Datagram {
            return Err(Errno::NotSupported.into());
        }
        let Role::Listener(listener) = socket.role else { return Err(Errno::Invalid.into()) };
        let mut child = Socket::new(socket.domain, Type::Stream, socket.options.clone());
        let nonblocking = socket.nonblocking;
        self.check_has_room()?;
        let attempt = self.core.poll_accept(now, listener);
        let Some(accepted) = self.outcome(attempt, nonblocking)? else { return Err(Stop::Blocked) };
        child.role = Role::Stream(accepted.id);
        child.is_told_connected = true;
        child.bound = Some(accepted.local);
        let shown = child.shown(accepted.remote);
        let child = self.insert(Entry::Socket(Box::new(child)))?;
        self.settle(now);
        Ok((child, shown))
    }

    /// Connects to `remote`.
    ///
    /// # Errors
    /// [`Stop::Blocked`]; on a non-blocking socket `EINPROGRESS` at first and `EALREADY` afterwards;
    /// `EISCONN` when connected; why it failed when it failed (`ECONNREFUSED`, `ETIMEDOUT`,
    /// `EHOSTUNREACH` ...).
    pub fn connect(
        &mut self,
        now: Instant,
        fd: Fd,
        remote: SocketAddr,
        waiting: &mut Waiting,
    ) -> Result<(), Stop> {
        self.settle(now);
        let habits = self.habits();
        let socket = self.socket_at(fd)?;
        if socket.kind == Type::Datagram {
            return Ok(self.connect_datagrams(fd, remote)?);
        }
        let id = match socket.role {
            Role::Fresh if socket.deferred.is_some() => return Err(Errno::IsConnected.into()),
            Role::Fresh => {
                return match self.connect_fast(now, fd, remote) {
                    Some(outcome) => Ok(outcome?),
                    None => self.begin_connect(now, fd, remote, waiting),
                };
            }
            Role::Listener(_) | Role::Udp(_) if habits == Habits::FreeBsd => {
                return Err(Errno::NotSupported.into());
            }
            Role::Listener(_) | Role::Udp(_) => return Err(Errno::IsConnected.into()),
            Role::Stream(id) => id,
        };
        let connected = self.core.poll_connected(id);
        let socket = self.socket_at_mut(fd)?;
        match connected {
            Poll::Pending if socket.nonblocking => Err(Errno::Already.into()),
            Poll::Pending => Err(waiting.block(now, socket.options.send_timeout, Errno::InProgress)),
            Poll::Ready(Ok(())) if socket.is_told_connected => Err(Errno::IsConnected.into()),
            Poll::Ready(Ok(())) => {
                socket.is_told_connected = true;
                let told = waiting.bytes == 0 && habits == Habits::FreeBsd;
                if told { Err(Errno::IsConnected.into()) } else { Ok(()) }
            }
            Poll::Ready(Err(fault)) => {
                // The socket may be used again.
                socket.role = Role::Fresh;
                self.core.close(now, id);
                // Its failure may have been told by another call.
                let was_told = fault.cause() == Cause::NotConnected;
                Err(if was_told { Errno::ConnectionAborted } else { self.errno(fault) }.into())
            }
        }
    }

    fn begin_connect(
        &mut self,
        now: Instant,
        fd: Fd,
        remote: SocketAddr,
        waiting: &mut Waiting,
    ) -> Result<(), Stop> {
        let socket = self.socket_at(fd)?;
        let options = OpenOptions {
            local: socket.bound,
            config: Some(Arc::new(socket.options.config().clone())),
            hop_limit: socket.options.hop_limit,
            fast_open: self.fast_open_of_connect(socket),
            ..OpenOptions::to(socket.canonical(remote)?)
        };
        let opened = self.core.open(now, options).map_err(|fault| self.errno(fault))?;
        let socket = self.socket_at_mut(fd)?;
        socket.role = Role::Stream(opened.id);
        socket.bound = Some(opened.local);
        socket.is_told_connected = false;
        let (nonblocking, timeout) = (socket.nonblocking, socket.options.send_timeout);
        self.settle(now);
        if nonblocking {
            return Err(Errno::InProgress.into());
        }
        // Marks the call as begun: what `connect` says of an established socket depends on it.
        waiting.bytes = 1;
        Err(waiting.block(now, timeout, Errno::InProgress))
    }

    fn connect_datagrams(&mut self, fd: Fd, remote: SocketAddr) -> Result<(), Errno> {
        let id = self.datagram_id(fd)?;
        let remote = self.socket_at(fd)?.canonical(remote)?;
        self.core.connect_datagrams(id, remote).map_err(|fault| self.errno(fault))
    }

    /// The core's socket of a datagram descriptor, bound to any port if it is not bound yet.
    pub(crate) fn datagram_id(&mut self, fd: Fd) -> Result<SocketId, Errno> {
        let socket = self.socket_at(fd)?;
        if let Role::Udp(id) = socket.role {
            return Ok(id);
        }
        self.bind_datagrams(fd, SocketAddr::new(socket.domain.unspecified(), 0))
    }

    fn bind_datagrams(&mut self, fd: Fd, local: SocketAddr) -> Result<SocketId, Errno> {
        let id = self.core.bind(local).map_err(|fault| self.errno(fault))?;
        let bound = self.core.host().local_addr(id);
        let socket = self.socket_at_mut(fd)?;
        socket.role = Role::Udp(id);
        socket.bound = bound;
        self.apply_hop_limit(fd, id);
        Ok(id)
    }

    /// Ends one direction or both.
    ///
    /// # Errors
    /// `ENOTCONN` without a connection.
    pub fn shutdown(&mut self, now: Instant, fd: Fd, how: Shutdown) -> Result<(), Errno> {
        self.settle(now);
        let is_freebsd = self.habits() == Habits::FreeBsd;
        let role = self.socket_at(fd)?.role;
        match role {
            // Linux gives up a connection attempt, and listening.
            Role::Stream(id)
                if !is_freebsd && self.phase(id) == Phase::Connecting && how != Shutdown::Write =>
            {
                self.core.abort(now, id);
                self.core.close(now, id);
                self.socket_at_mut(fd)?.role = Role::Fresh;
            }
            Role::Listener(id) if !is_freebsd => {
                if how != Shutdown::Write {
                    self.core.close(now, id);
                    self.socket_at_mut(fd)?.role = Role::Fresh;
                }
            }
            Role::Stream(id) | Role::Udp(id) => {
                self.core.shutdown(now, id, how).map_err(|fault| self.errno(fault))?;
                // Text for a reader that is gone: FreeBSD acknowledges it and throws it away (`sbappendstream`), on
                // Linux it stays to be read.
                if is_freebsd && how != Shutdown::Write {
                    self.core.discard(now, id);
                }
            }
            Role::Fresh if self.socket_at(fd)?.deferred.is_some() => {
                // Nothing has left: the attempt is given up.
                self.socket_at_mut(fd)?.deferred = None;
            }
            Role::Fresh | Role::Listener(_) => return Err(Errno::NotConnected),
        }
        self.settle(now);
        Ok(())
    }

    /// The socket's own address.
    ///
    /// # Errors
    /// `EBADF`, `ENOTSOCK`.
    pub fn local_address(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        let socket = self.socket_at(fd)?;
        Ok(socket.shown(socket.bound.unwrap_or(SocketAddr::new(socket.domain.unspecified(), 0))))
    }

    /// The peer's address.
    ///
    /// # Errors
    /// `ENOTCONN` without a peer; `EBADF`, `ENOTSOCK`.
    pub fn peer_address(&self, fd: Fd) -> Result<SocketAddr, Errno> {
        let socket = self.socket_at(fd)?;
        let peer = match socket.role {
            Role::Stream(id) if self.phase(id) != Phase::Connecting => self.core.connected_peer(id).ok(),
            Role::Udp(id) => self.core.peer(id),
            _ => None,
        };
        peer.map(|peer| socket.shown(peer)).ok_or(Errno::NotConnected)
    }
}
