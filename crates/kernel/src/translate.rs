//! What `posix` and `rustix` call by different names: flags of calls, readiness, times.
//!
//! What is *not* here: socket options (`options.rs`) and error numbers (`errno.rs`).

use posix::{PollFlags, RecvFlags, SendFlags};
use rustix::event::{self, Timespec};
use rustix::io::Errno as Number;
use rustix::net;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// A time to wait; what is too long waits for ever.
pub(crate) fn timespec(time: Duration) -> Timespec {
    Timespec::try_from(time).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}

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

/// The flags of a receiving call.
pub(crate) fn receive_flags(flags: RecvFlags) -> net::RecvFlags {
    let table = [
        (RecvFlags::DONT_WAIT, net::RecvFlags::DONTWAIT),
        (RecvFlags::PEEK, net::RecvFlags::PEEK),
        (RecvFlags::WAIT_ALL, net::RecvFlags::WAITALL),
        (RecvFlags::TRUNCATE, net::RecvFlags::TRUNC),
    ];
    let set = table.into_iter().filter(|(ours, _)| flags.contains(*ours));
    set.fold(net::RecvFlags::empty(), |all, (_, theirs)| all | theirs)
}

/// The flags of a sending call.
pub(crate) fn send_flags(flags: SendFlags) -> net::SendFlags {
    let table = [
        (SendFlags::DONT_WAIT, net::SendFlags::DONTWAIT),
        (SendFlags::MORE, net::SendFlags::MORE),
        (SendFlags::URGENT, net::SendFlags::OOB),
        (SendFlags::END_OF_RECORD, net::SendFlags::EOR),
    ];
    let set = table.into_iter().filter(|(ours, _)| flags.contains(*ours));
    // A signal would be the program's.
    set.fold(net::SendFlags::NOSIGNAL, |all, (_, theirs)| all | theirs)
}
