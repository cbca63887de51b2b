//! The errors of POSIX calls, by name, and how each system numbers and chooses them.

use core::fmt;
use tcp::Habits;

macro_rules! errnos {
    ($($variant:ident $name:literal $linux:literal $freebsd:literal $text:literal;)+) => {
        /// The error of a call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Errno {
            $(#[doc = $text] $variant),+
        }

        impl Errno {
            /// Every error that this layer knows.
            pub const ALL: &[Errno] = &[$(Errno::$variant),+];

            /// The name as C writes it: `EAGAIN`.
            pub const fn name(self) -> &'static str {
                match self { $(Errno::$variant => $name),+ }
            }

            /// The number on that system.
            pub const fn number(self, habits: Habits) -> i32 {
                match (self, habits) {
                    $((Errno::$variant, Habits::Linux | Habits::Rfc) => $linux, (Errno::$variant, Habits::FreeBsd) => $freebsd),+
                }
            }

            /// What `strerror` would say.
            pub const fn text(self) -> &'static str {
                match self { $(Errno::$variant => $text),+ }
            }
        }
    };
}

errnos! {
    // name                      Linux FreeBSD
    NotPermitted "EPERM" 1 1 "Operation not permitted";
    NoEntry "ENOENT" 2 2 "No such file or directory";
    BadDescriptor "EBADF" 9 9 "Bad file descriptor";
    Again "EAGAIN" 11 35 "Resource temporarily unavailable";
    Access "EACCES" 13 13 "Permission denied";
    Fault "EFAULT" 14 14 "Bad address";
    Exists "EEXIST" 17 17 "File exists";
    Invalid "EINVAL" 22 22 "Invalid argument";
    TooManyFiles "EMFILE" 24 24 "Too many open files";
    NoSuchRequest "ENOTTY" 25 25 "Inappropriate ioctl for device";
    Pipe "EPIPE" 32 32 "Broken pipe";
    Domain "EDOM" 33 33 "Numerical argument out of domain";
    NotSocket "ENOTSOCK" 88 38 "Socket operation on non-socket";
    DestinationRequired "EDESTADDRREQ" 89 39 "Destination address required";
    MessageSize "EMSGSIZE" 90 40 "Message too long";
    NoProtocolOption "ENOPROTOOPT" 92 42 "Protocol not available";
    ProtocolNotSupported "EPROTONOSUPPORT" 93 43 "Protocol not supported";
    TypeNotSupported "ESOCKTNOSUPPORT" 94 44 "Socket type not supported";
    NotSupported "EOPNOTSUPP" 95 45 "Operation not supported";
    FamilyNotSupported "EAFNOSUPPORT" 97 47 "Address family not supported by protocol";
    AddressInUse "EADDRINUSE" 98 48 "Address already in use";
    AddressNotAvailable "EADDRNOTAVAIL" 99 49 "Cannot assign requested address";
    NetworkUnreachable "ENETUNREACH" 101 51 "Network is unreachable";
    ConnectionAborted "ECONNABORTED" 103 53 "Software caused connection abort";
    ConnectionReset "ECONNRESET" 104 54 "Connection reset by peer";
    NoBuffers "ENOBUFS" 105 55 "No buffer space available";
    IsConnected "EISCONN" 106 56 "Transport endpoint is already connected";
    NotConnected "ENOTCONN" 107 57 "Transport endpoint is not connected";
    TimedOut "ETIMEDOUT" 110 60 "Connection timed out";
    ConnectionRefused "ECONNREFUSED" 111 61 "Connection refused";
    HostDown "EHOSTDOWN" 112 64 "Host is down";
    Protocol "EPROTO" 71 92 "Protocol error";
    NoNetwork "ENONET" 64 64 "Machine is not on the network";
    HostUnreachable "EHOSTUNREACH" 113 65 "No route to host";
    Already "EALREADY" 114 37 "Operation already in progress";
    InProgress "EINPROGRESS" 115 36 "Operation now in progress";
}

impl Errno {
    /// The error of that name, if it is one that this layer gives.
    pub fn named(name: &str) -> Option<Errno> {
        let name = if name == "EWOULDBLOCK" { "EAGAIN" } else { name };
        Errno::ALL.iter().copied().find(|errno| errno.name() == name)
    }

    /// What the death of a connection means to its application. On Linux a reset in
    /// CLOSE-WAIT is a broken pipe.
    pub(crate) fn of_connection(error: tcp::Error, habits: Habits, peer: Peer) -> Errno {
        match habits {
            Habits::Linux | Habits::Rfc => Errno::on_linux(error, peer),
            Habits::FreeBsd => Errno::on_freebsd(error),
        }
    }

    /// The engine's table; what it depends on besides is here.
    fn on_linux(error: tcp::Error, peer: Peer) -> Errno {
        match error {
            tcp::Error::Reset if peer.alone_has_finished => Errno::Pipe,
            tcp::Error::Prohibited if peer.is_v6 => Errno::Access,
            _ => Errno::named(error.errno()).expect("a test says that every error of the table is known"),
        }
    }

    /// As `icmp_errmap` and `tcp_do_segment` have it.
    fn on_freebsd(error: tcp::Error) -> Errno {
        match error {
            tcp::Error::Refused
            | tcp::Error::PortUnreachable
            | tcp::Error::ProtocolUnreachable
            | tcp::Error::NetworkProhibited
            | tcp::Error::Prohibited
            | tcp::Error::NextHeaderUnknown => Errno::ConnectionRefused,
            tcp::Error::ParameterProblem => Errno::NoProtocolOption,
            tcp::Error::Reset => Errno::ConnectionReset,
            tcp::Error::TimedOut => Errno::TimedOut,
            tcp::Error::Aborted => Errno::ConnectionAborted,
            tcp::Error::OutOfMemory => Errno::NoBuffers,
            tcp::Error::HostUnreachable
            | tcp::Error::NetworkUnreachable
            | tcp::Error::SourceRouteFailed
            | tcp::Error::HostUnknown
            | tcp::Error::HostIsolated
            | tcp::Error::HopsExceeded => Errno::HostUnreachable,
            _ => Errno::HostUnreachable,
        }
    }

    /// What a refusal of the host means to the application.
    pub(crate) fn of_host(error: stack::Error, habits: Habits) -> Errno {
        match error {
            stack::Error::UnknownSocket | stack::Error::NotConnected => Errno::NotConnected,
            stack::Error::AddressInUse => Errno::AddressInUse,
            stack::Error::AddressNotAvailable | stack::Error::NoFreePort => Errno::AddressNotAvailable,
            stack::Error::NetworkUnreachable if habits == Habits::FreeBsd => Errno::HostUnreachable,
            stack::Error::NetworkUnreachable => Errno::NetworkUnreachable,
            stack::Error::Refused => Errno::ConnectionRefused,
            stack::Error::HostUnreachable => Errno::HostUnreachable,
            stack::Error::InvalidAddress => Errno::AddressNotAvailable,
            stack::Error::FamilyMismatch => Errno::FamilyNotSupported,
            stack::Error::WouldBlock => Errno::Again,
            stack::Error::MessageTooLong => Errno::MessageSize,
            stack::Error::TooManySockets => Errno::TooManyFiles,
            stack::Error::OutOfMemory => Errno::NoBuffers,
            _ => Errno::Invalid,
        }
    }
}

/// What an error depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// It has said that it has no more to send, and we have not (CLOSE-WAIT).
    pub(crate) alone_has_finished: bool,
    /// It is reached over IPv6.
    pub(crate) is_v6: bool,
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.text())
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_engines_table_is_known() {
        let peer = Peer { alone_has_finished: false, is_v6: false };
        for (error, name) in [
            (tcp::Error::Refused, "ECONNREFUSED"),
            (tcp::Error::Reset, "ECONNRESET"),
            (tcp::Error::TimedOut, "ETIMEDOUT"),
            (tcp::Error::Aborted, "ECONNABORTED"),
            (tcp::Error::HostUnreachable, "EHOSTUNREACH"),
            (tcp::Error::NetworkUnreachable, "ENETUNREACH"),
            (tcp::Error::PortUnreachable, "ECONNREFUSED"),
            (tcp::Error::ProtocolUnreachable, "ENOPROTOOPT"),
            (tcp::Error::SourceRouteFailed, "EOPNOTSUPP"),
            (tcp::Error::HostUnknown, "EHOSTDOWN"),
            (tcp::Error::HostIsolated, "ENONET"),
            (tcp::Error::HopsExceeded, "EHOSTUNREACH"),
            (tcp::Error::NetworkProhibited, "ENETUNREACH"),
            (tcp::Error::Prohibited, "EHOSTUNREACH"),
            (tcp::Error::ParameterProblem, "EPROTO"),
            (tcp::Error::NextHeaderUnknown, "EPROTO"),
            (tcp::Error::OutOfMemory, "ENOBUFS"),
        ] {
            assert_eq!(Errno::of_connection(error, Habits::Linux, peer).name(), name, "{error:?}");
        }
        let v6 = Peer { is_v6: true, ..peer };
        assert_eq!(Errno::of_connection(tcp::Error::Prohibited, Habits::Linux, v6), Errno::Access);
        let close_wait = Peer { alone_has_finished: true, ..peer };
        assert_eq!(Errno::of_connection(tcp::Error::Reset, Habits::Linux, close_wait), Errno::Pipe);
    }
}
