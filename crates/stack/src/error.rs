//! Why the host refuses what an application asks.
//!
//! What happens to an established connection is [`tcp::Error`]; here is what the host itself says:
//! addresses, ports, bounds and ids.

use core::fmt;

/// Why the host could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The id names no socket: it was closed, or is of another kind.
    UnknownSocket,
    /// Another socket has this address and port, or this pair of ends (`EADDRINUSE`).
    AddressInUse,
    /// The address is none of this host's (`EADDRNOTAVAIL`).
    AddressNotAvailable,
    /// Every port of the ephemeral range is taken towards that end (`EADDRNOTAVAIL`).
    NoFreePort,
    /// No route leads there (`ENETUNREACH`).
    NetworkUnreachable,
    /// The peer, or a router on the way, said that there is nobody (`ECONNREFUSED` on UDP).
    Refused,
    /// The far end cannot be reached (`EHOSTUNREACH`).
    HostUnreachable,
    /// Nothing can be sent to such an address: unspecified, multicast or broadcast, port zero (MUST-46).
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
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::UnknownSocket => "the socket is closed",
            Error::AddressInUse => "the address is in use; choose another port or close the socket that has it",
            Error::AddressNotAvailable => "the address is none of this host's; add it to an interface first",
            Error::NoFreePort => "every ephemeral port is in use towards that address; close connections or widen the range",
            Error::NetworkUnreachable => "no route leads to that address; add one",
            Error::Refused => "nobody listens at that address",
            Error::HostUnreachable => "the far host cannot be reached",
            Error::InvalidAddress => "no connection can be made to that address: it is unspecified, multicast, broadcast or has port 0",
            Error::FamilyMismatch => "one address is IPv4 and the other IPv6",
            Error::NotConnected => "the socket has no peer; connect it or name one",
            Error::WouldBlock => "nothing can be done right now; wait for the next event",
            Error::MessageTooLong => "the datagram is larger than 65,507 (IPv4) or 65,527 (IPv6) bytes",
            Error::TooManySockets => "the host has as many sockets as its configuration allows",
        })
    }
}

impl std::error::Error for Error {}
