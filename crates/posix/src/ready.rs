//! Readiness: poll and epoll.

use crate::descriptor::{Fd, Phase, Role, Socket};
use crate::system::Entry;
use crate::{Errno, Stop, System, Waiting};
use core::ops::BitOr;
use core::time::Duration;
use socket::SocketId;
use std::collections::BTreeMap;
use tcp::{Connection, Habits, Instant};

/// What a descriptor is ready for; the bits are those of `poll` and `epoll` on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub struct PollFlags(pub u32);

impl PollFlags {
    /// Nothing.
    pub const NONE: PollFlags = PollFlags(0);
    /// There is something to read, the end included, or a connection to accept.
    pub const IN: PollFlags = PollFlags(0x001);
    /// The peer announced urgent data.
    pub const PRIORITY: PollFlags = PollFlags(0x002);
    /// There is room to write.
    pub const OUT: PollFlags = PollFlags(0x004);
    /// An error is pending.
    pub const ERROR: PollFlags = PollFlags(0x008);
    /// Both directions have ended.
    pub const HANG_UP: PollFlags = PollFlags(0x010);
    /// Not a descriptor.
    pub const INVALID: PollFlags = PollFlags(0x020);
    /// As [`PollFlags::IN`].
    pub const READ_NORMAL: PollFlags = PollFlags(0x040);
    /// As [`PollFlags::OUT`].
    pub const WRITE_NORMAL: PollFlags = PollFlags(0x100);
    /// The peer has finished.
    pub const READ_HANG_UP: PollFlags = PollFlags(0x2000);
    /// `EPOLLONESHOT`
    pub const ONE_SHOT: PollFlags = PollFlags(1 << 30);
    /// `EPOLLET`
    pub const EDGE: PollFlags = PollFlags(1 << 31);

    /// Whether all of `other` are set.
    pub const fn contains(self, other: PollFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those set in both.
    #[must_use]
    pub const fn and(self, other: PollFlags) -> PollFlags {
        PollFlags(self.0 & other.0)
    }

    /// Whether none is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for PollFlags {
    type Output = PollFlags;
    fn bitor(self, other: PollFlags) -> PollFlags {
        PollFlags(self.0 | other.0)
    }
}

/// What is told without being asked for.
const ALWAYS: PollFlags = PollFlags(PollFlags::ERROR.0 | PollFlags::HANG_UP.0);

/// One descriptor of a `poll`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollEntry {
    /// The descriptor.
    pub fd: Fd,
    /// What to wait for.
    pub events: PollFlags,
    /// What was found.
    pub found: PollFlags,
}

/// What to do with a descriptor in an epoll set.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpollOperation {
    /// `EPOLL_CTL_ADD`
    Add,
    /// `EPOLL_CTL_MOD`
    Modify,
    /// `EPOLL_CTL_DEL`
    Delete,
}

/// A descriptor's events in an epoll set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpollEvent {
    /// What to wait for, or what was found.
    pub events: PollFlags,
    /// What the caller wants to be told with it.
    pub data: u64,
}

#[derive(Clone, Copy, Debug)]
struct Interest {
    event: EpollEvent,
    /// The socket and its happenings that were told already, for [`PollFlags::EDGE`].
    told: Option<(Option<SocketId>, u64)>,
    /// A one-shot that was told.
    spent: bool,
}

/// An epoll set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epoll {
    interests: BTreeMap<Fd, Interest>,
}

impl System {
    /// What a descriptor is ready for now.
    pub fn readiness(&self, now: Instant, fd: Fd) -> PollFlags {
        match self.entries.get(&fd) {
            None => PollFlags::INVALID,
            Some(Entry::Epoll(epoll)) => {
                let any = epoll.interests.iter().any(|(fd, interest)| {
                    !self.readiness(now, *fd).and(interest.event.events | ALWAYS).is_empty()
                });
                if any { PollFlags::IN } else { PollFlags::NONE }
            }
            Some(Entry::Socket(socket)) => self.socket_readiness(now, socket),
        }
    }

    fn socket_readiness(&self, now: Instant, socket: &Socket) -> PollFlags {
        const READABLE: PollFlags = PollFlags(PollFlags::IN.0 | PollFlags::READ_NORMAL.0);
        const WRITABLE: PollFlags = PollFlags(PollFlags::OUT.0 | PollFlags::WRITE_NORMAL.0);
        let mut flags = PollFlags::NONE;
        if socket.id().is_some_and(|id| self.core.has_failed(id)) {
            // FreeBSD's sopoll() knows no POLLERR: the next call on the descriptor will not block.
            let is_linux = self.habits() != Habits::FreeBsd;
            flags = flags | if is_linux { PollFlags::ERROR } else { READABLE | WRITABLE };
        }
        match socket.role {
            Role::Listener(id) => {
                flags | if self.core.has_acceptable(id) { READABLE } else { PollFlags::NONE }
            }
            // A write makes the SYN leave.
            Role::Fresh if socket.deferred.is_some() => flags | WRITABLE,
            Role::Fresh if self.habits() == Habits::FreeBsd => flags | PollFlags::HANG_UP,
            Role::Fresh => flags | WRITABLE | PollFlags::HANG_UP,
            // An error is told by its own flag until it is taken.
            Role::Udp(id) if self.core.has_datagram(id) && !self.core.has_failed(id) => {
                flags | WRITABLE | READABLE
            }
            Role::Udp(_) => flags | WRITABLE,
            Role::Stream(id) if self.phase(id) == Phase::Connecting => flags,
            Role::Stream(id) => {
                let ended = self.core.closed_sides(id);
                let connection = self.core.connection(id).ok();
                let unread = connection.map_or(0, Connection::readable_bytes);
                if ended.read {
                    flags = flags | READABLE | PollFlags::READ_HANG_UP;
                }
                if unread > 0 && unread >= socket.options.receive_low_water as usize {
                    flags = flags | READABLE;
                }
                if ended.read && ended.write {
                    flags = flags | PollFlags::HANG_UP;
                }
                if ended.write || connection.is_some_and(|connection| is_writable(now, socket, connection)) {
                    flags = flags | WRITABLE;
                }
                if connection.is_some_and(|connection| connection.urgent_bytes_ahead().is_some()) {
                    flags = flags | PollFlags::PRIORITY;
                }
                flags
            }
        }
    }

    /// `poll`: fills in what is ready and returns how many descriptors have something.
    ///
    /// # Errors
    /// [`Stop::Blocked`] while nothing is ready and the time is not over.
    pub fn poll(
        &mut self,
        now: Instant,
        entries: &mut [PollEntry],
        timeout: Option<Duration>,
        waiting: &mut Waiting,
    ) -> Result<usize, Stop> {
        self.settle(now);
        for entry in entries.iter_mut() {
            let asked = entry.events | ALWAYS | PollFlags::INVALID;
            entry.found = self.readiness(now, entry.fd).and(asked);
        }
        let ready = entries.iter().filter(|entry| !entry.found.is_empty()).count();
        wait_for(now, ready, timeout, waiting)
    }

    /// `epoll_create`
    ///
    /// # Errors
    /// `EMFILE`
    pub fn epoll_create(&mut self) -> Result<Fd, Errno> {
        self.insert(Entry::Epoll(Epoll::default()))
    }

    fn epoll_at_mut(&mut self, fd: Fd) -> Result<&mut Epoll, Errno> {
        match self.entries.get_mut(&fd) {
            Some(Entry::Epoll(epoll)) => Ok(epoll),
            Some(Entry::Socket(_)) => Err(Errno::Invalid),
            None => Err(Errno::BadDescriptor),
        }
    }

    /// `epoll_ctl`
    ///
    /// # Errors
    /// `EBADF`, `EINVAL`, `EEXIST` for a descriptor that is in the set, `ENOENT` for one that is not.
    pub fn epoll_control(
        &mut self,
        epoll: Fd,
        operation: EpollOperation,
        fd: Fd,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        if !self.entries.contains_key(&fd) {
            return Err(Errno::BadDescriptor);
        }
        if fd == epoll {
            return Err(Errno::Invalid);
        }
        let interests = &mut self.epoll_at_mut(epoll)?.interests;
        let known = interests.contains_key(&fd);
        match operation {
            EpollOperation::Add if known => return Err(Errno::Exists),
            EpollOperation::Modify | EpollOperation::Delete if !known => return Err(Errno::NoEntry),
            EpollOperation::Add | EpollOperation::Modify => {
                interests.insert(fd, Interest { event, told: None, spent: false });
            }
            EpollOperation::Delete => {
                interests.remove(&fd);
            }
        }
        Ok(())
    }

    /// `epoll_wait`: at most `most` events.
    ///
    /// # Errors
    /// [`Stop::Blocked`] while nothing is ready and the time is not over; `EINVAL`, `EBADF`.
    pub fn epoll_wait(
        &mut self,
        now: Instant,
        epoll: Fd,
        most: usize,
        timeout: Option<Duration>,
        waiting: &mut Waiting,
    ) -> Result<Vec<EpollEvent>, Stop> {
        self.settle(now);
        let interests = self.epoll_at_mut(epoll)?.interests.clone();
        let mut found = Vec::new();
        for (fd, mut interest) in interests {
            let id = self.socket_id(fd);
            let happenings = (id, id.map_or(0, |id| self.core.happenings(id)));
            let ready = self.readiness(now, fd).and(interest.event.events | ALWAYS);
            let old = interest.event.events.contains(PollFlags::EDGE) && interest.told == Some(happenings);
            if ready.is_empty() || old || interest.spent || found.len() >= most {
                continue;
            }
            found.push(EpollEvent { events: ready, data: interest.event.data });
            interest.told = Some(happenings);
            interest.spent = interest.event.events.contains(PollFlags::ONE_SHOT);
            self.epoll_at_mut(epoll)?.interests.insert(fd, interest);
        }
        wait_for(now, found.len(), timeout, waiting)?;
        Ok(found)
    }

    /// A descriptor is gone from all sets.
    pub(crate) fn forget_readiness(&mut self, fd: Fd) {
        for entry in self.entries.values_mut() {
            if let Entry::Epoll(epoll) = entry {
                epoll.interests.remove(&fd);
            }
        }
    }
}

/// Whether a write would find room: a third of the buffer, as Linux and the BSDs want before they wake
/// a writer, and not too much unsent.
fn is_writable(now: Instant, socket: &Socket, connection: &Connection) -> bool {
    let room = connection.write_room();
    let used = connection.unacknowledged_bytes();
    let most = socket.options.not_sent_low_water();
    let unsent_fits = most.is_none_or(|most| connection.info(now).not_sent_bytes < most);
    room > 0 && room >= used / 2 && unsent_fits
}

fn wait_for(
    now: Instant,
    ready: usize,
    timeout: Option<Duration>,
    waiting: &mut Waiting,
) -> Result<usize, Stop> {
    if ready > 0 || timeout == Some(Duration::ZERO) {
        return Ok(ready);
    }
    match waiting.block(now, timeout, Errno::Again) {
        Stop::Errno(_) => Ok(0),
        blocked => Err(blocked),
    }
}
