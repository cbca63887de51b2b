//! The errors of POSIX calls, by name, and how each system numbers and chooses them.

use core::fmt;
use socket::{Cause, Fault};
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

    /// What a failure means to an application on that system.
    ///
    /// ```
    /// use socket::{Cause, Fault};
    /// use synfin_posix::Errno;
    /// use tcp::Habits;
    ///
    /// let no_route = Fault::of(Cause::Host(stack::Error::NetworkUnreachable));
    /// assert_eq!(Errno::of(no_route, Habits::Linux), Errno::NetworkUnreachable);
    /// assert_eq!(Errno::of(no_route, Habits::FreeBsd), Errno::HostUnreachable);
    /// ```
    pub fn of(fault: Fault, habits: Habits) -> Errno {
        let on_linux =
            || Errno::named(fault.errno()).expect("a test says that every error of the table is known");
        match habits {
            Habits::Linux | Habits::Rfc => on_linux(),
            Habits::FreeBsd => Errno::on_freebsd(fault.cause()).unwrap_or_else(on_linux),
        }
    }

    /// Where FreeBSD has another error than Linux: as `icmp_errmap`, `tcp_do_segment`, `in_pcbconnect` and
    /// `ip_output` have it.
    fn on_freebsd(cause: Cause) -> Option<Errno> {
        Some(match cause {
            Cause::Connection(error) | Cause::Host(stack::Error::Icmp(error)) => match error {
                tcp::Error::ProtocolUnreachable
                | tcp::Error::NetworkProhibited
                | tcp::Error::Prohibited
                | tcp::Error::NextHeaderUnknown => Errno::ConnectionRefused,
                tcp::Error::ParameterProblem => Errno::NoProtocolOption,
                tcp::Error::NetworkUnreachable
                | tcp::Error::SourceRouteFailed
                | tcp::Error::HostUnknown
                | tcp::Error::HostIsolated => Errno::HostUnreachable,
                _ => return None,
            },
            // A reset is a reset, also for those who are about to write.
            Cause::ResetAfterEnd => Errno::ConnectionReset,
            Cause::Host(stack::Error::NetworkUnreachable) => Errno::HostUnreachable,
            Cause::Host(stack::Error::InvalidAddress) => Errno::AddressNotAvailable,
            _ => return None,
        })
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.text())
    }
}

impl std::error::Error for Errno {}
