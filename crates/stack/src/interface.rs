//! The host's interfaces and its own addresses.
//!
//! The program creates interfaces; the host must know what their frames start with, how large frames may
//! be, and which addresses are ours.

use crate::cidr::Cidr;
use crate::flow::Address;
use crate::secret::{Purpose, Secret, TableHash};
use std::collections::HashMap;
use std::net::IpAddr;
use wire::LinkCapabilities;

pub use wire::ethernet::MacAddress as Mac;

/// Names an interface of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceId(pub(crate) u16);

impl InterfaceId {
    /// From the host to itself; its frames never leave the host.
    pub(crate) const LOOPBACK: InterfaceId = InterfaceId(u16::MAX);

    /// The number of the interface, from zero in the order in which they were added.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A link that the host is attached to.
#[derive(Clone, Debug)]
pub struct Interface {
    /// The name for people.
    pub name: String,
    /// What the link carries and what it does for us.
    pub capabilities: LinkCapabilities,
    /// Our link address on an Ethernet link; `None` on an IP link.
    pub hardware: Option<Mac>,
    /// Our IP addresses on the link, each with the network that is reached directly.
    pub addresses: Vec<Cidr>,
}

/// Which addresses are ours, answered in constant time.
pub(crate) struct Addresses {
    ours: HashMap<Address, InterfaceId, TableHash>,
    broadcasts: HashMap<Address, InterfaceId, TableHash>,
    /// The last address found to be ours; nearly every packet is for it.
    last_ours: Option<Address>,
    /// The last address found to be neither ours nor a broadcast; often the peer's.
    last_foreign: Option<Address>,
    /// Where the last packet that passed all checks came from, and what it was for; the next one often has the same.
    passed: Option<(InterfaceId, Address, Address)>,
    /// Packets for every address are accepted, as a proxy for whole networks needs.
    any: bool,
    /// A gate is open, or was: packets for foreign addresses are not refused before it is known what they belong to.
    foreign: bool,
}

impl Addresses {
    pub(crate) fn new(secret: &Secret) -> Self {
        let hasher = TableHash::new(secret, Purpose::Tables);
        Addresses {
            ours: HashMap::with_hasher(hasher),
            broadcasts: HashMap::with_hasher(hasher),
            last_ours: None,
            last_foreign: None,
            passed: None,
            any: false,
            foreign: false,
        }
    }

    pub(crate) fn add(&mut self, cidr: Cidr, interface: InterfaceId) {
        self.passed = None;
        self.last_foreign = None;
        self.ours.insert(cidr.address().into(), interface);
        if let Some(broadcast) = cidr.broadcast() {
            self.broadcasts.insert(broadcast.into(), interface);
        }
    }

    pub(crate) fn set_any(&mut self, any: bool) {
        self.any = any;
        self.passed = None;
    }

    /// A gate opens. There is no way back: connections outlive their gate.
    pub(crate) fn look_at_foreign(&mut self) {
        self.foreign = true;
        self.passed = None;
    }

    /// Whether there may be connections at addresses that are not ours.
    #[inline]
    pub(crate) fn sees_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether the address is one of ours.
    pub(crate) fn are_ours(&mut self, address: Address) -> bool {
        if self.last_ours == Some(address) || self.last_foreign == Some(address) {
            return self.last_ours == Some(address);
        }
        let ours = self.ours.contains_key(&address) || is_loopback(address);
        if ours {
            self.last_ours = Some(address);
        } else if !self.is_broadcast(address) {
            self.last_foreign = Some(address);
        }
        ours
    }

    /// Whether packets for every address are accepted.
    pub(crate) fn take_any(&self) -> bool {
        self.any
    }

    /// Whether a packet from outside for this address is accepted.
    pub(crate) fn takes(&mut self, address: Address) -> bool {
        self.are_ours(address) || self.any
    }

    /// Whether the last packet that passed all checks came by this interface, with this source and destination.
    pub(crate) fn have_passed(&self, arrival: InterfaceId, source: Address, destination: Address) -> bool {
        self.passed == Some((arrival, source, destination))
    }

    /// Remembers an interface, a source and a destination that passed all checks.
    pub(crate) fn remember_passed(&mut self, arrival: InterfaceId, source: Address, destination: Address) {
        self.passed = Some((arrival, source, destination));
    }

    /// Whether the address is the broadcast address of one of our networks, or 255.255.255.255.
    pub(crate) fn is_broadcast(&self, address: Address) -> bool {
        let may_be = address.is_v4() && self.last_foreign != Some(address);
        may_be && (address.is_broadcast() || self.broadcasts.contains_key(&address))
    }
}

/// 127.0.0.0/8 and ::1 are ours on every host (RFC 1122 §3.2.1.3 (g), RFC 4291 §2.5.3).
pub(crate) fn is_loopback(address: Address) -> bool {
    match address.ip() {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_ours_and_broadcasts_are_known() {
        let mut addresses = Addresses::new(&Secret::new([1; 32]));
        addresses.add("10.0.0.2/24".parse().unwrap(), InterfaceId(0));
        addresses.add("fd00::2/64".parse().unwrap(), InterfaceId(0));
        let address = |text: &str| Address::from(text.parse::<IpAddr>().unwrap());
        for (text, ours) in [
            ("10.0.0.2", true),
            ("10.0.0.3", false),
            ("fd00::2", true),
            ("::1", true),
            ("127.9.9.9", true),
            ("::", false),
        ] {
            assert_eq!(addresses.are_ours(address(text)), ours, "{text}");
        }
        for (text, broadcast) in [("10.0.0.255", true), ("255.255.255.255", true), ("10.0.1.255", false)] {
            assert_eq!(addresses.is_broadcast(address(text)), broadcast, "{text}");
        }
        assert!(!addresses.takes(address("192.0.2.1")));
        addresses.set_any(true);
        assert!(addresses.takes(address("192.0.2.1")) && !addresses.are_ours(address("192.0.2.1")));
    }
}
