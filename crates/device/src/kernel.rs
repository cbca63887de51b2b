//! The kernel as the system under test: a network namespace for one thread, and the questions to its
//! sockets for which neither the standard library nor `rustix` has a safe word.
//!
//! What is *not* here: the calls themselves (`rustix` has them), and what their numbers mean.

use crate::{interface, sys};
use std::io;
use std::os::fd::BorrowedFd;

/// A network of its own for the calling thread, and for the threads that it starts from then on: no
/// interface but a loopback that is down, no address, no route, every setting as the kernel has it.
///
/// It lasts as long as a thread is in it or a socket of it is open; there is no way back for the thread.
///
/// # Errors
/// `EPERM` without the privilege (`CAP_SYS_ADMIN`).
///
/// ```no_run
/// std::thread::spawn(|| -> std::io::Result<()> {
///     synfin_device::kernel::enter_new_network()?;
///     synfin_device::kernel::bring_up_loopback()
/// });
/// ```
pub fn enter_new_network() -> io::Result<()> {
    sys::unshare_network()
}

/// Moves the calling thread, and the threads that it starts from then on, into a network that exists: `network` is an open
/// file of one, such as `/run/netns/NAME`. Descriptors stay with the network in which they were opened.
///
/// # Errors
/// `EPERM` without the privilege (`CAP_SYS_ADMIN`), `EINVAL` for a file of something else.
///
/// ```no_run
/// use std::os::fd::AsFd;
/// std::thread::spawn(|| -> std::io::Result<()> {
///     let network = std::fs::File::open("/run/netns/lab")?;
///     synfin_device::kernel::enter_network(network.as_fd())
/// });
/// ```
pub fn enter_network(network: BorrowedFd<'_>) -> io::Result<()> {
    sys::enter_network(network)
}

/// Lets the calling thread be woken from its sleeps as exactly as the machine can, instead of some 50 microseconds late
/// to save power.
///
/// # Errors
/// What the system says.
pub fn wake_exactly() -> io::Result<()> {
    sys::set_timer_slack(1)
}

/// Brings the loopback interface of the calling thread's network up.
///
/// # Errors
/// What the system says.
pub fn bring_up_loopback() -> io::Result<()> {
    interface::bring_up("lo")
}

/// Lets the calling thread, and those that it starts from then on, run before all ordinary ones, so that
/// a busy machine does not make it late. It must sleep often: it keeps everybody else from a processor.
///
/// # Errors
/// `EPERM` without the privilege (`CAP_SYS_NICE`).
pub fn run_before_others() -> io::Result<()> {
    sys::schedule_first()
}

/// `getsockopt`: writes the option's value into `into` and returns how many bytes it has.
///
/// # Errors
/// What the system says; `ENOPROTOOPT` also for a level that is neither the socket's, IP's nor TCP's, and
/// for `TCP_ZEROCOPY_RECEIVE`, whose value names memory that the kernel would write to.
pub fn socket_option(fd: BorrowedFd<'_>, level: i32, name: i32, into: &mut [u8]) -> io::Result<usize> {
    check(level, name)?;
    sys::option_bytes(fd, level, name, into)
}

/// `setsockopt`
///
/// # Errors
/// As [`socket_option`].
pub fn set_socket_option(fd: BorrowedFd<'_>, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    check(level, name)?;
    sys::set_option_bytes(fd, level, name, value)
}

/// `TCP_ZEROCOPY_RECEIVE` of `linux/tcp.h`.
const TCP_ZEROCOPY_RECEIVE: i32 = 35;

fn check(level: i32, name: i32) -> io::Result<()> {
    let levels = [libc::SOL_SOCKET, libc::IPPROTO_IP, libc::IPPROTO_IPV6, libc::IPPROTO_TCP];
    if !levels.contains(&level) || (level, name) == (libc::IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE) {
        return Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT));
    }
    Ok(())
}

/// The bytes that [`queued_bytes`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Queued {
    /// `SIOCINQ`: received and not read.
    Received,
    /// `SIOCOUTQ`: written and not acknowledged.
    Unacknowledged,
    /// `SIOCOUTQNSD`: written and not sent.
    NotSent,
}

/// How many bytes a socket holds.
///
/// # Errors
/// `EINVAL` for a listener, `ENOTTY` for what is no socket.
///
/// ```
/// use synfin_device::kernel::{Queued, queued_bytes};
/// use std::net::UdpSocket;
/// use std::os::fd::AsFd;
///
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// socket.send_to(b"twelve bytes", socket.local_addr()?)?;
/// assert_eq!(queued_bytes(socket.as_fd(), Queued::Received)?, 12);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn queued_bytes(fd: BorrowedFd<'_>, which: Queued) -> io::Result<i32> {
    /// `linux/sockios.h`; the C library does not name it.
    const SIOCOUTQNSD: libc::Ioctl = 0x894b;
    let request = match which {
        Queued::Received => libc::FIONREAD,
        Queued::Unacknowledged => libc::TIOCOUTQ,
        Queued::NotSent => SIOCOUTQNSD,
    };
    sys::ioctl_number(fd, request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    #[test]
    fn a_file_that_is_no_network_cannot_be_entered() {
        let file = std::fs::File::open("/proc/self/status").unwrap();
        assert_eq!(enter_network(file.as_fd()).unwrap_err().raw_os_error(), Some(libc::EINVAL));
    }

    #[test]
    fn a_thread_is_woken_exactly() {
        let slack =
            || std::fs::read_to_string("/proc/thread-self/timerslack_ns").unwrap_or_else(|_| "1".to_owned());
        wake_exactly().unwrap();
        assert_eq!(slack().trim(), "1");
    }

    #[test]
    fn options_are_bytes_and_what_names_memory_is_refused() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let fd = socket.as_fd();
        set_socket_option(fd, libc::IPPROTO_IP, libc::IP_TTL, &7i32.to_ne_bytes()).unwrap();
        let mut value = [0; 8];
        assert_eq!(socket_option(fd, libc::IPPROTO_IP, libc::IP_TTL, &mut value).unwrap(), 4);
        assert_eq!(i32::from_ne_bytes([value[0], value[1], value[2], value[3]]), 7);
        for (level, name) in [(libc::IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE), (libc::SOL_NETLINK, 1)] {
            let error = socket_option(fd, level, name, &mut value).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::ENOPROTOOPT));
            assert!(set_socket_option(fd, level, name, &value).is_err());
        }
    }
}
