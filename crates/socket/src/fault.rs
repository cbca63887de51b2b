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
    /// The peer had no more to send and then reset the connection: a broken pipe for whoever is about to write.
    ResetAfterEnd,
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

    /// The name of the error that the calls of Linux return: the one table of every face.
    ///
    /// ```
    /// use synfin_socket::{Cause, Fault};
    /// assert_eq!(Fault::of(Cause::NotConnected).errno(), "ENOTCONN");
    /// ```
    pub fn errno(&self) -> &'static str {
        match self.cause {
            Cause::Connection(error) | Cause::Host(stack::Error::Icmp(error)) => self.connection_errno(error),
            Cause::Host(error) => host_errno(error),
            Cause::NotInTime => "ETIMEDOUT",
            Cause::InvalidHopLimit => "EINVAL",
            Cause::ResetAfterEnd | Cause::Closed => "EPIPE",
            Cause::NotConnected | Cause::StackIsDown | Cause::DriverIsGone => "ENOTCONN",
        }
    }

    /// The engine's table; what it depends on besides is here.
    fn connection_errno(&self, error: tcp::Error) -> &'static str {
        match error {
            tcp::Error::Prohibited if self.peer.is_some_and(|peer| peer.is_ipv6()) => "EACCES",
            _ => error.errno(),
        }
    }

    /// The kind of the [`io::Error`] that this becomes: what `std` makes of [`Fault::errno`]. What it has no kind for
    /// gets the nearest: a host without the protocol refuses, one that is down is unreachable.
    pub fn kind(&self) -> ErrorKind {
        match self.errno() {
            "EAGAIN" => ErrorKind::WouldBlock,
            "ECONNREFUSED" | "ENOPROTOOPT" => ErrorKind::ConnectionRefused,
            "ECONNRESET" => ErrorKind::ConnectionReset,
            "EPIPE" => ErrorKind::BrokenPipe,
            "ETIMEDOUT" => ErrorKind::TimedOut,
            "ECONNABORTED" => ErrorKind::ConnectionAborted,
            "ENOTCONN" => ErrorKind::NotConnected,
            "ENETUNREACH" => ErrorKind::NetworkUnreachable,
            "EACCES" => ErrorKind::PermissionDenied,
            "EADDRINUSE" => ErrorKind::AddrInUse,
            "EADDRNOTAVAIL" => ErrorKind::AddrNotAvailable,
            "EOPNOTSUPP" => ErrorKind::Unsupported,
            "EINVAL" | "EMSGSIZE" | "EAFNOSUPPORT" => ErrorKind::InvalidInput,
            "EMFILE" => ErrorKind::QuotaExceeded,
            "ENOBUFS" => ErrorKind::OutOfMemory,
            // EHOSTUNREACH, EHOSTDOWN, ENONET, EPROTO: packets do not get there.
            _ => ErrorKind::HostUnreachable,
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
            Cause::ResetAfterEnd => f.write_str("the peer had finished, and reset the connection"),
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

fn host_errno(error: stack::Error) -> &'static str {
    match error {
        stack::Error::AddressInUse => "EADDRINUSE",
        stack::Error::AddressNotAvailable | stack::Error::NoFreePort => "EADDRNOTAVAIL",
        stack::Error::NetworkUnreachable => "ENETUNREACH",
        stack::Error::FamilyMismatch => "EAFNOSUPPORT",
        stack::Error::MessageTooLong => "EMSGSIZE",
        stack::Error::NotConnected | stack::Error::UnknownSocket => "ENOTCONN",
        stack::Error::WouldBlock => "EAGAIN",
        stack::Error::TooManySockets => "EMFILE",
        stack::Error::OutOfMemory => "ENOBUFS",
        // InvalidAddress, and what has no name here yet.
        _ => "EINVAL",
    }
}

impl Cause {
    /// All of them, with every error of connections and of the host.
    pub fn all() -> impl Iterator<Item = Cause> {
        let own = [
            Cause::NotInTime,
            Cause::ResetAfterEnd,
            Cause::Closed,
            Cause::NotConnected,
            Cause::InvalidHopLimit,
            Cause::StackIsDown,
            Cause::DriverIsGone,
        ];
        let connection = tcp::Error::ALL.iter().copied().map(Cause::Connection);
        own.into_iter().chain(connection).chain(stack::Error::all().map(Cause::Host))
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
    fn every_cause_is_listed() {
        let connections = tcp::Error::ALL.len();
        // Whoever adds one comes by here: it needs a place in the list, too.
        let place = |cause| match cause {
            Cause::NotInTime => 0,
            Cause::ResetAfterEnd => 1,
            Cause::Closed => 2,
            Cause::NotConnected => 3,
            Cause::InvalidHopLimit => 4,
            Cause::StackIsDown => 5,
            Cause::DriverIsGone => 6,
            Cause::Connection(error) => 7 + error as usize,
            Cause::Host(error) => {
                7 + connections + stack::Error::all().position(|known| known == error).expect("known")
            }
        };
        assert!(Cause::all().map(place).eq(0..7 + connections + stack::Error::all().count()));
    }

    #[test]
    fn the_inner_error_can_be_asked() {
        let peer: SocketAddr = "[fd90::2]:80".parse().expect("an address");
        let error = io::Error::from(Fault::with(Some(peer), Cause::NotInTime));
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()).expect("ours");
        assert_eq!((inner.peer(), inner.cause()), (Some(peer), Cause::NotInTime));
    }
}
