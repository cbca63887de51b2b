//! The story in a few words: who opened, who closed first, how it ended, how much was sent.
//!
//! It is read off the segments alone, so it holds for any ladder.

use super::{Arrival, Ladder, Side, Step};
use crate::numbers;

/// What the steps tell as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Story {
    /// Who sent the first SYN without ACK; both when the SYNs crossed.
    pub opened: Option<Who>,
    /// Who sent the first FIN; both when the FINs crossed.
    pub closed_first: Option<Who>,
    /// Who sent a RST first.
    pub reset: Option<Side>,
    /// Bytes of text each end sent for the first time, by sequence number.
    pub sent_bytes: [u64; 2],
    /// Segments that never arrived, by their sender.
    pub lost: [u64; 2],
    /// Segments that carried again what was sent before, by their sender.
    pub retransmitted: [u64; 2],
}

/// One end, or both at once.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// This one.
    One(Side),
    /// Both, before hearing of each other's.
    Both,
}

/// A FIN or SYN that was sent: by whom, when, and when the other end heard of it.
#[derive(Clone, Copy)]
struct Said {
    /// Which step it is: two at one moment stand in their order.
    place: usize,
    at: tcp::Instant,
    heard: Option<tcp::Instant>,
    acks_other: bool,
}

impl Ladder {
    /// Reads the story off the steps.
    pub fn story(&self) -> Story {
        let mut story = Story::default();
        let mut opens: [Option<Said>; 2] = [None; 2];
        let mut agrees = [false; 2];
        let mut closes: [Option<Said>; 2] = [None; 2];
        let mut highest: [Option<wire::Seq>; 2] = [None; 2];
        for (place, step) in self.steps.iter().enumerate() {
            let Step::Segment(segment) = step else { continue };
            let (side, facts) = (segment.from.index(), &segment.facts);
            if segment.arrival == Arrival::Stray {
                continue;
            }
            let heard = match segment.arrival {
                Arrival::Delivered { at } => Some(at),
                Arrival::Seen => Some(segment.at),
                _ => None,
            };
            let said = Said { place, at: segment.at, heard, acks_other: false };
            agrees[side] |= facts.flags.syn() && facts.flags.ack();
            if facts.flags.syn() && !facts.flags.ack() && opens[side].is_none() {
                opens[side] = Some(said);
                // What was reset before was not this connection, but the answer to a stale SYN.
                story.reset = None;
            }
            if facts.flags.fin() && closes[side].is_none() {
                let acks_other = closes[1 - side].is_some()
                    && highest[1 - side].is_some_and(|end| facts.flags.ack() && facts.ack.at_or_after(end));
                closes[side] = Some(Said { acks_other, ..said });
            }
            if facts.flags.rst() && story.reset.is_none() {
                story.reset = Some(segment.from);
            }
            story.lost[side] += u64::from(segment.arrival == Arrival::Lost);
            story.retransmitted[side] += u64::from(segment.why.is_some_and(|why| why.is_retransmission()));
            if !facts.flags.rst() {
                let start = facts.seq + u32::from(facts.flags.syn());
                let end = start + facts.len_bytes;
                let fresh_from = highest[side].map_or(start, |highest| start.latest(highest));
                if end.after(fresh_from) {
                    story.sent_bytes[side] += u64::from(end.bytes_since(fresh_from));
                }
                let past = end + u32::from(facts.flags.fin());
                highest[side] = Some(highest[side].map_or(past, |highest| highest.latest(past)));
            }
        }
        // One SYN,ACK to two SYNs: the other one came in two parts (a split handshake).
        let is_split = agrees[0] != agrees[1];
        story.opened = first(&opens).map(|who| if is_split { Who::One(earlier(&opens)) } else { who });
        story.closed_first = first(&closes);
        story
    }

    /// The story as lines of text; `Left` and `Right` by their names.
    pub fn story_lines(&self) -> Vec<String> {
        let story = self.story();
        let name = |side: Side| {
            let end = &self.ends[side.index()];
            if end.name.is_empty() { &end.address } else { &end.name }
        };
        let mut how = Vec::new();
        match story.opened {
            Some(Who::One(side)) => how.push(format!("{} opened", name(side))),
            Some(Who::Both) => how.push("both opened at once".to_owned()),
            None => how.push("the opening was not seen".to_owned()),
        }
        match story.closed_first {
            Some(Who::One(side)) => how.push(format!("{} closed first", name(side))),
            Some(Who::Both) => how.push("both closed at once".to_owned()),
            None if story.reset.is_none() => how.push("nobody closed".to_owned()),
            None => {}
        }
        if let Some(side) = story.reset {
            how.push(format!("{} reset", name(side)));
        }
        let mut lines = vec![how.join(", ")];
        let sent = [Side::Left, Side::Right].map(|side| {
            format!("{} sent {}", name(side), numbers::count(story.sent_bytes[side.index()], "byte"))
        });
        lines.push(sent.join(", "));
        let lost = story.lost[0] + story.lost[1];
        let again = story.retransmitted[0] + story.retransmitted[1];
        let mut troubles = Vec::new();
        if lost > 0 {
            troubles.push(format!("{} lost", numbers::count(lost, "segment")));
        }
        if again > 0 {
            troubles.push(numbers::count(again, "retransmission"));
        }
        if !troubles.is_empty() {
            lines.push(troubles.join(", "));
        }
        lines
    }
}

/// Whose was earlier.
fn earlier(said: &[Option<Said>; 2]) -> Side {
    match said {
        [Some(left), Some(right)] if right.place < left.place => Side::Right,
        [None, _] => Side::Right,
        _ => Side::Left,
    }
}

/// Who said it first; both when neither had heard of the other's when saying it.
fn first(said: &[Option<Said>; 2]) -> Option<Who> {
    match said {
        [None, None] => None,
        [Some(_), None] => Some(Who::One(Side::Left)),
        [None, Some(_)] => Some(Who::One(Side::Right)),
        [Some(left), Some(right)] => {
            let (early, late, side) = if left.place <= right.place {
                (left, right, Side::Left)
            } else {
                (right, left, Side::Right)
            };
            // A capture does not know when a segment arrived (`heard` is when it was seen): there, and over
            // a link without delay, only an acknowledgment shows that the other end knew.
            let heard = early.heard.is_some_and(|heard| heard > early.at && heard <= late.at);
            if heard || late.acks_other { Some(Who::One(side)) } else { Some(Who::Both) }
        }
    }
}
