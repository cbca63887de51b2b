//! An address and how many of its bits name the network (RFC 4632 §3.1).
//!
//! Addresses of interfaces (`10.0.0.2/24`) and destinations of routes (`::/0`) are written like this. What
//! is *not* here: choosing among routes; that is the routing table's.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr};

/// An address with a prefix length.
///
/// ```
/// use synfin_stack::Cidr;
/// let home: Cidr = "10.0.0.2/24".parse().expect("an address and a prefix length");
/// assert!(home.contains("10.0.0.77".parse().expect("an address")));
/// assert!(!home.contains("10.0.1.1".parse().expect("an address")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix_bits: u8,
}

impl Cidr {
    /// `address` in a network named by its first `prefix_bits` bits; `None` if the address has fewer bits.
    pub fn new(address: IpAddr, prefix_bits: u8) -> Option<Self> {
        (prefix_bits <= width_bits(address)).then_some(Cidr { address, prefix_bits })
    }

    /// One address alone: `/32` or `/128`.
    pub fn host(address: IpAddr) -> Self {
        Cidr { address, prefix_bits: width_bits(address) }
    }

    /// The address, host part included.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many leading bits name the network.
    pub fn prefix_bits(self) -> u8 {
        self.prefix_bits
    }

    /// Whether `other` is of the same family and in this network.
    pub fn contains(self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let shift = 32 - u32::from(self.prefix_bits);
                (u32::from(a) ^ u32::from(b)).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let shift = 128 - u32::from(self.prefix_bits);
                (u128::from(a) ^ u128::from(b)).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// The directed broadcast address of an IPv4 network of more than two addresses (RFC 3021).
    pub fn broadcast(self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(a) if self.prefix_bits < 31 => Some(Ipv4Addr::from(
                u32::from(a) | (u32::MAX.checked_shr(u32::from(self.prefix_bits)).unwrap_or(0)),
            )),
            _ => None,
        }
    }
}

fn width_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

/// Why a text is not a [`Cidr`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CidrError {
    text: String,
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an address with a prefix length; write it like 10.0.0.2/24 or fd00::2/64",
            self.text
        )
    }
}

impl std::error::Error for CidrError {}

impl FromStr for Cidr {
    type Err = CidrError;

    /// Reads `10.0.0.2/24`; an address without a prefix length means that one address.
    fn from_str(text: &str) -> Result<Self, CidrError> {
        let parse = || match text.split_once('/') {
            Some((address, bits)) => Cidr::new(address.parse().ok()?, bits.parse().ok()?),
            None => text.parse().ok().map(Cidr::host),
        };
        parse().ok_or_else(|| CidrError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_contains_its_own_and_no_other() {
        for (network, inside, outside) in [
            ("10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/32", "10.1.2.3", "10.1.2.2"),
            ("fd00::1/64", "fd00::ffff:0:0:1", "fd00:0:0:1::1"),
            ("fe80::1/128", "fe80::1", "fe80::2"),
        ] {
            assert!(cidr(network).contains(inside.parse().unwrap()), "{network}");
            assert!(!cidr(network).contains(outside.parse().unwrap()), "{network}");
        }
        assert!(cidr("0.0.0.0/0").contains("255.1.2.3".parse().unwrap()));
        assert!(cidr("::/0").contains("ff02::1".parse().unwrap()));
        assert!(!cidr("::/0").contains("1.2.3.4".parse().unwrap()));
    }

    #[test]
    fn broadcast_is_the_last_address() {
        assert_eq!(cidr("10.0.0.2/24").broadcast(), Some(Ipv4Addr::new(10, 0, 0, 255)));
        assert_eq!(cidr("10.0.0.2/31").broadcast(), None);
        assert_eq!(cidr("0.0.0.0/0").broadcast(), Some(Ipv4Addr::BROADCAST));
    }

    #[test]
    fn nonsense_is_refused_with_advice() {
        for text in ["", "10.0.0.1/33", "fd00::/129", "10.0.0/8", "10.0.0.1/", "/8", "10.0.0.1/8/8"] {
            let error = text.parse::<Cidr>().unwrap_err();
            assert!(error.to_string().contains("10.0.0.2/24"), "{text}");
        }
    }
}
