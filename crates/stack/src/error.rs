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
    /// An ICMP error came for an earlier datagram; what it says is named as for connections ([`tcp::Error::errno`]).
    Icmp(tcp::Error),
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

impl Error {
    /// All of them, with every ICMP error.
    pub fn all() -> impl Iterator<Item = Error> {
        let own = [
            Error::UnknownSocket,
            Error::AddressInUse,
            Error::AddressNotAvailable,
            Error::NoFreePort,
            Error::NetworkUnreachable,
            Error::InvalidAddress,
            Error::FamilyMismatch,
            Error::NotConnected,
            Error::WouldBlock,
            Error::MessageTooLong,
            Error::TooManySockets,
            Error::OutOfMemory,
        ];
        own.into_iter().chain(tcp::Error::ALL.iter().copied().map(Error::Icmp))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::UnknownSocket => "the socket is closed; open another one",
            Error::AddressInUse => "the address is in use; choose another port or close the socket that has it",
            Error::AddressNotAvailable => "the address is not one of this host's; add it to an interface first",
            Error::NoFreePort => "every ephemeral port is in use towards that address; close connections or widen the range of ports",
            Error::NetworkUnreachable => "there is no route to that address; add one",
            Error::Icmp(tcp::Error::PortUnreachable) => {
                "no program listens at that address; check the address and the port"
            }
            Error::Icmp(tcp::Error::ProtocolUnreachable) => "the host of that address does not speak UDP",
            Error::Icmp(tcp::Error::NetworkUnreachable) => "no route leads to the network of that address",
            Error::Icmp(tcp::Error::NetworkProhibited | tcp::Error::Prohibited) => {
                "a router on the path forbids datagrams to that address"
            }
            Error::Icmp(_) => "the host of that address cannot be reached",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_listed() {
        // Whoever adds one comes by here: it needs a place in the list, too.
        let place = |error| match error {
            Error::UnknownSocket => 0,
            Error::AddressInUse => 1,
            Error::AddressNotAvailable => 2,
            Error::NoFreePort => 3,
            Error::NetworkUnreachable => 4,
            Error::InvalidAddress => 5,
            Error::FamilyMismatch => 6,
            Error::NotConnected => 7,
            Error::WouldBlock => 8,
            Error::MessageTooLong => 9,
            Error::TooManySockets => 10,
            Error::OutOfMemory => 11,
            Error::Icmp(error) => 12 + error as usize,
        };
        assert!(Error::all().map(place).eq(0..12 + tcp::Error::ALL.len()));
    }
}
