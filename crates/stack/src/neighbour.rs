//! The neighbour cache: which link address a neighbour has (RFC 826, RFC 4861 §5 and §7.3).
//!
//! The five states of neighbour unreachability detection, for ARP and for neighbour discovery alike. The
//! cache is bounded. When it is full, the entry that would expire first is removed: entries that never
//! got an answer are removed before those that did. What is *not* here: packets; see `resolution.rs`.

use crate::config::Config;
use crate::flow::Address;
use crate::interface::{InterfaceId, Mac};
use crate::secret::{Purpose, Secret, TableHash};
use std::collections::{BTreeSet, HashMap, VecDeque};
use tcp::Instant;
use wire::Frame;

/// Which neighbour: the same address may belong to another host on another link.
pub(crate) type NeighbourKey = (InterfaceId, Address);

/// RFC 4861 §7.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Solicited, no answer yet.
    Incomplete { solicitations: u8 },
    /// An answer came recently.
    Reachable,
    /// The last answer is old, and no packet has been sent since it became so.
    Stale,
    /// Used while stale: it is solicited again after a short delay.
    Delay,
    /// Solicited again, no answer yet.
    Probe { solicitations: u8 },
}

struct Entry {
    state: State,
    mac: Mac,
    due: Instant,
    pending: VecDeque<Frame>,
}

/// What happened to a packet that must wait for its neighbour's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// It is the first packet: the neighbour must be solicited.
    pub(crate) solicit: bool,
    /// How many older packets were dropped to make room.
    pub(crate) dropped: u32,
}

/// What must be done when a neighbour's timer expires.
pub(crate) enum Due {
    /// Solicit again: everybody on the link, or the link address that the neighbour had.
    Solicit(NeighbourKey, Option<Mac>),
    /// The neighbour does not answer; these packets cannot be delivered.
    Unreachable(VecDeque<Frame>),
}

/// Whether a claim answers a solicitation, and whether it may replace an address (RFC 4861 §7.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClaimKind {
    /// It answers our solicitation.
    Solicited,
    /// Nobody asked: it does not prove that the neighbour can be reached from here.
    Unsolicited,
    /// Nobody asked, and it must not replace another address.
    UnsolicitedNoOverride,
    /// It answers our solicitation, and must not replace another address.
    SolicitedNoOverride,
}

/// The cache.
pub(crate) struct Neighbours {
    entries: HashMap<NeighbourKey, Entry, TableHash>,
    due: BTreeSet<(Instant, NeighbourKey)>,
}

impl Neighbours {
    pub(crate) fn new(secret: &Secret) -> Self {
        let entries = HashMap::with_hasher(TableHash::new(secret, Purpose::Tables));
        Neighbours { entries, due: BTreeSet::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Memory that the cache takes, with the packets that wait.
    pub(crate) fn held_bytes(&self) -> usize {
        let place_bytes = size_of::<(NeighbourKey, Entry)>() + 1 + 2 * size_of::<(Instant, NeighbourKey)>();
        self.entries.capacity() * place_bytes * 8 / 7
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    fn set_state(&mut self, key: NeighbourKey, state: State, due: Instant) {
        if let Some(entry) = self.entries.get_mut(&key) {
            self.due.remove(&(entry.due, key));
            entry.state = state;
            entry.due = due;
            self.due.insert((due, key));
        }
    }

    fn remove(&mut self, key: NeighbourKey) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        self.due.remove(&(entry.due, key));
        Some(entry)
    }

    fn insert(&mut self, key: NeighbourKey, entry: Entry, entries_max: usize) -> u32 {
        let mut dropped = 0;
        while self.entries.len() >= entries_max.max(1) {
            let Some((_, first)) = self.due.first().copied() else { break };
            dropped += self.remove(first).map_or(0, |entry| entry.pending.len() as u32);
        }
        self.due.insert((entry.due, key));
        self.entries.insert(key, entry);
        dropped
    }

    /// Finds the address for a packet, or lets it wait.
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        key: NeighbourKey,
        frame: Frame,
        config: &Config,
    ) -> Result<(Mac, Frame), Waiting> {
        let Some(entry) = self.entries.get_mut(&key) else {
            let entry = Entry {
                state: State::Incomplete { solicitations: 1 },
                mac: Mac::default(),
                due: now + config.neighbour_retransmit,
                pending: VecDeque::from([frame]),
            };
            return Err(Waiting { solicit: true, dropped: self.insert(key, entry, config.neighbours_max) });
        };
        match entry.state {
            State::Incomplete { .. } => {
                entry.pending.push_back(frame);
                let mut dropped = 0;
                while entry.pending.len() > config.neighbour_pending_max.max(1) {
                    entry.pending.pop_front();
                    dropped += 1;
                }
                Err(Waiting { solicit: false, dropped })
            }
            State::Reachable | State::Delay | State::Probe { .. } => Ok((entry.mac, frame)),
            State::Stale => {
                let mac = entry.mac;
                self.set_state(key, State::Delay, now + config.neighbour_probe_delay);
                Ok((mac, frame))
            }
        }
    }

    /// What is sent to the neighbour gets no answer: the next packet starts a new probe (RFC 4861 §7.3.1).
    pub(crate) fn doubt(&mut self, now: Instant, key: NeighbourKey, config: &Config) {
        if self.entries.get(&key).is_some_and(|entry| entry.state == State::Reachable) {
            self.set_state(key, State::Stale, now + config.neighbour_forget);
        }
    }

    /// Takes note of a neighbour's address and returns the packets that waited for it. An unknown neighbour
    /// is remembered only with `remember`.
    pub(crate) fn learn(&mut self, now: Instant, claim: Claim, config: &Config) -> VecDeque<Frame> {
        let Claim { key, mac, kind, remember } = claim;
        let reachable_until = now + config.neighbour_reachable;
        let stale_until = now + config.neighbour_forget;
        let Some(entry) = self.entries.get_mut(&key) else {
            if remember {
                let entry = Entry { state: State::Stale, mac, due: stale_until, pending: VecDeque::new() };
                self.insert(key, entry, config.neighbours_max);
            }
            return VecDeque::new();
        };
        let known = !matches!(entry.state, State::Incomplete { .. });
        let weak = matches!(kind, ClaimKind::SolicitedNoOverride | ClaimKind::UnsolicitedNoOverride);
        if known && weak && entry.mac != mac {
            // RFC 4861 §7.2.5: doubt the old address, do not take the new one.
            if entry.state == State::Reachable {
                self.set_state(key, State::Stale, stale_until);
            }
            return VecDeque::new();
        }
        let changed = entry.mac != mac || !known;
        entry.mac = mac;
        let pending = core::mem::take(&mut entry.pending);
        match kind {
            ClaimKind::Solicited | ClaimKind::SolicitedNoOverride => {
                self.set_state(key, State::Reachable, reachable_until);
            }
            ClaimKind::Unsolicited | ClaimKind::UnsolicitedNoOverride if changed => {
                self.set_state(key, State::Stale, stale_until);
            }
            _ => {}
        }
        pending
    }

    /// The next action that is due, until `None`.
    pub(crate) fn expire(&mut self, now: Instant, config: &Config) -> Option<Due> {
        loop {
            let (_, key) = self.due.first().copied().filter(|(due, _)| *due <= now)?;
            let entry = self.entries.get(&key)?;
            let mac = entry.mac;
            let retransmit_at = now + config.neighbour_retransmit;
            match entry.state {
                State::Incomplete { solicitations } if solicitations < config.neighbour_solicitations_max => {
                    self.set_state(
                        key,
                        State::Incomplete { solicitations: solicitations + 1 },
                        retransmit_at,
                    );
                    return Some(Due::Solicit(key, None));
                }
                State::Incomplete { .. } => {
                    return self.remove(key).map(|entry| Due::Unreachable(entry.pending));
                }
                State::Reachable => self.set_state(key, State::Stale, now + config.neighbour_forget),
                State::Delay => {
                    self.set_state(key, State::Probe { solicitations: 1 }, retransmit_at);
                    return Some(Due::Solicit(key, Some(mac)));
                }
                State::Probe { solicitations } if solicitations < config.neighbour_solicitations_max => {
                    self.set_state(key, State::Probe { solicitations: solicitations + 1 }, retransmit_at);
                    return Some(Due::Solicit(key, Some(mac)));
                }
                State::Stale | State::Probe { .. } => {
                    self.remove(key);
                }
            }
        }
    }
}

/// What a neighbour says about its link address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) key: NeighbourKey,
    pub(crate) mac: Mac,
    pub(crate) kind: ClaimKind,
    /// Remember a neighbour that we did not solicit, because it is about to send to us.
    pub(crate) remember: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use std::net::Ipv4Addr;

    fn key(n: u8) -> NeighbourKey {
        (InterfaceId(0), Ipv4Addr::new(10, 0, 0, n).into())
    }

    fn answer(n: u8, mac: u8, kind: ClaimKind) -> Claim {
        Claim { key: key(n), mac: Mac([2, 0, 0, 0, 0, mac]), kind, remember: false }
    }

    fn setup() -> (Neighbours, Config, Instant) {
        (Neighbours::new(&Secret::new([6; 32])), Config::default(), Instant::from_millis(1_000))
    }

    #[test]
    fn packets_wait_are_bounded_and_leave_with_the_answer() {
        let (mut neighbours, config, now) = setup();
        let first = neighbours.resolve(now, key(2), Frame::default(), &config);
        assert_eq!(first.err(), Some(Waiting { solicit: true, dropped: 0 }));
        let mut dropped_total = 0;
        for _ in 0..10 {
            match neighbours.resolve(now, key(2), Frame::default(), &config) {
                Err(Waiting { solicit: false, dropped }) => dropped_total += dropped,
                _ => panic!("the packet must wait"),
            }
        }
        assert_eq!(dropped_total, 11 - config.neighbour_pending_max as u32);
        let pending = neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
        assert_eq!(pending.len(), config.neighbour_pending_max);
        let next = neighbours.resolve(now, key(2), Frame::default(), &config);
        assert!(matches!(next, Ok((mac, _)) if mac.0[5] == 2));
    }

    #[test]
    fn three_solicitations_then_unreachable() {
        let (mut neighbours, config, mut now) = setup();
        let _ = neighbours.resolve(now, key(2), Frame::default(), &config);
        for _ in 0..2 {
            now += Duration::from_secs(1);
            assert!(matches!(neighbours.expire(now, &config), Some(Due::Solicit(_, None))));
            assert!(neighbours.expire(now, &config).is_none());
        }
        now += Duration::from_secs(1);
        assert!(
            matches!(neighbours.expire(now, &config), Some(Due::Unreachable(pending)) if pending.len() == 1)
        );
        assert_eq!((neighbours.len(), neighbours.next_due()), (0, None));
    }

    #[test]
    fn a_stale_neighbour_is_used_then_doubted_then_forgotten() {
        let (mut neighbours, config, mut now) = setup();
        let _ = neighbours.resolve(now, key(2), Frame::default(), &config);
        neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
        now += config.neighbour_reachable;
        assert!(neighbours.expire(now, &config).is_none(), "a stale neighbour is not solicited");
        assert!(neighbours.resolve(now, key(2), Frame::default(), &config).is_ok());
        now += config.neighbour_probe_delay;
        for _ in 0..3 {
            assert!(matches!(neighbours.expire(now, &config), Some(Due::Solicit(_, Some(_)))));
            now += config.neighbour_retransmit;
        }
        assert!(neighbours.expire(now, &config).is_none());
        assert_eq!(neighbours.len(), 0);
    }

    #[test]
    fn a_weak_answer_does_not_replace_an_address() {
        let (mut neighbours, config, now) = setup();
        let _ = neighbours.resolve(now, key(2), Frame::default(), &config);
        neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
        neighbours.learn(now, answer(2, 9, ClaimKind::SolicitedNoOverride), &config);
        let found =
            |neighbours: &mut Neighbours| match neighbours.resolve(now, key(2), Frame::default(), &config) {
                Ok((mac, _)) => mac.0[5],
                Err(_) => panic!("the neighbour is known"),
            };
        assert_eq!(found(&mut neighbours), 2);
        neighbours.learn(now, answer(2, 9, ClaimKind::Unsolicited), &config);
        assert_eq!(found(&mut neighbours), 9);
    }

    #[test]
    fn a_scan_of_the_link_does_not_push_out_a_neighbour_that_answers() {
        let (mut neighbours, mut config, now) = setup();
        config.neighbours_max = 8;
        let _ = neighbours.resolve(now, key(2), Frame::default(), &config);
        neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
        for n in 3..200 {
            let _ = neighbours.resolve(now, key(n), Frame::default(), &config);
        }
        assert_eq!((neighbours.len(), neighbours.due.len()), (8, 8));
        assert!(neighbours.resolve(now, key(2), Frame::default(), &config).is_ok());
    }
}
