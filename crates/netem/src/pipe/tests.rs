use super::*;
use crate::{Chance, Loss, Order, PathMtu, Queue, QueueLimit, TooBigAnswer};
use std::time::Duration;
use wire::ip::protocol;
use wire::{ipv4, segmentation::checksum_is_good};

/// A UDP packet of this many bytes in one piece, with a number in its identification field.
fn packet(number: u16, bytes: usize) -> Frame {
    let mut packet = vec![0; bytes];
    ipv4::Header {
        identification: number,
        total_bytes: bytes as u16,
        protocol: protocol::UDP,
        ttl: 9,
        ..ipv4::Header::default()
    }
    .emit(&mut packet);
    packet[24..26].copy_from_slice(&((bytes - 20) as u16).to_be_bytes());
    Frame::from_bytes(packet.into())
}

fn number_of(frame: &Frame) -> u16 {
    let bytes = frame.to_vec();
    u16::from_be_bytes([bytes[4], bytes[5]])
}

const MS: Duration = Duration::from_millis(1);

/// Sleeps until something is due, again and again: when what came out.
fn drain(pipe: &mut Pipe) -> Vec<(u64, u16)> {
    let mut seen = Vec::new();
    while let Some(due) = pipe.due() {
        while let Some(leaving) = pipe.pop_due(due) {
            seen.push((leaving.at.as_micros(), number_of(&leaving.frame)));
        }
    }
    assert!(pipe.is_empty());
    seen
}

#[test]
fn whoever_comes_late_gets_the_same_frames_of_the_same_times() {
    let lane = Lane {
        rate_bits_per_s: Some(8_000_000),
        delay: 3 * MS,
        jitter: 5 * MS,
        order: Order::ByArrival,
        loss: Loss::Random(Chance::percent(10.0)),
        queue: Queue { limit: QueueLimit::Packets(30), ..Queue::default() },
        ..Lane::default()
    };
    let mut punctual = Pipe::new(lane.clone(), 3, Medium::Ip);
    let mut late = Pipe::new(lane, 3, Medium::Ip);
    for number in 0..50 {
        let now = Instant::ZERO + MS / 2 * u32::from(number);
        punctual.push(now, packet(number, 1_000));
        late.push(now, packet(number, 1_000));
    }
    let punctual = drain(&mut punctual);
    let hour = Instant::from_millis(3_600_000);
    let late: Vec<_> = std::iter::from_fn(|| late.pop_due(hour))
        .map(|leaving| (leaving.at.as_micros(), number_of(&leaving.frame)))
        .collect();
    assert_eq!(punctual, late);
    assert!(punctual.len() > 30 && !punctual.is_sorted_by_key(|(_, number)| *number), "jitter reorders");
    assert!(punctual.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn nothing_wakes_a_sleeper_before_a_frame_can_come_out() {
    let lane = Lane { rate_bits_per_s: Some(8_000_000), delay: 10 * MS, ..Lane::default() };
    let mut pipe = Pipe::new(lane, 3, Medium::Ip);
    pipe.push(Instant::ZERO, packet(0, 1_000));
    pipe.push(Instant::ZERO, packet(1, 1_000));
    assert_eq!(pipe.due(), Some(Instant::from_millis(11)));
    assert!(pipe.pop_due(Instant::from_micros(10_999)).is_none());
    assert_eq!(drain(&mut pipe), [(11_000, 0), (12_000, 1)]);
}

#[test]
fn more_than_it_holds_is_lost_and_counted() {
    let mut pipe = Pipe::new(Lane { delay: MS, ..Lane::default() }, 3, Medium::Ip).with_frames_max(3);
    (0..5).for_each(|number| pipe.push(Instant::ZERO, packet(number, 100)));
    assert_eq!((pipe.len(), pipe.counts().lost(Lost::Overflow)), (3, 2));
    assert_eq!((pipe.counts().entered_frames, pipe.counts().entered_bytes), (5, 500));
    assert_eq!(drain(&mut pipe).len(), 3);
    pipe.push(Instant::from_millis(9), packet(9, 100));
    assert_eq!(drain(&mut pipe), [(10_000, 9)]);
}

#[test]
fn a_super_segment_becomes_segments_and_their_checksums_are_whole() {
    use wire::tcp::{Flags, Header, OptionLayout};
    let mut whole = vec![0; 40 + 3_000];
    ipv4::Header { protocol: protocol::TCP, ttl: 9, total_bytes: 3_040, ..ipv4::Header::default() }
        .emit(&mut whole);
    Header { flags: Flags::ACK, ..Header::default() }.emit(&mut whole[20..], OptionLayout::Linux);
    let mut frame = Frame::from_bytes(whole.into());
    frame.offload.segment_bytes = 1_400;
    frame.offload.checksum = wire::Checksum::Partial { start: 20, offset: 16 };
    let mut pipe = Pipe::new(Lane::default(), 3, Medium::Ip);
    pipe.push(Instant::ZERO, frame);
    let frames: Vec<Frame> =
        std::iter::from_fn(|| pipe.pop_due(Instant::ZERO)).map(|leaving| leaving.frame).collect();
    assert_eq!(frames.iter().map(Frame::len).collect::<Vec<_>>(), [1_440, 1_440, 240]);
    assert!(frames.iter().all(|frame| checksum_is_good(frame, Medium::Ip) == Some(true)));
}

#[test]
fn what_is_too_big_is_answered_at_the_near_end_on_ip_and_on_ethernet() {
    let path_mtu = Some(PathMtu { mtu_bytes: 500, answer: TooBigAnswer::Icmp });
    let lane = Lane { path_mtu, delay: 7 * MS, ..Lane::default() };
    for medium in [Medium::Ip, Medium::Ethernet] {
        let ethernet = match medium {
            Medium::Ip => vec![],
            Medium::Ethernet => [[1; 6], [2; 6]].concat().into_iter().chain([8, 0]).collect(),
        };
        let on_link = |number, bytes| {
            let frame = [ethernet.clone(), packet(number, bytes).to_vec()].concat();
            Frame::from_bytes(frame.into())
        };
        let mut pipe = Pipe::new(lane.clone(), 3, medium);
        pipe.push(Instant::ZERO, on_link(1, 501));
        pipe.push(Instant::ZERO, on_link(2, 500));
        let answer = pipe.pop_due(Instant::from_millis(7)).unwrap();
        assert_eq!((answer.end, answer.at), (End::Near, Instant::from_millis(7)));
        let bytes = answer.frame.to_vec();
        if medium == Medium::Ethernet {
            assert_eq!((&bytes[..6], &bytes[6..12]), (&[2; 6][..], &[1; 6][..]), "it goes back");
        }
        let (header, _) = ipv4::Header::parse(&bytes[ethernet.len()..]).unwrap();
        assert_eq!((header.protocol, bytes[ethernet.len() + 20]), (protocol::ICMP, 3));
        let through = pipe.pop_due(Instant::from_millis(7)).unwrap();
        assert_eq!((through.end, through.frame.len()), (End::Far, ethernet.len() + 500));
        assert_eq!((pipe.counts().answers, pipe.counts().lost(Lost::TooBig)), (1, 1));
    }
}

#[test]
fn of_two_that_are_due_at_once_the_one_comes_first_that_was_launched_first() {
    let taking = |delay| Lane { delay, order: Order::ByArrival, ..Lane::default() };
    let mut pipe = Pipe::new(taking(10 * MS), 3, Medium::Ip);
    pipe.push(Instant::ZERO, packet(0, 100));
    pipe.configure(Instant::from_millis(1), taking(20 * MS));
    pipe.push(Instant::from_millis(1), packet(1, 100));
    pipe.configure(Instant::from_millis(2), taking(8 * MS));
    pipe.push(Instant::from_millis(2), packet(2, 100));
    assert_eq!(drain(&mut pipe), [(10_000, 0), (10_000, 2), (21_000, 1)]);
}

#[test]
fn what_came_in_one_piece_can_be_marked_and_rewritten() {
    let mut bytes = packet(1, 100).to_vec();
    bytes[1] |= 1;
    let sum = wire::checksum::updated(u16::from_be_bytes([bytes[10], bytes[11]]), 0x4500, 0x4501);
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    let ecn = crate::EcnRewrite::CAPABLE_MARKED;
    let middlebox = Some(crate::Middlebox { ecn, ..Default::default() });
    let mut pipe = Pipe::new(Lane { middlebox, ..Lane::default() }, 3, Medium::Ip);
    pipe.push(Instant::ZERO, Frame::from_bytes(bytes.into()));
    let out = pipe.pop_due(Instant::ZERO).unwrap().frame.to_vec();
    assert!(out[1] & 3 == 3 && ipv4::checksum_is_good(&out[..20]));
}
