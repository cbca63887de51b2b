//! The peer of the connection under test: sometimes one that makes sense, sometimes one that stands near every
//! border. What it says in text is always true, so that a reader can tell.

use super::super::feed::Feed;
use super::stream::Stream;
use bytes::Bytes;
use tcp::{Connection, Instant, Segment, State};
use wire::tcp::{Flags, Header, Options, SackBlock, Timestamps};
use wire::{Payload, Seq};

/// The options of a SYN, or any.
pub(super) fn options(feed: &mut Feed<'_>) -> Options {
    let bits = feed.u8();
    let mut options = Options::default();
    if bits & 1 != 0 {
        options.mss = Some(feed.u16());
    }
    if bits & 2 != 0 {
        options.window_scale = Some(feed.u8() % 20);
    }
    options.sack_permitted = bits & 4 != 0;
    if bits & 8 != 0 {
        options.timestamps = Some(Timestamps { value: feed.u32(), echo: feed.u32() });
    }
    options
}

/// A segment with this header, whose text says where it belongs in the peer's stream.
pub(super) fn segment(header: Header, text_bytes: usize, state: State, irs: Seq) -> Segment {
    let is_first = header.flags.syn() && matches!(state, State::Closed | State::Listen | State::SynSent);
    let begins = if is_first { header.seq } else { irs } + 1;
    let place = (header.seq + u32::from(header.flags.syn())).bytes_since(begins);
    let text = Stream::Theirs.text(place, text_bytes);
    Segment { header, payload: Payload::from(Bytes::from(text)), ..Segment::default() }
}

/// A segment near the borders of what the connection expects.
pub(super) fn hostile(feed: &mut Feed<'_>, connection: &Connection, now: Instant) -> Segment {
    let at = connection.snapshot();
    let flags = Flags::from_bits(match feed.u8() {
        plain @ 0..=127 => u16::from(plain & 0x0b) | Flags::ACK.bits(),
        any => u16::from(any) | u16::from(feed.u8()) << 8,
    });
    let seq = at.rcv_nxt + feed.offset() + if feed.u8() & 3 == 0 { at.rcv_wnd } else { 0 };
    let ack = if feed.u8() & 3 == 0 { at.snd_una } else { at.snd_nxt } + feed.offset();
    let mut options = options(feed);
    if connection.info(now).timestamps && feed.u8() & 3 != 0 {
        options.timestamps = Some(Timestamps { value: feed.offset(), echo: feed.offset() });
    }
    for _ in 0..feed.u8() % 5 {
        let left = at.snd_una + feed.offset();
        options.sack.push(SackBlock { left, right: left + feed.offset() });
    }
    let header =
        Header { seq, ack, flags, window: feed.u16(), urgent: feed.u16(), options, ..Header::default() };
    let text_bytes = usize::from(feed.u16() % 4_000) * usize::from(feed.u8() & 1);
    segment(header, text_bytes, at.state, at.irs)
}

/// What an honest peer on a bad path might send now. `stamps` are the latest that it has seen of ours.
pub(super) fn honest(
    feed: &mut Feed<'_>,
    connection: &Connection,
    now: Instant,
    stamps: Option<(u32, u32)>,
) -> Segment {
    let (at, info) = (connection.snapshot(), connection.info(now));
    let window = if feed.u8() & 7 == 0 { u16::from(feed.u8()) } else { feed.u16() };
    let mut header = Header { ack: at.snd_nxt, flags: Flags::ACK, window, ..Header::default() };
    let mut text_bytes = 0;
    match at.state {
        State::Closed | State::Listen => {
            header.flags = Flags::SYN;
            (header.seq, header.options) = (Seq::new(feed.u32()), options(feed));
        }
        State::SynSent => {
            header.flags = Flags::SYN | Flags::ACK;
            (header.seq, header.options) = (Seq::new(feed.u32()), options(feed));
        }
        State::SynReceived => header.seq = at.rcv_nxt,
        _ => {
            // In order, beyond a hole, or again.
            let len = u32::from(feed.u16() % 1_461) * u32::from(feed.u8() & 1);
            header.seq = match feed.u8() % 8 {
                0 => at.rcv_nxt + u32::from(feed.u8()) * 100,
                1 => at.rcv_nxt - u32::from(feed.u8()),
                _ => at.rcv_nxt,
            };
            let room = (at.rcv_nxt + at.rcv_wnd).offset_from(header.seq).max(0) as u32;
            text_bytes = len.min(room) as usize;
            let flight = at.snd_nxt.bytes_since(at.snd_una);
            let share = u32::from(feed.u8());
            header.ack = at.snd_una + if share > 127 { flight } else { flight / 127 * share };
            if info.sack && feed.u8() & 3 == 0 && header.ack != at.snd_nxt {
                let left = header.ack + 1 + u32::from(feed.u16()) % at.snd_nxt.bytes_since(header.ack);
                let right = (left + u32::from(feed.u16())).earliest(at.snd_nxt);
                if left.before(right) {
                    header.options.sack.push(SackBlock { left, right });
                }
            }
            if feed.u8() & 31 == 0 {
                header.flags |= Flags::FIN;
            }
        }
    }
    if let Some((ours, theirs)) = stamps.filter(|_| info.timestamps && !header.flags.syn()) {
        header.options.timestamps =
            Some(Timestamps { value: theirs.wrapping_add(u32::from(feed.u8())), echo: ours });
    }
    segment(header, text_bytes, at.state, at.irs)
}

/// The acknowledgment of all that was sent, from the right edge of what the connection takes, so that nothing
/// said before is newer; with all the window there is.
pub(super) fn all_taken(connection: &Connection, now: Instant, stamps: Option<(u32, u32)>) -> Segment {
    let (at, info) = (connection.snapshot(), connection.info(now));
    let mut header = Header {
        seq: at.rcv_nxt + at.rcv_wnd,
        ack: at.snd_nxt,
        flags: Flags::ACK,
        window: u16::MAX,
        ..Header::default()
    };
    if let Some((ours, theirs)) = stamps.filter(|_| info.timestamps) {
        header.options.timestamps = Some(Timestamps { value: theirs, echo: ours });
    }
    segment(header, 0, at.state, at.irs)
}
