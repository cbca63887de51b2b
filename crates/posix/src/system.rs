//! The table of descriptors and the world going on underneath.

use crate::Errno;
use crate::descriptor::{Domain, Fd, Phase, Role, Socket, Type};
use crate::options::{Defaults, Options};
use crate::ready::Epoll;
use core::fmt;
use core::time::Duration;
use socket::{Core, Fault};
use stack::{Host, InterfaceId, SocketId};
use std::collections::BTreeMap;
use std::task::Poll;
use tcp::{Connection, Habits, Instant, State};
use wire::Frame;

/// Why a call did not return a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The call would sleep: make it again with the same [`Waiting`] when the world has gone on.
    Blocked,
    /// The call failed.
    Errno(Errno),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Stop::Errno(errno)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Blocked => f.write_str("the call waits"),
            Stop::Errno(errno) => errno.fmt(f),
        }
    }
}

impl std::error::Error for Stop {}

/// What a call that blocks has done so far, and until when it will wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Bytes moved by the attempts so far.
    pub(crate) bytes: usize,
    /// A write that opens a connection first, and waits for that.
    pub(crate) is_opening: bool,
    /// A `close` that lingers: the descriptor is gone, the connection is not.
    pub(crate) lingering: Option<SocketId>,
    pub(crate) deadline: Option<Instant>,
}

impl Waiting {
    /// A call that has not begun.
    pub fn new() -> Self {
        Waiting::default()
    }

    /// When the call must be made again at the latest, for it will return then whatever happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Blocks until the deadline, which the first attempt sets; after it, `timed_out` is the answer.
    pub(crate) fn block(&mut self, now: Instant, timeout: Option<Duration>, timed_out: Errno) -> Stop {
        match (self.deadline, timeout) {
            (Some(deadline), _) if now >= deadline => return timed_out.into(),
            (None, Some(timeout)) => self.deadline = Some(now + timeout),
            _ => {}
        }
        Stop::Blocked
    }

    /// Blocks a call that moves bytes: when its time is over, what was moved already is the answer.
    pub(crate) fn block_moving(&mut self, now: Instant, timeout: Option<Duration>) -> Result<usize, Stop> {
        match self.block(now, timeout, Errno::Again) {
            Stop::Errno(_) if self.bytes > 0 => Ok(core::mem::take(&mut self.bytes)),
            stop => Err(stop),
        }
    }
}

/// Whether calls on a descriptor may block.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// They may.
    #[default]
    Blocking,
    /// `O_NONBLOCK`: they fail with `EAGAIN` or `EINPROGRESS` instead.
    NonBlocking,
}

pub(crate) enum Entry {
    Socket(Box<Socket>),
    Epoll(Epoll),
}

/// How many descriptors there may be, as `RLIMIT_NOFILE` commonly is.
const DESCRIPTORS_MAX: usize = 1_024;

/// A host with descriptors: the calls of POSIX as methods. See the crate's page for an example.
pub struct System {
    pub(crate) core: Core,
    /// What new sockets start with, and the limits of what they may ask for.
    pub(crate) defaults: Defaults,
    pub(crate) entries: BTreeMap<Fd, Entry>,
}

impl System {
    /// A system without descriptors over `host`. The first descriptor will be 3: 0, 1 and 2 are taken
    /// in every POSIX process.
    pub fn new(host: Host, habits: Habits) -> Self {
        let mut core = Core::new(host);
        // Nobody else waits for the core, and a call moves all that it can.
        core.set_copy_bytes_max(usize::MAX);
        System { core, defaults: Defaults::new(habits), entries: BTreeMap::new() }
    }

    /// The host underneath.
    pub fn host(&self) -> &Host {
        self.core.host()
    }

    /// The host underneath, for addresses and routes. Sockets opened on it directly have no descriptor.
    pub fn host_mut(&mut self) -> &mut Host {
        self.core.host_mut()
    }

    /// Whose habits are followed: those of [`Defaults::config`].
    pub const fn habits(&self) -> Habits {
        self.defaults.config.habits
    }

    /// What new sockets start with.
    pub fn defaults_mut(&mut self) -> &mut Defaults {
        &mut self.defaults
    }

    // The world goes on.

    /// A frame arrived on an interface.
    pub fn handle_frame(&mut self, now: Instant, interface: InterfaceId, frame: Frame) {
        self.core.host_mut().handle_frame(now, interface, frame);
        self.settle(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.core.host_mut().handle_timeout(now);
        self.settle(now);
    }

    /// The next frame to put on a link, until `None`.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<(InterfaceId, Frame)> {
        let next = self.core.host_mut().poll_transmit(now);
        if next.is_none() {
            self.settle(now);
        }
        next
    }

    /// When to call [`System::handle_timeout`] at the latest.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        self.core.host().poll_timeout()
    }

    /// Takes over what the host has to say. Calls that wait are made again by their callers.
    pub(crate) fn settle(&mut self, now: Instant) {
        self.core.settle(now).wake();
    }

    /// How far a connection has come.
    pub(crate) fn phase(&self, id: SocketId) -> Phase {
        match self.core.state_of(id) {
            State::SynSent => Phase::Connecting,
            State::SynReceived if !self.core.connection(id).is_ok_and(Connection::may_exchange) => {
                Phase::Connecting
            }
            State::Closed => Phase::Over,
            _ => Phase::Open,
        }
    }

    /// What a failure means to the application.
    pub(crate) fn errno(&self, fault: Fault) -> Errno {
        Errno::of(fault, self.habits())
    }

    /// What an attempt means to its call: `None` if that has to wait, and may.
    pub(crate) fn outcome<T>(
        &self,
        attempt: Poll<Result<T, Fault>>,
        dont_wait: bool,
    ) -> Result<Option<T>, Errno> {
        match attempt {
            Poll::Ready(outcome) => outcome.map(Some).map_err(|fault| self.errno(fault)),
            Poll::Pending if dont_wait => Err(Errno::Again),
            Poll::Pending => Ok(None),
        }
    }

    // Descriptors.

    /// Refuses what needs one more descriptor than there may be.
    pub(crate) fn check_has_room(&self) -> Result<(), Errno> {
        if self.entries.len() < DESCRIPTORS_MAX { Ok(()) } else { Err(Errno::TooManyFiles) }
    }

    pub(crate) fn insert(&mut self, entry: Entry) -> Result<Fd, Errno> {
        self.check_has_room()?;
        let fd = (3..).map(Fd).find(|fd| !self.entries.contains_key(fd)).ok_or(Errno::TooManyFiles)?;
        self.entries.insert(fd, entry);
        Ok(fd)
    }

    pub(crate) fn socket_at(&self, fd: Fd) -> Result<&Socket, Errno> {
        match self.entries.get(&fd) {
            Some(Entry::Socket(socket)) => Ok(socket),
            Some(Entry::Epoll(_)) => Err(Errno::NotSocket),
            None => Err(Errno::BadDescriptor),
        }
    }

    pub(crate) fn socket_at_mut(&mut self, fd: Fd) -> Result<&mut Socket, Errno> {
        match self.entries.get_mut(&fd) {
            Some(Entry::Socket(socket)) => Ok(socket),
            Some(Entry::Epoll(_)) => Err(Errno::NotSocket),
            None => Err(Errno::BadDescriptor),
        }
    }

    /// A new socket.
    ///
    /// # Errors
    /// `EMFILE` when there are 1,024 descriptors.
    pub fn socket(&mut self, domain: Domain, kind: Type) -> Result<Fd, Errno> {
        let options = Options::new(&self.defaults);
        self.insert(Entry::Socket(Box::new(Socket::new(domain, kind, options))))
    }

    /// `fcntl(fd, F_SETFL, ...)`: whether calls may block.
    ///
    /// # Errors
    /// `EBADF` for an unknown descriptor.
    pub fn set_nonblocking(&mut self, fd: Fd, mode: Mode) -> Result<(), Errno> {
        match self.entries.get_mut(&fd) {
            Some(Entry::Socket(socket)) => socket.nonblocking = mode == Mode::NonBlocking,
            Some(Entry::Epoll(_)) => {}
            None => return Err(Errno::BadDescriptor),
        }
        Ok(())
    }

    /// `fcntl(fd, F_GETFL)`: whether calls may block.
    ///
    /// # Errors
    /// `EBADF` for an unknown descriptor.
    pub fn mode(&self, fd: Fd) -> Result<Mode, Errno> {
        match self.entries.get(&fd) {
            Some(Entry::Socket(socket)) if socket.nonblocking => Ok(Mode::NonBlocking),
            Some(_) => Ok(Mode::Blocking),
            None => Err(Errno::BadDescriptor),
        }
    }

    /// The host's name for the socket behind a descriptor, if it has one yet.
    pub fn socket_id(&self, fd: Fd) -> Option<SocketId> {
        self.socket_at(fd).ok()?.id()
    }

    /// `ioctl(fd, SIOCINQ)` (`FIONREAD`): bytes that can be read.
    ///
    /// # Errors
    /// `EINVAL` on a listener, as Linux says; `EBADF`, `ENOTSOCK`.
    pub fn bytes_readable(&self, fd: Fd) -> Result<usize, Errno> {
        self.queued_bytes(fd, Connection::readable_bytes)
    }

    /// `ioctl(fd, SIOCOUTQ)`: bytes written and not acknowledged yet.
    ///
    /// # Errors
    /// `EINVAL` on a listener, as Linux says; `EBADF`, `ENOTSOCK`.
    pub fn bytes_unacknowledged(&self, fd: Fd) -> Result<usize, Errno> {
        self.queued_bytes(fd, Connection::unacknowledged_bytes)
    }

    /// `ioctl(fd, SIOCOUTQNSD)`: bytes written and not sent yet.
    ///
    /// # Errors
    /// `EINVAL` on a listener, as Linux says; `EBADF`, `ENOTSOCK`.
    pub fn bytes_not_sent(&self, now: Instant, fd: Fd) -> Result<usize, Errno> {
        self.queued_bytes(fd, |tcp| tcp.info(now).not_sent_bytes as usize)
    }

    fn queued_bytes(&self, fd: Fd, count: impl FnOnce(&Connection) -> usize) -> Result<usize, Errno> {
        match self.socket_at(fd)?.role {
            Role::Listener(_) => Err(Errno::Invalid),
            Role::Stream(id) => Ok(self.core.connection(id).map_or(0, count)),
            Role::Udp(_) | Role::Fresh => Ok(0),
        }
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System")
            .field("habits", &self.habits())
            .field("descriptors", &self.entries.len())
            .finish()
    }
}
