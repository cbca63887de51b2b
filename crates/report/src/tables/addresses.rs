//! Long addresses, shortened so that they stay apart: the first group, the last ones, and a mark between them.

use crate::style::Style;
use crate::words::{self, Language};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Longer addresses are shortened; no IPv4 address is.
const HOST_COLUMNS_MAX: usize = 15;
/// The groups of an IPv6 address after the first.
const TAIL_GROUPS_MAX: usize = 7;

/// The short names of the hosts in a table that are too long.
#[derive(Debug, Default)]
pub(super) struct ShortNames(BTreeMap<Ipv6Addr, String>);

impl ShortNames {
    /// Names for those of `hosts` that are too long. Two hosts never have the same one.
    pub(super) fn of(hosts: impl Iterator<Item = IpAddr>, style: &Style) -> ShortNames {
        let hosts: BTreeSet<Ipv6Addr> = hosts
            .filter_map(|host| match host {
                IpAddr::V6(host) if host.to_string().len() > HOST_COLUMNS_MAX => Some(host),
                _ => None,
            })
            .collect();
        let mut names = BTreeMap::new();
        let mut left: Vec<Ipv6Addr> = hosts.into_iter().collect();
        for groups in 1..=TAIL_GROUPS_MAX {
            let mut same: BTreeMap<String, Vec<Ipv6Addr>> = BTreeMap::new();
            for host in left.drain(..) {
                same.entry(name(host, groups, style)).or_default().push(host);
            }
            for (name, hosts) in same {
                match hosts[..] {
                    [host] if name.len() < host.to_string().len() => drop(names.insert(host, name)),
                    // It would not be shorter.
                    [_] => {}
                    _ => left.extend(hosts),
                }
            }
        }
        ShortNames(names)
    }

    /// Address and port, short where the host has a short name.
    pub(super) fn text(&self, address: SocketAddr) -> String {
        match address {
            SocketAddr::V6(long) => match self.0.get(long.ip()) {
                Some(name) => format!("[{name}]:{}", long.port()),
                None => address.to_string(),
            },
            SocketAddr::V4(_) => address.to_string(),
        }
    }

    /// What the short names stand for, a line each.
    pub(super) fn legend(&self, language: Language) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(move |(host, name)| words::stands_for(name, &host.to_string(), language))
    }
}

/// The first group and the last ones.
fn name(host: Ipv6Addr, groups: usize, style: &Style) -> String {
    let all = host.segments();
    let tail = all[all.len() - groups..].iter().map(|group| format!(":{group:x}")).collect::<String>();
    format!("{:x}:{}{tail}", all[0], style.pick("…", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_stay_apart_and_are_told_in_full() {
        let hosts =
            ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:9:6", "2001:db8:7:2:3:4:9:7", "fe80::1", "10.0.0.1"]
                .map(|host| host.parse::<IpAddr>().expect("an address"));
        let names = ShortNames::of(hosts.into_iter().chain(hosts), &Style::PLAIN);
        let shown = hosts.map(|host| names.text(SocketAddr::new(host, 443)));
        assert_eq!(
            shown,
            ["[2001:…:5:6]:443", "[2001:…:9:6]:443", "[2001:…:7]:443", "[fe80::1]:443", "10.0.0.1:443"]
        );
        assert_eq!(names.legend(Language::English).count(), 3);
        assert_eq!(
            names.legend(Language::English).next().as_deref(),
            Some("2001:…:5:6 is 2001:db8:1:2:3:4:5:6")
        );
    }
}
