//! A descriptor that stands for another one: readable while the other is, and, on request, while the other takes more.
//!
//! This is what a link that has to wait for room gives to those who only wait for descriptors to become readable. It is
//! an epoll instance on Linux and a kqueue elsewhere; both can be waited on like any descriptor.

use super::socket::{outcome, owned};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// What is waited for besides something to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// That the descriptor takes more.
    Wanted,
    /// Nothing.
    NotWanted,
}

/// Watches one descriptor.
#[derive(Debug)]
pub(crate) struct Poller {
    queue: OwnedFd,
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Poller {
    /// Watches `fd` for something to read.
    pub(crate) fn new(fd: BorrowedFd<'_>) -> io::Result<Poller> {
        // SAFETY: takes an integer.
        let poller = Poller { queue: owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })? };
        poller.control(fd, libc::EPOLL_CTL_ADD, Room::NotWanted)?;
        Ok(poller)
    }

    /// Says whether room is waited for.
    pub(crate) fn set_room(&self, fd: BorrowedFd<'_>, room: Room) -> io::Result<()> {
        self.control(fd, libc::EPOLL_CTL_MOD, room)
    }

    /// Is never readable again.
    pub(crate) fn forget(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.control(fd, libc::EPOLL_CTL_DEL, Room::NotWanted)
    }

    fn control(&self, fd: BorrowedFd<'_>, operation: libc::c_int, room: Room) -> io::Result<()> {
        let room = if room == Room::Wanted { libc::EPOLLOUT } else { 0 };
        let mut event = libc::epoll_event { events: (libc::EPOLLIN | room) as u32, u64: 0 };
        // SAFETY: the event lives across the call.
        outcome(unsafe { libc::epoll_ctl(self.queue.as_raw_fd(), operation, fd.as_raw_fd(), &mut event) })
            .map(drop)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Poller {
    /// Watches `fd` for something to read.
    pub(crate) fn new(fd: BorrowedFd<'_>) -> io::Result<Poller> {
        // SAFETY: takes nothing.
        let poller = Poller { queue: owned(unsafe { libc::kqueue() })? };
        poller.change(fd, libc::EVFILT_READ as i64, libc::EV_ADD as u64)?;
        Ok(poller)
    }

    /// Says whether room is waited for.
    pub(crate) fn set_room(&self, fd: BorrowedFd<'_>, room: Room) -> io::Result<()> {
        let action = if room == Room::Wanted { libc::EV_ADD as u64 } else { libc::EV_DELETE as u64 };
        self.change_if_there(fd, libc::EVFILT_WRITE as i64, action)
    }

    /// Is never readable again.
    pub(crate) fn forget(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.change_if_there(fd, libc::EVFILT_WRITE as i64, libc::EV_DELETE as u64)?;
        self.change_if_there(fd, libc::EVFILT_READ as i64, libc::EV_DELETE as u64)
    }

    /// A filter that is not there need not be taken away.
    fn change_if_there(&self, fd: BorrowedFd<'_>, filter: i64, action: u64) -> io::Result<()> {
        match self.change(fd, filter, action) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            outcome => outcome,
        }
    }

    fn change(&self, fd: BorrowedFd<'_>, filter: i64, action: u64) -> io::Result<()> {
        // SAFETY: `kevent` is integers and a pointer that only we use: all zeros is a value.
        let mut change: libc::kevent = unsafe { std::mem::zeroed() };
        change.ident = fd.as_raw_fd() as _;
        // The systems differ in how wide these are; all of them hold the constants.
        change.filter = filter as _;
        change.flags = action as _;
        let queue = self.queue.as_raw_fd();
        // SAFETY: one change is read from a local; no events are asked for.
        let outcome_of =
            unsafe { libc::kevent(queue, &change, 1, std::ptr::null_mut(), 0, std::ptr::null()) };
        outcome(outcome_of).map(drop)
    }
}
