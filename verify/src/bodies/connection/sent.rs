//! What a connection sends, held against RFC 9293: every segment lies between SND.UNA and SND.NXT, within what
//! the peer has ever offered and can take, says where we stand, and takes nothing back.
//!
//! It knows what the peer has given and sees the sequence variables; it decides nothing itself.

use super::stream::Stream;
use tcp::{Connection, Instant, Segment, SendReason, Snapshot, State, Transmit};
use wire::Seq;
use wire::tcp::Header;

/// The smallest MSS that we believe (Linux: `tcp_min_snd_mss`).
const MSS_BYTES_MIN: u16 = 48;
/// Without a word of the peer's (RFC 9293 §3.7.1, MUST-15).
const MSS_BYTES_DEFAULT: [u16; 2] = [536, 1_220];

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Bytes that the application has written.
    pub(super) written: u32,
    /// The furthest right edge that a segment with an acceptable acknowledgment has offered.
    offered_by_peer: Option<Seq>,
    /// The furthest SND.UNA + SND.WND.
    window_end: Option<Seq>,
    /// Where the peer's segments begin and end.
    given: Vec<(Seq, Seq)>,
    peer_mss: Option<u16>,
    /// The last acknowledgment, and the furthest right edge that we have offered.
    said: Option<(Seq, Seq)>,
    fin: Option<Seq>,
    clock_offset: Option<u32>,
    /// The latest timestamps that we have sent: TSval and TSecr.
    pub(super) stamps: Option<(u32, u32)>,
}

impl Watch {
    /// A segment of the peer's was heard; `was` is how things stood before.
    pub(super) fn heard(&mut self, was: &Snapshot, connection: &Connection, segment: &Segment) {
        let (header, is) = (&segment.header, connection.snapshot());
        if matches!(was.state, State::Listen | State::SynSent) && is.irs == header.seq && header.flags.syn() {
            self.peer_mss = header.options.mss;
            // A SYN offers a window, too, which is never scaled: whoever answers before the third step keeps to it.
            let edge = is.snd_una + u32::from(header.window);
            self.offered_by_peer = Some(self.offered_by_peer.map_or(edge, |known| known.latest(edge)));
        }
        self.given.push((header.seq, header.seq + segment.len_in_sequence_space()));
        if header.flags.ack() && header.ack.after(was.snd_una - 1) && header.ack.at_or_before(was.snd_nxt) {
            let shift = if header.flags.syn() { 0 } else { shifts(connection).0 };
            let edge = header.ack + (u32::from(header.window) << shift);
            self.offered_by_peer = Some(self.offered_by_peer.map_or(edge, |known| known.latest(edge)));
        }
        self.look(&is);
    }

    /// The peer's window may have moved.
    pub(super) fn look(&mut self, at: &Snapshot) {
        let edge = at.snd_una + at.snd_wnd;
        self.window_end = Some(self.window_end.map_or(edge, |known| known.latest(edge)));
    }

    /// A passive open came to nothing: the next peer is another.
    pub(super) fn begin_anew(&mut self, connection: &Connection) {
        *self = Watch { written: connection.unacknowledged_bytes() as u32, ..Watch::default() };
    }

    /// A segment was sent.
    pub(super) fn sent(&mut self, now: Instant, connection: &Connection, transmit: &Transmit) {
        let (header, flags) = (&transmit.header, transmit.header.flags);
        let at = connection.snapshot();
        if flags.rst() {
            // A reset that answers a segment has the number that this one acknowledged.
            assert!(transmit.payload.is_empty() && !flags.syn() && !flags.fin());
            return;
        }
        if flags.syn() {
            let text = transmit.payload.to_vec();
            Stream::Ours.check(0, &text);
            assert!(header.seq == at.iss && text.len() <= self.written as usize, "{header:?}");
            assert!(text.is_empty() || !flags.ack(), "a SYN-ACK has no text");
            assert!(flags.ack() || at.state == State::SynSent, "{header:?} in {}", at.state);
        } else {
            self.check_place(&at, transmit);
            self.check_size(connection, transmit);
            assert!(flags.ack(), "MUST be sent once established: {header:?}");
        }
        if flags.ack() {
            assert_eq!(header.ack, at.rcv_nxt, "{:?} acknowledges what has arrived in order", transmit.why);
            self.check_window(&at, connection, header);
        }
        self.check_options(now, connection, header);
    }

    fn check_place(&mut self, at: &Snapshot, transmit: &Transmit) {
        let (header, text_bytes, why) = (&transmit.header, transmit.payload.len() as u32, transmit.why);
        let text_end = header.seq + text_bytes;
        let end = text_end + u32::from(header.flags.fin());
        let from = match why {
            SendReason::KeepAlive => at.snd_nxt - 1,
            _ => at.snd_una,
        };
        assert!(
            header.seq.at_or_after(from) && end.at_or_before(at.snd_nxt),
            "{why:?} at {} to {end}, SND.UNA {} SND.NXT {}",
            header.seq,
            at.snd_una,
            at.snd_nxt
        );
        if text_bytes > 0 {
            let place = header.seq.bytes_since(at.iss + 1);
            Stream::Ours.check(place, &transmit.payload.to_vec());
            assert!(place + text_bytes <= self.written, "{why:?} sends what was never written");
            let beyond = u32::from(why == SendReason::ZeroWindowProbe);
            for edge in [self.offered_by_peer, self.window_end] {
                let edge = edge.expect("text goes to a peer that was heard");
                assert!(text_end.at_or_before(edge + beyond), "{why:?} up to {text_end}, offered {edge}");
            }
        }
        if header.flags.fin() {
            assert_eq!(*self.fin.get_or_insert(text_end), text_end, "a stream ends once");
        }
        let is_within = |fin: Seq| text_bytes == 0 || text_end.at_or_before(fin);
        assert!(
            self.fin.is_none_or(is_within),
            "{why:?} up to {text_end}, the stream ends at {:?}",
            self.fin
        );
    }

    /// RFC 9293 §3.7.1, MUST-16: text and options fit what the peer takes and the path carries.
    fn check_size(&self, connection: &Connection, transmit: &Transmit) {
        let (path, config) = (connection.path(), connection.config());
        let header_bytes = transmit.header.len_bytes(config.option_layout);
        let default = MSS_BYTES_DEFAULT[usize::from(path.ip_header_bytes == 40)];
        let peer_mss = self.peer_mss.unwrap_or(default).max(MSS_BYTES_MIN).min(config.mss_bytes_max);
        let path_mss = path.mtu_bytes.saturating_sub(u32::from(path.ip_header_bytes) + 20);
        // A probe is larger than what the path is known to carry (RFC 4821).
        let path_mss = if transmit.why == SendReason::PathProbe { u32::MAX } else { path_mss };
        let most = u32::from(peer_mss).min(path_mss) as usize;
        let text_bytes = transmit.payload.len();
        assert!(
            text_bytes <= 1 || header_bytes - 20 + text_bytes <= most,
            "{:?}: {text_bytes} bytes and options of {}, the peer and the path take {most}",
            transmit.why,
            header_bytes - 20,
        );
    }

    /// RFC 9293 §3.8.6.2.1: the window is not shrunk; and what is offered is taken.
    fn check_window(&mut self, at: &Snapshot, connection: &Connection, header: &Header) {
        let shift = if header.flags.syn() { 0 } else { shifts(connection).1 };
        let edge = header.ack + (u32::from(header.window) << shift);
        assert!(edge.at_or_before(at.rcv_nxt + at.rcv_wnd), "{edge} is offered, {at:?} is taken");
        if let Some((ack, known)) = self.said {
            assert!(
                header.ack.at_or_after(ack),
                "an acknowledgment is not taken back: {}, {ack}",
                header.ack
            );
            // By less than a unit of the scale (RFC 7323 §2.4); a SYN again cannot say all of it.
            let is_kept = (edge + (1 << shift)).after(known) || header.flags.syn();
            assert!(is_kept, "{edge} is offered after {known}, shift {shift}");
        }
        let known = self.said.map_or(edge, |(_, known)| known.latest(edge));
        self.said = Some((header.ack, known));
    }

    fn check_options(&mut self, now: Instant, connection: &Connection, header: &Header) {
        let info = connection.info(now);
        let stamps = header.options.timestamps;
        if !header.flags.syn() {
            assert_eq!(stamps.is_some(), info.timestamps, "RFC 7323 §3.2: all segments have it, or none");
        }
        if let Some(stamps) = stamps {
            let offset = stamps.value.wrapping_sub(now.as_millis() as u32);
            assert_eq!(*self.clock_offset.get_or_insert(offset), offset, "our clock goes as time goes");
            self.stamps = Some((stamps.value, stamps.echo));
        }
        let blocks = header.options.sack.as_slice();
        assert!(blocks.is_empty() || info.sack, "SACK was not agreed upon");
        for block in blocks {
            assert!(block.left.before(block.right), "{block:?}");
            assert!(self.was_given(block.left, block.right), "{block:?} never arrived");
        }
    }

    /// Whether the peer's segments cover all this.
    fn was_given(&self, left: Seq, right: Seq) -> bool {
        let mut at = left;
        while at.before(right) {
            let cover = |(from, to): &(Seq, Seq)| from.at_or_before(at) && to.after(at);
            match self.given.iter().find(|range| cover(range)) {
                Some((_, to)) => at = *to,
                None => return false,
            }
        }
        true
    }
}

/// The shifts of the peer's and of our windows.
fn shifts(connection: &Connection) -> (u8, u8) {
    connection.info(Instant::ZERO).window_shifts.unwrap_or((0, 0))
}
