//! What goes wrong, as `std::io` says it: each failure of the engine and of the host gets the
//! [`io::ErrorKind`] that the kernel's sockets would give, and a sentence that names the peer.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// A failure of the engine or the host, told about somebody.
///
/// It is the inner error of the [`io::Error`]s that sockets return:
///
/// ```
/// # use std::error::Error as _;
/// # fn look(error: std::io::Error) {
/// if let Some(failure) = error.get_ref().and_then(|inner| inner.downcast_ref::<synfin::SocketError>()) {
///     eprintln!("with {:?}: {failure}", failure.peer());
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketError {
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
    /// [`Stack::shutdown`](crate::Stack::shutdown) was called.
    StackIsDown,
    /// The stack's thread ended by a panic, in a tap or an observer: nothing is sent or received any more.
    ThreadIsGone,
}

impl SocketError {
    /// The other end, if the failure is about one.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Who says that it failed.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    fn kind(&self) -> ErrorKind {
        match self.cause {
            Cause::Connection(error) => connection_kind(error),
            Cause::Host(error) => host_kind(error),
            Cause::NotInTime => ErrorKind::TimedOut,
            Cause::Closed => ErrorKind::BrokenPipe,
            Cause::NotConnected | Cause::StackIsDown | Cause::ThreadIsGone => ErrorKind::NotConnected,
        }
    }
}

impl fmt::Display for SocketError {
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
            Cause::StackIsDown => f.write_str("the stack was shut down"),
            Cause::ThreadIsGone => f.write_str(
                "the stack's thread is gone, because a tap or an observer panicked; start another stack",
            ),
        }
    }
}

impl std::error::Error for SocketError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Connection(error) => Some(error),
            Cause::Host(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SocketError> for io::Error {
    fn from(error: SocketError) -> io::Error {
        io::Error::new(error.kind(), error)
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

/// The connection with `peer` died.
pub(crate) fn failed(cause: Cause, peer: SocketAddr) -> io::Error {
    SocketError { peer: Some(peer), cause }.into()
}

/// The host refuses something, about `peer` if there is one.
pub(crate) fn host(error: stack::Error, peer: Option<SocketAddr>) -> io::Error {
    match error {
        // No allocation where calls are expected to come again.
        stack::Error::WouldBlock => ErrorKind::WouldBlock.into(),
        error => SocketError { peer, cause: Cause::Host(error) }.into(),
    }
}

/// The caller's time is up before `peer` answered.
pub(crate) fn not_in_time(peer: SocketAddr) -> io::Error {
    SocketError { peer: Some(peer), cause: Cause::NotInTime }.into()
}

/// Nothing can be written any more.
pub(crate) fn closed(peer: SocketAddr) -> io::Error {
    SocketError { peer: Some(peer), cause: Cause::Closed }.into()
}

/// There is no connection (any more).
pub(crate) fn not_connected(peer: Option<SocketAddr>) -> io::Error {
    SocketError { peer, cause: Cause::NotConnected }.into()
}

/// The stack was shut down.
pub(crate) fn stack_is_down() -> io::Error {
    SocketError { peer: None, cause: Cause::StackIsDown }.into()
}

/// The stack's thread ended by a panic.
pub(crate) fn thread_is_gone() -> io::Error {
    SocketError { peer: None, cause: Cause::ThreadIsGone }.into()
}

/// The caller asked for something that makes no sense.
pub(crate) fn invalid(sentence: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_kinds_of_the_kernel_and_name_the_peer() {
        let peer: SocketAddr = "10.0.0.7:80".parse().expect("an address");
        let connection = |error| failed(Cause::Connection(error), peer);
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
            assert_eq!(host(error, None).kind(), kind);
        }
    }

    #[test]
    fn the_inner_error_can_be_asked() {
        let peer: SocketAddr = "[fd90::2]:80".parse().expect("an address");
        let error = not_in_time(peer);
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<SocketError>()).expect("ours");
        assert_eq!((inner.peer(), inner.cause()), (Some(peer), Cause::NotInTime));
    }
}
