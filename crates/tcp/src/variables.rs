//! The variables of a connection's state block (RFC 9293 §3.3.1), grouped as the RFC groups them.
//!
//! What follows from them is in `derived.rs`.

use crate::Instant;
use wire::Seq;

/// Send sequence variables (RFC 9293 §3.3.1, figure 3).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendSequence {
    /// Initial send sequence number.
    pub(crate) iss: Seq,
    /// Oldest unacknowledged.
    pub(crate) una: Seq,
    /// Next to be sent for the first time.
    pub(crate) nxt: Seq,
    /// The peer's window in bytes, scaled.
    pub(crate) wnd: u32,
    /// The largest window the peer ever offered (MAX.SND.WND).
    pub(crate) wnd_max: u32,
    /// SEG.SEQ of the last window update.
    pub(crate) wl1: Seq,
    /// SEG.ACK of the last window update.
    pub(crate) wl2: Seq,
    /// One past the last urgent byte (SND.UP), while it is not acknowledged.
    pub(crate) up: Option<Seq>,
    /// One past the last small segment sent, for Minshall's rule.
    pub(crate) small: Seq,
    /// Where our FIN stands, once sent.
    pub(crate) fin: Option<Seq>,
    /// The shift for windows that the peer sends (Snd.Wind.Shift).
    pub(crate) shift: u8,
}

/// The segment being timed, if there is one: a time that never comes says that there is none, for an
/// `Option` would take half as much again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    end: Seq,
    sent_at: Instant,
}

impl Timed {
    pub(crate) const NOTHING: Timed = Timed { end: Seq::new(0), sent_at: Instant::FAR_FUTURE };

    /// Times the segment that ends before `end`.
    pub(crate) const fn new(end: Seq, sent_at: Instant) -> Self {
        Timed { end, sent_at }
    }

    /// One past its last byte, and when it was sent.
    pub(crate) fn segment(self) -> Option<(Seq, Instant)> {
        (self.sent_at != Instant::FAR_FUTURE).then_some((self.end, self.sent_at))
    }
}

/// Things that are either so or not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// Born by a passive open.
    pub(crate) passive: bool,
    /// Window scaling was agreed upon.
    pub(crate) scaling: bool,
    /// Our SYN is acknowledged. The numbers do not tell for long: SND.UNA comes round to ISS again.
    pub(crate) syn_acked: bool,
    /// The SYN or SYN-ACK has to go out (again).
    pub(crate) handshake_owed: bool,
    /// The application has no more data: a FIN follows the queue.
    pub(crate) fin_queued: bool,
    /// CLOSE was called before the handshake was complete and has to wait (§3.10.4).
    pub(crate) finish_after_handshake: bool,
    /// Nobody will read: the application has closed both directions.
    pub(crate) orphaned: bool,
    /// A write found the buffer full: tell when there is room.
    pub(crate) writer_waits: bool,
    /// The window, not the application, held back the last transmission.
    pub(crate) cwnd_limited: bool,
    /// The override timer of §3.8.6.2.1 fired: send what there is.
    pub(crate) send_small: bool,
    /// A zero-window probe has to go out.
    pub(crate) window_probe_owed: bool,
    /// A keep-alive probe has to go out.
    pub(crate) keep_alive_owed: bool,
}

/// What [`crate::Info`] reports and nothing else needs. What the text that arrived adds up to is in
/// [`crate::receiver`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) bytes_acked: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_retransmitted: u64,
    pub(crate) segments_out: u32,
    pub(crate) segments_in: u32,
    pub(crate) data_segments_out: u32,
    pub(crate) retransmissions: u32,
    pub(crate) timeouts: u32,
    pub(crate) refused: u32,
}
