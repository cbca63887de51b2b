//! What the findings ask of a connection beyond verdicts: who was heard when, what was sent again and for nothing, what
//! the capture missed, what keep-alives got, how long answers took.
//!
//! Our own model answers: which bytes are known to be sent, acknowledged, and seen here. Wireshark's verdicts are not
//! asked.

use super::gaps::Gaps;
use super::keep_alives::KeepAlives;
use super::repeats::Repeats;
use super::turns::{TurnTimes, Turns};
use super::unread::Reading;
use crate::limits::MSS_BYTES_ETHERNET;
use crate::live::{Before, Half, Marks, Times};
use crate::{Frame, Segment, Side};
use wire::Seq;
use wire::tcp::Flags;

/// One connection; nothing but a word of memory until something is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Talk(Option<Box<Said>>);

/// What was said.
#[derive(Clone, Debug, Default)]
struct Said {
    turns: Turns,
    /// How each end reads.
    reading: [Reading; 2],
    /// Made by the first of these.
    rare: Option<Box<RareTalk>>,
}

/// What most connections never have.
#[derive(Clone, Debug, Default)]
pub(crate) struct RareTalk {
    /// How many segments more than were captured a network card makes of super-segments.
    pub(crate) cut_segments: [u32; 2],
    /// What each end sent again.
    pub(crate) repeats: [Repeats; 2],
    /// What each end sent and the capture has not shown yet.
    pub(crate) gaps: [Option<Box<Gaps>>; 2],
    pub(crate) keep_alives: [KeepAlives; 2],
    /// The first RST.
    pub(crate) stranger: Option<Stranger>,
}

/// A RST, and how it differs from what its end sends otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stranger {
    pub(crate) by: usize,
    pub(crate) ttl: u8,
    /// That of the end's other segments, 0 if it sent none.
    pub(crate) usual_ttl: u8,
    /// It has no acknowledgment, and its number from what it answers (RFC 9293 §3.5.2).
    pub(crate) is_bare: bool,
    /// And its sender has said nothing else: nobody there knows the connection.
    pub(crate) is_of_nobody: bool,
    /// The first frame with which the end goes on afterwards.
    pub(crate) goes_on_frame: Frame,
}

/// A segment, and both ends after it. Most is asked for by few segments, and read when it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spoken<'a> {
    pub(crate) from: Side,
    pub(crate) segment: &'a Segment,
    /// Its sender and the other end.
    pub(crate) own: &'a Half,
    pub(crate) other: &'a Half,
    pub(crate) marks: &'a Marks,
    pub(crate) times: &'a Times,
}

/// The same, and what a segment meets that may be any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved<'a> {
    pub(crate) spoken: Spoken<'a>,
    /// Its sender's direction before it.
    pub(crate) prior: &'a Before,
    /// It carries again what was sent before.
    pub(crate) is_again: bool,
    /// The time to live of its sender's segments before it that were no RST; 0 for none.
    pub(crate) usual_ttl: u8,
}

impl Spoken<'_> {
    /// The highest number that the other end has sent, if known.
    fn other_next(&self) -> Option<Seq> {
        self.other.judged.next_seq
    }

    /// The end that opened, if that is known; else the one with the higher port, which programs get when they ask for
    /// none.
    pub(super) fn client(&self) -> Side {
        let is_higher = self.segment.source.port() > self.segment.destination.port();
        self.marks.opener().unwrap_or(if is_higher { self.from } else { self.from.other() })
    }

    /// From here to its sender and back.
    pub(super) fn turn_ns(&self) -> u64 {
        self.times.turn_ns(self.own, self.other)
    }
}

impl Moved<'_> {
    /// Its text in segments of the MSS.
    fn segments(&self) -> u32 {
        let text_bytes = self.spoken.segment.text_bytes;
        if text_bytes <= self.prior.mss_bytes.min(MSS_BYTES_ETHERNET) && !self.spoken.segment.flags.syn() {
            return u32::from(text_bytes > 0); // nearly always: no more than any MSS that is known
        }
        text_bytes.div_ceil(self.spoken.marks.mss_known_bytes().unwrap_or(MSS_BYTES_ETHERNET).max(1))
    }

    /// The other end's window is closed.
    fn is_closed(&self) -> bool {
        self.spoken.other.judged.is_closed() && !self.spoken.other.judged.window_is_of_syn
    }

    fn now_ns(&self) -> u64 {
        self.spoken.segment.time.as_nanos()
    }

    /// Nothing of its sender is in flight, and it repeats the last number, with one byte or none (RFC 9293 §3.8.4). A
    /// byte that was just sent for the first time and goes again is no keep-alive: it is in flight.
    #[inline]
    fn is_keep_alive(&self) -> bool {
        let segment = self.spoken.segment;
        if segment.text_bytes > 1 || Some(segment.seq + 1) != self.prior.next_seq {
            return false; // nearly always
        }
        let is_bare = segment.flags.ack() && !segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST);
        let is_idle = self.prior.next_seq.is_some() && self.prior.acknowledged == self.prior.next_seq;
        is_bare
            && is_idle
            && !self.is_closed()
            && self.now_ns().saturating_sub(self.prior.next_seq_time_ns) >= KEEP_ALIVE_NS_MIN
    }
}

/// No stack probes an idle connection sooner; a needless retransmission of one byte may come sooner.
const KEEP_ALIVE_NS_MIN: u64 = 900_000_000;

impl Talk {
    /// How both ends took turns.
    pub(crate) fn turns(&self) -> TurnTimes {
        self.0.as_ref().map(|said| said.turns.times()).unwrap_or_default()
    }

    /// What most connections never have.
    pub(crate) fn rare(&self) -> Option<&RareTalk> {
        self.0.as_ref()?.rare.as_deref()
    }

    fn rare_mut(&mut self) -> Option<&mut RareTalk> {
        self.0.as_mut()?.rare.as_deref_mut()
    }

    #[cold]
    fn make_rare(&mut self) -> &mut RareTalk {
        self.0.get_or_insert_default().rare.get_or_insert_default()
    }

    /// Takes a segment that was sent once, after everything is concluded of it.
    #[inline]
    pub(crate) fn take(&mut self, moved: &Moved<'_>) {
        let (from, other) = (moved.spoken.from.index(), moved.spoken.from.other().index());
        let segment = moved.spoken.segment;
        self.note_stranger(moved);
        if moved.is_keep_alive() {
            self.make_rare().keep_alives[from].on_probe(segment.frame, moved.now_ns());
            return;
        }
        if let Some(rare) = self.rare_mut() {
            rare.keep_alives[other].on_answer();
        }
        let segments = moved.segments();
        if segments > 1 {
            let cut = &mut self.make_rare().cut_segments[from];
            *cut = cut.saturating_add(segments - 1);
        }
        if moved.is_again {
            let edge = moved.spoken.other.window_edge();
            let is_beyond = moved.is_closed() || edge.is_some_and(|edge| segment.end().after(edge));
            self.make_rare().repeats[from].on_again(segment, segments, is_beyond);
        } else if segment.text_bytes > 0 && !segment.flags.syn() && !segment.flags.rst() {
            let acks_all = moved.spoken.other_next().is_some_and(|next| segment.ack.at_or_after(next));
            let said = self.0.get_or_insert_default();
            said.turns.on_text(&moved.spoken, acks_all);
        }
        if moved.is_again
            && segment.text_bytes > 0
            && let Some(said) = &mut self.0
        {
            said.turns.on_text_again(moved.spoken.from, moved.now_ns(), segment.frame);
        }
        if let Some(opened) = Gaps::opened_by_text(segment, moved.prior.next_seq) {
            self.gaps(from, opened);
        }
        if let Some(gaps) = self.rare_mut().and_then(|rare| rare.gaps[from].as_mut()) {
            gaps.on_text(segment, moved.prior.next_seq);
        }
        if segment.flags.ack() && !segment.flags.rst() {
            if let Some(said) = &mut self.0
                && let Some(edge) = moved.spoken.own.window_edge()
            {
                said.reading[from].on_window(edge, segment.ack);
            }
            let advances = moved.prior.is_advanced_by(segment);
            // the other end has text in flight beyond the window that is left for it
            let in_flight =
                moved.spoken.other_next().filter(|next| segment.ack.before(*next) && !segment.flags.syn());
            if let Some(next) = in_flight
                && moved.spoken.own.window_edge().is_some_and(|edge| edge.before(next))
            {
                self.make_rare().repeats[other].on_taken_back(next);
            }
            if advances && let Some(rare) = self.rare_mut() {
                rare.repeats[other].on_progress();
            }
            if let Some(next) = moved.spoken.other_next().filter(|_| !segment.flags.syn()) {
                if let Some(opened) =
                    Gaps::opened_by_ack(segment, next, moved.spoken.other.traffic.text_segments > 0)
                {
                    self.gaps(other, opened);
                }
                if let Some(gaps) = self.rare_mut().and_then(|rare| rare.gaps[other].as_mut()) {
                    gaps.on_ack(segment, next);
                }
            }
        }
    }

    /// No RST came, and so nothing is asked of a segment but what [`Talk::go_on_with`] does.
    #[inline(always)]
    pub(crate) fn is_settled(&self) -> bool {
        self.rare().is_none_or(|rare| rare.stranger.is_none())
    }

    /// Takes a segment of the short route: text of one segment that continues the stream, or an acknowledgment without
    /// text, within the window that its sender leaves.
    #[inline(always)]
    pub(crate) fn go_on_with(&mut self, spoken: &Spoken<'_>, edge: Option<Seq>, advances: bool) {
        let segment = spoken.segment;
        if self.rare().is_some() {
            self.go_on_with_rare(spoken, advances);
        }
        if segment.text_bytes > 0 {
            let acks_all = spoken.other_next().is_some_and(|next| segment.ack.at_or_after(next));
            self.0.get_or_insert_default().turns.on_text(spoken, acks_all);
        }
        if let Some(said) = &mut self.0
            && let Some(edge) = edge
        {
            said.reading[spoken.from.index()].on_window(edge, segment.ack);
        }
    }

    #[inline(never)]
    fn go_on_with_rare(&mut self, spoken: &Spoken<'_>, advances: bool) {
        let (from, other) = (spoken.from.index(), spoken.from.other().index());
        let next = spoken.own.judged.next_seq.map(|next| next - spoken.segment.text_bytes);
        let other_next = spoken.other_next();
        let Some(rare) = self.rare_mut() else { return };
        rare.keep_alives[other].on_answer();
        if let Some(gaps) = rare.gaps[from].as_mut() {
            gaps.on_text(spoken.segment, next);
        }
        if advances {
            rare.repeats[other].on_progress();
        }
        if let Some((gaps, next)) = rare.gaps[other].as_mut().zip(other_next) {
            gaps.on_ack(spoken.segment, next);
        }
    }

    /// Bytes that `side` has received, and its application has certainly not read, when it throws the connection away.
    pub(crate) fn unread_bytes(&self, side: Side, acked: Option<Seq>) -> u32 {
        let reading = self.0.as_ref().map(|said| said.reading[side.index()]);
        reading.zip(acked).map_or(0, |(reading, acked)| reading.unread_bytes(acked))
    }

    /// The gaps of a direction, made now if this is the first.
    fn gaps(&mut self, side: usize, first: Gaps) {
        self.make_rare().gaps[side].get_or_insert_with(|| Box::new(first));
    }

    #[inline]
    fn note_stranger(&mut self, moved: &Moved<'_>) {
        let (from, segment) = (moved.spoken.from.index(), moved.spoken.segment);
        if segment.flags.rst() {
            let (ttl, usual_ttl) = (segment.ttl, moved.usual_ttl);
            let answers =
                moved.prior.acknowledged.is_none() || moved.spoken.other.judged.last_ack == Some(segment.seq);
            let is_bare = !segment.flags.ack() && answers;
            let is_of_nobody = is_bare && usual_ttl == 0;
            let seen = Stranger { by: from, ttl, usual_ttl, is_bare, is_of_nobody, goes_on_frame: 0 };
            self.make_rare().stranger.get_or_insert(seen);
            return;
        }
        if let Some(stranger) = self.rare_mut().and_then(|rare| rare.stranger.as_mut())
            && stranger.by == from
            && stranger.goes_on_frame == 0
        {
            stranger.goes_on_frame = segment.frame;
        }
    }
}
