//! Why the host refuses what an application asks.
//!
//! What is *not* here: errors of a connection; those are [`tcp::Error`]. These are the host's own: addresses,
//! ports, bounds and ids.

use core::fmt;

/// Why the host could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The id names no socket: the socket was closed, or is of another kind.
    UnknownSocket,
    /// Another socket has this address and port, or this pair of ends (`EADDRINUSE`).
    AddressInUse,
    /// The address is not one of this host's (`EADDRNOTAVAIL`).
    AddressNotAvailable,
    /// Every port of the ephemeral range is in use towards that address (`EADDRNOTAVAIL`).
    NoFreePort,
    /// There is no route to the address (`ENETUNREACH`).
    NetworkUnreachable,
    /// An ICMP error said that no program listens at the address (`ECONNREFUSED` on UDP).
    Refused,
    /// The host of the address cannot be reached (`EHOSTUNREACH`).
    HostUnreachable,
    /// No connection or datagram can go to such an address: unspecified, multicast or broadcast, port zero (MUST-46).
    InvalidAddress,
    /// The two addresses are not of the same family.
    FamilyMismatch,
    /// The socket has no peer yet (`ENOTCONN`).
    NotConnected,
    /// Nothing to read, or no room to write (`EWOULDBLOCK`).
    WouldBlock,
    /// The datagram is larger than UDP can carry (`EMSGSIZE`).
    MessageTooLong,
    /// The bound in [`crate::Config`] on this kind of socket is reached (`EMFILE`).
    TooManySockets,
    /// The memory of the host is used up (`ENOBUFS`).
    OutOfMemory,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::UnknownSocket => "the socket is closed; open another one",
            Error::AddressInUse => "the address is in use; choose another port or close the socket that has it",
            Error::AddressNotAvailable => "the address is not one of this host's; add it to an interface first",
            Error::NoFreePort => "every ephemeral port is in use towards that address; close connections or widen the range of ports",
            Error::NetworkUnreachable => "there is no route to that address; add one",
            Error::Refused => "no program listens at that address; check the address and the port",
            Error::HostUnreachable => "the host of that address cannot be reached",
            Error::InvalidAddress => "that address cannot be a destination: it is unspecified, multicast, broadcast or has port 0",
            Error::FamilyMismatch => "one address is IPv4 and the other IPv6; use two addresses of one family",
            Error::NotConnected => "the socket has no peer; connect it, or name the destination of the datagram",
            Error::WouldBlock => "nothing can be read or written right now; wait for the next event",
            Error::MessageTooLong => "the datagram is larger than 65,507 (IPv4) or 65,527 (IPv6) bytes; send less",
            Error::OutOfMemory => "the host holds as much memory as its configuration allows; close connections, read what waits, or raise the budget",
            Error::TooManySockets => "the host has as many sockets as its configuration allows; close one or raise the limit",
        })
    }
}

impl std::error::Error for Error {}
