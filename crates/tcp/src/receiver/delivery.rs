//! Text on its way to the reader: in order into the receive queue, else kept until the gap is filled
//! (RFC 9293 §3.10.7.4, seventh step; RFC 2018, RFC 2883). The urgent pointer and the FIN are marks in it.

use super::reassembly::{Insertion, pieces_max};
use super::rtt::Arrival;
use super::{Began, Disorder, PeerFin, ReceiveBuffer, Receiver};
use crate::events::Events;
use crate::habits::{DelayedAckLimit, Habits};
use crate::refusal::Refused;
use crate::segment::Event;
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
    pub(crate) fn take_in_order(
        &mut self,
        text: Payload,
        limit: DelayedAckLimit,
        events: &mut Events,
    ) -> bool {
        let arrived = text.len() as u32;
        self.received.segments = self.received.segments.wrapping_add(1);
        self.deliver(text);
        events.raise(Event::Readable);
        // A hole was filled, wholly or in part: RFC 5681 §4.2 wants that said at once.
        if self.deliver_held(events) {
            self.acks.owe(SendReason::ImmediateAck);
            false
        } else {
            self.acks.on_text(arrived, limit)
        }
    }

    /// Measures the round trip by `text_bytes` that are about to be taken in order: by what they echo, if timestamps are in
    /// use, else by the time that a window of them takes.
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

    /// The oldest timestamp that text may have while pieces are held out of order: TS.Recent from when the first of them
    /// was kept.
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

    /// Text that came with a SYN waits for the handshake (RFC 9293 §3.10.7.2, third).
    pub(crate) fn keep_text_of_syn(&mut self, text: &Payload) {
        let mut text = text.clone();
        text.truncate(self.wnd().min(SYN_TEXT_BYTES_MAX) as usize);
        let _ = self.disorder.get_or_insert_default().reassembly.insert(self.nxt, &text, 1);
    }

    /// Delivers what was held and whose turn has come; returns whether anything is or was held.
    pub(crate) fn deliver_held(&mut self, events: &mut Events) -> bool {
        if self.disorder.is_none() { false } else { self.deliver_disorder(events) }
    }

    #[inline(never)]
    fn deliver_disorder(&mut self, events: &mut Events) -> bool {
        let Some(mut disorder) = self.disorder.take() else { return false };
        let held = !disorder.reassembly.is_empty();
        while let Some(text) = disorder.reassembly.take(self.nxt) {
            self.deliver(Payload::from(text));
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
    /// reported of it (RFC 2018 §8 allows that; the peer sends it again). Returns whether anything was dropped.
    #[cold]
    pub(crate) fn prune(&mut self, bytes_max: usize) -> bool {
        let Some(disorder) = &mut self.disorder else { return false };
        let Some(end) = disorder.reassembly.prune(bytes_max) else { return false };
        disorder.report.on_pruned(end);
        if disorder.is_empty() {
            self.disorder = None;
        }
        true
    }

    /// Memory that the text on its way takes, besides what every connection has.
    #[inline]
    pub(crate) fn held_bytes(&self) -> usize {
        let disorder = self.disorder.as_ref().map_or(0, |disorder| disorder.held_bytes());
        self.queue.held_bytes() + disorder
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

    /// A FIN was seen at `fin`; the first that stands before `edge`, or on RCV.NXT, is believed.
    pub(crate) fn note_fin(&mut self, fin: Seq, edge: Seq) {
        let is_believed = fin.at_or_after(self.nxt) && (fin.before(edge) || fin == self.nxt);
        if is_believed && self.peer_fin == PeerFin::Unseen {
            (self.fin, self.peer_fin) = (fin, PeerFin::Seen);
        }
    }

    /// Where the peer's FIN stands, if it was seen and not taken.
    fn seen_fin(&self) -> Option<Seq> {
        (self.peer_fin == PeerFin::Seen).then_some(self.fin)
    }

    /// Where text that may be taken ends: at `edge`, or at the FIN if that comes first.
    pub(crate) fn end_of_text(&self, edge: Seq) -> Seq {
        if self.peer_fin == PeerFin::Unseen { edge } else { self.fin.earliest(edge) }
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
        self.disorder = None;
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
