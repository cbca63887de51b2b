//! Who has which link address: the neighbour cache (RFC 826, RFC 4861 §5 and §7.3).
//!
//! The five states of neighbour unreachability detection, for ARP and for neighbour discovery alike. The
//! cache is bounded; when it is full the entry that would expire first goes, which is one that never
//! answered before it is one that did. What is *not* here: packets; see `resolution.rs`.

use crate::config::Config;
use crate::flow::Address;
use crate::interface::{InterfaceId, Mac};
use crate::secret::{Purpose, Secret, TableHash};
use std::collections::{BTreeSet, HashMap, VecDeque};
use tcp::Instant;
use wire::Frame;

/// Which neighbour: the same address may be somebody else on another link.
pub(crate) type Name = (InterfaceId, Address);

/// RFC 4861 §7.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Asked for, no answer yet.
    Incomplete { asked: u8 },
    /// An answer came lately.
    Reachable,
    /// The last answer is old; nobody has used it since.
    Stale,
    /// Used while stale: soon it will be asked for again.
    Delay,
    /// Asked for again.
    Probe { asked: u8 },
}

struct Entry {
    state: State,
    mac: Mac,
    due: Instant,
    pending: VecDeque<Frame>,
}

/// A packet waits for its neighbour's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waits {
    /// It is the first: ask for the address.
    pub(crate) ask: bool,
    /// Others have gone to make room.
    pub(crate) dropped: u32,
}

/// What a neighbour's timer demands.
pub(crate) enum Due {
    /// Ask again: everybody, or the address that it had.
    Ask(Name, Option<Mac>),
    /// It does not answer; these packets go nowhere.
    Lost(VecDeque<Frame>),
}

/// How an answer was meant (RFC 4861 §7.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It answers our question.
    Answer,
    /// It only says so: the neighbour may yet be unreachable.
    Hearsay,
    /// Hearsay that must not replace another address.
    WeakHearsay,
    /// An answer that must not replace another address.
    WeakAnswer,
}

/// The cache.
pub(crate) struct Neighbours {
    entries: HashMap<Name, Entry, TableHash>,
    due: BTreeSet<(Instant, Name)>,
}

impl Neighbours {
    pub(crate) fn new(secret: &Secret) -> Self {
        let entries = HashMap::with_hasher(TableHash::new(secret, Purpose::Tables));
        Neighbours { entries, due: BTreeSet::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    fn enter(&mut self, name: Name, state: State, due: Instant) {
        if let Some(entry) = self.entries.get_mut(&name) {
            self.due.remove(&(entry.due, name));
            (entry.state, entry.due) = (state, due);
            self.due.insert((due, name));
        }
    }

    fn remove(&mut self, name: Name) -> Option<Entry> {
        let entry = self.entries.remove(&name)?;
        self.due.remove(&(entry.due, name));
        Some(entry)
    }

    fn insert(&mut self, name: Name, entry: Entry, entries_max: usize) -> u32 {
        let mut dropped = 0;
        while self.entries.len() >= entries_max.max(1) {
            let Some((_, first)) = self.due.first().copied() else { break };
            dropped += self.remove(first).map_or(0, |entry| entry.pending.len() as u32);
        }
        self.due.insert((entry.due, name));
        self.entries.insert(name, entry);
        dropped
    }

    /// Finds the address for a packet, or lets it wait.
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        name: Name,
        frame: Frame,
        config: &Config,
    ) -> Result<(Mac, Frame), Waits> {
        let Some(entry) = self.entries.get_mut(&name) else {
            let entry = Entry {
                state: State::Incomplete { asked: 1 },
                mac: Mac::default(),
                due: now + config.neighbour_retransmit,
                pending: VecDeque::from([frame]),
            };
            return Err(Waits { ask: true, dropped: self.insert(name, entry, config.neighbours_max) });
        };
        match entry.state {
            State::Incomplete { .. } => {
                entry.pending.push_back(frame);
                let mut dropped = 0;
                while entry.pending.len() > config.neighbour_pending_max.max(1) {
                    entry.pending.pop_front();
                    dropped += 1;
                }
                Err(Waits { ask: false, dropped })
            }
            State::Reachable | State::Delay | State::Probe { .. } => Ok((entry.mac, frame)),
            State::Stale => {
                let mac = entry.mac;
                self.enter(name, State::Delay, now + config.neighbour_probe_delay);
                Ok((mac, frame))
            }
        }
    }

    /// What is sent that way gets no answer: the next packet begins to ask again (RFC 4861 §7.3.1).
    pub(crate) fn doubt(&mut self, now: Instant, name: Name, config: &Config) {
        if self.entries.get(&name).is_some_and(|entry| entry.state == State::Reachable) {
            self.enter(name, State::Stale, now + config.neighbour_forget);
        }
    }

    /// A neighbour has told its address. Gives the packets that waited for it. An unknown neighbour is
    /// remembered only with `remember`.
    pub(crate) fn learn(&mut self, now: Instant, told: Told, config: &Config) -> VecDeque<Frame> {
        let Told { name, mac, sign, remember } = told;
        let (reachable, stale) = (now + config.neighbour_reachable, now + config.neighbour_forget);
        let Some(entry) = self.entries.get_mut(&name) else {
            if remember {
                let entry = Entry { state: State::Stale, mac, due: stale, pending: VecDeque::new() };
                self.insert(name, entry, config.neighbours_max);
            }
            return VecDeque::new();
        };
        let known = !matches!(entry.state, State::Incomplete { .. });
        let weak = matches!(sign, Sign::WeakAnswer | Sign::WeakHearsay);
        if known && weak && entry.mac != mac {
            // RFC 4861 §7.2.5: doubt the old address, do not take the new one.
            if entry.state == State::Reachable {
                self.enter(name, State::Stale, stale);
            }
            return VecDeque::new();
        }
        let changed = entry.mac != mac || !known;
        entry.mac = mac;
        let pending = core::mem::take(&mut entry.pending);
        match sign {
            Sign::Answer | Sign::WeakAnswer => self.enter(name, State::Reachable, reachable),
            Sign::Hearsay | Sign::WeakHearsay if changed => self.enter(name, State::Stale, stale),
            _ => {}
        }
        pending
    }

    /// The next thing that is due, until `None`.
    pub(crate) fn expire(&mut self, now: Instant, config: &Config) -> Option<Due> {
        loop {
            let (_, name) = self.due.first().copied().filter(|(due, _)| *due <= now)?;
            let entry = self.entries.get(&name)?;
            let (mac, again) = (entry.mac, now + config.neighbour_retransmit);
            match entry.state {
                State::Incomplete { asked } if asked < config.neighbour_solicitations_max => {
                    self.enter(name, State::Incomplete { asked: asked + 1 }, again);
                    return Some(Due::Ask(name, None));
                }
                State::Incomplete { .. } => {
                    return self.remove(name).map(|entry| Due::Lost(entry.pending));
                }
                State::Reachable => self.enter(name, State::Stale, now + config.neighbour_forget),
                State::Delay => {
                    self.enter(name, State::Probe { asked: 1 }, again);
                    return Some(Due::Ask(name, Some(mac)));
                }
                State::Probe { asked } if asked < config.neighbour_solicitations_max => {
                    self.enter(name, State::Probe { asked: asked + 1 }, again);
                    return Some(Due::Ask(name, Some(mac)));
                }
                State::Stale | State::Probe { .. } => {
                    self.remove(name);
                }
            }
        }
    }
}

/// What a neighbour has told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) name: Name,
    pub(crate) mac: Mac,
    pub(crate) sign: Sign,
    /// Keep it even if nobody has asked: it is about to talk to us.
    pub(crate) remember: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use std::net::Ipv4Addr;

    fn name(n: u8) -> Name {
        (InterfaceId(0), Ipv4Addr::new(10, 0, 0, n).into())
    }

    fn answer(n: u8, mac: u8, sign: Sign) -> Told {
        Told { name: name(n), mac: Mac([2, 0, 0, 0, 0, mac]), sign, remember: false }
    }

    fn setup() -> (Neighbours, Config, Instant) {
        (Neighbours::new(&Secret::new([6; 32])), Config::default(), Instant::from_millis(1_000))
    }

    #[test]
    fn packets_wait_are_bounded_and_leave_with_the_answer() {
        let (mut neighbours, config, now) = setup();
        let first = neighbours.resolve(now, name(2), Frame::default(), &config);
        assert_eq!(first.err(), Some(Waits { ask: true, dropped: 0 }));
        let mut dropped_total = 0;
        for _ in 0..10 {
            match neighbours.resolve(now, name(2), Frame::default(), &config) {
                Err(Waits { ask: false, dropped }) => dropped_total += dropped,
                _ => panic!("it waits"),
            }
        }
        assert_eq!(dropped_total, 11 - config.neighbour_pending_max as u32);
        let pending = neighbours.learn(now, answer(2, 2, Sign::Answer), &config);
        assert_eq!(pending.len(), config.neighbour_pending_max);
        let next = neighbours.resolve(now, name(2), Frame::default(), &config);
        assert!(matches!(next, Ok((mac, _)) if mac.0[5] == 2));
    }

    #[test]
    fn three_questions_then_lost() {
        let (mut neighbours, config, mut now) = setup();
        let _ = neighbours.resolve(now, name(2), Frame::default(), &config);
        for _ in 0..2 {
            now += Duration::from_secs(1);
            assert!(matches!(neighbours.expire(now, &config), Some(Due::Ask(_, None))));
            assert!(neighbours.expire(now, &config).is_none());
        }
        now += Duration::from_secs(1);
        assert!(matches!(neighbours.expire(now, &config), Some(Due::Lost(pending)) if pending.len() == 1));
        assert_eq!((neighbours.len(), neighbours.next_due()), (0, None));
    }

    #[test]
    fn a_stale_neighbour_is_used_then_doubted_then_forgotten() {
        let (mut neighbours, config, mut now) = setup();
        let _ = neighbours.resolve(now, name(2), Frame::default(), &config);
        neighbours.learn(now, answer(2, 2, Sign::Answer), &config);
        now += config.neighbour_reachable;
        assert!(neighbours.expire(now, &config).is_none(), "stale asks nothing");
        assert!(neighbours.resolve(now, name(2), Frame::default(), &config).is_ok());
        now += config.neighbour_probe_delay;
        for _ in 0..3 {
            assert!(matches!(neighbours.expire(now, &config), Some(Due::Ask(_, Some(_)))));
            now += config.neighbour_retransmit;
        }
        assert!(neighbours.expire(now, &config).is_none());
        assert_eq!(neighbours.len(), 0);
    }

    #[test]
    fn a_weak_answer_does_not_replace_an_address() {
        let (mut neighbours, config, now) = setup();
        let _ = neighbours.resolve(now, name(2), Frame::default(), &config);
        neighbours.learn(now, answer(2, 2, Sign::Answer), &config);
        neighbours.learn(now, answer(2, 9, Sign::WeakAnswer), &config);
        let found =
            |neighbours: &mut Neighbours| match neighbours.resolve(now, name(2), Frame::default(), &config) {
                Ok((mac, _)) => mac.0[5],
                Err(_) => panic!("known"),
            };
        assert_eq!(found(&mut neighbours), 2);
        neighbours.learn(now, answer(2, 9, Sign::Hearsay), &config);
        assert_eq!(found(&mut neighbours), 9);
    }

    #[test]
    fn a_scan_of_the_link_does_not_push_out_who_answers() {
        let (mut neighbours, mut config, now) = setup();
        config.neighbours_max = 8;
        let _ = neighbours.resolve(now, name(2), Frame::default(), &config);
        neighbours.learn(now, answer(2, 2, Sign::Answer), &config);
        for n in 3..200 {
            let _ = neighbours.resolve(now, name(n), Frame::default(), &config);
        }
        assert_eq!((neighbours.len(), neighbours.due.len()), (8, 8));
        assert!(neighbours.resolve(now, name(2), Frame::default(), &config).is_ok());
    }
}
