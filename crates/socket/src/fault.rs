//! What goes wrong, once for every face: each failure of the engine and of the host as a [`Fault`], with the
//! [`io::ErrorKind`] that the kernel's sockets would give, and a sentence that names the peer.
//!
//! Errors of POSIX calls are made from the same values by `posix`, which knows whose habits to follow.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// A failure of the engine or the host, told about somebody.
///
/// It is the inner error of the [`io::Error`]s that sockets return:
///
/// ```
/// # use std::error::Error as _;
/// # use synfin_socket::Fault;
/// # fn look(error: std::io::Error) {
/// if let Some(failure) = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
///     eprintln!("with {:?}: {failure}", failure.peer());
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    peer: Option<SocketAddr>,
    cause: Cause,
}

/// Who says that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The connection died.
    Connection(tcp::Error),
    /// The host refuses.
    Host(stack::Error),
    /// The time that the caller gave was not enough.
    NotInTime,
    /// The connection is closed in the direction that was asked for, or altogether.
    Closed,
    /// There is no connection any more.
    NotConnected,
    /// A TTL or hop limit that no packet can have.
    InvalidHopLimit,
    /// The stack was shut down.
    StackIsDown,
    /// What drives the stack has ended without being asked: its thread panicked in a tap or an observer, or its runtime
    /// was shut down. Nothing is sent or received any more.
    DriverIsGone,
}

impl Fault {
    /// The other end, if the failure is about one.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Who says that it failed.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The kind of the [`io::Error`] that this becomes.
    pub fn kind(&self) -> ErrorKind {
        match self.cause {
            Cause::Connection(error) => connection_kind(error),
            Cause::Host(error) => host_kind(error),
            Cause::NotInTime => ErrorKind::TimedOut,
            Cause::InvalidHopLimit => ErrorKind::InvalidInput,
            Cause::Closed => ErrorKind::BrokenPipe,
            Cause::NotConnected | Cause::StackIsDown | Cause::DriverIsGone => ErrorKind::NotConnected,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(peer) = self.peer {
            write!(f, "{peer}: ")?;
        }
        match self.cause {
            Cause::Connection(error) => error.fmt(f),
            Cause::Host(error) => error.fmt(f),
            Cause::NotInTime => {
                f.write_str("no answer in the time given; allow more, or see whether the host is up")
            }
            Cause::Closed => f.write_str("the connection is closed for writing"),
            Cause::NotConnected => f.write_str("there is no connection any more"),
            Cause::InvalidHopLimit => f.write_str("a TTL is a number from 1 to 255"),
            Cause::StackIsDown => f.write_str("the stack was shut down"),
            Cause::DriverIsGone => f.write_str(
                "what drives the stack is gone: a tap or an observer panicked, or its runtime ended; start another stack",
            ),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Connection(error) => Some(error),
            Cause::Host(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> io::Error {
        if fault.is_would_block() {
            // No allocation where calls are expected to come again.
            return ErrorKind::WouldBlock.into();
        }
        io::Error::new(fault.kind(), fault)
    }
}

/// The kind of the error that `connect`, `read` and `write` of the kernel return. What `std` has no kind for
/// gets the nearest: a host without the protocol refuses, one that is down is unreachable.
fn connection_kind(error: tcp::Error) -> ErrorKind {
    match error.errno() {
        "ECONNREFUSED" | "ENOPROTOOPT" => ErrorKind::ConnectionRefused,
        "ECONNRESET" => ErrorKind::ConnectionReset,
        "ETIMEDOUT" => ErrorKind::TimedOut,
        "ECONNABORTED" => ErrorKind::ConnectionAborted,
        "ENETUNREACH" => ErrorKind::NetworkUnreachable,
        "ENOBUFS" => ErrorKind::OutOfMemory,
        _ => ErrorKind::HostUnreachable,
    }
}

fn host_kind(error: stack::Error) -> ErrorKind {
    match error {
        stack::Error::AddressInUse => ErrorKind::AddrInUse,
        stack::Error::AddressNotAvailable | stack::Error::NoFreePort => ErrorKind::AddrNotAvailable,
        stack::Error::NetworkUnreachable => ErrorKind::NetworkUnreachable,
        stack::Error::Refused => ErrorKind::ConnectionRefused,
        stack::Error::HostUnreachable => ErrorKind::HostUnreachable,
        // EMSGSIZE, EAFNOSUPPORT and EINVAL: `std` has a kind of its own for the last only.
        stack::Error::InvalidAddress | stack::Error::FamilyMismatch | stack::Error::MessageTooLong => {
            ErrorKind::InvalidInput
        }
        stack::Error::NotConnected | stack::Error::UnknownSocket => ErrorKind::NotConnected,
        stack::Error::WouldBlock => ErrorKind::WouldBlock,
        stack::Error::TooManySockets => ErrorKind::QuotaExceeded,
        stack::Error::OutOfMemory => ErrorKind::OutOfMemory,
        _ => ErrorKind::Other,
    }
}

/// Makes faults.
impl Fault {
    /// Something failed, and nobody in particular is at the other end.
    pub const fn of(cause: Cause) -> Fault {
        Fault { peer: None, cause }
    }

    /// Something failed with `peer` at the other end.
    pub const fn with(peer: Option<SocketAddr>, cause: Cause) -> Fault {
        Fault { peer, cause }
    }

    /// The call should be tried again later.
    pub const WOULD_BLOCK: Fault = Fault { peer: None, cause: Cause::Host(stack::Error::WouldBlock) };

    /// The host refuses something about `peer`.
    pub(crate) const fn host(error: stack::Error, peer: Option<SocketAddr>) -> Fault {
        Fault { peer, cause: Cause::Host(error) }
    }

    /// Whether the call should be tried again later.
    pub fn is_would_block(&self) -> bool {
        self.cause == Cause::Host(stack::Error::WouldBlock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_kinds_of_the_kernel_and_name_the_peer() {
        let peer: SocketAddr = "10.0.0.7:80".parse().expect("an address");
        let connection = |error| io::Error::from(Fault::with(Some(peer), Cause::Connection(error)));
        let error = connection(tcp::Error::Refused);
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with("10.0.0.7:80: "), "{error}");
        for (error, kind) in [
            (tcp::Error::Reset, ErrorKind::ConnectionReset),
            (tcp::Error::TimedOut, ErrorKind::TimedOut),
            (tcp::Error::HostUnreachable, ErrorKind::HostUnreachable),
            (tcp::Error::NetworkUnreachable, ErrorKind::NetworkUnreachable),
            // ICMP 3/9 and 3/10, as Linux has them.
            (tcp::Error::NetworkProhibited, ErrorKind::NetworkUnreachable),
            (tcp::Error::Prohibited, ErrorKind::HostUnreachable),
            (tcp::Error::ProtocolUnreachable, ErrorKind::ConnectionRefused),
            (tcp::Error::HostUnknown, ErrorKind::HostUnreachable),
            (tcp::Error::OutOfMemory, ErrorKind::OutOfMemory),
        ] {
            assert_eq!(connection(error).kind(), kind);
        }
        for (error, kind) in [
            (stack::Error::AddressInUse, ErrorKind::AddrInUse),
            (stack::Error::AddressNotAvailable, ErrorKind::AddrNotAvailable),
            (stack::Error::NetworkUnreachable, ErrorKind::NetworkUnreachable),
            (stack::Error::WouldBlock, ErrorKind::WouldBlock),
            (stack::Error::InvalidAddress, ErrorKind::InvalidInput),
            (stack::Error::OutOfMemory, ErrorKind::OutOfMemory),
        ] {
            assert_eq!(Fault::host(error, None).kind(), kind);
        }
    }

    #[test]
    fn the_inner_error_can_be_asked() {
        let peer: SocketAddr = "[fd90::2]:80".parse().expect("an address");
        let error = io::Error::from(Fault::with(Some(peer), Cause::NotInTime));
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()).expect("ours");
        assert_eq!((inner.peer(), inner.cause()), (Some(peer), Cause::NotInTime));
    }
}
