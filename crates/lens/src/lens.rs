//! The lens: takes segments in the order of capture, follows connections, says what it sees.
//!
//! One pass. Which connection a segment belongs to is decided as Wireshark 4.4 does: the pair of
//! addresses and ports, and a new connection when a SYN (or SYN,ACK) has another initial number, or
//! comes after a FIN or RST.

use crate::findings::{self, FindingId, Groups, Hosts};
use crate::flow::{Flow, FlowKey, FlowTable};
use crate::habits::Habits;
use crate::limits::AHEAD;
use crate::live::Live;
use crate::nanos::Nanos;
use crate::slots::Slots;
use crate::verdicts::Verdicts;
use crate::{Analysis, Config, Connection, Notes, Notice, Segment, Sink, Whole};
use std::collections::BTreeMap;

/// Explains a capture, segment by segment.
///
/// ```
/// use synfin_lens::{Config, Kept, Lens, Segment};
/// use wire::tcp::Flags;
/// let mut lens = Lens::new(Config::default());
/// let mut kept = Kept::default();
/// let syn = Segment {
///     source: "10.0.0.1:51000".parse().expect("an address"),
///     destination: "10.0.0.2:80".parse().expect("an address"),
///     flags: Flags::SYN,
///     ..Segment::default()
/// };
/// let said = lens.take(&syn, &mut kept);
/// assert_eq!(said.sender().state.name(), "SYN-SENT");
/// lens.finish(&mut kept);
/// assert_eq!(kept.connections.len(), 1);
/// ```
#[derive(Debug)]
pub struct Lens {
    config: Config,
    table: FlowTable,
    /// The connections; those that were replaced or evicted leave a place free.
    slots: Slots,
    live: usize,
    /// The last connection asked for: bursts belong to one.
    last: Option<(FlowKey, u32)>,
    streams: u32,
    /// The hand of the clock by which a victim is chosen.
    hand: usize,
    evicted: u64,
    /// Segments in flight remembered, over all connections.
    unacked: usize,
    said_unacked: bool,
    /// The last time that the capture showed.
    now_ns: u64,
    /// Who was heard of.
    hosts: Hosts,
    groups: Groups,
    habits: Habits,
    left_out: BTreeMap<FindingId, (usize, u64)>,
}

impl Lens {
    /// A lens that has seen nothing.
    pub fn new(config: Config) -> Lens {
        Lens {
            table: FlowTable::new(config.hash_key),
            config,
            slots: Slots::default(),
            live: 0,
            last: None,
            streams: 0,
            hand: 0,
            evicted: 0,
            unacked: 0,
            said_unacked: false,
            habits: Habits::default(),
            now_ns: 0,
            hosts: Hosts::default(),
            groups: Groups::default(),
            left_out: BTreeMap::new(),
        }
    }

    /// How many connections were seen.
    pub fn connections_seen(&self) -> u32 {
        self.streams
    }

    /// How many connections are remembered now.
    pub fn connections_remembered(&self) -> usize {
        self.live
    }

    /// Takes the next segment. What it says of it is returned, and given to `sink` together with
    /// connections that end because of it.
    #[inline]
    pub fn take(&mut self, segment: &Segment, sink: &mut impl Sink) -> Analysis {
        let flow = Flow::of(segment.source, segment.destination);
        let found = self.find(&flow);
        self.take_of(&flow, found, segment, sink)
    }

    /// Takes the next segments, in order: the same as taking one after the other, and faster among many
    /// connections, because theirs are fetched from memory together instead of one at a time.
    pub fn take_all(&mut self, segments: &[Segment], sink: &mut impl Sink) {
        let mut flows = [None; AHEAD];
        for together in segments.chunks(AHEAD) {
            for (flow, segment) in flows.iter_mut().zip(together) {
                let named = Flow::of(segment.source, segment.destination);
                self.table.touch(&named);
                *flow = Some((named, None));
            }
            for (flow, found) in flows.iter_mut().flatten().take(together.len()) {
                *found = self.find(flow);
            }
            for (place, segment) in flows.iter().zip(together) {
                let Some((flow, found)) = place else { continue };
                // it may have ended, or begun, since it was looked for
                let is_there = |at: &u32| self.slots.get(*at).is_some_and(|live| live.key == flow.key);
                let found = found.filter(is_there).or_else(|| self.find(flow));
                self.take_of(flow, found, segment, sink);
            }
        }
    }

    fn take_of(
        &mut self,
        flow: &Flow,
        found: Option<u32>,
        segment: &Segment,
        sink: &mut impl Sink,
    ) -> Analysis {
        self.now_ns = self.now_ns.max(segment.time.as_nanos());
        let mut reused = Verdicts::NONE;
        let mut index = found;
        let mut stamp_before = None;
        let mut previous_end = None;
        if let Some(found) = found
            && segment.flags.syn()
            && segment.whole != Whole::QuotedInIcmp
        {
            let live = self.slot(found);
            let from = live.side(flow);
            if live.is_another(from, segment) {
                reused = Verdicts::REUSED_PORTS;
                if live.lingers() {
                    previous_end = Some(Nanos::of(live.times.last_ns));
                    stamp_before = live.halves[from].sender.clock.highest();
                }
                self.retire(found, sink);
                index = None;
            } else {
                live.on_same_syn(from, segment);
            }
        }
        let index = index.unwrap_or_else(|| self.open(flow, segment, previous_end, sink));
        self.last = Some((flow.key, index));
        let mut unacked_max = self.config.unacked_max;
        if self.unacked >= self.config.unacked_total_max {
            unacked_max = 0;
            if !std::mem::replace(&mut self.said_unacked, true) {
                sink.notice(&Notice::InFlightLeftOut { frame: segment.frame });
            }
        }
        let live = self.slots.get_mut(index).expect("the table names only places that are taken");
        if let Some((before, stamps)) = stamp_before.zip(segment.options.timestamps) {
            live.has_older_stamp = stamps.value.wrapping_sub(before).cast_signed() < 0;
        }
        let before = live.unacked();
        let mut place = None;
        let analysis = live.take(live.side(flow), segment, reused, unacked_max, &mut self.habits, &mut place);
        self.unacked = self.unacked + live.unacked() - before;
        sink.segment(segment, analysis);
        if analysis.notes.intersects(Notes::SHOWS_CAUSE | Notes::SHOWS_SPURIOUS) {
            self.slot(index).correct(segment, analysis, |correction| sink.corrected(correction));
        }
        *analysis
    }

    /// The capture is over: every connection that is left is summed up, by its number.
    pub fn finish(mut self, sink: &mut impl Sink) {
        let mut slots = std::mem::take(&mut self.slots);
        for (_, at) in slots.streams() {
            slots.get(at).into_iter().for_each(|live| self.hosts.note(live));
        }
        for (_, at) in slots.streams() {
            if let Some(live) = slots.get_mut(at) {
                self.sum_up(live, sink);
            }
        }
        self.groups.finish().iter().for_each(|group| sink.group(group));
        for (id, (_, count)) in self.left_out.iter().filter(|(_, (_, count))| *count > 0) {
            sink.notice(&Notice::FindingsLeftOut { kind: id.name(), count: *count });
        }
    }

    #[inline]
    fn find(&self, flow: &Flow) -> Option<u32> {
        if let Some((last_key, index)) = self.last
            && last_key == flow.key
        {
            return Some(index);
        }
        self.table.find(flow, |at| is_at(&self.slots, at, &flow.key))
    }

    fn slot(&mut self, index: u32) -> &mut Live {
        self.slots.get_mut(index).expect("the table names only places that are taken")
    }

    #[cold]
    fn open(
        &mut self,
        flow: &Flow,
        segment: &Segment,
        previous_end: Option<Nanos>,
        sink: &mut impl Sink,
    ) -> u32 {
        if self.live >= self.config.connections_max.max(1) {
            self.evict(sink);
        }
        let stream = self.streams;
        self.streams = self.streams.saturating_add(1);
        self.live += 1;
        let mut live = Live::new(flow, stream, segment, previous_end);
        live.on_habits(segment, &self.habits);
        let index = self.slots.put(live);
        self.table.insert(flow, index);
        index
    }

    /// Sums up a connection and frees its place.
    #[cold]
    fn retire(&mut self, index: u32, sink: &mut impl Sink) {
        let mut slots = std::mem::take(&mut self.slots);
        if let Some(live) = slots.get_mut(index) {
            self.table.remove(&live.key, |at| at == index);
            self.live -= 1;
            self.unacked -= live.unacked();
            self.last = None;
            self.hosts.note(live);
            self.sum_up(live, sink);
        }
        slots.free(index);
        self.slots = slots;
    }

    /// A second chance for those heard of lately (the clock algorithm): at most one round.
    fn evict(&mut self, sink: &mut impl Sink) {
        for _ in 0..=2 * self.slots.len() {
            self.hand = (self.hand + 1) % self.slots.len().max(1);
            let Some(live) = self.slots.get_mut(self.hand as u32) else { continue };
            if std::mem::take(&mut live.is_recent) {
                continue;
            }
            live.was_evicted = true;
            self.evicted += 1;
            let stream = live.stream;
            self.retire(self.hand as u32, sink);
            sink.notice(&Notice::Evicted { stream, total: self.evicted });
            return;
        }
    }

    /// Sums up a connection whose hosts are noted.
    fn sum_up(&mut self, live: &mut Live, sink: &mut impl Sink) {
        let connection = Connection::of(live, self.now_ns);
        sink.connection(&connection);
        let most = self.config.findings_per_kind_max;
        for finding in findings::of(&connection, &self.hosts) {
            let (count, left) = self.left_out.entry(finding.id).or_default();
            if *count < most {
                *count += 1;
                sink.finding(&finding);
            } else {
                *left += 1;
            }
            self.groups.take(finding);
        }
    }
}

/// Part of the hash agrees already, so this nearly always is the one: all of it is asked for at once.
fn is_at(slots: &Slots, at: u32, key: &FlowKey) -> bool {
    slots.get(at).is_some_and(|live| {
        live.warm();
        live.key == *key
    })
}

#[cfg(test)]
mod tests;
