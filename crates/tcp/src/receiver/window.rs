//! The window we offer (RFC 9293 §3.8.6.2.2, RFC 7323 §2.3).
//!
//! Two rules: the right edge never moves left (SHLD-14), and it moves right only by an amount worth
//! telling, so that a slow reader does not make the peer send crumbs.

use crate::SendReason;
use crate::connection::Connection;

/// A window above this lets a peer go on until the next ordinary acknowledgment tells it of more.
const STARVED_BYTES: u32 = 32 << 10;

impl Connection {
    /// The window field for a segment that acknowledges RCV.NXT; moves the right edge.
    pub(crate) fn offer_window(&mut self, shift: u8) -> u16 {
        let offered = self.rcv.wnd();
        let room = self.receive_room();
        let worth_telling = if self.config.habits.receive_buffer_holds_whole_segments() {
            room >= (self.receive_buffer_bytes() / 4).min(u32::from(self.receive_mss()))
        } else {
            room >= offered + self.edge_step()
        };
        let target = if worth_telling { room } else { offered };
        let field = match () {
            () if target <= offered => 0,
            () if self.config.habits.receive_buffer_holds_whole_segments() => target.div_ceil(1 << shift),
            () => target >> shift,
        };
        let field = field.max(self.keep_offer(offered, shift)).min(0xffff);
        self.rcv.edge = self.rcv.edge.latest(self.rcv.nxt + (field << shift));
        field as u16
    }

    /// What was offered, in units of the scale: rounded up, for rounding down would take back a little
    /// of it. But each rounding offers a little more, and crumbs smaller than the unit would fill the
    /// buffer for ever; beyond an eighth more than the buffer it is rounded down, as RFC 7323 §2.4
    /// allows. What was offered is still taken.
    fn keep_offer(&self, offered: u32, shift: u8) -> u32 {
        let up = offered.div_ceil(1 << shift);
        let buffer = u64::from(self.receive_buffer_bytes());
        let promised = self.receive_queue.len() as u64 + (u64::from(up) << shift);
        if promised <= buffer + buffer / 8 { up } else { offered >> shift }
    }

    /// Bytes that the receive buffer still takes, counted from RCV.NXT.
    fn receive_room(&self) -> u32 {
        let queued = u32::try_from(self.receive_queue.len()).unwrap_or(u32::MAX);
        let largest = 0xffff_u32 << self.rcv.shift;
        self.receive_buffer_bytes().saturating_sub(queued).min(largest)
    }

    /// min(Fr * RCV.BUFF, Eff.snd.MSS) with Fr = 1/2.
    fn edge_step(&self) -> u32 {
        (self.receive_buffer_bytes() / 2).min(u32::from(self.receive_mss())).max(1)
    }

    /// The application has read: is the growth of the window worth a segment of its own?
    ///
    /// Growth by two segments is, when the peer may be stopped by the window. A peer with room to
    /// send learns of more from the acknowledgments of what it sends.
    pub(crate) fn owe_window_update(&mut self) {
        let (offered, room) = (self.rcv.wnd(), self.receive_room());
        let (buffer, two_segments) = (self.receive_buffer_bytes(), 2 * u32::from(self.receive_mss()));
        let is_starved = offered < (buffer / 8).min(STARVED_BYTES).max(two_segments);
        let growth = room.saturating_sub(offered);
        if is_starved && growth >= two_segments.min(buffer / 2).max(1) && self.state().takes_text() {
            self.acks.owe(SendReason::WindowUpdate);
        }
    }
}
