//! What must hold of the receive half alone.

use super::{PeerFin, ReceiveBuffer, Receiver};
use crate::events::Events;
use crate::segment::{Event, Path, Segment};
use crate::sizes::Sizes;
use crate::state::State;
use crate::{Config, Habits, SendReason};
use alloc::vec;
use bytes::Bytes;
use wire::tcp::{Flags, Header, Options, SackBlock};
use wire::{Payload, Seq};

const IRS: u32 = 0xffff_f000;
const MSS: u32 = 1_460;

/// A receiver that has heard a SYN, with what its connection would lend it.
struct Half {
    config: Config,
    receiver: Receiver,
    events: Events,
}

impl Half {
    fn new(habits: Habits, sack_permitted: bool) -> Half {
        let config = Config { receive_buffer_bytes: 20_000, habits, ..Config::default() };
        let mut receiver = Receiver::new(&config);
        let options = Options { sack_permitted, ..Options::default() };
        let syn = Header { seq: Seq::new(IRS), flags: Flags::SYN, options, ..Header::default() };
        receiver.synchronize(&syn, MSS as u16, &config);
        receiver.leave_unscaled();
        Half { config, receiver, events: Events::default() }
    }

    fn buffer(&self) -> ReceiveBuffer {
        let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
        ReceiveBuffer::new(
            self.config.receive_buffer_bytes,
            self.config.habits,
            Sizes::new(path, &self.config),
            State::Established,
        )
    }

    /// Text at this offset from the first byte of the stream.
    fn arrives(&mut self, at: u32, len: u32) {
        let (first, text) = (self.at(at), Payload::from(Bytes::from(vec![b'x'; len as usize])));
        if first == self.receiver.nxt() {
            let _ = self.receiver.take_in_order(text, &self.config, &mut self.events);
        } else {
            self.receiver.keep_out_of_order(first, &text, &self.config).expect("there is room");
        }
    }

    /// A FIN alone at this offset.
    fn says_fin(&mut self, at: u32) {
        let (fin, edge) = (self.at(at), self.receiver.edge);
        self.receiver.note_fin(fin, fin, edge);
    }

    fn at(&self, offset: u32) -> Seq {
        Seq::new(IRS) + 1 + offset
    }

    fn block(&self, from: u32, to: u32) -> SackBlock {
        SackBlock { left: self.at(from), right: self.at(to) }
    }

    fn offer(&mut self) -> u32 {
        let buffer = self.buffer();
        u32::from(self.receiver.offer_window(0, buffer))
    }
}

#[test]
fn a_hole_is_reported_and_filled_across_the_end_of_the_circle() {
    let mut half = Half::new(Habits::Rfc, true);
    half.arrives(3_000, 2_000);
    half.arrives(6_000, 1_000);
    assert!(half.events.is_empty(), "nothing can be read yet");
    assert_eq!(half.receiver.disorder_bytes(), 3_000);
    assert_eq!(half.receiver.sack_option_bytes(3), 4 + 2 * 8);
    let blocks = half.receiver.take_sack_blocks(3);
    assert_eq!(blocks.as_slice(), [half.block(6_000, 7_000), half.block(3_000, 5_000)]);
    half.arrives(0, 3_000);
    assert_eq!(half.receiver.nxt(), half.at(5_000));
    assert_eq!(half.receiver.unread_bytes(), 5_000);
    assert_eq!(half.receiver.take_sack_blocks(3).as_slice(), [half.block(6_000, 7_000)]);
    half.arrives(5_000, 1_000);
    assert!(!half.receiver.has_disorder());
    assert_eq!(half.receiver.received().bytes, 7_000);
    assert_eq!(half.receiver.received().segments, 4);
    assert_eq!(half.events.next(None), Some(Event::Readable));
}

#[test]
fn without_sack_nothing_is_reported() {
    let mut half = Half::new(Habits::Rfc, false);
    half.arrives(3_000, 2_000);
    half.receiver.report_duplicate(half.at(0) - 10, 20, &half.config);
    assert_eq!(half.receiver.acks.owed(), Some(SendReason::DuplicateAck));
    assert_eq!(half.receiver.sack_option_bytes(3), 0);
    assert!(half.receiver.take_sack_blocks(3).is_empty());
    assert_eq!(half.receiver.received().duplicates, 1);
    assert!(half.receiver.has_disorder(), "what is held stays held");
}

#[test]
fn a_duplicate_is_reported_once_as_far_as_it_was_received() {
    let mut half = Half::new(Habits::Rfc, true);
    half.arrives(0, 1_000);
    half.receiver.report_duplicate(half.at(500), 2_000, &half.config);
    assert_eq!(half.receiver.take_sack_blocks(3).as_slice(), [half.block(500, 1_000)]);
    assert!(!half.receiver.has_disorder());
    half.receiver.report_duplicate(half.at(1_000), 2_000, &half.config);
    assert!(!half.receiver.has_disorder(), "what is new is no duplicate");
}

#[test]
fn the_right_edge_never_moves_left_and_reading_moves_it_right() {
    let mut half = Half::new(Habits::Rfc, true);
    assert_eq!(half.offer(), 20_000);
    half.arrives(0, 20_000);
    assert_eq!(half.offer(), 0);
    let mut byte = [0; MSS as usize];
    half.receiver.acks.forget();
    let buffer = half.buffer();
    assert_eq!(half.receiver.read(&mut byte, buffer), byte.len());
    assert_eq!(half.receiver.acks.owed(), None, "one segment of room is not worth a segment");
    assert_eq!(half.receiver.read(&mut byte, buffer), byte.len());
    assert_eq!(half.receiver.acks.owed(), Some(SendReason::WindowUpdate));
    assert_eq!(half.offer(), 2 * MSS);
    half.config.receive_buffer_bytes = 1_000;
    assert_eq!(half.offer(), 2 * MSS, "a smaller buffer takes nothing back");
}

#[test]
fn what_was_offered_is_accepted_though_its_announcement_is_rounded_down() {
    let mut half = Half::new(Habits::Rfc, true);
    half.offer();
    half.arrives(0, 4);
    half.config.receive_buffer_bytes = 1_000;
    let buffer = half.buffer();
    assert_eq!(half.receiver.offer_window(3, buffer), 19_992 >> 3);
    assert_eq!(half.receiver.acceptable_edge(buffer), half.at(20_000));
}

#[test]
fn what_is_accepted_touches_the_window() {
    let half = Half::new(Habits::Rfc, true);
    let edge = half.receiver.acceptable_edge(half.buffer());
    assert_eq!(edge, half.at(20_000));
    let accepts = |seq: Seq, len: u32, flags: Flags, edge: Seq| {
        half.receiver.accepts(&Header { seq, flags, ..Header::default() }, len, edge)
    };
    let (nxt, closed) = (half.at(0), half.at(0));
    for (seq, len, expected) in [
        (nxt, 0, true),
        (nxt - 1, 0, false),
        (edge - 1, 1, true),
        (edge, 0, true),
        (edge, 1, false),
        (nxt - 10, 10, false),
        (nxt - 10, 11, true),
        (nxt - 10, 30_000, true),
    ] {
        assert_eq!(accepts(seq, len, Flags::ACK, edge), expected, "{seq:?} +{len}");
    }
    assert!(accepts(nxt, 0, Flags::ACK, closed) && accepts(nxt + 1, 0, Flags::ACK, closed));
    assert!(!accepts(nxt, 1, Flags::ACK, closed), "a closed window has no room for text");
    assert!(accepts(nxt, 1, Flags::ACK | Flags::FIN, closed), "a FIN takes none");
    assert!(accepts(nxt, 0, Flags::RST, closed) && !accepts(nxt + 1, 0, Flags::RST, closed));
    assert!(accepts(edge, 0, Flags::RST, edge), "who has filled the window stands there");
    assert!(!accepts(edge + 1, 0, Flags::RST, edge));
}

#[test]
fn the_fin_waits_for_the_text_before_it_and_ends_the_disorder() {
    let mut half = Half::new(Habits::Rfc, true);
    let edge = half.receiver.acceptable_edge(half.buffer());
    half.says_fin(20_001);
    assert_eq!(half.receiver.peer_fin, PeerFin::Unseen, "a FIN outside the window is not believed");
    half.says_fin(20_000);
    assert_eq!(half.receiver.fin, edge, "it needs no room of its own");
    half.says_fin(2_000);
    half.says_fin(3_000);
    assert_eq!(half.receiver.fin, half.at(2_000), "the nearest counts");
    assert!(!half.receiver.reached_fin(&mut half.events));
    half.arrives(1_000, 1_500);
    half.arrives(3_000, 1_000);
    half.arrives(0, 1_000);
    assert!(half.receiver.has_disorder());
    assert_eq!(half.receiver.nxt(), half.at(2_000), "held text goes to the reader up to the FIN");
    assert!(half.receiver.reached_fin(&mut half.events));
    assert!(!half.receiver.reached_fin(&mut half.events), "it is taken once");
    assert_eq!(half.receiver.nxt(), half.at(2_001));
    assert!(half.receiver.peer_finished() && !half.receiver.has_disorder());
}

#[test]
fn what_is_in_order_stands_against_a_fin_that_was_only_said_to_be_there() {
    let mut half = Half::new(Habits::Rfc, true);
    half.says_fin(500);
    half.arrives(0, 1_000);
    assert_eq!(half.receiver.peer_fin, PeerFin::Unseen, "text lies there");
    half.says_fin(1_500);
    let (seq, edge) = (half.at(1_000), half.receiver.edge);
    half.receiver.note_fin(seq, half.at(2_000), edge);
    assert_eq!(half.receiver.fin, half.at(2_000), "the text in front of this one lies there");
    half.arrives(1_000, 1_000);
    assert!(half.receiver.reached_fin(&mut half.events));
}

#[test]
fn the_byte_that_came_first_wins_wherever_two_overlap() {
    let mut half = Half::new(Habits::Rfc, true);
    let mut says = |at: u32, text: &'static str| {
        let (first, text) = (half.at(at), Payload::from(Bytes::from_static(text.as_bytes())));
        if first == half.receiver.nxt() {
            let _ = half.receiver.take_in_order(text, &half.config, &mut half.events);
        } else {
            half.receiver.keep_out_of_order(first, &text, &half.config).expect("there is room");
        }
    };
    says(2, "AA");
    says(1, "bbbbb");
    says(8, "C");
    says(0, "dddddddddd");
    let mut read = [0; 20];
    let buffer = half.buffer();
    let count = half.receiver.read(&mut read, buffer);
    assert_eq!(core::str::from_utf8(&read[..count]), Ok("dbAAbbddCd"));
    assert_eq!(
        half.receiver.take_sack_blocks(3).as_slice(),
        [half.block(1, 6)],
        "the first part of the last"
    );
    assert!(!half.receiver.has_disorder());
}

#[test]
fn urgent_data_is_announced_until_it_is_read() {
    let mut half = Half::new(Habits::Rfc, true);
    half.receiver.take_urgent(half.at(100), &mut half.events);
    half.receiver.take_urgent(half.at(50), &mut half.events);
    assert_eq!(half.receiver.urgent_bytes_ahead(), Some(100), "the pointer never moves back");
    half.arrives(0, 200);
    let buffer = half.buffer();
    half.receiver.read(&mut [0; 60], buffer);
    assert_eq!(half.receiver.urgent_bytes_ahead(), Some(40));
    half.receiver.read(&mut [0; 40], buffer);
    assert_eq!(half.receiver.urgent_bytes_ahead(), None);
}

#[test]
fn a_peer_that_went_away_leaves_nothing_to_the_next() {
    let mut half = Half::new(Habits::Rfc, true);
    let header = Header { seq: Seq::new(IRS), flags: Flags::SYN | Flags::FIN, ..Header::default() };
    let payload = Bytes::from_static(b"early").into();
    half.receiver.keep_what_came_with_syn(&Segment { header, payload, ..Segment::default() });
    assert_eq!((half.receiver.fin, half.receiver.has_disorder()), (half.at(5), true));
    half.receiver.take_urgent(half.at(3), &mut half.events);
    half.receiver.return_to_listen(&half.config);
    assert!(!half.receiver.has_disorder() && !half.receiver.sack_agreed());
    assert_eq!(half.receiver.urgent_bytes_ahead(), None);
    assert_eq!(half.receiver.peer_fin, PeerFin::Unseen);
    assert_eq!(half.receiver.shift(), half.config.window_shift());
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_receive_half_is_small() {
    assert!(size_of::<Receiver>() <= 88, "{} bytes in every connection", size_of::<Receiver>());
}
