//! Cutting super-segments and filling in checksums, on any frame with any offload: the pieces are the original.

use super::feed::Feed;
use bytes::Bytes;
use wire::ip::protocol;
use wire::segmentation::{Layout, checksum_is_good, complete_checksum, cut};
use wire::tcp::Flags;
use wire::{Checksum, Frame, Medium, Offload, Seq, TransmitChecksum, ipv4};

/// The body.
pub(super) fn segmentation(bytes: &[u8]) {
    let mut feed = Feed::new(bytes);
    let medium = if feed.u8() & 1 == 0 { Medium::Ip } else { Medium::Ethernet };
    let checksum = match feed.u8() % 3 {
        0 => Checksum::Complete,
        1 => Checksum::Trusted,
        _ => Checksum::Partial { start: feed.u16(), offset: feed.u16() },
    };
    let wanted = match feed.u8() % 3 {
        0 => TransmitChecksum::Full,
        1 => TransmitChecksum::Partial,
        _ => TransmitChecksum::None,
    };
    let segment_bytes = feed.u16();
    let whole = feed.rest();
    let mut frame = Frame::from_bytes(Bytes::copy_from_slice(whole));
    frame.offload = Offload { segment_bytes, checksum };
    let layout = Layout::of(whole, medium);
    let _ = checksum_is_good(&frame, medium);
    let mut completed = frame.clone();
    complete_checksum(&mut completed, medium);
    check_alone(whole, layout.as_ref(), &completed);

    let pieces: Vec<Frame> = cut(frame, medium, wanted).collect();
    match (&pieces[..], layout) {
        ([], _) => panic!("a frame does not vanish"),
        ([alone], layout) => check_alone(whole, layout.as_ref(), alone),
        (pieces, Some(layout)) => {
            check_pieces(whole, &layout, usize::from(segment_bytes), pieces);
            if wanted == TransmitChecksum::Full {
                let all_good = pieces.iter().all(|piece| checksum_is_good(piece, medium) != Some(false));
                assert!(all_good, "the checksums of the pieces are right");
            }
        }
        (_, None) => panic!("only what is understood is cut"),
    }
}

/// A frame that was not cut: the same but for its checksum and what a link has added behind it.
fn check_alone(whole: &[u8], layout: Option<&Layout>, frame: &Frame) {
    let bytes = frame.to_vec();
    assert!(bytes.len() <= whole.len(), "only padding behind the packet goes");
    if bytes.len() < whole.len() {
        assert!(layout.is_some_and(|layout| layout.end_at == bytes.len()), "and nothing else");
    }
    let is_checksum =
        |at: usize| layout.is_some_and(|layout| (0..2).any(|byte| layout.checksum_at() + byte == at));
    for (at, (is, was)) in bytes.iter().zip(whole).enumerate() {
        assert!(is == was || is_checksum(at), "byte {at} has changed");
    }
}

/// Pieces together are the text of the original, in order; each has its headers, but for what must differ.
fn check_pieces(whole: &[u8], layout: &Layout, segment_bytes: usize, pieces: &[Frame]) {
    assert_eq!(layout.protocol, protocol::TCP);
    let (ip_at, tcp_at, text_at) = (layout.ip_at, layout.transport_at, layout.text_at);
    let is_whole = (text_at..=whole.len()).contains(&layout.end_at);
    let text = &whole[text_at..if is_whole { layout.end_at } else { whole.len() }];
    let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    let seq_of = |bytes: &[u8]| Seq::new(number(&bytes[tcp_at + 4..tcp_at + 8]));
    let flags_of = |bytes: &[u8]| Flags::from_bits(number(&bytes[tcp_at + 12..tcp_at + 14]) as u16 & 0x1ff);
    let mut at = 0;
    for (order, piece) in pieces.iter().enumerate() {
        let bytes = piece.to_vec();
        let here = &bytes[text_at..];
        assert_eq!(here, &text[at..at + here.len()], "the text is the original's");
        assert_eq!(seq_of(&bytes), seq_of(whole) + at as u32);
        at += here.len();
        let is_last = order + 1 == pieces.len();
        assert!(here.len() == segment_bytes || (is_last && here.len() < segment_bytes));

        let mut gone = Flags::NONE;
        if !is_last {
            gone |= Flags::FIN | Flags::PSH;
        }
        if order > 0 {
            gone |= Flags::CWR;
        }
        assert_eq!(flags_of(&bytes).bits(), flags_of(whole).bits() & !gone.bits(), "piece {order}");
        let may_differ = |at: usize| {
            let ip = if at < ip_at {
                false
            } else if layout.is_ipv6 {
                matches!(at - ip_at, 4..=5)
            } else {
                matches!(at - ip_at, 2..=5 | 10..=11)
            };
            at >= tcp_at && matches!(at - tcp_at, 4..=7 | 12..=13 | 16..=17) || at < tcp_at && ip
        };
        let changed = (0..text_at).find(|at| bytes[*at] != whole[*at] && !may_differ(*at));
        assert_eq!(changed, None, "the rest of the headers is the original's");
        if text_at - ip_at + here.len() <= usize::from(u16::MAX) {
            assert!(layout.is_ipv6 || ipv4::checksum_is_good(&bytes[ip_at..tcp_at]));
            let length = if layout.is_ipv6 {
                number(&bytes[ip_at + 4..ip_at + 6]) as usize + 40
            } else {
                number(&bytes[ip_at + 2..ip_at + 4]) as usize
            };
            assert_eq!(length, bytes.len() - ip_at, "the packet says its length");
        }
    }
    assert_eq!(at, text.len(), "no text is missing");
}
