//! Who has to go when a host holds too much: first what can be had again, then connections that nobody misses.
//!
//! Worth counts, not age: an orphan goes before a connection that a program has, one that holds much before one that
//! holds little, one that gets nowhere before one that moves. Those that hold much stand in a list, so that nobody walks
//! all sockets to find them. Here are also those who wait for the memory: writers that found the host full.
//!
//! What is *not* here: how much is held, and when it is too much (`budget.rs`).

use crate::budget::{HOLDER_BYTES, MemoryLevel};
use crate::host::Host;
use crate::id::SlabKey;
use crate::socket::Mark;
use core::time::Duration;
use tcp::Instant;

/// A connection that has moved nothing for so long gets nowhere: longer than a lost retransmission takes on most paths.
const STALLED: Duration = Duration::from_secs(2);
/// Of what a connection holds it has to move this part for that not to be said of it: a byte for each probe is nothing.
const SHARE: u64 = 64;
/// After a search for connections to end, the next one comes not sooner, unless much was added since.
const SEARCH_PAUSE: Duration = Duration::from_millis(100);
/// How many orphans are looked at to find one that gets nowhere.
const ORPHANS_LOOKED_AT: usize = 64;

/// A connection whose progress is watched, from some moment on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched {
    key: SlabKey,
    /// What it had moved at `since`.
    moved_bytes: u64,
    since: Instant,
}

impl Watched {
    /// Whether a connection that holds so much has moved enough of it until `now`; nothing is never enough.
    fn has_moved_its_share(&self, now: &Watched, held_bytes: u32) -> bool {
        let moved_bytes = now.moved_bytes - self.moved_bytes;
        moved_bytes.saturating_mul(SHARE) >= u64::from(held_bytes.max(1))
    }
}

impl Host {
    #[inline(never)]
    pub(crate) fn watch_holder(&mut self, index: u32) {
        let now = self.now;
        let Some(watched) = self.watched(index, now) else { return };
        if self.budget.holders.len() == self.budget.holders.capacity() {
            // Before the list grows: those that hold little now need not be in it.
            self.forget_small_holders();
        }
        self.budget.holders.push(watched);
    }

    fn watched(&self, index: u32, since: Instant) -> Option<Watched> {
        let (key, socket) = self.sockets.entry(index)?;
        Some(Watched { key, moved_bytes: socket.connection.moved_bytes(), since })
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
            let Some((held_bytes, _)) = self.sized(holder) else { continue };
            let Some(fresh) = self.watched(holder.key.index, now) else { continue };
            if holder.has_moved_its_share(&fresh, held_bytes) {
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
        if self.budget.orphans.len() == self.budget.orphans.capacity() {
            self.trim_orphans();
        }
        self.budget.orphans.push_back(watched);
        if self.budget.orphan_count > self.config.orphans_max
            && let Some(orphan) = self.least_worthy_orphan(now)
        {
            self.counters.orphans_ended += 1;
            self.end_for_memory(now, orphan);
        }
    }

    /// Before the list grows: forgets the orphans that are gone.
    #[inline(never)]
    fn trim_orphans(&mut self) {
        self.budget.orphans.retain(|orphan| self.sockets.get(orphan.key).is_some());
        if self.budget.orphans.capacity() > 4 * self.budget.orphans.len() + 64 {
            self.budget.orphans.shrink_to(2 * self.budget.orphans.len());
        }
    }

    /// The oldest orphan that gets nowhere; one after another is looked at, and the last of them if all do.
    fn least_worthy_orphan(&mut self, now: Instant) -> Option<SlabKey> {
        let mut last = None;
        let mut looked_at = 0;
        while looked_at < ORPHANS_LOOKED_AT
            && let Some(front) = self.budget.orphans.pop_front()
        {
            let Some((held_bytes, orphan)) = self.sized(front) else { continue };
            looked_at += 1;
            let fresh = self.watched(orphan.key.index, now)?;
            if !orphan.has_moved_its_share(&fresh, held_bytes) {
                return Some(orphan.key);
            }
            self.budget.orphans.push_back(fresh);
            last = Some(orphan.key);
        }
        last
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
