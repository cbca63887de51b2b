//! The window: what we offer and what we accept (RFC 9293 §3.8.6.2.2, §3.10.7.4 first step; RFC 7323 §2.3).
//!
//! Two rules for the offer: the right edge never moves left (SHLD-14), and it moves right only by an amount
//! worth telling, so that a slow reader does not make the peer send crumbs.

use super::Receiver;
use crate::sizes::Sizes;
use crate::state::State;
use crate::{Habits, SendReason};
use wire::Seq;
use wire::tcp::Header;

/// A window above this lets a peer go on until the next ordinary acknowledgment tells it of more.
const STARVED_BYTES: u32 = 32 << 10;

/// The receive buffer, as options, segment sizes and state make it: what the connection lends for a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiveBuffer {
    wanted_bytes: u32,
    sizes: Sizes,
    habits: Habits,
    state: State,
}

impl ReceiveBuffer {
    /// A buffer of `wanted_bytes`.
    pub(crate) fn new(wanted_bytes: u32, habits: Habits, sizes: Sizes, state: State) -> Self {
        ReceiveBuffer { wanted_bytes, sizes, habits, state }
    }

    /// The size in force.
    fn bytes(self) -> u32 {
        if self.habits.receive_buffer_holds_whole_segments() && self.state.is_synchronized() {
            whole_segments(self.wanted_bytes, self.sizes.send_mss())
        } else {
            self.wanted_bytes
        }
    }

    /// Text bytes of the largest segment that the peer may send.
    fn segment_bytes(self) -> u32 {
        u32::from(self.sizes.receive_mss())
    }
}

#[cold]
fn whole_segments(bytes: u32, mss: u16) -> u32 {
    let mss = u32::from(mss).max(1);
    if bytes > mss { bytes.checked_next_multiple_of(mss).unwrap_or(bytes) } else { bytes }
}

/// Whether `len` numbers from `seq` on and the `wnd` numbers from `nxt` on have one in common: one of the two begins
/// inside the other (§3.10.7.4, table 6).
///
/// Both distances go the one way around and are measured by a length: by the shorter way, half a circle away would
/// be before the window and end behind it.
pub(crate) fn touches(seq: Seq, len: u32, nxt: Seq, wnd: u32) -> bool {
    seq.bytes_since(nxt) < wnd || nxt.bytes_since(seq) < len
}

impl Receiver {
    /// Whether a segment of `len` sequence numbers lies in the window up to `edge`, at least in part
    /// (§3.10.7.4, first step).
    pub(crate) fn accepts(&self, header: &Header, len: u32, edge: Seq) -> bool {
        let seq = header.seq;
        let wnd = edge.offset_from(self.nxt).max(0);
        let starts_inside = seq.at_or_after(self.nxt) && seq.before(edge);
        match (len, wnd) {
            // A reset from the right edge is challenged, for the same reason: who has filled the window resets from there.
            (0, _) if header.flags.rst() => seq == self.nxt || starts_inside || seq == edge,
            // A peer that has filled the window stands on its right edge, one that probes a closed
            // window one further, and acknowledges from there: the table of §3.10.7.4 would not hear
            // it (draft-gont-tcpm-tcp-seq-validation), Linux does.
            (0, 0) => seq.bytes_since(self.nxt) <= 1,
            (0, _) => starts_inside || seq == edge,
            // A FIN alone takes no room: refused, it would come again and again, as would our answer. Linux
            // and FreeBSD take it too; the table of §3.10.7.4 lets nothing in that has a length.
            (1, 0) if header.flags.fin() => seq == self.nxt,
            (_, 0) => false,
            (_, wnd) => touches(seq, len, self.nxt, wnd as u32),
        }
    }

    /// The right edge by which arriving segments are judged: the one that was announced.
    pub(crate) fn acceptable_edge(&self, buffer: ReceiveBuffer) -> Seq {
        let room_counts = buffer.habits.window_is_the_buffers_room() && buffer.state.is_synchronized();
        if room_counts { self.edge_of_buffer(buffer.bytes()) } else { self.edge }
    }

    #[cold]
    fn edge_of_buffer(&self, bytes: u32) -> Seq {
        let room = bytes.saturating_sub(self.queue.len() as u32);
        self.edge.latest(self.nxt + room)
    }

    /// The window field, in units of `shift`, for a segment that acknowledges RCV.NXT; moves the right edge.
    pub(crate) fn offer_window(&mut self, shift: u8, buffer: ReceiveBuffer) -> u16 {
        let offered = self.wnd();
        let room = self.room(buffer);
        let whole_segments = buffer.habits.receive_buffer_holds_whole_segments();
        let worth_telling = if whole_segments {
            room >= (buffer.bytes() / 4).min(buffer.segment_bytes())
        } else {
            // min(Fr * RCV.BUFF, Eff.snd.MSS) with Fr = 1/2.
            let step = (buffer.bytes() / 2).min(buffer.segment_bytes()).max(1);
            room >= offered + step
        };
        let target = if worth_telling { room } else { offered };
        let field = match () {
            () if target <= offered => 0,
            () if whole_segments => target.div_ceil(1 << shift),
            // Room that is worth telling is not rounded to none: a buffer smaller than the unit would stay closed for ever.
            () => (target >> shift).max(1),
        };
        let field = field.max(self.keep_offer(offered, shift, buffer)).min(0xffff);
        self.edge = self.edge.latest(self.nxt + (field << shift));
        field as u16
    }

    /// What was offered, in units of the scale: rounded up, because rounding down would take back a
    /// little of it. But each rounding offers a little more, and crumbs smaller than the unit would fill the
    /// buffer for ever; beyond an eighth more than the buffer it is rounded down, as RFC 7323 §2.4
    /// allows. What was offered is still accepted. Where the unit is all that is left, it stays until the buffer is full:
    /// an open window is not rounded to a closed one, and what is held is at most a unit more than the buffer.
    fn keep_offer(&self, offered: u32, shift: u8, buffer: ReceiveBuffer) -> u32 {
        let up = offered.div_ceil(1 << shift);
        let bytes = u64::from(buffer.bytes());
        let (queued, down) = (self.queue.len() as u64, offered >> shift);
        let promised = queued + (u64::from(up) << shift);
        let would_close = down == 0 && queued < bytes;
        if promised <= bytes + bytes / 8 || would_close { up } else { down }
    }

    /// Bytes that the receive buffer still takes, counted from RCV.NXT.
    fn room(&self, buffer: ReceiveBuffer) -> u32 {
        let queued = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        let largest = 0xffff_u32 << self.shift;
        buffer.bytes().saturating_sub(queued).min(largest)
    }

    /// The application has read: is the growth of the window worth a segment of its own?
    ///
    /// Growth by two segments is worth one when the peer may be stopped by the window. A peer with room
    /// to send learns of more from the acknowledgments of what it sends.
    pub(super) fn owe_window_update(&mut self, buffer: ReceiveBuffer) {
        let (offered, room) = (self.wnd(), self.room(buffer));
        // What is less than a unit may have been told as nothing.
        let offered = if offered >> self.shift == 0 { 0 } else { offered };
        let (bytes, two_segments) = (buffer.bytes(), 2 * buffer.segment_bytes());
        let is_starved = offered < (bytes / 8).min(STARVED_BYTES).max(two_segments);
        let growth = room.saturating_sub(offered);
        if is_starved && growth >= two_segments.min(bytes / 2).max(1) && buffer.state.takes_text() {
            self.acks.owe(SendReason::WindowUpdate);
        }
    }
}
