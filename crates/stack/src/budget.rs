//! The budget of a host: how many bytes it holds, and who has to go when there are too many.
//!
//! Everything that grows with what others send is counted with the memory that it keeps: connection blocks and what
//! they hold ([`tcp::Connection::held_bytes`]), datagrams, fragments, tables by their capacity. There are three levels, as
//! in Linux's `tcp_mem`, and what is done at each stands at [`MemoryLevel`].
//!
//! What is *not* here: what a connection does while memory is scarce (`tcp/src/memory.rs`).

use crate::host::Host;
use crate::id::SlabKey;
use crate::socket::{Mark, Standing};
use core::time::Duration;
use std::collections::VecDeque;
use tcp::{Instant, Memory};

/// How much memory a host may hold, and from where on it is careful.
///
/// ```
/// use synfin_stack::{Config, MemoryBudget};
/// let config = Config { memory: MemoryBudget::of(64 << 20), ..Config::default() };
/// assert_eq!(config.memory.max_bytes, 64 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    /// Pressure ends below it.
    pub low_bytes: usize,
    /// Pressure begins here.
    pub pressure_bytes: usize,
    /// From here on connections are ended.
    pub high_bytes: usize,
    /// What is new and would be kept is refused here.
    pub max_bytes: usize,
}

impl MemoryBudget {
    /// `max_bytes` in all: pressure begins at three quarters and ends at one half; the last sixteenth is left for what
    /// honest peers send while room is made.
    pub const fn of(max_bytes: usize) -> Self {
        let (low_bytes, pressure_bytes) = (max_bytes / 2, max_bytes / 4 * 3);
        MemoryBudget { low_bytes, pressure_bytes, high_bytes: max_bytes / 16 * 15, max_bytes }
    }
}

/// How full a host's memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum MemoryLevel {
    /// Buffers grow with their use.
    #[default]
    Calm,
    /// New windows are small, little may be written ahead, little is kept out of order; SYNs are answered with cookies.
    Pressure,
    /// What is out of order is dropped; connections that their programs have left are ended, the largest first, then
    /// those that hold most and get nowhere. Who holds more than 16 KB gets nothing more: text that arrives for it is
    /// dropped, as if it had been lost, and what it is asked to send waits.
    High,
    /// Datagrams and fragments are dropped, too, and what all connections are asked to send waits; none are opened. Text
    /// in order is still taken where little is held, up to a twentieth above the budget, so that those who
    /// read go on.
    Full,
}

/// What a host has once: its interfaces, addresses and routes.
const HOST_BYTES: usize = 4 << 10;
/// A connection that holds less is no help when it goes: one in a hundred thousand.
const HOLDER_BYTES: u32 = 4 << 10;
/// While connections are ended, those that hold less are served on: about what a delayed acknowledgment waits for.
const FAIR_BYTES: u32 = 16 << 10;
/// A connection that has moved nothing for so long gets nowhere: longer than a lost retransmission takes on most paths.
const STALLED: Duration = Duration::from_secs(2);
/// Of what a connection holds it has to move this part for that not to be said of it: a byte for each probe is nothing.
const SHARE: u64 = 64;
/// After a search for connections to end, the next one comes not sooner, unless much was added since.
const SEARCH_PAUSE: Duration = Duration::from_millis(100);
/// Connections that come or go before the tables are measured again: they grow by more than that at a time.
const CHANGES: u32 = 16;
/// How many orphans are looked at to find one that gets nowhere.
const ORPHANS_LOOKED_AT: usize = 64;

/// A connection whose progress is watched, from some moment on.
#[derive(Clone, Copy, Debug)]
struct Watched {
    key: SlabKey,
    /// What it had moved at `since`.
    moved_bytes: u64,
    since: Instant,
}

/// The running account.
#[derive(Debug)]
pub(crate) struct Budget {
    bounds: MemoryBudget,
    /// What connections hold besides their blocks.
    charged_bytes: usize,
    /// What tables take.
    table_bytes: usize,
    level: MemoryLevel,
    /// Connections that came or went.
    changes: u32,
    /// At which figure the level has to be looked at again: from here up, and below the second.
    rises_at: usize,
    falls_below: usize,
    /// Connections that hold [`HOLDER_BYTES`], and some that did.
    holders: Vec<Watched>,
    orphans: VecDeque<Watched>,
    pub(crate) orphan_count: usize,
    searched_at: Option<(Instant, usize)>,
    /// Writers that found the host full.
    starved: Vec<SlabKey>,
}

impl Budget {
    pub(crate) fn new(bounds: MemoryBudget) -> Self {
        Budget {
            bounds,
            charged_bytes: 0,
            table_bytes: 0,
            level: MemoryLevel::Calm,
            changes: 0,
            rises_at: bounds.pressure_bytes,
            falls_below: 0,
            holders: Vec::new(),
            orphans: VecDeque::new(),
            orphan_count: 0,
            searched_at: None,
            starved: Vec::new(),
        }
    }

    pub(crate) fn level(&self) -> MemoryLevel {
        self.level
    }

    /// What connections are told.
    #[inline]
    pub(crate) fn memory(&self) -> Memory {
        if self.level == MemoryLevel::Calm { Memory::Ample } else { Memory::Scarce }
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.charged_bytes + self.table_bytes
    }

    /// Whether there is something for [`Host::relieve`] to do.
    #[inline]
    pub(crate) fn is_alarmed(&self) -> bool {
        self.level >= MemoryLevel::High || !self.starved.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.level == MemoryLevel::Full
    }

    /// Memory of the account itself.
    fn own_bytes(&self) -> usize {
        let watched = (self.holders.capacity() + self.orphans.capacity()) * size_of::<Watched>();
        watched + self.starved.capacity() * size_of::<SlabKey>()
    }

    /// What connections hold has changed.
    #[inline]
    fn recharge(&mut self, from_bytes: u32, to_bytes: u32) {
        self.charged_bytes = self.charged_bytes + to_bytes as usize - from_bytes as usize;
        self.look();
    }

    #[inline]
    fn look(&mut self) {
        let held = self.held_bytes();
        if held >= self.rises_at || held < self.falls_below {
            self.change_level(held);
        }
    }

    #[inline(never)]
    fn change_level(&mut self, held: usize) {
        let MemoryBudget { low_bytes, pressure_bytes, high_bytes, max_bytes } = self.bounds;
        self.level = match self.level {
            _ if held >= max_bytes => MemoryLevel::Full,
            _ if held >= high_bytes => MemoryLevel::High,
            _ if held >= pressure_bytes => MemoryLevel::Pressure,
            MemoryLevel::Calm => MemoryLevel::Calm,
            _ if held >= low_bytes => MemoryLevel::Pressure,
            _ => MemoryLevel::Calm,
        };
        (self.falls_below, self.rises_at) = match self.level {
            MemoryLevel::Calm => (0, pressure_bytes),
            MemoryLevel::Pressure => (low_bytes, high_bytes),
            MemoryLevel::High => (high_bytes, max_bytes),
            MemoryLevel::Full => (max_bytes, usize::MAX),
        };
    }
}

impl Host {
    /// Takes note of what a connection holds now.
    #[inline]
    pub(crate) fn settle(&mut self, index: u32) {
        let Some(socket) = self.sockets.at(index) else { return };
        let held_bytes = socket.connection.held_bytes().min(u32::MAX as usize) as u32;
        if held_bytes != socket.charged_bytes {
            self.recharge(index, held_bytes);
        }
    }

    #[inline(never)]
    fn recharge(&mut self, index: u32, held_bytes: u32) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        let before = core::mem::replace(&mut socket.charged_bytes, held_bytes);
        let is_new_holder = held_bytes >= HOLDER_BYTES && !socket.marks.put(Mark::Holder);
        let level = self.budget.level;
        self.budget.recharge(before, held_bytes);
        if is_new_holder {
            self.watch_holder(index);
        }
        if self.budget.level > level {
            self.count_level();
        }
    }

    #[inline(never)]
    fn watch_holder(&mut self, index: u32) {
        let now = self.now;
        let Some(watched) = self.watched(index, now) else { return };
        if self.budget.holders.len() == self.budget.holders.capacity() {
            // Before the list grows: those that hold little now need not be in it.
            self.forget_small_holders();
        }
        self.budget.holders.push(watched);
    }

    fn watched(&self, index: u32, since: Instant) -> Option<Watched> {
        let key = self.sockets.key_at(index)?;
        let moved_bytes = self.sockets.at(index)?.connection.moved_bytes();
        Some(Watched { key, moved_bytes, since })
    }

    fn forget_small_holders(&mut self) {
        let mut holders = core::mem::take(&mut self.budget.holders);
        holders.retain(|holder| match self.sockets.get_mut(holder.key) {
            Some(socket) if socket.charged_bytes >= HOLDER_BYTES => true,
            Some(socket) => {
                socket.marks.take(Mark::Holder);
                false
            }
            None => false,
        });
        if holders.capacity() > 4 * holders.len() + 64 {
            holders.shrink_to(2 * holders.len());
        }
        self.budget.holders = holders;
    }

    /// Sockets or tables have grown or shrunk.
    pub(crate) fn settle_tables(&mut self) {
        self.budget.table_bytes = self.table_bytes();
        let level = self.budget.level;
        self.budget.look();
        if self.budget.level > level {
            self.count_level();
        }
    }

    /// A connection is no more.
    pub(crate) fn discard_socket(&mut self, index: u32) {
        if let Some(socket) = self.sockets.at_mut(index) {
            let charged_bytes = core::mem::take(&mut socket.charged_bytes);
            if socket.standing == Standing::Orphan {
                self.budget.orphan_count -= 1;
            }
            self.budget.recharge(charged_bytes, 0);
        }
        self.sockets.discard(index);
        self.settle_tables_now_and_then();
    }

    /// A connection more or less: the tables are looked at once for several.
    #[inline]
    pub(crate) fn settle_tables_now_and_then(&mut self) {
        self.budget.changes = self.budget.changes.wrapping_add(1);
        if self.budget.changes.is_multiple_of(CHANGES) {
            self.settle_tables();
        }
    }

    /// Memory that the host holds, in bytes, as the budget counts it.
    pub(crate) fn held_bytes(&self) -> usize {
        self.budget.charged_bytes + self.table_bytes()
    }

    /// What tables take, and the queues that are bounded for the whole host.
    fn table_bytes(&self) -> usize {
        let lists = self.ready.capacity() + self.with_events.capacity() + self.fired.capacity();
        let queues = self.outbox.held_bytes() + self.loopback.held_bytes();
        let traces = self.traces.capacity() * size_of::<crate::trace::TraceRecord>()
            + self.departed.capacity() * size_of::<(crate::id::SocketId, tcp::Info)>();
        HOST_BYTES
            + self.sockets.held_bytes()
            + self.demux.held_bytes()
            + self.timers.held_bytes()
            + self.listeners.held_bytes()
            + self.time_waits.held_bytes()
            + self.udp.held_bytes()
            + self.reassembly.held_bytes()
            + self.neighbours.held_bytes()
            + self.path_mtus.held_bytes()
            + self.udp_path_mtus.held_bytes()
            + self.ports.held_bytes()
            + lists * size_of::<u32>()
            + self.notices.capacity() * size_of::<(crate::id::SocketId, crate::event::Event)>()
            + queues
            + traces
            + self.budget.own_bytes()
    }

    #[cold]
    fn count_level(&mut self) {
        match self.budget.level {
            MemoryLevel::Calm => {}
            MemoryLevel::Pressure => self.counters.memory_pressures += 1,
            MemoryLevel::High => self.counters.memory_highs += 1,
            MemoryLevel::Full => self.counters.memory_fulls += 1,
        }
    }

    /// Makes room if there is too little, and wakes those that waited for it. Called where the host is drained, because
    /// connections may end.
    #[cold]
    pub(crate) fn relieve(&mut self, now: Instant) {
        if self.budget.level >= MemoryLevel::High && self.is_time_to_search(now) {
            self.make_room(now);
            self.budget.searched_at = Some((now, self.budget.held_bytes()));
        }
        if self.budget.level < MemoryLevel::High {
            self.wake_starved();
        }
    }

    fn is_time_to_search(&self, now: Instant) -> bool {
        self.budget.searched_at.is_none_or(|(at, held)| {
            now >= at + SEARCH_PAUSE
                || self.budget.held_bytes() >= held + self.budget.bounds.max_bytes / SHARE as usize
        })
    }

    /// Drops what can be had again, then ends connections, until pressure is all that is left.
    fn make_room(&mut self, now: Instant) {
        let goal = self.budget.bounds.pressure_bytes;
        self.forget_small_holders();
        for place in 0..self.budget.holders.len() {
            let index = self.budget.holders[place].key.index;
            if let Some(socket) = self.sockets.at_mut(index)
                && socket.connection.prune_disorder(0)
            {
                self.counters.disorders_pruned += 1;
                self.touch_connection(now, index);
            }
        }
        if self.budget.held_bytes() < goal {
            return;
        }
        let mut orphans: Vec<(u32, Watched)> =
            self.budget.orphans.iter().filter_map(|watched| self.sized(*watched)).collect();
        // The oldest stand first, and among equals they stay there.
        orphans.sort_by_key(|(held_bytes, _)| core::cmp::Reverse(*held_bytes));
        for (_, orphan) in orphans {
            if self.budget.held_bytes() < goal {
                return;
            }
            self.counters.orphans_ended += 1;
            self.end_for_memory(now, orphan.key);
        }
        self.end_stalled(now, goal);
    }

    /// Ends those that hold most and get nowhere.
    fn end_stalled(&mut self, now: Instant, goal: usize) {
        let mut stalled = Vec::new();
        for place in 0..self.budget.holders.len() {
            let holder = self.budget.holders[place];
            let Some((held_bytes, fresh)) = self
                .sized(holder)
                .zip(self.watched(holder.key.index, now))
                .map(|((held, _), fresh)| (held, fresh))
            else {
                continue;
            };
            let moved_bytes = fresh.moved_bytes - holder.moved_bytes;
            if moved_bytes.saturating_mul(SHARE) >= u64::from(held_bytes) {
                self.budget.holders[place] = fresh;
            } else if now >= holder.since + STALLED {
                stalled.push((held_bytes, holder));
            }
        }
        stalled.sort_by_key(|(held_bytes, _)| core::cmp::Reverse(*held_bytes));
        for (_, holder) in stalled {
            if self.budget.held_bytes() < goal {
                return;
            }
            self.counters.stalled_ended += 1;
            self.end_for_memory(now, holder.key);
        }
    }

    /// What a watched connection holds, if it is still there.
    fn sized(&self, watched: Watched) -> Option<(u32, Watched)> {
        Some((self.sockets.get(watched.key)?.charged_bytes, watched))
    }

    fn end_for_memory(&mut self, now: Instant, key: SlabKey) {
        let Some(socket) = self.sockets.get_mut(key) else { return };
        socket.connection.abort_for_memory(now);
        self.touch_connection(now, key.index);
    }

    /// A connection has lost its program: their number is bounded, and one that gets nowhere goes for the newest.
    pub(crate) fn enter_orphans(&mut self, now: Instant, index: u32) {
        self.budget.orphan_count += 1;
        let Some(watched) = self.watched(index, now) else { return };
        self.trim_orphans();
        self.budget.orphans.push_back(watched);
        if self.budget.orphan_count > self.config.orphans_max
            && let Some(orphan) = self.least_worthy_orphan(now)
        {
            self.counters.orphans_ended += 1;
            self.end_for_memory(now, orphan);
        }
    }

    /// Forgets the keys of orphans that are gone: those in front, and all when they are the larger half.
    fn trim_orphans(&mut self) {
        let is_here = |watched: &Watched| self.sockets.get(watched.key).is_some();
        while self.budget.orphans.front().is_some_and(|front| !is_here(front)) {
            self.budget.orphans.pop_front();
        }
        if self.budget.orphans.len() > 2 * self.budget.orphan_count + ORPHANS_LOOKED_AT {
            self.budget.orphans.retain(is_here);
            self.budget.orphans.shrink_to(2 * self.budget.orphan_count);
        }
    }

    /// The oldest orphan that gets nowhere; one after another is looked at, and the last of them if all do.
    fn least_worthy_orphan(&mut self, now: Instant) -> Option<SlabKey> {
        let mut last = None;
        for _ in 0..ORPHANS_LOOKED_AT {
            let Some((held_bytes, orphan)) =
                self.budget.orphans.pop_front().and_then(|front| self.sized(front))
            else {
                continue;
            };
            let fresh = self.watched(orphan.key.index, now)?;
            if (fresh.moved_bytes - orphan.moved_bytes).saturating_mul(SHARE) < u64::from(held_bytes.max(1)) {
                return Some(orphan.key);
            }
            self.budget.orphans.push_back(fresh);
            last = Some(orphan.key);
        }
        last
    }

    /// Whether there is memory for the text of a segment.
    #[inline]
    pub(crate) fn has_room_for_text(&self, index: u32, segment: &tcp::Segment) -> bool {
        self.budget.level < MemoryLevel::High || self.has_room_though_high(index, segment)
    }

    #[cold]
    fn has_room_though_high(&self, index: u32, segment: &tcp::Segment) -> bool {
        let Some(socket) = self.sockets.at(index) else { return false };
        let MemoryBudget { max_bytes, .. } = self.budget.bounds;
        let is_in_order = segment.header.seq.at_or_before(socket.connection.snapshot().rcv_nxt);
        let least_bytes = self.budget.held_bytes() + segment.payload.len();
        is_in_order && socket.charged_bytes < FAIR_BYTES && least_bytes < max_bytes + max_bytes / 20
    }

    /// Whether a connection may be given more to send.
    #[inline]
    pub(crate) fn has_room_to_write(&self, key: SlabKey) -> bool {
        match self.budget.level {
            MemoryLevel::Calm | MemoryLevel::Pressure => true,
            MemoryLevel::High => self.sockets.get(key).is_none_or(|socket| socket.charged_bytes < FAIR_BYTES),
            MemoryLevel::Full => false,
        }
    }

    /// A write found the host full: its writer hears when there is room.
    pub(crate) fn starve_writer(&mut self, key: SlabKey) {
        self.counters.writes_starved += 1;
        if let Some(socket) = self.sockets.get_mut(key)
            && !socket.marks.put(Mark::Starved)
        {
            self.budget.starved.push(key);
        }
    }

    fn wake_starved(&mut self) {
        for key in core::mem::take(&mut self.budget.starved) {
            if let Some(socket) = self.sockets.get_mut(key) {
                socket.marks.take(Mark::Starved);
                socket.connection.tell_writable();
                self.touch_connection(self.now, key.index);
            }
        }
    }
}
