//! Findings of one kind and host together: a port scan is one fact, not two thousand.
//!
//! A group keeps counts and a few examples, so a flood of attempts takes no more memory than a handful. Where one host
//! does the same to many, the kind is grouped by that host.

use super::{Finding, FindingId, Severity};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Examples kept of a group: where there are no more, each is told for itself.
const EXAMPLES_MAX: usize = 3;
/// Groups kept; beyond it, findings are counted by kind alone.
const GROUPS_MAX: usize = 2_048;
/// Hosts with the same kind of finding beyond which they are told together.
const HOSTS_APART_MAX: usize = 8;
/// Ports told apart in all groups together; those of groups that begin later are not counted. They take 2 MB.
const PORTS_MAX: usize = 300_000;
/// Peers told apart in one group: whether there is one, or more.
const PEERS_MAX: usize = 2;

/// Whose findings a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GroupHost {
    /// Of this host.
    Of(IpAddr),
    /// Of many hosts, each in its talk with this one.
    With(IpAddr),
    /// Of many hosts.
    Many,
}

/// Findings of one kind, and of one host or many.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FindingGroup {
    /// Their kind.
    pub id: FindingId,
    /// Whose they are.
    pub host: GroupHost,
    /// How serious each of them is.
    pub severity: Severity,
    /// How many.
    pub count: u64,
    /// The first of them, a few.
    pub examples: Vec<Finding>,
    /// How many ports of the host, as far as they were counted apart.
    pub ports: u32,
    /// How many hosts, as far as they were counted apart.
    pub hosts: u32,
    /// The numbers that all of them have: the name, the smallest, the largest, the sum.
    pub numbers: Vec<(&'static str, [u64; 3])>,
}

/// A group that grows.
#[derive(Debug)]
struct Growing {
    group: FindingGroup,
    ports: BTreeSet<u16>,
    /// The other hosts: who they are tells by whom many are grouped.
    peers: BTreeSet<IpAddr>,
}

/// Their kind, how serious they are, and whose they are.
type Key = (FindingId, Severity, GroupHost);

/// All groups of a capture.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    growing: BTreeMap<Key, Growing>,
    /// Ports told apart in all groups.
    ports: usize,
}

impl Groups {
    pub(crate) fn take(&mut self, finding: Finding) {
        let key = (finding.id, finding.severity, GroupHost::Of(finding.subject.host()));
        let key = match self.growing.contains_key(&key) || self.growing.len() < GROUPS_MAX {
            true => key,
            false => (key.0, key.1, GroupHost::Many),
        };
        let growing = self.growing.entry(key).or_insert_with(|| Growing::new(key));
        if self.ports < PORTS_MAX {
            self.ports += usize::from(growing.ports.insert(finding.subject.address_and_peer()[0].port()));
        }
        growing.take(finding);
    }

    /// The groups, the most serious first, then those of most findings.
    pub(crate) fn finish(&mut self) -> Vec<FindingGroup> {
        let mut all: Vec<Growing> = Vec::new();
        while let Some(((id, severity, _), _)) = self.growing.first_key_value() {
            let of_kind: Vec<Growing> = self.take_kind(*id, *severity);
            match of_kind.len() > HOSTS_APART_MAX {
                true => all.extend(together(of_kind)),
                false => all.extend(of_kind),
            }
        }
        let mut groups: Vec<FindingGroup> = all.into_iter().map(Growing::finish).collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.severity), std::cmp::Reverse(group.count)));
        groups
    }

    fn take_kind(&mut self, id: FindingId, severity: Severity) -> Vec<Growing> {
        let is_such = |key: &&Key| (key.0, key.1) == (id, severity);
        let keys: Vec<Key> = self.growing.keys().take_while(is_such).copied().collect();
        keys.into_iter().filter_map(|key| self.growing.remove(&key)).collect()
    }
}

/// Groups of many hosts: by the host that they all talk to where that is one.
fn together(of_kind: Vec<Growing>) -> Vec<Growing> {
    let mut merged: BTreeMap<GroupHost, Growing> = BTreeMap::new();
    for growing in of_kind {
        let mut peers = growing.peers.iter();
        let host = match (peers.next(), peers.next()) {
            (Some(peer), None) => GroupHost::With(*peer),
            _ => GroupHost::Many,
        };
        let key = (growing.group.id, growing.group.severity, host);
        merged.entry(host).or_insert_with(|| Growing::new(key)).join(growing);
    }
    // one host alone is still told by its name
    merged
        .into_values()
        .map(|mut growing| {
            if growing.group.hosts == 1
                && let Some(example) = growing.group.examples.first()
            {
                growing.group.host = GroupHost::Of(example.subject.host());
            }
            growing
        })
        .collect()
}

impl Growing {
    fn new((id, severity, host): Key) -> Growing {
        let group = FindingGroup {
            id,
            host,
            severity,
            count: 0,
            examples: Vec::new(),
            ports: 0,
            hosts: 0,
            numbers: Vec::new(),
        };
        Growing { group, ports: BTreeSet::new(), peers: BTreeSet::new() }
    }

    fn take(&mut self, finding: Finding) {
        let peer = finding.subject.address_and_peer()[1];
        if self.peers.len() < PEERS_MAX {
            self.peers.insert(peer.ip());
        }
        let group = &mut self.group;
        group.hosts = 1;
        let numbers = finding.numbers.iter().map(|(name, number)| (*name, [*number; 3]));
        group.add_numbers(&numbers.collect::<Vec<_>>());
        group.count += 1;
        if group.examples.len() < EXAMPLES_MAX {
            group.examples.push(finding);
        }
    }

    fn join(&mut self, other: Growing) {
        let group = &mut self.group;
        group.add_numbers(&other.group.numbers);
        group.count += other.group.count;
        group.hosts += 1;
        let room = EXAMPLES_MAX - group.examples.len();
        group.examples.extend(other.group.examples.into_iter().take(room));
        self.ports.extend(other.ports);
        self.peers.extend(other.peers.into_iter().take(PEERS_MAX.saturating_sub(self.peers.len())));
    }

    fn finish(self) -> FindingGroup {
        FindingGroup { ports: u32::try_from(self.ports.len()).unwrap_or(u32::MAX), ..self.group }
    }
}

impl FindingGroup {
    /// The number of this name: the smallest, the largest, the sum.
    pub fn number(&self, name: &str) -> Option<[u64; 3]> {
        self.numbers.iter().find(|(known, _)| *known == name).map(|(_, numbers)| *numbers)
    }

    /// Each of them can be told for itself: its examples are all of them.
    pub fn is_few(&self) -> bool {
        self.count == self.examples.len() as u64
    }

    /// Only numbers that all have are kept.
    fn add_numbers(&mut self, others: &[(&'static str, [u64; 3])]) {
        if self.count == 0 {
            self.numbers = others.to_vec();
            return;
        }
        self.numbers.retain_mut(|(name, [least, most, sum])| {
            let other = others.iter().find(|(known, _)| known == name);
            if let Some((_, [other_least, other_most, other_sum])) = other {
                *least = (*least).min(*other_least);
                *most = (*most).max(*other_most);
                *sum = sum.saturating_add(*other_sum);
            }
            other.is_some()
        });
    }
}
