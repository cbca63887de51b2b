//! The budget of a host: how many bytes it holds, and what it still takes.
//!
//! Everything that grows with what others send is counted with the memory that it keeps: connection blocks and what
//! they hold ([`tcp::Connection::held_bytes`]), datagrams, fragments, tables by their capacity. Above three
//! bounds, as in Linux's `tcp_mem`, and at the end of the budget, more and more is done: see [`MemoryLevel`].
//!
//! What is *not* here: who has to go when there is too little (`relief.rs`), and what a connection does while memory is
//! scarce (`tcp/src/memory.rs`).

use crate::host::Host;
use crate::id::SlabKey;
use crate::relief::Watched;
use crate::socket::{Mark, Socket, Standing};
use crate::usage::growth;
use std::collections::VecDeque;
use tcp::{Instant, Memory};
use wire::Payload;

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
    /// New windows are small, little may be written ahead, little is kept out of order; SYNs are answered with cookies,
    /// and dropped at gates.
    Pressure,
    /// What is out of order is dropped; connections that their programs have left are ended, the largest first, then
    /// those that hold most and get nowhere. Who holds more than 16 KB gets nothing more: text that arrives for it is
    /// dropped, as if it had been lost, and what it is asked to send waits. Frames of no connection are dropped where
    /// their link takes nothing.
    High,
    /// Datagrams, fragments and frames of no connection are dropped, too, and what all connections are asked to send
    /// waits; none are opened. Text in order is still taken where little is held, up to a twentieth above the budget,
    /// so that those who read go on.
    Full,
}

/// A connection that holds less is no help when it goes: one in a hundred thousand.
pub(crate) const HOLDER_BYTES: u32 = 4 << 10;
/// While connections are ended, those that hold less are served on: about what a delayed acknowledgment waits for.
const FAIR_BYTES: u32 = 16 << 10;
/// Connections that come or go before the tables are measured again: they grow by more than that at a time.
const CHANGES: u32 = 16;

/// The running account.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) bounds: MemoryBudget,
    /// What connections hold besides their blocks.
    pub(crate) charged_bytes: usize,
    /// What tables take.
    table_bytes: usize,
    pub(crate) level: MemoryLevel,
    /// Connections that came or went, frames that had to wait.
    changes: u32,
    /// At which figure the level has to be looked at again: from here up, and below the second.
    rises_at: usize,
    falls_below: usize,
    /// Connections that hold [`HOLDER_BYTES`], and some that did.
    pub(crate) holders: Vec<Watched>,
    pub(crate) orphans: VecDeque<Watched>,
    pub(crate) orphan_count: usize,
    pub(crate) searched_at: Option<(Instant, usize)>,
    /// Writers that found the host full.
    pub(crate) starved: Vec<SlabKey>,
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
    pub(crate) fn own_bytes(&self) -> usize {
        let watched = (self.holders.capacity() + self.orphans.capacity()) * size_of::<Watched>();
        watched + self.starved.capacity() * size_of::<SlabKey>()
    }

    /// What the account itself grows by when a connection holds so much more.
    fn growth_bytes(&self, socket: &Socket, cost_bytes: usize) -> usize {
        let is_new = socket.charged_bytes as usize + cost_bytes >= HOLDER_BYTES as usize
            && !socket.marks.has(Mark::Holder);
        growth(self.holders.capacity(), self.holders.len() + usize::from(is_new)) * size_of::<Watched>()
    }

    /// Charges what a connection holds now. Whether [`Host::reassess`] has to follow.
    #[inline]
    pub(crate) fn charge(&mut self, socket: &mut Socket) -> bool {
        let held_bytes = socket.connection.held_bytes().min(u32::MAX as usize) as u32;
        if held_bytes == socket.charged_bytes {
            return false;
        }
        self.recharge(core::mem::replace(&mut socket.charged_bytes, held_bytes), held_bytes);
        self.has_crossed() || (held_bytes >= HOLDER_BYTES && !socket.marks.has(Mark::Holder))
    }

    #[inline]
    fn recharge(&mut self, from_bytes: u32, to_bytes: u32) {
        self.charged_bytes = self.charged_bytes + to_bytes as usize - from_bytes as usize;
    }

    /// Whether the level is another than it was.
    #[inline]
    fn has_crossed(&self) -> bool {
        let held = self.held_bytes();
        held >= self.rises_at || held < self.falls_below
    }

    fn change_level(&mut self) {
        let held = self.held_bytes();
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
    pub(crate) fn settle(&mut self, index: u32) {
        if let Some(socket) = self.sockets.at_mut(index)
            && self.budget.charge(socket)
        {
            self.reassess(index);
        }
    }

    /// A connection holds much now that did not, or the host another part of its budget.
    #[inline(never)]
    pub(crate) fn reassess(&mut self, index: u32) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        if socket.charged_bytes >= HOLDER_BYTES && !socket.marks.put(Mark::Holder) {
            self.watch_holder(index);
        }
        self.look_at_level();
    }

    /// Sockets or tables have grown or shrunk.
    pub(crate) fn settle_tables(&mut self) {
        self.budget.table_bytes = self.table_bytes();
        self.look_at_level();
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
        self.look_at_level();
        self.settle_tables_now_and_then();
    }

    /// A connection or a waiting frame more or less: the tables are looked at once for several.
    #[inline]
    pub(crate) fn settle_tables_now_and_then(&mut self) {
        self.budget.changes = self.budget.changes.wrapping_add(1);
        if self.budget.changes.is_multiple_of(CHANGES) {
            self.settle_tables();
        }
    }

    #[inline]
    fn look_at_level(&mut self) {
        if self.budget.has_crossed() {
            self.change_level();
        }
    }

    #[cold]
    fn change_level(&mut self) {
        let before = self.budget.level;
        self.budget.change_level();
        match self.budget.level {
            level if level <= before => {}
            MemoryLevel::Calm => {}
            MemoryLevel::Pressure => self.counters.memory_pressures += 1,
            MemoryLevel::High => self.counters.memory_highs += 1,
            MemoryLevel::Full => self.counters.memory_fulls += 1,
        }
    }

    /// Whether there is memory for the text of a segment.
    #[inline]
    pub(crate) fn has_room_for_text(&self, index: u32, segment: &tcp::Segment) -> bool {
        self.budget.level < MemoryLevel::High || self.has_room_though_high(index, segment)
    }

    #[cold]
    fn has_room_though_high(&self, index: u32, segment: &tcp::Segment) -> bool {
        let Some(socket) = self.sockets.at(index) else { return false };
        let is_in_order = segment.header.seq.at_or_before(socket.connection.snapshot().rcv_nxt);
        is_in_order && socket.charged_bytes < FAIR_BYTES && self.fits(socket, &segment.payload)
    }

    /// Whether text stays below a twentieth above the budget with all that is kept because of it. The tables are
    /// measured for that: they may have grown since they were last looked at.
    fn fits(&self, socket: &Socket, text: &Payload) -> bool {
        let MemoryBudget { max_bytes, .. } = self.budget.bounds;
        let cost_bytes = socket.connection.cost_bytes(text);
        let watching = self.budget.growth_bytes(socket, cost_bytes);
        self.held_bytes() + cost_bytes + watching + self.table_growth_bytes() < max_bytes + max_bytes / 20
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
}
