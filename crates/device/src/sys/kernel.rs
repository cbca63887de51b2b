//! A network for one thread, its place in the queue for processors, and options of sockets as bytes.

use super::socket::outcome;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Gives the calling thread a new network namespace.
pub(crate) fn unshare_network() -> io::Result<()> {
    // SAFETY: takes an integer. A thread without its process's network can do nothing to memory: the
    // descriptors stay shared.
    outcome(unsafe { libc::unshare(libc::CLONE_NEWNET) }).map(drop)
}

/// Moves the calling thread into the network namespace that the descriptor stands for.
pub(crate) fn enter_network(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes integers. As above, it can do nothing to memory.
    outcome(unsafe { libc::setns(fd.as_raw_fd(), libc::CLONE_NEWNET) }).map(drop)
}

/// How much later than asked the calling thread may be woken from a sleep, in nanoseconds.
pub(crate) fn set_timer_slack(nanos: u32) -> io::Result<()> {
    // SAFETY: this operation takes an integer.
    outcome(unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, libc::c_ulong::from(nanos)) }).map(drop)
}

/// Schedules the calling thread before all that are not in real time.
pub(crate) fn schedule_first() -> io::Result<()> {
    // SAFETY: `sched_param` is integers: all zeros is a value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // The lowest priority of those in real time: the kernel's own threads stay before us.
    parameters.sched_priority = 1;
    // SAFETY: the pointer is valid during the call; 0 is the calling thread.
    outcome(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameters) }).map(drop)
}

/// Reads an option into `into`; returns how long it is. Not for options whose value names memory.
pub(crate) fn option_bytes(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    into: &mut [u8],
) -> io::Result<usize> {
    let mut len = libc::socklen_t::try_from(into.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: the slice is writable for the length given, and the length is a local.
    outcome(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, into.as_mut_ptr().cast(), &mut len) })?;
    Ok(into.len().min(len as usize))
}

/// Sets an option. Not for options whose value names memory.
pub(crate) fn set_option_bytes(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: &[u8],
) -> io::Result<()> {
    let len = libc::socklen_t::try_from(value.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: the slice is readable for the length given during the call.
    outcome(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), len) }).map(drop)
}

/// A request that writes an int: how many bytes are queued.
pub(crate) fn ioctl_number(fd: BorrowedFd<'_>, request: libc::Ioctl) -> io::Result<i32> {
    let mut number: libc::c_int = 0;
    // SAFETY: the requests that this crate passes write one int through the pointer, which is a local.
    outcome(unsafe { libc::ioctl(fd.as_raw_fd(), request, std::ptr::from_mut(&mut number)) })?;
    Ok(number)
}
