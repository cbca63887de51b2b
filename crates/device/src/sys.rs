//! Calls into the system: the only `unsafe` of synfin.
//!
//! Each function is safe to call with any argument and returns what the system says as `io::Result`.
//! What is *not* here: meaning. Which flags and in which order is for the modules that call.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

#[cfg(target_os = "linux")]
mod kernel;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(target_os = "linux")]
mod packet;
mod poller;
mod socket;

#[cfg(target_os = "linux")]
pub(crate) use kernel::*;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::*;
#[cfg(target_os = "linux")]
pub(crate) use packet::*;
pub(crate) use poller::{Poller, Room};
pub(crate) use socket::*;

/// Waits until one of `fds` (at most 16) is readable; bit *i* of the result stands for the *i*-th.
pub(crate) fn poll_readable(fds: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<u16> {
    let mut polled = [libc::pollfd { fd: -1, events: 0, revents: 0 }; 16];
    let count = fds.len().min(polled.len());
    for (slot, fd) in polled.iter_mut().zip(fds) {
        *slot = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    }
    match poll(&mut polled[..count], timeout) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
        Err(error) => return Err(error),
    }
    let ready = polled.iter().enumerate().filter(|(_, polled)| polled.revents != 0);
    Ok(ready.fold(0, |bits, (place, _)| bits | 1 << place))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn poll(polled: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().min(i32::MAX as u64) as libc::time_t,
        tv_nsec: timeout.subsec_nanos() as libc::c_long,
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `polled` is a valid array of its own length for the whole call, the timeout is null or points
    // at a local that outlives it, and a null signal mask leaves the mask alone.
    let outcome =
        unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout, std::ptr::null()) };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn poll(polled: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    // Rounded up: waking too early would spin until the time has come.
    let timeout_ms = timeout
        .map_or(-1, |timeout| timeout.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as libc::c_int);
    // SAFETY: `polled` is a valid array of its own length for the whole call.
    let outcome = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout_ms) };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
