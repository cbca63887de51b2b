//! The neighbour cache: which link address a neighbour has (RFC 826, RFC 4861 §5 and §7.3).
//!
//! The five states of neighbour unreachability detection, for ARP and for neighbour discovery alike. The
//! cache is bounded. When it is full, a newcomer takes the place of an entry that is worth no more than it
//! ([`Worth`]), the oldest first, or is refused: what strangers make us remember never pushes out what our
//! sockets use (RFC 6583 §7.1). Packets that wait are bounded in bytes. What is *not* here: the packets
//! that ask and answer; see `resolution.rs`.

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

/// Why a packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// A socket of ours sends it.
    Socket,
    /// It answers a packet, whose source anybody may have forged: a reset, an echo reply, a SYN-ACK.
    Answer,
}

/// What an entry is worth when the cache is full, from what goes first to what stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// A stranger made us remember it or ask for it, and it has not answered.
    Stranger,
    /// Only answers went there, and it has confirmed its address.
    Answered,
    /// A socket sends to it; it is being asked for, was not confirmed, or has not been used for a while.
    Wanted,
    /// A socket sends to it, and it has confirmed its address.
    InUse,
}

struct Entry {
    state: State,
    mac: Mac,
    due: Instant,
    created: Instant,
    /// A socket of ours has sent to it since it was last found stale.
    is_wanted: bool,
    /// It has answered a solicitation of ours with this address.
    is_confirmed: bool,
    pending: VecDeque<Frame>,
    pending_bytes: usize,
}

impl Entry {
    fn new(state: State, due: Instant, created: Instant) -> Self {
        Entry {
            state,
            mac: Mac::default(),
            due,
            created,
            is_wanted: false,
            is_confirmed: false,
            pending: VecDeque::new(),
            pending_bytes: 0,
        }
    }

    fn worth(&self) -> Worth {
        let is_fresh = matches!(self.state, State::Reachable | State::Delay | State::Probe { .. });
        match (self.is_wanted, is_fresh && self.is_confirmed) {
            (false, false) => Worth::Stranger,
            (false, true) => Worth::Answered,
            (true, false) => Worth::Wanted,
            (true, true) => Worth::InUse,
        }
    }
}

/// What a packet that waits counts in addition to its bytes.
const FRAME_OVERHEAD_BYTES: usize = size_of::<Frame>();

fn cost_bytes(frame: &Frame) -> usize {
    frame.len() + FRAME_OVERHEAD_BYTES
}

/// Answers may take this part of the bytes that wait for all neighbours: nobody misses them much.
const ANSWERS_PART: usize = 4;

/// Why a packet does not leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// It waits for its neighbour's address.
    Waiting {
        /// It is the first packet: the neighbour must be solicited.
        solicit: bool,
        /// How many packets were dropped to stay within the bounds.
        dropped: u32,
    },
    /// It was dropped: the cache is full of what is worth more.
    TableFull,
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

/// So much room the table keeps after a flood.
const ENTRIES_KEPT: usize = 64;

/// The cache.
pub(crate) struct Neighbours {
    entries: HashMap<NeighbourKey, Entry, TableHash>,
    due: BTreeSet<(Instant, NeighbourKey)>,
    /// What goes first when the cache is full: the oldest of the least worth.
    worths: BTreeSet<(Worth, Instant, NeighbourKey)>,
    /// Bytes that wait for all neighbours.
    pending_bytes: usize,
    /// Of these, bytes that wait for neighbours that no socket wants.
    answer_bytes: usize,
}

impl Neighbours {
    pub(crate) fn new(secret: &Secret) -> Self {
        let entries = HashMap::with_hasher(TableHash::new(secret, Purpose::Tables));
        let (due, worths) = (BTreeSet::new(), BTreeSet::new());
        Neighbours { entries, due, worths, pending_bytes: 0, answer_bytes: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Memory that the cache takes, with the packets that wait.
    pub(crate) fn held_bytes(&self) -> usize {
        // Each entry is in two more tables, of which half may be empty.
        let place_bytes = size_of::<(NeighbourKey, Entry)>() + 1 + 4 * size_of::<(Instant, NeighbourKey)>();
        self.entries.capacity() * place_bytes * 8 / 7 + self.pending_bytes
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Changes an entry, and its places in the orders.
    fn change(&mut self, key: NeighbourKey, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let (due, worth, was_wanted) = (entry.due, entry.worth(), entry.is_wanted);
        change(entry);
        if entry.due != due {
            self.due.remove(&(due, key));
            self.due.insert((entry.due, key));
        }
        if entry.worth() != worth {
            self.worths.remove(&(worth, entry.created, key));
            self.worths.insert((entry.worth(), entry.created, key));
        }
        if entry.is_wanted && !was_wanted {
            self.answer_bytes -= entry.pending_bytes;
        }
    }

    fn set_state(&mut self, key: NeighbourKey, state: State, due: Instant) {
        self.change(key, |entry| {
            entry.state = state;
            entry.due = due;
        });
    }

    fn remove(&mut self, key: NeighbourKey) -> Option<Entry> {
        let mut entry = self.entries.remove(&key)?;
        if self.entries.capacity() > 4 * self.entries.len() + ENTRIES_KEPT {
            self.entries.shrink_to(2 * self.entries.len());
        }
        self.due.remove(&(entry.due, key));
        self.worths.remove(&(entry.worth(), entry.created, key));
        let bytes = core::mem::take(&mut entry.pending_bytes);
        self.uncount(entry.is_wanted, bytes);
        Some(entry)
    }

    fn uncount(&mut self, is_wanted: bool, bytes: usize) {
        self.pending_bytes -= bytes;
        self.answer_bytes -= if is_wanted { 0 } else { bytes };
    }

    /// Adds an entry, in the place of others of no more worth if the cache is full. Returns how many packets
    /// were dropped with these, or `None` if there is no place for the newcomer.
    fn insert(&mut self, key: NeighbourKey, entry: Entry, entries_max: usize) -> Option<u32> {
        let mut dropped = 0;
        while self.entries.len() >= entries_max.max(1) {
            let (worth, _, first) = self.worths.first().copied()?;
            if worth > entry.worth() {
                return None;
            }
            dropped += self.remove(first).map_or(0, |entry| entry.pending.len() as u32);
        }
        self.due.insert((entry.due, key));
        self.worths.insert((entry.worth(), entry.created, key));
        self.entries.insert(key, entry);
        Some(dropped)
    }

    /// Finds the address for a packet, or lets it wait.
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        key: NeighbourKey,
        packet: (Frame, Demand),
        config: &Config,
    ) -> Result<(Mac, Frame), Unresolved> {
        let (frame, demand) = packet;
        let is_wanted = demand == Demand::Socket;
        let Some(entry) = self.entries.get(&key) else {
            let state = State::Incomplete { solicitations: 1 };
            let entry = Entry { is_wanted, ..Entry::new(state, now + config.neighbour_retransmit, now) };
            let dropped = self.insert(key, entry, config.neighbours_max).ok_or(Unresolved::TableFull)?;
            let dropped = dropped + self.hold(key, frame, config);
            return Err(Unresolved::Waiting { solicit: true, dropped });
        };
        let (state, mac) = (entry.state, entry.mac);
        if is_wanted && !entry.is_wanted {
            self.change(key, |entry| entry.is_wanted = true);
        }
        match state {
            State::Incomplete { .. } => {
                let dropped = self.hold(key, frame, config);
                Err(Unresolved::Waiting { solicit: false, dropped })
            }
            State::Reachable | State::Delay | State::Probe { .. } => Ok((mac, frame)),
            State::Stale => {
                self.change(key, |entry| {
                    entry.is_wanted = is_wanted;
                    entry.state = State::Delay;
                    entry.due = now + config.neighbour_probe_delay;
                });
                Ok((mac, frame))
            }
        }
    }

    /// Lets a packet wait for its neighbour's address. Returns how many were dropped for it: the oldest of the
    /// same neighbour, and the packet itself if all neighbours together have too many bytes.
    fn hold(&mut self, key: NeighbourKey, frame: Frame, config: &Config) -> u32 {
        let Some(entry) = self.entries.get_mut(&key) else { return 1 };
        let total_bytes_max = config.neighbour_pending_total_bytes_max;
        let mut dropped = 0;
        let cost = cost_bytes(&frame);
        entry.pending.push_back(frame);
        entry.pending_bytes += cost;
        self.pending_bytes += cost;
        self.answer_bytes += if entry.is_wanted { 0 } else { cost };
        // RFC 1122 §2.3.2.2: the latest packet for a neighbour should be kept.
        while (entry.pending_bytes > config.neighbour_pending_bytes_max && entry.pending.len() > 1)
            || self.pending_bytes > total_bytes_max
            || (!entry.is_wanted && self.answer_bytes > total_bytes_max / ANSWERS_PART)
        {
            let Some(oldest) = entry.pending.pop_front() else { break };
            let cost = cost_bytes(&oldest);
            entry.pending_bytes -= cost;
            self.pending_bytes -= cost;
            self.answer_bytes -= if entry.is_wanted { 0 } else { cost };
            dropped += 1;
        }
        dropped
    }

    /// Takes the packets that wait for a neighbour.
    fn take_pending(&mut self, key: NeighbourKey) -> VecDeque<Frame> {
        let Some(entry) = self.entries.get_mut(&key) else { return VecDeque::new() };
        let (bytes, is_wanted) = (core::mem::take(&mut entry.pending_bytes), entry.is_wanted);
        let pending = core::mem::take(&mut entry.pending);
        self.uncount(is_wanted, bytes);
        pending
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
        let Some(entry) = self.entries.get(&key) else {
            if remember {
                // A stranger for whom there is no place is asked for when we send to it.
                let entry = Entry { mac, ..Entry::new(State::Stale, stale_until, now) };
                let _ = self.insert(key, entry, config.neighbours_max);
            }
            return VecDeque::new();
        };
        let known = !matches!(entry.state, State::Incomplete { .. });
        let weak = matches!(kind, ClaimKind::SolicitedNoOverride | ClaimKind::UnsolicitedNoOverride);
        let changed = entry.mac != mac || !known;
        if known && weak && changed {
            // RFC 4861 §7.2.5: doubt the old address, do not take the new one.
            if entry.state == State::Reachable {
                self.set_state(key, State::Stale, stale_until);
            }
            return VecDeque::new();
        }
        let pending = self.take_pending(key);
        let is_answer = matches!(kind, ClaimKind::Solicited | ClaimKind::SolicitedNoOverride);
        self.change(key, |entry| {
            entry.mac = mac;
            entry.is_confirmed = is_answer || (entry.is_confirmed && !changed);
            if is_answer {
                entry.state = State::Reachable;
                entry.due = reachable_until;
            } else if changed {
                entry.state = State::Stale;
                entry.due = stale_until;
            }
        });
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
mod tests;
