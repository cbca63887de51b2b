//! Text on its way to the reader: in order into the receive queue, else kept until the gap is filled
//! (RFC 9293 §3.10.7.4, seventh step; RFC 2018, RFC 2883). The urgent pointer and the FIN are marks in it.

use super::reassembly::{Insertion, note_part, pieces_max};
use super::rtt::Arrival;
use super::{Began, Disorder, PeerFin, ReceiveBuffer, Receiver};
use crate::events::Events;
use crate::habits::Habits;
use crate::refusal::Refused;
use crate::segment::{Event, Segment};
use crate::timestamps::TimestampState;
use crate::{Config, Instant, Refusal, SendReason};
use bytes::Bytes;
use wire::tcp::SackBlock;
use wire::{Payload, Seq};

/// Text of a SYN that is kept until the handshake is complete: a segment's worth. The rest comes again, from a peer
/// that has shown that it is there.
const SYN_TEXT_BYTES_MAX: u32 = 1_460;

impl Receiver {
    /// Takes text that begins at RCV.NXT. Returns whether its acknowledgment may wait for the
    /// delayed-ACK timer; otherwise it is owed already.
    #[must_use]
    pub(crate) fn take_in_order(&mut self, text: Payload, config: &Config, events: &mut Events) -> bool {
        let arrived = text.len() as u32;
        self.received.segments = self.received.segments.wrapping_add(1);
        self.refute_fin_before(self.nxt + arrived);
        events.raise(Event::Readable);
        let fills_hole = if self.disorder.is_none() {
            self.deliver(text);
            false
        } else {
            let fills_hole = self.deliver_around_held(text, config);
            self.deliver_disorder(events);
            fills_hole
        };
        // A hole was filled, wholly or in part: RFC 5681 §4.2 wants that said at once.
        if fills_hole {
            self.acks.owe(SendReason::ImmediateAck);
            false
        } else {
            self.acks.on_text(arrived, config.habits.delayed_ack_limit())
        }
    }

    /// Delivers text in order without the parts that are held already: the byte that came first wins, as
    /// `reassembly.rs` says. The first of these parts is reported (RFC 2883 §4.2). Returns whether anything was held.
    #[inline(never)]
    fn deliver_around_held(&mut self, mut text: Payload, config: &Config) -> bool {
        let Some(mut disorder) = self.disorder.take() else { return false };
        let fills_hole = !disorder.reassembly.is_empty();
        let end = self.nxt + text.len() as u32;
        let mut duplicate = None;
        while let Some(start) = disorder.reassembly.first().filter(|start| start.before(end)) {
            let new_bytes = start.bytes_since(self.nxt) as usize;
            self.deliver(text.slice(0, new_bytes));
            let Some(held) = self.take_held(&mut disorder) else { break };
            let part = SackBlock { left: start, right: (start + held.len() as u32).earliest(end) };
            note_part(&mut duplicate, part);
            text.advance(new_bytes + part.right.bytes_since(part.left) as usize);
            self.deliver(held);
        }
        self.deliver(text);
        if let Some(block) = duplicate.filter(|_| self.sack && config.dsack) {
            disorder.report.on_duplicate(block);
        }
        self.disorder = Some(disorder);
        fills_hole
    }

    /// Measures the round trip by `text_bytes` that are about to be taken in order: by what they echo, if timestamps
    /// are in use, else by the time that a window of them takes.
    #[inline]
    pub(crate) fn time_text(
        &mut self,
        now: Instant,
        text_bytes: usize,
        echo: Option<u32>,
        timestamps: &TimestampState,
    ) {
        if timestamps.agreed() {
            if let Some(echo) = echo.filter(|echo| self.rtt.is_news(*echo))
                // A smaller one may have waited until its sender had something to say.
                && text_bytes >= usize::from(self.acks.segment_bytes())
            {
                self.rtt.on_echo(timestamps.clock(now), echo, !self.queue.is_empty());
            }
        } else {
            let nxt = self.nxt + text_bytes as u32;
            let window_bytes = self.edge.bytes_since(self.acked);
            self.rtt.on_text(&Arrival { now, nxt, window_bytes, shift: self.shift });
        }
    }

    /// Keeps text that begins at `first`, after RCV.NXT, and owes a duplicate acknowledgment.
    ///
    /// # Errors
    /// When too many pieces are held already; the acknowledgment is owed all the same.
    #[inline(never)]
    pub(crate) fn keep_out_of_order(
        &mut self,
        first: Seq,
        text: &Payload,
        config: &Config,
    ) -> Result<(), Refused> {
        self.received.segments = self.received.segments.wrapping_add(1);
        self.acks.owe(SendReason::DuplicateAck);
        let fin = self.seen_fin();
        let Disorder { reassembly, report, .. } = &mut **self.disorder.get_or_insert_default();
        match reassembly.insert(first, text, pieces_max(config.receive_buffer_bytes)) {
            Insertion::Kept { run, duplicate } if self.sack => {
                report.on_arrival(with_fin(run, fin));
                duplicate.filter(|_| config.dsack).into_iter().for_each(|block| report.on_duplicate(block));
            }
            Insertion::Duplicate { run, block } if self.sack => {
                // RFC 2883 §4.2: the block that holds the duplicate stands behind it.
                report.on_arrival(with_fin(run, fin));
                if config.dsack {
                    report.on_duplicate(block);
                }
            }
            Insertion::Kept { .. } | Insertion::Duplicate { .. } => {}
            Insertion::NoRoom => return Err(Refused::silently(Refusal::NoRoom)),
        }
        Ok(())
    }

    /// A FIN without text arrived at `seq`, after RCV.NXT: owes a duplicate acknowledgment that reports it.
    #[cold]
    pub(crate) fn keep_fin_out_of_order(&mut self, seq: Seq) {
        self.acks.owe(SendReason::DuplicateAck);
        if self.sack && self.seen_fin() == Some(seq) {
            let Disorder { reassembly, report, .. } = &mut **self.disorder.get_or_insert_default();
            let run = reassembly.run_until(seq).unwrap_or(SackBlock { left: seq, right: seq });
            report.on_arrival(with_fin(run, Some(seq)));
        }
    }

    /// A piece was kept while TS.Recent was `stamp`.
    pub(crate) fn note_stamp(&mut self, stamp: u32) {
        let nxt = self.nxt;
        if let Some(disorder) = &mut self.disorder {
            disorder.began.get_or_insert(Began { nxt, stamp });
        }
    }

    /// The oldest timestamp that text may have while pieces are held out of order: TS.Recent from when the first of
    /// them was kept.
    ///
    /// A retransmission that fills a hole moves TS.Recent past the timestamps of what was sent before it and is late;
    /// RFC 7323 §5.3 would drop that, and call for another retransmission. But what is not older than the beginning
    /// of the disorder was sent after it; since then the peer has sent at most what has arrived and a window more, so
    /// its numbers have not come round.
    pub(crate) fn oldest_stamp(&self) -> Option<u32> {
        const ADVANCE_BYTES_MAX: u32 = 1 << 30;
        let began = self.disorder.as_ref()?.began?;
        (self.nxt.bytes_since(began.nxt) <= ADVANCE_BYTES_MAX).then_some(began.stamp)
    }

    /// What came with a SYN waits for the handshake: its text as if it had arrived before its turn, its FIN behind
    /// that.
    #[cold]
    pub(crate) fn keep_what_came_with_syn(&mut self, syn: &Segment) {
        let (first, edge, mut text) = (self.nxt, self.edge, syn.payload.clone());
        if syn.header.flags.fin() {
            self.note_fin(first, first + text.len() as u32, edge);
        }
        text.truncate(self.wnd().min(SYN_TEXT_BYTES_MAX) as usize);
        if !text.is_empty() {
            let _ = self.disorder.get_or_insert_default().reassembly.insert(first, &text, 1);
        }
    }

    /// Text of a SYN goes to the reader at once, as far as the window takes it (RFC 7413 §4.2.2).
    #[cold]
    pub(crate) fn take_text_of_syn(&mut self, mut text: Payload, events: &mut Events) {
        text.truncate(self.wnd() as usize);
        if !text.is_empty() {
            self.received.segments = self.received.segments.wrapping_add(1);
            text.compact();
            self.deliver(text);
            events.raise(Event::Readable);
        }
    }

    /// Delivers what was held and whose turn has come; returns whether anything is or was held.
    pub(crate) fn deliver_held(&mut self, events: &mut Events) -> bool {
        if self.disorder.is_none() { false } else { self.deliver_disorder(events) }
    }

    #[inline(never)]
    fn deliver_disorder(&mut self, events: &mut Events) -> bool {
        let Some(mut disorder) = self.disorder.take() else { return false };
        let held = !disorder.reassembly.is_empty();
        while let Some(text) = self.take_held(&mut disorder) {
            self.deliver(text);
            events.raise(Event::Readable);
        }
        disorder.report.on_advance(self.nxt);
        if disorder.reassembly.is_empty() {
            disorder.began = None;
        }
        if !disorder.is_empty() {
            self.disorder = Some(disorder);
        }
        held
    }

    /// Takes out what is held from RCV.NXT on, up to where a FIN was seen.
    fn take_held(&self, disorder: &mut Disorder) -> Option<Payload> {
        let fin = self.seen_fin();
        if fin == Some(self.nxt) {
            return None;
        }
        let mut text = Payload::from(disorder.reassembly.take(self.nxt)?);
        if let Some(fin) = fin {
            text.truncate(fin.bytes_since(self.nxt) as usize);
        }
        Some(text)
    }

    fn deliver(&mut self, text: Payload) {
        self.nxt += text.len() as u32;
        self.edge = self.edge.latest(self.nxt);
        self.received.bytes += text.len() as u64;
        self.queue.push(text);
    }

    /// Something is held out of order, or a duplicate is to be reported.
    pub(crate) fn has_disorder(&self) -> bool {
        self.disorder.is_some()
    }

    /// Bytes of text held out of order.
    pub(crate) fn disorder_bytes(&self) -> usize {
        self.disorder.as_ref().map_or(0, |disorder| disorder.reassembly.bytes())
    }

    /// Drops text held out of order, the highest first, until at most `bytes_max` are left, and takes back what was
    /// reported of it (RFC 2018 §8 allows that; the peer sends it again). Returns how much was dropped.
    #[cold]
    pub(crate) fn prune(&mut self, bytes_max: usize) -> u32 {
        let Some(disorder) = &mut self.disorder else { return 0 };
        let before = disorder.reassembly.bytes();
        let Some(end) = disorder.reassembly.prune(bytes_max) else { return 0 };
        let dropped = before - disorder.reassembly.bytes();
        disorder.report.on_pruned(end);
        if disorder.is_empty() {
            self.disorder = None;
        }
        dropped as u32
    }

    /// Memory that the text on its way takes, besides what every connection has.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        let disorder = self.disorder.as_ref().map_or(0, |disorder| disorder.held_bytes());
        self.queue.held_bytes() + disorder
    }

    /// What that grows by, at most, when this text is delivered, with what is held and follows it.
    pub(crate) fn cost_bytes(&self, text: &Payload) -> usize {
        match &self.disorder {
            Some(disorder) => self.queue.cost_bytes(text, disorder.reassembly.pieces()),
            // Of text that was here before, a report may be owed.
            None => self.queue.cost_bytes(text, 0) + size_of::<Disorder>(),
        }
    }

    // The marks in the text: urgent pointer and FIN.

    /// The urgent data ends before `up` (RFC 6093: the pointer is to the byte that follows it).
    #[cold]
    pub(crate) fn take_urgent(&mut self, up: Seq, events: &mut Events) {
        if up.after(self.nxt) && up.after(self.up) {
            self.up = up;
            events.raise(Event::Urgent);
        }
    }

    /// Bytes to read until the end of the urgent data; `None` when none is announced ahead.
    pub(crate) fn urgent_bytes_ahead(&self) -> Option<u32> {
        let next_read = self.next_to_read();
        self.up.after(next_read).then(|| self.up.bytes_since(next_read))
    }

    /// A segment that begins at `seq` bears a FIN at `fin`, which counts unless text before it was cut off at `edge`.
    ///
    /// Seen is not reached. A FIN ahead of its turn is a claim, and of several the nearest stands, because it would be
    /// reached first. What arrives in order is more than a claim: its FIN stands wherever another was said to be.
    /// (Linux keeps each FIN with its segment, and forgets them all with the first that is reached.)
    pub(crate) fn note_fin(&mut self, seq: Seq, fin: Seq, edge: Seq) {
        if fin.before(self.nxt) || fin.after(edge) {
            return;
        }
        self.fin = match self.seen_fin() {
            Some(nearest) if seq.after(self.nxt) => nearest.earliest(fin),
            _ => fin,
        };
        self.peer_fin = PeerFin::Seen;
    }

    /// There is text in order up to `end`: a FIN that was said to stand before that was none.
    fn refute_fin_before(&mut self, end: Seq) {
        if self.seen_fin().is_some_and(|fin| fin.before(end)) {
            self.peer_fin = PeerFin::Unseen;
        }
    }

    /// Where the peer's FIN stands, if it was seen and not taken.
    fn seen_fin(&self) -> Option<Seq> {
        (self.peer_fin == PeerFin::Seen).then_some(self.fin)
    }

    /// Takes the FIN if all text before it has been delivered; returns whether it was taken just now.
    #[must_use]
    pub(crate) fn reached_fin(&mut self, events: &mut Events) -> bool {
        if self.peer_fin != PeerFin::Seen || self.fin != self.nxt {
            return false;
        }
        self.nxt += 1;
        self.edge = self.edge.latest(self.nxt);
        self.peer_fin = PeerFin::Taken;
        // What claims a place behind the FIN will never have its turn.
        self.disorder = self.disorder.take().and_then(Disorder::without_held);
        events.raise(Event::PeerFinished);
        true
    }

    /// Whether the acknowledgment of a FIN, and of the text before it, may wait for the delayed-ACK
    /// timer: where the habits say so, and nothing else is owed.
    #[must_use]
    pub(crate) fn ack_of_fin_may_wait(&mut self, habits: Habits) -> bool {
        habits.acknowledgment_of_fin_waits()
            && self.received.segments > 0
            && self.acks.forget_if([SendReason::ImmediateAck, SendReason::FinAck])
    }

    // The reader.

    /// Copies what has arrived into `into` and removes it; returns how much.
    pub(crate) fn read(&mut self, into: &mut [u8], buffer: ReceiveBuffer) -> usize {
        let count = self.queue.read(into);
        self.on_read(buffer);
        count
    }

    /// Shows at most `most_bytes` piece by piece and removes them; returns how many.
    pub(crate) fn read_with(
        &mut self,
        most_bytes: usize,
        take: impl FnMut(&[u8]),
        buffer: ReceiveBuffer,
    ) -> usize {
        let count = self.queue.read_with(most_bytes, take);
        self.on_read(buffer);
        count
    }

    /// Removes and returns one piece as it arrived.
    pub(crate) fn read_bytes(&mut self, buffer: ReceiveBuffer) -> Option<Bytes> {
        let piece = self.queue.read_bytes()?;
        self.on_read(buffer);
        Some(piece)
    }

    /// Copies what has arrived and keeps it; returns how much.
    pub(crate) fn peek(&self, into: &mut [u8]) -> usize {
        self.queue.peek(into)
    }

    /// Bytes that can be read now.
    pub(crate) fn unread_bytes(&self) -> usize {
        self.queue.len()
    }

    /// Something can be read now.
    pub(crate) fn has_unread(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Nobody will read what has arrived.
    pub(crate) fn forget_unread(&mut self) {
        self.queue.clear();
    }

    fn on_read(&mut self, buffer: ReceiveBuffer) {
        // Pulled along: half a circle later it would hide new urgent data.
        self.up = self.up.latest(self.next_to_read());
        self.owe_window_update(buffer);
    }

    /// The sequence number of the next byte to be read.
    pub(super) fn next_to_read(&self) -> Seq {
        self.nxt - u32::from(self.peer_finished()) - self.queue.len() as u32
    }
}

/// A run and the FIN that follows it: it has a sequence number, too (RFC 9293 §3.4).
fn with_fin(run: SackBlock, fin: Option<Seq>) -> SackBlock {
    if fin == Some(run.right) { SackBlock { right: run.right + 1, ..run } } else { run }
}
