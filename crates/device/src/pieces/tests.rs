use super::*;
use bytes::Bytes;
use wire::{Checksum, Head, Offload, Payload, ipv4, tcp};

/// A super-segment of `segments` segments of 100 bytes, on Ethernet.
fn super_segment(segments: u32) -> Frame {
    let text: Vec<u8> = (0..segments * 100).map(|n| n as u8).collect();
    let mut head = Head::new();
    head.grow(14)[12..].copy_from_slice(&[8, 0]);
    let (source, destination) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let total_bytes = 40 + text.len() as u16;
    ipv4::Header { source, destination, protocol: 6, total_bytes, ..ipv4::Header::default() }
        .emit(head.grow(ipv4::HEADER_BYTES));
    let header = tcp::Header { flags: tcp::Flags::ACK, ..tcp::Header::default() };
    header.emit(head.grow(20), tcp::OptionLayout::default());
    let offload = Offload { segment_bytes: 100, checksum: Checksum::Trusted };
    Frame { head, payload: Payload::from(Bytes::from(text)), offload }
}

#[test]
fn a_card_that_is_full_in_the_middle_of_a_super_segment_gets_the_rest_later() {
    for room in 0..=8 {
        let mut frames = VecDeque::from([super_segment(5), super_segment(3)]);
        let mut sent: Vec<Vec<u8>> = Vec::new();
        let mut left = room;
        let full = || io::Error::from_raw_os_error(libc::ENOBUFS);
        let taken = transmit_pieces(&mut frames, Medium::Ethernet, |bytes| {
            left = usize::checked_sub(left, 1).ok_or_else(full)?;
            sent.push(bytes.to_vec());
            Ok(())
        });
        assert_eq!(taken.unwrap(), usize::from(room >= 5) + usize::from(room >= 8));
        assert_eq!(frames.is_empty(), room == 8);
        let rest = transmit_pieces(&mut frames, Medium::Ethernet, |bytes| {
            sent.push(bytes.to_vec());
            Ok(())
        });
        assert!(rest.is_ok() && frames.is_empty());
        let numbers: Vec<u32> =
            sent.iter().map(|bytes| u32::from_be_bytes(bytes[38..42].try_into().unwrap())).collect();
        assert_eq!(numbers, [0, 100, 200, 300, 400, 0, 100, 200], "room for {room}");
    }
}

#[test]
fn a_frame_that_fails_is_lost_and_those_behind_it_stay() {
    let mut frames = VecDeque::from([super_segment(2), super_segment(2)]);
    let outcome =
        transmit_pieces(&mut frames, Medium::Ethernet, |_| Err(io::Error::from_raw_os_error(libc::ENETDOWN)));
    assert_eq!(outcome.unwrap_err().raw_os_error(), Some(libc::ENETDOWN));
    assert_eq!(frames.len(), 1);
}
