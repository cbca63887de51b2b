//! Connections in TIME-WAIT, kept small (RFC 9293 §3.6.1).
//!
//! Once the application has closed the connection and nothing is left to read or send, a few numbers are
//! enough ([`tcp::TimeWait`]). The table is bounded; when it is full, the oldest entry is removed. What is
//! *not* here: the rules for a segment that arrives; they are [`tcp::TimeWait`]'s.

use crate::flow::FlowKey;
use crate::host::Host;
use crate::id::Slab;
use crate::wheel::Wheel;
use std::collections::VecDeque;
use std::sync::Arc;
use tcp::{Instant, TimeWait};

/// A place in the demultiplexing table with this bit is a place in this table, not among the connections.
pub(crate) const TIME_WAIT_BIT: u32 = 1 << 31;

/// One connection in TIME-WAIT.
pub(crate) struct TimeWaitEntry {
    pub(crate) key: FlowKey,
    pub(crate) time_wait: TimeWait,
    pub(crate) config: Arc<tcp::Config>,
}

/// The table.
pub(crate) struct TimeWaits {
    slab: Slab<TimeWaitEntry>,
    timers: Wheel,
}

impl TimeWaits {
    pub(crate) fn new() -> Self {
        TimeWaits { slab: Slab::new(), timers: Wheel::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Memory that the table takes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.slab.held_bytes() + self.timers.held_bytes()
    }

    pub(crate) fn at(&self, index: u32) -> Option<&TimeWaitEntry> {
        self.slab.at(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &TimeWaitEntry> {
        self.slab.iter().map(|(_, entry)| entry)
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timers.next_due()
    }

    pub(crate) fn expire(&mut self, now: Instant, fired: &mut VecDeque<u32>) {
        self.timers.expire(now, fired);
    }

    fn insert(&mut self, entry: TimeWaitEntry) -> u32 {
        let due = entry.time_wait.due();
        let key = self.slab.insert(entry);
        self.timers.set(key.index, Some(due));
        key.index
    }

    fn remove(&mut self, index: u32) -> Option<TimeWaitEntry> {
        self.timers.set(index, None);
        self.slab.remove(index)
    }

    /// An entry that would expire first, or nearly first.
    fn oldest(&self) -> Option<u32> {
        self.timers.first_place()
    }

    /// Nobody takes a newer SYN: what it is answered with.
    pub(crate) fn refuse_syn(&mut self, now: Instant, index: u32) -> Option<tcp::Transmit> {
        Some(self.slab.at_mut(index)?.time_wait.refuse_syn(now))
    }

    /// Decides what happens with a segment, and sets the timer to the entry's new end.
    pub(crate) fn handle_segment(
        &mut self,
        now: Instant,
        index: u32,
        header: &wire::tcp::Header,
        text_bytes: u32,
    ) -> Option<tcp::TimeWaitVerdict> {
        let entry = self.slab.at_mut(index)?;
        let verdict = entry.time_wait.handle_segment(now, header, text_bytes, &entry.config);
        self.timers.set(index, Some(entry.time_wait.due()));
        Some(verdict)
    }
}

impl Host {
    /// Replaces a connection that its application has closed by an entry of this table; its entry in the
    /// demultiplexing table stays.
    pub(crate) fn enter_time_wait(&mut self, index: u32, time_wait: TimeWait) {
        self.make_room_for_time_wait();
        self.record_departure(index);
        let Some(socket) = self.sockets.at_mut(index) else { return };
        self.timers.cancel(&mut socket.timer);
        self.counters.time_waits += 1;
        let key = socket.key;
        let config = socket.connection.config().clone();
        self.discard_socket(index);
        let place = self.time_waits.insert(TimeWaitEntry { key, time_wait, config });
        self.demux.replace(&key, |place| place == index, place | TIME_WAIT_BIT);
    }

    /// Puts back an entry that was taken out, and whose ends nobody has now.
    pub(crate) fn restore_time_wait(&mut self, entry: TimeWaitEntry) {
        self.make_room_for_time_wait();
        let key = entry.key;
        let place = self.time_waits.insert(entry);
        self.demux.insert(&key, place | TIME_WAIT_BIT);
    }

    /// The oldest goes when the table is full.
    fn make_room_for_time_wait(&mut self) {
        if self.time_waits.len() >= self.config.time_waits_max.max(1)
            && let Some(oldest) = self.time_waits.oldest()
        {
            self.counters.time_waits_forgotten += 1;
            self.forget_time_wait(oldest);
        }
    }

    /// Removes an entry and returns it: 2 MSL have passed, or its place or its pair of ends is needed.
    pub(crate) fn forget_time_wait(&mut self, index: u32) -> Option<TimeWaitEntry> {
        let entry = self.time_waits.remove(index)?;
        self.demux.remove(&entry.key, |place| place == index | TIME_WAIT_BIT);
        Some(entry)
    }

    /// The smallest initial sequence number with which a new connection may follow this one (RFC 9293
    /// §3.6.1): the one that a newer SYN of the peer would get.
    pub(crate) fn iss_after(&self, index: u32) -> Option<wire::Seq> {
        self.time_waits.at(index).map(|entry| entry.time_wait.iss_at_least())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_less_than_a_hundred_bytes() {
        let bytes = size_of::<Option<TimeWaitEntry>>() + size_of::<u32>();
        assert!(bytes < 100, "{bytes} with its generation");
    }
}
