//! The faces agree: for every failure, the kind that sockets tell and the error that calls return belong together.

use socket::{Cause, Fault};
use std::io::ErrorKind;
use std::net::SocketAddr;
use synfin_posix::Errno;
use tcp::Habits;

/// Each cause, about a peer over IPv4: the kind of `socket`, and the error of `posix` as Linux has it.
const FAULTS: &[(Cause, ErrorKind, Errno)] = &[
    (Cause::NotInTime, ErrorKind::TimedOut, Errno::TimedOut),
    (Cause::ResetAfterEnd, ErrorKind::BrokenPipe, Errno::Pipe),
    (Cause::Closed, ErrorKind::BrokenPipe, Errno::Pipe),
    (Cause::NotConnected, ErrorKind::NotConnected, Errno::NotConnected),
    (Cause::InvalidHopLimit, ErrorKind::InvalidInput, Errno::Invalid),
    (Cause::StackIsDown, ErrorKind::NotConnected, Errno::NotConnected),
    (Cause::DriverIsGone, ErrorKind::NotConnected, Errno::NotConnected),
    (Cause::Host(stack::Error::UnknownSocket), ErrorKind::NotConnected, Errno::NotConnected),
    (Cause::Host(stack::Error::AddressInUse), ErrorKind::AddrInUse, Errno::AddressInUse),
    (Cause::Host(stack::Error::AddressNotAvailable), ErrorKind::AddrNotAvailable, Errno::AddressNotAvailable),
    (Cause::Host(stack::Error::NoFreePort), ErrorKind::AddrNotAvailable, Errno::AddressNotAvailable),
    (Cause::Host(stack::Error::NetworkUnreachable), ErrorKind::NetworkUnreachable, Errno::NetworkUnreachable),
    (Cause::Host(stack::Error::InvalidAddress), ErrorKind::InvalidInput, Errno::Invalid),
    (Cause::Host(stack::Error::FamilyMismatch), ErrorKind::InvalidInput, Errno::FamilyNotSupported),
    (Cause::Host(stack::Error::NotConnected), ErrorKind::NotConnected, Errno::NotConnected),
    (Cause::Host(stack::Error::WouldBlock), ErrorKind::WouldBlock, Errno::Again),
    (Cause::Host(stack::Error::MessageTooLong), ErrorKind::InvalidInput, Errno::MessageSize),
    (Cause::Host(stack::Error::TooManySockets), ErrorKind::QuotaExceeded, Errno::TooManyFiles),
    (Cause::Host(stack::Error::OutOfMemory), ErrorKind::OutOfMemory, Errno::NoBuffers),
];

/// The same for what connections die of, and for the ICMP errors that come back for datagrams.
const ERRORS: &[(tcp::Error, ErrorKind, Errno)] = &[
    (tcp::Error::Refused, ErrorKind::ConnectionRefused, Errno::ConnectionRefused),
    (tcp::Error::Reset, ErrorKind::ConnectionReset, Errno::ConnectionReset),
    (tcp::Error::TimedOut, ErrorKind::TimedOut, Errno::TimedOut),
    (tcp::Error::Aborted, ErrorKind::ConnectionAborted, Errno::ConnectionAborted),
    (tcp::Error::OutOfMemory, ErrorKind::OutOfMemory, Errno::NoBuffers),
    (tcp::Error::NetworkUnreachable, ErrorKind::NetworkUnreachable, Errno::NetworkUnreachable), // ICMP 3/0
    (tcp::Error::HostUnreachable, ErrorKind::HostUnreachable, Errno::HostUnreachable),          // 3/1
    (tcp::Error::ProtocolUnreachable, ErrorKind::ConnectionRefused, Errno::NoProtocolOption),   // 3/2
    (tcp::Error::PortUnreachable, ErrorKind::ConnectionRefused, Errno::ConnectionRefused),      // 3/3
    (tcp::Error::SourceRouteFailed, ErrorKind::Unsupported, Errno::NotSupported),               // 3/5
    (tcp::Error::HostUnknown, ErrorKind::HostUnreachable, Errno::HostDown),                     // 3/7
    (tcp::Error::HostIsolated, ErrorKind::HostUnreachable, Errno::NoNetwork),                   // 3/8
    (tcp::Error::NetworkProhibited, ErrorKind::NetworkUnreachable, Errno::NetworkUnreachable),  // 3/9
    (tcp::Error::Prohibited, ErrorKind::HostUnreachable, Errno::HostUnreachable),               // 3/10, 3/13
    (tcp::Error::HopsExceeded, ErrorKind::HostUnreachable, Errno::HostUnreachable),             // 11/0
    (tcp::Error::ParameterProblem, ErrorKind::HostUnreachable, Errno::Protocol),                // 12
    (tcp::Error::NextHeaderUnknown, ErrorKind::HostUnreachable, Errno::Protocol),               // ICMPv6 4/1
];

/// Where FreeBSD returns another error, and what says so there.
const ON_FREEBSD: &[(Cause, Errno, &str)] = &[
    (Cause::ResetAfterEnd, Errno::ConnectionReset, "tcp_do_segment"),
    (Cause::Host(stack::Error::NetworkUnreachable), Errno::HostUnreachable, "ip_output"),
    (Cause::Host(stack::Error::InvalidAddress), Errno::AddressNotAvailable, "in_pcbconnect"),
];

/// The same for errors of connections and for ICMP errors (`icmp_errmap`).
const ERRORS_ON_FREEBSD: &[(tcp::Error, Errno)] = &[
    (tcp::Error::NetworkUnreachable, Errno::HostUnreachable),
    (tcp::Error::ProtocolUnreachable, Errno::ConnectionRefused),
    (tcp::Error::SourceRouteFailed, Errno::HostUnreachable),
    (tcp::Error::HostUnknown, Errno::HostUnreachable),
    (tcp::Error::HostIsolated, Errno::HostUnreachable),
    (tcp::Error::NetworkProhibited, Errno::ConnectionRefused),
    (tcp::Error::Prohibited, Errno::ConnectionRefused),
    (tcp::Error::ParameterProblem, Errno::NoProtocolOption),
    (tcp::Error::NextHeaderUnknown, Errno::ConnectionRefused),
];

/// What `std` has no kind for, so that `socket` gives the nearest.
const WITHOUT_KIND: &[Errno] = &[
    Errno::NoProtocolOption,
    Errno::HostDown,
    Errno::NoNetwork,
    Errno::Protocol,
    Errno::FamilyNotSupported,
    Errno::MessageSize,
    Errno::TooManyFiles,
    Errno::NoBuffers,
];

fn expected(cause: Cause) -> (ErrorKind, Errno, Errno) {
    let (kind, on_linux) = match cause {
        Cause::Connection(error) | Cause::Host(stack::Error::Icmp(error)) => {
            let row = ERRORS.iter().find(|(known, ..)| *known == error);
            row.map(|(_, kind, errno)| (*kind, *errno))
        }
        _ => FAULTS.iter().find(|(known, ..)| *known == cause).map(|(_, kind, errno)| (*kind, *errno)),
    }
    .unwrap_or_else(|| panic!("{cause:?} has no row"));
    let on_freebsd = match cause {
        Cause::Connection(error) | Cause::Host(stack::Error::Icmp(error)) => {
            ERRORS_ON_FREEBSD.iter().find(|(known, _)| *known == error).map(|(_, errno)| *errno)
        }
        _ => ON_FREEBSD.iter().find(|(known, ..)| *known == cause).map(|(_, errno, _)| *errno),
    };
    assert_ne!(on_freebsd, Some(on_linux), "{cause:?} is no difference");
    (kind, on_linux, on_freebsd.unwrap_or(on_linux))
}

fn about(peer: &str, cause: Cause) -> Fault {
    let peer: SocketAddr = peer.parse().expect("an address");
    Fault::with(Some(peer), cause)
}

#[test]
fn kinds_and_errors_belong_together_for_every_cause() {
    assert!(Cause::all().count() >= FAULTS.len() + 2 * ERRORS.len(), "all are asked");
    for cause in Cause::all() {
        let fault = about("10.0.0.7:80", cause);
        let (kind, on_linux, on_freebsd) = expected(cause);
        assert_eq!(fault.kind(), kind, "{cause:?}");
        for (habits, errno) in
            [(Habits::Linux, on_linux), (Habits::Rfc, on_linux), (Habits::FreeBsd, on_freebsd)]
        {
            assert_eq!(Errno::of(fault, habits), errno, "{cause:?} on {habits:?}");
        }
    }
}

#[test]
fn who_is_forbidden_to_talk_over_ipv6_has_no_permission() {
    for cause in
        [Cause::Connection(tcp::Error::Prohibited), Cause::Host(stack::Error::Icmp(tcp::Error::Prohibited))]
    {
        let fault = about("[fd90::2]:80", cause);
        assert_eq!(fault.kind(), ErrorKind::PermissionDenied);
        assert_eq!(Errno::of(fault, Habits::Linux), Errno::Access);
        assert_eq!(Errno::of(fault, Habits::FreeBsd), Errno::ConnectionRefused, "icmp6_errmap");
    }
}

/// `std` itself is the judge: what it makes of the number that the call returns is the kind that sockets tell.
#[cfg(target_os = "linux")]
#[test]
fn std_makes_the_same_kind_of_the_number() {
    let v6 = [about("[fd90::2]:80", Cause::Connection(tcp::Error::Prohibited))];
    for fault in Cause::all().map(|cause| about("10.0.0.7:80", cause)).chain(v6) {
        let errno = Errno::of(fault, Habits::Linux);
        let of_std = std::io::Error::from_raw_os_error(errno.number(Habits::Linux)).kind();
        if WITHOUT_KIND.contains(&errno) {
            assert_eq!(format!("{of_std:?}"), "Uncategorized", "{errno} has a kind");
        } else {
            assert_eq!(fault.kind(), of_std, "{fault}: {errno}");
        }
    }
}
