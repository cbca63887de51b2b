//! Which hosts were heard of in the capture: one that answers others is there.

use crate::live::Live;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Hosts remembered: beyond it nothing is claimed of those that come later.
const HOSTS_MAX: usize = 4_096;

/// The hosts that were heard of.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    /// In a connection of which both directions were captured.
    heard: BTreeSet<IpAddr>,
    /// In one that was open and of which only their own direction was.
    one_sided: BTreeSet<IpAddr>,
}

impl Hosts {
    /// Both ends of a connection, as far as they sent something.
    pub(crate) fn note(&mut self, live: &Live) {
        let [low, high] = live.key.ends();
        let [a, b] = if live.a_is_low { [low, high] } else { [high, low] };
        // an address that only sends SYNs may be forged
        let was_answered = live.halves.iter().all(|half| half.traffic.packets > 0);
        let put = |hosts: &mut BTreeSet<IpAddr>, host| hosts.len() < HOSTS_MAX && hosts.insert(host);
        if was_answered {
            for host in [a.ip(), b.ip()] {
                put(&mut self.heard, host);
            }
        } else if live.marks.was_open() {
            put(&mut self.one_sided, a.ip());
        }
    }

    /// What is sent to this host is not in the capture, as far as its connections show.
    pub(crate) fn is_deaf(&self, host: IpAddr) -> bool {
        self.one_sided.contains(&host) && !self.heard.contains(&host)
    }

    /// Whether this host was heard of.
    pub(crate) fn was_heard(&self, host: IpAddr) -> bool {
        self.heard.contains(&host)
    }
}
