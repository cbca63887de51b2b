//! The flows at a gate for datagrams: what waits of each, whose turn it is, and when one is forgotten.
//!
//! Flows take turns, so a flow with many datagrams delays another by one. And it leaves room: a flow may fill at most
//! as much as is still free for all (dynamic thresholds, after Choudhury and Hahne), so that one alone gets half, the
//! next half of the rest, and while the program reads, all noisy ones the same.
//!
//! What is *not* here: which datagrams are for a gate, and what is sent.

use super::DatagramGateOptions;
use crate::flow::FlowKey;
use crate::id::Slab;
use crate::interface::InterfaceId;
use crate::recently_sent::RecentlySent;
use crate::secret::TableHash;
use bytes::Bytes;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use tcp::Instant;
use wire::udp::HEADER_BYTES;

/// A datagram that waits to be read.
pub(super) struct Waiting {
    /// The packet from its IP header on.
    pub(super) packet: Bytes,
    /// Where in it the data begins.
    pub(super) data_at: u16,
    pub(super) hop_limit: u8,
}

/// What a datagram counts in addition to its packet: two places in a queue, for half of them may be empty, and what a
/// shared buffer takes.
const OVERHEAD_BYTES: usize = 2 * size_of::<Waiting>() + 32;

fn cost_bytes(waiting: &Waiting) -> usize {
    waiting.packet.len() + OVERHEAD_BYTES
}

/// One flow.
struct Flow {
    key: FlowKey,
    /// By which interface its datagrams come, or went if none has come.
    interface: InterfaceId,
    last_used: Instant,
    /// Its place in the order of use.
    use_number: u64,
    queue: VecDeque<Waiting>,
    queued_bytes: usize,
    /// When it has its turn, while something waits.
    turn: u64,
    error: Option<tcp::Error>,
    /// Something was sent, so that an error may come back.
    has_sent: bool,
    recently_sent: RecentlySent,
}

/// How many flows are looked at to find one that can go.
const FLOWS_LOOKED_AT: usize = 16;

/// Places that an empty queue keeps.
const PLACES_KEPT: usize = 4;

/// The flows of one gate.
pub(super) struct Flows {
    slab: Slab<Flow>,
    by_ends: HashMap<FlowKey, u32, TableHash>,
    /// All flows in the order in which they were used last.
    uses: BTreeMap<u64, u32>,
    next_use: u64,
    /// Flows of which something waits, in the order of their turns.
    turns: BTreeMap<u64, u32>,
    next_turn: u64,
    /// Flows with an error that was not told.
    failed: BTreeSet<u32>,
    queued_bytes: usize,
    /// What flows remember of what they sent.
    remembered_bytes: usize,
    hasher: TableHash,
}

impl Flows {
    pub(super) fn new(hasher: TableHash) -> Self {
        Flows {
            slab: Slab::new(),
            by_ends: HashMap::with_hasher(hasher),
            uses: BTreeMap::new(),
            next_use: 0,
            turns: BTreeMap::new(),
            next_turn: 0,
            failed: BTreeSet::new(),
            queued_bytes: 0,
            remembered_bytes: 0,
            hasher,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Memory that the flows take, with what waits.
    pub(super) fn held_bytes(&self) -> usize {
        let table = self.by_ends.capacity() * (size_of::<(FlowKey, u32)>() + 1) * 8 / 7;
        let places = self.slab.len() * PLACES_KEPT * size_of::<Waiting>();
        // A tree keeps at least half of each node filled.
        let in_trees = self.uses.len() + self.turns.len() + self.failed.len();
        let trees = 2 * in_trees * size_of::<(u64, u32)>();
        self.slab.held_bytes() + table + places + trees + self.remembered_bytes + self.queued_bytes
    }

    fn find(&self, key: &FlowKey) -> Option<u32> {
        self.by_ends.get(key).copied()
    }

    pub(super) fn has(&self, key: &FlowKey) -> bool {
        self.by_ends.contains_key(key)
    }

    pub(super) fn interface_of(&self, key: &FlowKey) -> Option<InterfaceId> {
        Some(self.slab.at(self.find(key)?)?.interface)
    }

    /// Takes a datagram. Returns `false` if there is no room for it.
    pub(super) fn push(
        &mut self,
        now: Instant,
        options: &DatagramGateOptions,
        (key, interface): (&FlowKey, InterfaceId),
        waiting: Waiting,
    ) -> bool {
        let cost_bytes = cost_bytes(&waiting);
        let free_bytes = options.bytes_max.saturating_sub(self.queued_bytes);
        let room_bytes = options.flow_bytes_max.min(free_bytes);
        let queued_bytes =
            self.find(key).and_then(|index| self.slab.at(index)).map_or(0, |flow| flow.queued_bytes);
        let Some((index, _)) = (queued_bytes + cost_bytes <= room_bytes)
            .then(|| self.use_flow(now, options, key, interface))
            .flatten()
        else {
            return false;
        };
        let Some(flow) = self.slab.at_mut(index) else { return false };
        flow.interface = interface;
        if flow.queue.is_empty() {
            flow.turn = self.next_turn;
            self.turns.insert(self.next_turn, index);
            self.next_turn += 1;
        }
        flow.queue.push_back(waiting);
        flow.queued_bytes += cost_bytes;
        self.queued_bytes += cost_bytes;
        true
    }

    /// The datagram whose turn it is, with the ends of its flow and where it came in.
    pub(super) fn pop(&mut self) -> Option<(FlowKey, InterfaceId, Waiting)> {
        let (_, index) = self.turns.pop_first()?;
        let flow = self.slab.at_mut(index)?;
        let waiting = flow.queue.pop_front()?;
        let cost_bytes = cost_bytes(&waiting);
        flow.queued_bytes -= cost_bytes;
        self.queued_bytes -= cost_bytes;
        if !flow.queue.is_empty() {
            flow.turn = self.next_turn;
            self.turns.insert(self.next_turn, index);
            self.next_turn += 1;
        } else if flow.queue.capacity() > PLACES_KEPT {
            flow.queue = VecDeque::new();
        }
        Some((flow.key, flow.interface, waiting))
    }

    /// The flow with these ends, used now, and whether it is new. `None` if as many as allowed are remembered and none
    /// can go.
    fn use_flow(
        &mut self,
        now: Instant,
        options: &DatagramGateOptions,
        key: &FlowKey,
        interface: InterfaceId,
    ) -> Option<(u32, bool)> {
        if let Some(index) = self.find(key) {
            self.renew(index, now);
            return Some((index, false));
        }
        if self.slab.len() >= options.flows_max.max(1) {
            let idle = self.longest_idle()?;
            self.remove(idle);
        }
        let use_number = self.next_use;
        self.next_use += 1;
        let flow = Flow {
            key: *key,
            interface,
            last_used: now,
            use_number,
            queue: VecDeque::new(),
            queued_bytes: 0,
            turn: 0,
            error: None,
            has_sent: false,
            recently_sent: RecentlySent::default(),
        };
        let index = self.slab.insert(flow).index;
        self.by_ends.insert(*key, index);
        self.uses.insert(use_number, index);
        Some((index, true))
    }

    /// A flow is used now.
    fn renew(&mut self, index: u32, now: Instant) {
        let Some(flow) = self.slab.at_mut(index) else { return };
        flow.last_used = now;
        let before = core::mem::replace(&mut flow.use_number, self.next_use);
        self.uses.remove(&before);
        self.uses.insert(self.next_use, index);
        self.next_use += 1;
    }

    /// The flow that has been idle for longest and of which nothing waits. Only some are looked at: where something of
    /// all of them waits, the program does not read, and newcomers are no more urgent.
    fn longest_idle(&self) -> Option<u32> {
        let is_empty = |index: &u32| self.slab.at(*index).is_some_and(|flow| flow.queue.is_empty());
        self.uses.values().copied().take(FLOWS_LOOKED_AT).find(is_empty)
    }

    fn remove(&mut self, index: u32) {
        let Some(flow) = self.slab.remove(index) else { return };
        self.by_ends.remove(&flow.key);
        self.uses.remove(&flow.use_number);
        self.failed.remove(&index);
        self.queued_bytes -= flow.queued_bytes;
        self.remembered_bytes -= flow.recently_sent.held_bytes();
        if !flow.queue.is_empty() {
            self.turns.remove(&flow.turn);
        }
        if self.slab.len() == 0 {
            // After a flood nothing stays.
            *self = Flows::new(self.hasher);
        }
    }

    fn oldest(&self) -> Option<(u32, &Flow)> {
        let (_, index) = self.uses.first_key_value()?;
        Some((*index, self.slab.at(*index)?))
    }

    /// When a flow will have been idle for so long.
    pub(super) fn next_due(&self, idle: Duration) -> Option<Instant> {
        let (_, flow) = self.oldest()?;
        Some(flow.last_used + idle).filter(|due| *due != Instant::FAR_FUTURE)
    }

    /// Forgets what has been idle for so long. What waits to be read stays until it is read.
    pub(super) fn expire(&mut self, now: Instant, idle: Duration) {
        while let Some((index, flow)) = self.oldest()
            && flow.last_used + idle <= now
        {
            if flow.queue.is_empty() {
                self.remove(index);
            } else if idle.is_zero() {
                return;
            } else {
                self.renew(index, now);
            }
        }
    }

    /// A datagram was sent between these ends, by an interface. Returns whether it made a flow.
    pub(super) fn record_sent(
        &mut self,
        now: Instant,
        options: &DatagramGateOptions,
        key: &FlowKey,
        (interface, sent_bytes, always_fits): (InterfaceId, usize, usize),
    ) -> bool {
        let Some((index, is_new)) = self.use_flow(now, options, key, interface) else { return false };
        let Some(flow) = self.slab.at_mut(index) else { return false };
        flow.has_sent = true;
        let udp_bytes = HEADER_BYTES + sent_bytes;
        if let Ok(len) = u16::try_from(udp_bytes)
            && udp_bytes > always_fits
        {
            self.remembered_bytes -= flow.recently_sent.held_bytes();
            flow.recently_sent.record(now, key.remote(), len);
            self.remembered_bytes += flow.recently_sent.held_bytes();
        }
        is_new
    }

    /// An ICMP error came for something between these ends. Returns whether something was sent.
    pub(super) fn fail(&mut self, key: &FlowKey, error: tcp::Error) -> bool {
        let Some(index) = self.find(key) else { return false };
        let Some(flow) = self.slab.at_mut(index).filter(|flow| flow.has_sent) else { return false };
        flow.error = Some(error);
        self.failed.insert(index);
        true
    }

    pub(super) fn pop_error(&mut self) -> Option<(FlowKey, tcp::Error)> {
        let index = self.failed.pop_first()?;
        let flow = self.slab.at_mut(index)?;
        Some((flow.key, flow.error.take()?))
    }

    /// Whether a datagram of this length was sent between these ends a moment ago.
    pub(super) fn has_sent(&self, now: Instant, key: &FlowKey, udp_bytes: u16) -> bool {
        let flow = self.find(key).and_then(|index| self.slab.at(index));
        flow.is_some_and(|flow| flow.recently_sent.contains(now, key.remote(), udp_bytes))
    }
}
