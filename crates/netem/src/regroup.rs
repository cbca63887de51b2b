//! Segments are cut anew on the way, as proxies and network cards do: one becomes several, several become one.
//!
//! The text, the acknowledgments and the order stay what they were. What is *not* here: which segments wait behind one
//! another (`queue.rs`), and super-segments of hosts that cut by themselves.

use crate::headers::packet_at;
use wire::ip::{Ecn, protocol};
use wire::segmentation::{self, Layout};
use wire::tcp::{Flags, Header};
use wire::{Checksum, Frame, Medium, Payload, TransmitChecksum};

/// The frame in pieces of at most this much text; itself alone if it needs no cutting.
pub(crate) fn split(mut frame: Frame, medium: Medium, text_bytes_max: u16) -> impl Iterator<Item = Frame> {
    let is_plain = frame.offload.segment_bytes == 0;
    let is_cut = is_plain
        && text_bytes_max > 0
        && frame.payload.len() > usize::from(text_bytes_max)
        && header(&frame, medium)
            .is_some_and(|(header, _)| !header.flags.intersects(Flags::SYN | Flags::URG));
    if is_cut {
        frame.offload.segment_bytes = text_bytes_max;
    }
    let whole = (!is_cut).then(|| frame.clone());
    let pieces = is_cut.then(|| segmentation::cut(frame, medium, TransmitChecksum::Full));
    whole.into_iter().chain(pieces.into_iter().flatten())
}

/// Both segments as one, if the second goes on where the first ends and the packet is no longer than this. What they say
/// about congestion must be the same (RFC 3168 §5.3, RFC 9768 §3.3.4).
pub(crate) fn merged(first: &Frame, second: &Frame, medium: Medium, packet_bytes_max: u32) -> Option<Frame> {
    let packet_at = packet_at(first, medium)?;
    let bytes = first.len() - packet_at + second.payload.len();
    let are_plain = [first, second].iter().all(|frame| frame.offload.segment_bytes == 0);
    if !are_plain
        || bytes > packet_bytes_max as usize
        || first.payload.is_empty()
        || second.payload.is_empty()
    {
        return None;
    }
    let ((one, layout), (two, second_layout)) = (header(first, medium)?, header(second, medium)?);
    let (head, second_head) = (first.head.as_slice(), second.head.as_slice());
    let is_same_flow = (one.source_port, one.destination_port) == (two.source_port, two.destination_port)
        && addresses(head, &layout) == addresses(second_head, &second_layout)
        && head.len() == second_head.len();
    let congestion = Flags::AE | Flags::CWR | Flags::ECE;
    let say_the_same = ecn(head, &layout) == ecn(second_head, &second_layout)
        && one.flags.bits() & congestion.bits() == two.flags.bits() & congestion.bits();
    let special = Flags::SYN | Flags::RST | Flags::URG;
    let are_text = !one.flags.intersects(special | Flags::FIN) && !two.flags.intersects(special);
    if !is_same_flow || !say_the_same || !are_text || one.seq + first.payload.len() as u32 != two.seq {
        return None;
    }
    let mut payload = Payload::new();
    [first, second]
        .iter()
        .flat_map(|frame| frame.payload.pieces())
        .for_each(|piece| payload.push(piece.clone()));
    let mut frame = Frame { head: second.head.clone(), payload, offload: second.offload };
    let head = frame.head.as_mut_slice();
    head[layout.transport_at + 4..layout.transport_at + 8].copy_from_slice(&one.seq.number().to_be_bytes());
    write_length(head, &layout, bytes);
    // The sums of both halves are not that of the whole.
    frame.offload.checksum = Checksum::Trusted;
    segmentation::complete_checksum(&mut frame, medium);
    frame.offload.checksum = Checksum::Complete;
    Some(frame)
}

fn header(frame: &Frame, medium: Medium) -> Option<(Header, Layout)> {
    let head = frame.head.as_slice();
    let layout = Layout::of(head, medium).filter(|layout| layout.protocol == protocol::TCP)?;
    let (header, _) = Header::parse(&head[layout.transport_at..]).ok()?;
    Some((header, layout))
}

fn addresses<'a>(head: &'a [u8], layout: &Layout) -> &'a [u8] {
    match head[layout.ip_at] >> 4 {
        4 => &head[layout.ip_at + 12..layout.ip_at + 20],
        _ => &head[layout.ip_at + 8..layout.ip_at + 40],
    }
}

fn ecn(head: &[u8], layout: &Layout) -> Ecn {
    let class = head[layout.ip_at + 1];
    Ecn::from_bits(if layout.is_ipv6 { class >> 4 } else { class })
}

/// Writes how long the packet is now; an IPv4 header gets its sum.
fn write_length(head: &mut [u8], layout: &Layout, packet_bytes: usize) {
    let ip = &mut head[layout.ip_at..layout.transport_at];
    if ip[0] >> 4 == 6 {
        let text_bytes = (packet_bytes - wire::ipv6::HEADER_BYTES) as u16;
        return ip[4..6].copy_from_slice(&text_bytes.to_be_bytes());
    }
    ip[2..4].copy_from_slice(&(packet_bytes as u16).to_be_bytes());
    ip[10..12].fill(0);
    let sum = wire::checksum::of(ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use wire::tcp::OptionLayout;
    use wire::{Seq, checksum, ipv4};

    fn segment(seq: u32, flags: Flags, text: &'static [u8]) -> Frame {
        let tcp = Header { seq: Seq::new(seq), flags, ack: Seq::new(9), source_port: 7, ..Header::default() };
        let tcp_bytes = tcp.len_bytes(OptionLayout::Linux);
        let payload = Payload::from(bytes::Bytes::from_static(text));
        let mut frame = Frame { payload, ..Frame::default() };
        ipv4::Header {
            source: Ipv4Addr::new(10, 0, 0, 1),
            destination: Ipv4Addr::new(10, 0, 0, 2),
            protocol: protocol::TCP,
            ttl: 64,
            total_bytes: (20 + tcp_bytes + text.len()) as u16,
            ..ipv4::Header::default()
        }
        .emit(frame.head.grow(20));
        tcp.emit(frame.head.grow(tcp_bytes), OptionLayout::Linux);
        frame.offload.checksum = Checksum::Trusted;
        segmentation::complete_checksum(&mut frame, Medium::Ip);
        frame.offload.checksum = Checksum::Complete;
        frame
    }

    fn is_sound(frame: &Frame) -> bool {
        let (ip, _) = ipv4::Header::parse(frame.head.as_slice()).unwrap();
        usize::from(ip.total_bytes) == frame.len()
            && checksum::of(&frame.head.as_slice()[..20]) == 0
            && segmentation::checksum_is_good(frame, Medium::Ip) == Some(true)
    }

    #[test]
    fn a_segment_is_split_and_its_pieces_merge_again() {
        let flags = Flags::ACK | Flags::PSH | Flags::FIN;
        let whole = segment(u32::MAX - 2, flags, b"hello, world");
        let pieces: Vec<Frame> = split(whole.clone(), Medium::Ip, 5).collect();
        assert_eq!(pieces.iter().map(|piece| piece.payload.len()).collect::<Vec<_>>(), [5, 5, 2]);
        assert!(pieces.iter().all(is_sound));
        let again = pieces[1..]
            .iter()
            .fold(pieces[0].clone(), |first, second| merged(&first, second, Medium::Ip, 1_500).unwrap());
        assert!(is_sound(&again));
        let ((header_again, _), (header_before, _)) =
            (header(&again, Medium::Ip).unwrap(), header(&whole, Medium::Ip).unwrap());
        assert_eq!((again.payload.to_vec(), header_again.seq), (whole.payload.to_vec(), header_before.seq));
        assert_eq!(header_again.flags, flags);
        assert_eq!(split(whole.clone(), Medium::Ip, 12).count(), 1);
        assert_eq!(
            split(segment(1, Flags::SYN, b"text"), Medium::Ip, 1).count(),
            1,
            "what opens stays whole"
        );
    }

    #[test]
    fn only_what_goes_on_is_merged() {
        let first = segment(100, Flags::ACK, b"abc");
        assert!(merged(&first, &segment(103, Flags::ACK, b"def"), Medium::Ip, 46).is_some());
        assert!(merged(&first, &segment(103, Flags::ACK, b"def"), Medium::Ip, 45).is_none(), "too long");
        assert!(merged(&first, &segment(104, Flags::ACK, b"def"), Medium::Ip, 1_500).is_none(), "a gap");
        assert!(
            merged(&first, &segment(103, Flags::ACK, b""), Medium::Ip, 1_500).is_none(),
            "an acknowledgment"
        );
        assert!(merged(&first, &segment(103, Flags::RST, b"def"), Medium::Ip, 1_500).is_none(), "a reset");
        let fin = segment(100, Flags::ACK | Flags::FIN, b"abc");
        assert!(merged(&fin, &segment(103, Flags::ACK, b"def"), Medium::Ip, 1_500).is_none(), "past the end");
    }

    #[test]
    fn what_says_different_things_about_congestion_stays_apart() {
        let plain = || segment(103, Flags::ACK, b"def");
        for flag in [Flags::ECE, Flags::CWR, Flags::AE] {
            let first = segment(100, Flags::ACK | flag, b"abc");
            assert!(merged(&first, &plain(), Medium::Ip, 1_500).is_none(), "{flag:?} alone on the first");
            let first = segment(100, Flags::ACK, b"abc");
            assert!(merged(&first, &segment(103, Flags::ACK | flag, b"def"), Medium::Ip, 1_500).is_none());
            let first = segment(100, Flags::ACK | flag, b"abc");
            assert!(merged(&first, &segment(103, Flags::ACK | flag, b"def"), Medium::Ip, 1_500).is_some());
        }
        let mut marked = segment(100, Flags::ACK, b"abc");
        marked.head.as_mut_slice()[1] |= Ecn::CongestionExperienced.bits();
        assert!(merged(&marked, &plain(), Medium::Ip, 1_500).is_none(), "a mark on the first");
        assert!(merged(&segment(100, Flags::ACK, b"abc"), &plain(), Medium::Ip, 1_500).is_some());
    }
}
