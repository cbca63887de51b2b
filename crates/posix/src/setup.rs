//! Names and connections: bind, listen, accept, connect, shutdown.

use crate::socket::{Fd, Phase, Role, Socket};
use crate::system::Entry;
use crate::{Errno, Stop, System, Type, Waiting};
use stack::{ConnectOptions, Families, ListenOptions};
use std::net::SocketAddr;
use std::sync::Arc;
use tcp::{Habits, Instant};

/// Which direction to shut down.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// `SHUT_RD`: reading ends.
    Read,
    /// `SHUT_WR`: a FIN follows what has been written.
    Write,
    /// `SHUT_RDWR`
    Both,
}

impl Shutdown {
    fn reads(self) -> bool {
        self != Shutdown::Write
    }

    fn writes(self) -> bool {
        self != Shutdown::Read
    }
}

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
        if !address.ip().is_unspecified() && !self.host.has_address(address.ip()) {
            return Err(Errno::AddressNotAvailable);
        }
        let socket = self.socket_at(fd)?;
        if self.conflicts(fd, socket, address) {
            return Err(Errno::AddressInUse);
        }
        if socket.kind == Type::Datagram {
            let id = self.host.udp_bind(address).map_err(|error| Errno::of_host(error, self.habits()))?;
            self.ids.insert(id, fd);
            self.socket_at_mut(fd)?.role = Role::Udp(id);
        }
        self.socket_at_mut(fd)?.bound = Some(address);
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
        let habits = self.habits();
        let socket = self.socket_at_mut(fd)?;
        if socket.kind == Type::Datagram {
            return Err(Errno::NotSupported);
        }
        match socket.role {
            Role::Listener(_) => return Ok(()),
            Role::Stream(..) | Role::Udp(_) => return Err(Errno::Invalid),
            Role::Fresh => {}
        }
        let local = socket.bound.unwrap_or(SocketAddr::new(socket.domain.unspecified(), 0));
        // As on Linux and FreeBSD, a backlog of N lets N + 1 connections wait.
        let mut options = ListenOptions::new(local, usize::try_from(backlog).unwrap_or(0).saturating_add(1));
        options.families = if socket.options.only_v6 { Families::OnlyV6 } else { Families::Both };
        options.config = Some(Arc::new(socket.options.config().clone()));
        let id = self.host.tcp_listen_with(options).map_err(|error| Errno::of_host(error, habits))?;
        self.ids.insert(id, fd);
        let bound = self.host.local_addr(id);
        let socket = self.socket_at_mut(fd)?;
        socket.bound = bound.or(socket.bound);
        socket.role = Role::Listener(id);
        Ok(())
    }

    /// Takes a connection from a listener's queue: its descriptor and the peer's address.
    ///
    /// # Errors
    /// [`Stop::Blocked`] or `EAGAIN` when there is none, `EINVAL` if the socket does not listen,
    /// `EOPNOTSUPP` for a datagram socket.
    pub fn accept(&mut self, fd: Fd) -> Result<(Fd, SocketAddr), Stop> {
        self.settle();
        let socket = self.socket_at(fd)?;
        if socket.kind == Type::Datagram {
            return Err(Errno::NotSupported.into());
        }
        let Role::Listener(listener) = socket.role else { return Err(Errno::Invalid.into()) };
        let nonblocking = socket.nonblocking;
        let Some(accepted) = self.host.tcp_accept(listener) else {
            return Err(if nonblocking { Errno::Again.into() } else { Stop::Blocked });
        };
        let socket = self.socket_at(fd)?;
        let mut child = Socket::new(socket.domain, Type::Stream, socket.options.clone());
        child.role = Role::Stream(accepted.id, Phase::Connected);
        child.bound = Some(accepted.local);
        child.peer = Some(accepted.remote);
        let shown = child.shown(accepted.remote);
        let child = self.insert(Entry::Socket(Box::new(child)))?;
        self.ids.insert(accepted.id, child);
        self.settle();
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
        self.settle();
        let habits = self.habits();
        let socket = self.socket_at_mut(fd)?;
        if socket.kind == Type::Datagram {
            return Ok(self.connect_datagrams(fd, remote)?);
        }
        match socket.role {
            Role::Fresh => self.begin_connect(now, fd, remote, waiting),
            Role::Listener(_) | Role::Udp(_) if habits == Habits::FreeBsd => Err(Errno::NotSupported.into()),
            Role::Listener(_) | Role::Udp(_) => Err(Errno::IsConnected.into()),
            Role::Stream(_, Phase::Connecting) if socket.nonblocking => Err(Errno::Already.into()),
            Role::Stream(_, Phase::Connecting) => {
                let timeout = socket.options.send_timeout;
                waiting.block(now, timeout, Errno::InProgress)
            }
            Role::Stream(_, Phase::Established) => {
                socket.set_phase(Phase::Connected);
                let told = waiting.bytes == 0 && habits == Habits::FreeBsd;
                if told { Err(Errno::IsConnected.into()) } else { Ok(()) }
            }
            Role::Stream(_, Phase::Connected) => Err(Errno::IsConnected.into()),
            Role::Stream(id, Phase::Over) => {
                let error = socket.error.take();
                // The socket may be used again.
                socket.role = Role::Fresh;
                self.ids.remove(&id);
                let _ = self.host.tcp_close(now, id);
                Err(error.unwrap_or(Errno::ConnectionAborted).into())
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
        let habits = self.habits();
        let socket = self.socket_at(fd)?;
        let remote = socket.canonical(remote)?;
        let mut options = ConnectOptions::new(remote);
        options.local = socket.bound;
        options.config = Some(Arc::new(socket.options.config().clone()));
        let id = self.host.tcp_connect_with(now, options).map_err(|error| Errno::of_host(error, habits))?;
        self.ids.insert(id, fd);
        let local = self.host.local_addr(id);
        let socket = self.socket_at_mut(fd)?;
        socket.role = Role::Stream(id, Phase::Connecting);
        socket.peer = Some(remote);
        socket.bound = local.or(socket.bound);
        socket.peer_finished = false;
        (socket.read_shut, socket.write_shut) = (false, false);
        let (nonblocking, timeout) = (socket.nonblocking, socket.options.send_timeout);
        if let Some(hops) = socket.options.hop_limit {
            let _ = self.host.set_hop_limit(id, hops);
        }
        self.settle();
        if nonblocking {
            return Err(Errno::InProgress.into());
        }
        // Marks the call as begun: what `connect` says of an established socket depends on it.
        waiting.bytes = 1;
        waiting.block(now, timeout, Errno::InProgress)
    }

    fn connect_datagrams(&mut self, fd: Fd, remote: SocketAddr) -> Result<(), Errno> {
        let habits = self.habits();
        let id = self.datagram_id(fd)?;
        let socket = self.socket_at_mut(fd)?;
        let remote = socket.canonical(remote)?;
        socket.peer = Some(remote);
        self.host.udp_connect(id, Some(remote)).map_err(|error| Errno::of_host(error, habits))
    }

    /// The host's socket of a datagram descriptor, bound to any port if it is not bound yet.
    pub(crate) fn datagram_id(&mut self, fd: Fd) -> Result<stack::SocketId, Errno> {
        let socket = self.socket_at(fd)?;
        if let Role::Udp(id) = socket.role {
            return Ok(id);
        }
        let any = SocketAddr::new(socket.domain.unspecified(), 0);
        let id = self.host.udp_bind(any).map_err(|error| Errno::of_host(error, self.habits()))?;
        self.ids.insert(id, fd);
        let bound = self.host.local_addr(id);
        let socket = self.socket_at_mut(fd)?;
        socket.role = Role::Udp(id);
        socket.bound = bound;
        Ok(id)
    }

    /// Ends one direction or both.
    ///
    /// # Errors
    /// `ENOTCONN` without a connection.
    pub fn shutdown(&mut self, now: Instant, fd: Fd, how: Shutdown) -> Result<(), Errno> {
        self.settle();
        let habits = self.habits();
        let socket = self.socket_at_mut(fd)?;
        match socket.role {
            Role::Stream(id, Phase::Connecting) if habits != Habits::FreeBsd && how.reads() => {
                // Linux gives up a connection attempt.
                socket.role = Role::Fresh;
                self.ids.remove(&id);
                let _ = self.host.tcp_abort(now, id);
                let _ = self.host.tcp_close(now, id);
            }
            Role::Stream(_, Phase::Over) => return Err(Errno::NotConnected),
            Role::Stream(id, _) => {
                socket.read_shut |= how.reads();
                socket.write_shut |= how.writes();
                socket.happenings += 1;
                if how.reads() && habits == Habits::FreeBsd {
                    self.unwanted.push(id);
                    self.throw_away_unwanted(now);
                }
                if how.writes() {
                    let _ = self.host.tcp_finish(now, id);
                }
            }
            Role::Listener(id) if habits != Habits::FreeBsd => {
                if how.reads() {
                    socket.role = Role::Fresh;
                    self.ids.remove(&id);
                    let _ = self.host.tcp_close(now, id);
                }
            }
            Role::Udp(_) if socket.peer.is_some() => {
                socket.read_shut |= how.reads();
                socket.write_shut |= how.writes();
            }
            Role::Fresh | Role::Listener(_) | Role::Udp(_) => return Err(Errno::NotConnected),
        }
        self.settle();
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
        let connected = !matches!(socket.phase(), Some(Phase::Connecting | Phase::Over));
        socket.peer.filter(|_| connected).map(|peer| socket.shown(peer)).ok_or(Errno::NotConnected)
    }
}
