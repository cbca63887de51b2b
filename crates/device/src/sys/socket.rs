//! Descriptors and sockets as every Unix has them.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// What an `int`-returning call says: a count, or `errno`.
pub(super) fn outcome(result: impl Into<i64>) -> io::Result<usize> {
    let result: i64 = result.into();
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Takes the descriptor that a call has just returned.
pub(super) fn owned(fd: libc::c_int) -> io::Result<OwnedFd> {
    outcome(fd)?;
    // SAFETY: the call that returned this non-negative descriptor made it for us; nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Reads behind what `buffer` holds, into the room it has; returns how many bytes were added.
pub(crate) fn read_into_spare(fd: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let spare = buffer.spare_capacity_mut();
    // SAFETY: the spare capacity is writable memory of exactly this length, borrowed for the call.
    let read = unsafe { libc::read(fd.as_raw_fd(), spare.as_mut_ptr().cast(), spare.len()) };
    let count = outcome(read as i64)?;
    // SAFETY: the kernel has just initialised `count` bytes, no more than the spare capacity.
    unsafe { buffer.set_len(buffer.len() + count) };
    Ok(count)
}

/// Sends bytes on a connected socket, or to the kernel on a netlink socket. A peer that is gone is an error and
/// no signal.
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let (pointer, len) = (bytes.as_ptr().cast(), bytes.len());
    // SAFETY: the slice is readable for its length during the call.
    outcome(unsafe { libc::send(fd.as_raw_fd(), pointer, len, libc::MSG_NOSIGNAL) } as i64)
}

/// Sets a socket option that is an int.
pub(crate) fn set_option(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let len = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the pointer is valid for an int during the call.
    outcome(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, std::ptr::from_ref(&value).cast(), len) })
        .map(drop)
}
