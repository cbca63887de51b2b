//! The story in a few words: who opened, who closed first, how it ended, how much was sent.
//!
//! It is derived from the segments alone, so it works for any ladder.

use super::{Arrival, Ladder, Side, Step};
use crate::words::{self, Language};
use std::collections::BTreeMap;
use tcp::state::State;
use tcp::{ResetReason, SendReason};

/// A summary of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Story {
    /// Who sent the first SYN without ACK; both when the SYNs crossed.
    pub opened: Option<Who>,
    /// Who sent the first FIN; both when the FINs crossed.
    pub closed_first: Option<Who>,
    /// Who first sent a RST that ended the connection. In a capture every RST counts, because it may have.
    pub reset: Option<Side>,
    /// Bytes of text that each end sent; bytes that were sent again count once.
    pub sent_bytes: [u64; 2],
    /// Segments that never arrived, by their sender.
    pub lost: [u64; 2],
    /// Retransmitted segments, by their sender.
    pub retransmitted: [u64; 2],
}

/// One end, or both at once.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// This end.
    One(Side),
    /// Both, before either received the other's segment.
    Both,
}

/// The first SYN or FIN of one end: when it was sent, and when it arrived.
#[derive(Clone, Copy)]
struct ControlSent {
    /// The index of its step, which orders two of the same time.
    place: usize,
    at: tcp::Instant,
    arrived: Option<tcp::Instant>,
    acks_other: bool,
}

impl Ladder {
    /// Derives the story from the steps.
    pub fn story(&self) -> Story {
        let mut story = Story::default();
        let mut opens: [Option<ControlSent>; 2] = [None; 2];
        let mut agrees = [false; 2];
        let mut closes: [Option<ControlSent>; 2] = [None; 2];
        let mut highest: [Option<wire::Seq>; 2] = [None; 2];
        let mut texts = [0, 1].map(|side| Text::after(self.ends[side].isn));
        for (place, step) in self.steps.iter().enumerate() {
            let Step::Segment(segment) = step else { continue };
            let side = segment.from.index();
            let facts = &segment.facts;
            if segment.arrival == Arrival::Stray {
                continue;
            }
            let arrived = match segment.arrival {
                Arrival::Delivered { at } => Some(at),
                Arrival::Seen => Some(segment.at),
                _ => None,
            };
            let sent = ControlSent { place, at: segment.at, arrived, acks_other: false };
            agrees[side] |= facts.flags.syn() && facts.flags.ack();
            if facts.flags.syn() && !facts.flags.ack() && opens[side].is_none() {
                opens[side] = Some(sent);
                // A reset before this SYN did not end this connection, but the answer to a stale SYN.
                story.reset = None;
            }
            if facts.flags.fin() && closes[side].is_none() {
                let acks_other = closes[1 - side].is_some()
                    && highest[1 - side].is_some_and(|end| facts.flags.ack() && facts.ack.at_or_after(end));
                closes[side] = Some(ControlSent { acks_other, ..sent });
            }
            if facts.flags.rst() && story.reset.is_none() && ends_connection(segment) {
                story.reset = Some(segment.from);
            }
            story.lost[side] += u64::from(segment.arrival == Arrival::Lost);
            story.retransmitted[side] += u64::from(segment.why.is_some_and(|why| why.is_retransmission()));
            if !facts.flags.rst() {
                let start = facts.seq + u32::from(facts.flags.syn());
                texts[side].add(start, facts.len_bytes);
                let past = start + facts.len_bytes + u32::from(facts.flags.fin());
                highest[side] = Some(highest[side].map_or(past, |highest| highest.latest(past)));
            }
        }
        // Two SYNs but one SYN,ACK: a split handshake, which answers a SYN with an ACK and a separate SYN.
        let is_split = agrees[0] != agrees[1];
        story.opened = first(&opens).map(|who| if is_split { Who::One(earlier(&opens)) } else { who });
        story.closed_first = first(&closes);
        story.sent_bytes = texts.map(|text| text.bytes);
        story
    }

    /// The story as lines of text, with the names of both ends.
    pub fn story_lines(&self, language: Language) -> Vec<String> {
        let names = [0, 1].map(|side: usize| {
            let end = &self.ends[side];
            if end.name.is_empty() { &end.address[..] } else { &end.name[..] }
        });
        let mut lines = words::story(&self.story(), names, language);
        lines.extend(self.closing.iter().cloned());
        lines
    }
}

/// The text that one end sent: which bytes, each counted once.
struct Text {
    /// The sequence number of offset 0: the first byte of the connection, or else the first one seen.
    first: Option<wire::Seq>,
    /// The least offset that belongs to the connection.
    floor: i64,
    /// The offset after the last byte sent.
    end: i64,
    /// What was sent: the starts and ends of runs that do not touch, as offsets.
    runs: BTreeMap<i64, i64>,
    bytes: u64,
}

impl Text {
    /// The text of a connection with this ISN; bytes before it belong to another connection.
    fn after(isn: Option<wire::Seq>) -> Text {
        let floor = if isn.is_some() { 0 } else { i64::MIN };
        Text { first: isn.map(|isn| isn + 1), floor, end: 0, runs: BTreeMap::new(), bytes: 0 }
    }

    fn add(&mut self, start: wire::Seq, len_bytes: u32) {
        let first = *self.first.get_or_insert(start);
        // Sequence numbers wrap after 4 GiB, so the offset nearest to the end is taken.
        let near = first + self.end as u32;
        let at = self.end + i64::from(start.offset_from(near));
        let from = at.max(self.floor);
        let to = at + i64::from(len_bytes);
        if from >= to {
            return;
        }
        self.end = self.end.max(to);
        let mut run = (from, to);
        let mut known = 0;
        while let Some((run_from, run_to)) = self.last_run_before(run.1).filter(|(_, end)| *end >= run.0) {
            known += (run_to.min(to) - run_from.max(from)).max(0);
            run = (run.0.min(run_from), run.1.max(run_to));
            self.runs.remove(&run_from);
        }
        self.runs.insert(run.0, run.1);
        self.bytes += (to - from - known).cast_unsigned();
    }

    fn last_run_before(&self, end: i64) -> Option<(i64, i64)> {
        self.runs.range(..=end).next_back().map(|(from, to)| (*from, *to))
    }
}

/// Whether a RST ends the connection, and does not only answer a segment from before or after it.
fn ends_connection(reset: &super::Segment) -> bool {
    let closes_the_other = reset.states[reset.from.other().index()] == Some(State::Closed);
    let is_for_this_connection =
        !matches!(reset.why, Some(SendReason::Reset(ResetReason::ClosedPort | ResetReason::UnacceptableAck)));
    reset.arrival == Arrival::Seen || closes_the_other || is_for_this_connection
}

/// The end whose segment was earlier.
fn earlier(sent: &[Option<ControlSent>; 2]) -> Side {
    match sent {
        [Some(left), Some(right)] if right.place < left.place => Side::Right,
        [None, _] => Side::Right,
        _ => Side::Left,
    }
}

/// Who sent it first; both if neither had received the other's segment before sending.
fn first(sent: &[Option<ControlSent>; 2]) -> Option<Who> {
    match sent {
        [None, None] => None,
        [Some(_), None] => Some(Who::One(Side::Left)),
        [None, Some(_)] => Some(Who::One(Side::Right)),
        [Some(left), Some(right)] => {
            let (early, late, side) = if left.place <= right.place {
                (left, right, Side::Left)
            } else {
                (right, left, Side::Right)
            };
            // In a capture the time of arrival is not known (`arrived` is the time of capture). There, and on a
            // link without delay, only an acknowledgment shows that the other end had received the segment.
            let arrived = early.arrived.is_some_and(|arrived| arrived > early.at && arrived <= late.at);
            if arrived || late.acks_other { Some(Who::One(side)) } else { Some(Who::Both) }
        }
    }
}
