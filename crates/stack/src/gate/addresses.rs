//! Which addresses a gate takes, answered in logarithmic time: a program may name thousands of networks.

use crate::cidr::Cidr;
use std::net::IpAddr;

/// Which addresses a gate takes.
///
/// ```
/// use synfin_stack::GateAddresses;
/// let net = |text: &str| text.parse::<synfin_stack::Cidr>().expect("an address with its prefix");
/// let gate = GateAddresses::of([net("0.0.0.0/0")]).except([net("10.0.0.0/8")]);
/// assert!(gate.take("93.184.216.34".parse().expect("an address")));
/// assert!(!gate.take("10.1.2.3".parse().expect("an address")));
/// assert!(!gate.take("2001:db8::1".parse().expect("an address")), "IPv6 was not named");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateAddresses {
    v4: Ranges,
    v6: Ranges,
}

impl GateAddresses {
    /// Every address of both families, ours included.
    pub fn all() -> Self {
        GateAddresses { v4: Ranges(vec![(0, u128::from(u32::MAX))]), v6: Ranges(vec![(0, u128::MAX)]) }
    }

    /// Those in one of these networks.
    pub fn of(networks: impl IntoIterator<Item = Cidr>) -> Self {
        let (v4, v6): (Vec<Cidr>, Vec<Cidr>) =
            networks.into_iter().partition(|network| network.address().is_ipv4());
        GateAddresses { v4: Ranges::of(&v4), v6: Ranges::of(&v6) }
    }

    /// The same without these networks.
    #[must_use]
    pub fn except(self, networks: impl IntoIterator<Item = Cidr>) -> Self {
        let without = GateAddresses::of(networks);
        GateAddresses { v4: self.v4.except(&without.v4), v6: self.v6.except(&without.v6) }
    }

    /// Whether this address is one of them.
    pub fn take(&self, ip: IpAddr) -> bool {
        if ip.is_ipv4() { self.v4.contain(number(ip)) } else { self.v6.contain(number(ip)) }
    }

    pub(crate) fn held_bytes(&self) -> usize {
        (self.v4.0.capacity() + self.v6.0.capacity()) * size_of::<(u128, u128)>()
    }
}

impl Default for GateAddresses {
    fn default() -> Self {
        GateAddresses::all()
    }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The first and the last address of a network.
fn range_of(network: &Cidr) -> (u128, u128) {
    let width_bits = if network.address().is_ipv4() { 32 } else { 128 };
    let host_bits = width_bits - u32::from(network.prefix_bits());
    let hosts = u128::MAX.checked_shr(128 - host_bits).unwrap_or(0);
    let first = number(network.address()) & !hosts;
    (first, first | hosts)
}

/// Addresses of one family as first and last of each range, in ascending order and apart from each other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ranges(Vec<(u128, u128)>);

impl Ranges {
    fn of(networks: &[Cidr]) -> Ranges {
        let mut ranges: Vec<_> = networks.iter().map(range_of).collect();
        ranges.sort_unstable();
        let mut apart: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match apart.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => apart.push((first, last)),
            }
        }
        Ranges(apart)
    }

    fn contain(&self, number: u128) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).is_some_and(|at| number <= self.0[at].1)
    }

    /// What is in these and not in the others: both lists are walked once, because both ascend.
    fn except(&self, others: &Ranges) -> Ranges {
        let mut left = Vec::with_capacity(self.0.len());
        let mut holes = others.0.iter().copied().peekable();
        for &(mut first, last) in &self.0 {
            loop {
                while holes.next_if(|(_, end)| *end < first).is_some() {}
                match holes.peek().copied().filter(|(start, _)| *start <= last) {
                    None => {
                        left.push((first, last));
                        break;
                    }
                    Some((start, end)) => {
                        if start > first {
                            left.push((first, start - 1));
                        }
                        if end >= last {
                            break;
                        }
                        first = end + 1;
                    }
                }
            }
        }
        Ranges(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    /// Networks near each other and near both ends of the family.
    fn networks() -> impl Strategy<Value = Vec<Cidr>> {
        let v4 = (prop_oneof![0u32..64, u32::MAX - 64..=u32::MAX], 24u8..=32)
            .prop_map(|(bits, prefix)| Cidr::new(Ipv4Addr::from_bits(bits).into(), prefix).unwrap());
        let v6 = (prop_oneof![0u128..64, u128::MAX - 64..=u128::MAX], 120u8..=128)
            .prop_map(|(bits, prefix)| Cidr::new(Ipv6Addr::from_bits(bits).into(), prefix).unwrap());
        let all = Just(Cidr::new(Ipv4Addr::UNSPECIFIED.into(), 0).unwrap());
        proptest::collection::vec(prop_oneof![4 => v4, 4 => v6, 1 => all], 0..6)
    }

    proptest! {
        #[test]
        fn an_address_is_taken_if_it_is_named_and_not_excepted(only in networks(), except in networks()) {
            let named = GateAddresses::of(only.clone()).except(except.clone());
            let rest = GateAddresses::all().except(except.clone());
            let is_in = |networks: &[Cidr], ip| networks.iter().any(|network| network.contains(ip));
            for n in 0..300u32 {
                for v4 in [n, u32::MAX - n] {
                    let ip = IpAddr::V4(Ipv4Addr::from_bits(v4));
                    prop_assert_eq!(named.take(ip), is_in(&only, ip) && !is_in(&except, ip), "{}", ip);
                    prop_assert_eq!(rest.take(ip), !is_in(&except, ip), "{}", ip);
                }
                for v6 in [u128::from(n), u128::MAX - u128::from(n)] {
                    let ip = IpAddr::V6(Ipv6Addr::from_bits(v6));
                    prop_assert_eq!(named.take(ip), is_in(&only, ip) && !is_in(&except, ip), "{}", ip);
                    prop_assert_eq!(rest.take(ip), !is_in(&except, ip), "{}", ip);
                }
            }
        }
    }
}
