//! The two ends of a flow, for people and for tables.
//!
//! [`Flow`] is what a person reads. [`FlowKey`] is the same in 36 bytes, IPv4 as IPv4-mapped IPv6: it
//! is compared and hashed for every segment, and stored for every connection. The receiver refuses IPv6
//! packets with mapped addresses, so the two families cannot be confused.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Both ends of a connection, ours first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// This host's end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.local, self.remote)
    }
}

/// An address in 16 bytes, IPv4 as `::ffff:a.b.c.d`. Four words and not 16 bytes, because it is copied and
/// compared for every segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address([u32; 4]);

/// The third word of an IPv4 address.
const MAPPED: u32 = 0xffff;

impl Address {
    /// 0.0.0.0.
    pub(crate) const ANY_V4: Address = Address([0, 0, MAPPED, 0]);
    /// `::`.
    pub(crate) const ANY_V6: Address = Address([0; 4]);

    pub(crate) fn ip(self) -> IpAddr {
        if self.is_v4() { IpAddr::V4(self.low()) } else { IpAddr::V6(self.whole()) }
    }

    /// The IPv4 address in the last word; only for an address for which [`Address::is_v4`] is true.
    pub(crate) fn low(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.0[3])
    }

    /// All sixteen bytes, as an IPv6 address.
    pub(crate) fn whole(self) -> Ipv6Addr {
        let [a, b, c, d] = self.0.map(u128::from);
        Ipv6Addr::from_bits((a << 96) | (b << 64) | (c << 32) | d)
    }

    pub(crate) fn is_v4(self) -> bool {
        let [a, b, mapped, _] = self.0;
        (a | b) == 0 && mapped == MAPPED
    }

    pub(crate) fn is_unspecified(self) -> bool {
        self == Address::ANY_V4 || self == Address::ANY_V6
    }

    pub(crate) fn is_multicast(self) -> bool {
        if self.is_v4() { self.low().is_multicast() } else { self.0[0] >> 24 == 0xff }
    }

    /// 255.255.255.255.
    pub(crate) fn is_broadcast(self) -> bool {
        self.is_v4() && self.0[3] == u32::MAX
    }
}

impl From<Ipv4Addr> for Address {
    fn from(v4: Ipv4Addr) -> Self {
        Address([0, 0, MAPPED, v4.to_bits()])
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Address::from(v4),
            IpAddr::V6(v6) => {
                let bits = v6.to_bits();
                Address([(bits >> 96) as u32, (bits >> 64) as u32, (bits >> 32) as u32, bits as u32])
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ip().fmt(f)
    }
}

/// Both ends of a flow as tables store them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FlowKey {
    pub(crate) local: Address,
    pub(crate) remote: Address,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
}

impl FlowKey {
    pub(crate) fn new(local: SocketAddr, remote: SocketAddr) -> Self {
        FlowKey {
            local: local.ip().into(),
            remote: remote.ip().into(),
            local_port: local.port(),
            remote_port: remote.port(),
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        SocketAddr::new(self.local.ip(), self.local_port)
    }

    pub(crate) fn remote(&self) -> SocketAddr {
        SocketAddr::new(self.remote.ip(), self.remote_port)
    }

    pub(crate) fn flow(&self) -> Flow {
        Flow { local: self.local(), remote: self.remote() }
    }

    pub(crate) fn is_v4(&self) -> bool {
        self.local.is_v4()
    }

    /// Writes the bytes that a keyed hash covers and returns how many: 12 for IPv4, 36 for IPv6.
    pub(crate) fn hashed_bytes(&self, out: &mut [u8; 36]) -> usize {
        let (addresses, len) = if self.is_v4() {
            out[..4].copy_from_slice(&self.local.low().octets());
            out[4..8].copy_from_slice(&self.remote.low().octets());
            (8, 12)
        } else {
            out[..16].copy_from_slice(&self.local.whole().octets());
            out[16..32].copy_from_slice(&self.remote.whole().octets());
            (32, 36)
        };
        out[addresses..addresses + 2].copy_from_slice(&self.local_port.to_be_bytes());
        out[addresses + 2..len].copy_from_slice(&self.remote_port.to_be_bytes());
        len
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.flow().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_back_its_ends() {
        for (local, remote) in [("10.0.0.1:80", "10.0.0.2:9"), ("[fd00::1]:80", "[fd00::2]:9")] {
            let local: SocketAddr = local.parse().unwrap();
            let remote: SocketAddr = remote.parse().unwrap();
            let key = FlowKey::new(local, remote);
            assert_eq!(key.flow(), Flow { local, remote });
            assert_eq!(key.is_v4(), local.is_ipv4());
        }
        assert_eq!(size_of::<FlowKey>(), 36);
    }
}
