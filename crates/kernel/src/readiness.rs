//! Which descriptors are ready: `poll` and `epoll`, in the words of `posix`.
//!
//! What is *not* here: sleeping, which a thread of its own does (`sleepers.rs`).

use crate::translate::timespec;
use posix::{EpollEvent, EpollOperation, PollFlags};
use rustix::event::{self, epoll};
use rustix::io::Errno as Number;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// The most events that one `epoll_wait` asks for.
const EPOLL_EVENTS_MAX: usize = 1_024;

/// What each descriptor is ready for; empty when time ran out or `over` was written to.
pub(crate) fn poll_once(
    asked: &[(Option<Arc<OwnedFd>>, PollFlags)],
    timeout: Option<Duration>,
    over: &OwnedFd,
) -> Result<Vec<PollFlags>, Number> {
    let known = asked.iter().filter_map(|(fd, events)| {
        // 16 bits, signed or not as rustix is built.
        let events = event::PollFlags::from_bits_retain((events.0 & 0x7fff) as _);
        Some(event::PollFd::from_borrowed_fd(fd.as_ref()?.as_fd(), events))
    });
    let mut polled: Vec<_> = known.collect();
    polled.push(event::PollFd::new(over, event::PollFlags::IN));
    let timeout = timeout.map(timespec);
    event::poll(&mut polled, timeout.as_ref())?;
    let mut known = polled.iter().map(|polled| PollFlags(polled.revents().bits() as u32 & 0xffff));
    let found = asked.iter().map(|(fd, _)| match fd {
        Some(_) => known.next().unwrap_or(PollFlags::NONE),
        None => PollFlags::INVALID,
    });
    Ok(found.collect())
}

/// Changes what `epoll` watches of `watched`.
pub(crate) fn epoll_control(
    epoll: impl AsFd,
    operation: EpollOperation,
    watched: impl AsFd,
    event: EpollEvent,
) -> Result<(), Number> {
    let data = epoll::EventData::new_u64(event.data);
    let events = epoll::EventFlags::from_bits_retain(event.events.0);
    match operation {
        EpollOperation::Add => epoll::add(epoll, watched, data, events),
        EpollOperation::Modify => epoll::modify(epoll, watched, data, events),
        EpollOperation::Delete => epoll::delete(epoll, watched),
    }
}

/// What `epoll` finds, at most `most` events of it.
pub(crate) fn epoll_wait(
    epoll: impl AsFd,
    most: usize,
    timeout: Option<Duration>,
) -> Result<Vec<EpollEvent>, Number> {
    let mut found = Vec::with_capacity(most.min(EPOLL_EVENTS_MAX));
    let timeout = timeout.map(timespec);
    epoll::wait(epoll, rustix::buffer::spare_capacity(&mut found), timeout.as_ref())?;
    let events = found.iter().map(|event: &epoll::Event| {
        let (flags, data) = (event.flags, event.data);
        EpollEvent { events: PollFlags(flags.bits()), data: data.u64() }
    });
    Ok(events.collect())
}
