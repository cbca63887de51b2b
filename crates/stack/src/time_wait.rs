//! Connections in TIME-WAIT, kept small (RFC 9293 §3.6.1).
//!
//! Once the application is gone and nothing is left to read or send, a few numbers are enough
//! ([`tcp::TimeWait`]). The table is bounded; when it is full the oldest goes. What is *not* here: the
//! rules for a segment that arrives; they are the connection's.

use crate::flow::FlowKey;
use crate::host::Host;
use crate::id::Slab;
use crate::wheel::Wheel;
use std::collections::VecDeque;
use std::sync::Arc;
use tcp::{Instant, TimeWait};

/// Places in the demultiplexing table with this bit are in this table.
pub(crate) const TIME_WAIT_BIT: u32 = 1 << 31;

/// One connection in TIME-WAIT.
pub(crate) struct Remains {
    pub(crate) key: FlowKey,
    pub(crate) time_wait: TimeWait,
    pub(crate) config: Arc<tcp::Config>,
}

/// The table.
pub(crate) struct TimeWaits {
    slab: Slab<Remains>,
    timers: Wheel,
}

impl TimeWaits {
    pub(crate) fn new() -> Self {
        TimeWaits { slab: Slab::new(), timers: Wheel::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(crate) fn at(&self, index: u32) -> Option<&Remains> {
        self.slab.at(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Remains> {
        self.slab.iter()
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timers.next_due()
    }

    pub(crate) fn expire(&mut self, now: Instant, fired: &mut VecDeque<u32>) {
        self.timers.expire(now, fired);
    }

    fn insert(&mut self, remains: Remains) -> u32 {
        let due = remains.time_wait.due();
        let key = self.slab.insert(remains);
        self.timers.set(key.index, Some(due));
        key.index
    }

    fn remove(&mut self, index: u32) -> Option<Remains> {
        self.timers.set(index, None);
        self.slab.remove(index)
    }

    /// One of those that would go first anyway.
    fn oldest(&self) -> Option<u32> {
        self.timers.first()
    }

    /// Asks what is to become of a segment, and keeps the timer in step.
    pub(crate) fn arrives(
        &mut self,
        now: Instant,
        index: u32,
        header: &wire::tcp::Header,
        text_bytes: u32,
    ) -> Option<tcp::TimeWaitVerdict> {
        let remains = self.slab.at_mut(index)?;
        let verdict = remains.time_wait.handle_segment(now, header, text_bytes, &remains.config);
        self.timers.set(index, Some(remains.time_wait.due()));
        Some(verdict)
    }
}

impl Host {
    /// A connection whose application is gone becomes remains; the place in the flow table stays.
    pub(crate) fn enter_time_wait(&mut self, index: u32, time_wait: TimeWait) {
        if self.time_waits.len() >= self.config.time_waits_max.max(1)
            && let Some(oldest) = self.time_waits.oldest()
        {
            self.counters.time_waits_forgotten += 1;
            self.forget_time_wait(oldest);
        }
        self.tell_departure(index);
        let Some(socket) = self.sockets.at_mut(index) else { return };
        self.timers.set(&mut socket.timer, index, None);
        self.counters.time_waits += 1;
        let (key, config) = (socket.key, socket.connection.config().clone());
        self.sockets.discard(index);
        let place = self.time_waits.insert(Remains { key, time_wait, config });
        self.demux.replace(&key, |place| place == index, place | TIME_WAIT_BIT);
    }

    /// 2 MSL have passed, or somebody else needs the place.
    pub(crate) fn forget_time_wait(&mut self, index: u32) {
        if let Some(remains) = self.time_waits.remove(index) {
            self.demux.remove(&remains.key, |place| place == index | TIME_WAIT_BIT);
        }
    }

    /// The smallest initial sequence number with which a new connection may follow this one (RFC 9293
    /// §3.6.1): what the rules would answer to the peer's newer SYN.
    pub(crate) fn iss_after(&self, now: Instant, index: u32) -> Option<wire::Seq> {
        let remains = self.time_waits.at(index)?;
        // One of two numbers half the circle apart is newer than whatever the peer sent last.
        [0, 1 << 31].into_iter().find_map(|seq| {
            let syn = wire::tcp::Header {
                seq: wire::Seq::new(seq),
                flags: wire::tcp::Flags::SYN,
                ..wire::tcp::Header::default()
            };
            let mut question = remains.time_wait;
            match question.handle_segment(now, &syn, 0, &remains.config) {
                tcp::TimeWaitVerdict::Reopen { iss_at_least } => Some(iss_at_least),
                _ => None,
            }
        })
    }
}
