use super::*;
use crate::{Chance, Discipline, Loss, Marking, Queue, QueueLimit, Recurring, Spike};
use bytes::Bytes;
use wire::ip::Ecn;
use wire::{Payload, ipv4, ipv6};

/// An ECN-capable packet of IP alone.
fn packet(is_v4: bool, text_bytes: usize) -> Frame {
    let payload = Payload::from(Bytes::from(vec![1; text_bytes]));
    let mut frame = Frame { payload, ..Frame::default() };
    if is_v4 {
        let total_bytes = (20 + text_bytes) as u16;
        ipv4::Header { ecn: Ecn::Capable0, total_bytes, ttl: 1, ..ipv4::Header::default() }
            .emit(frame.head.grow(20));
    } else {
        ipv6::Header {
            source: [1; 16].into(),
            destination: [2; 16].into(),
            dscp: 0,
            ecn: Ecn::Capable0,
            flow_label: 7,
            payload_bytes: text_bytes as u16,
            next_header: 59,
            hop_limit: 1,
        }
        .emit(frame.head.grow(40));
    }
    frame
}

fn moving(frame: Frame) -> Moving<()> {
    Moving { frame, token: (), fate: Fate::Deliver }
}

/// Sends packets at these times and lives until everything has arrived: (when, frame, mishap), and who was lost.
fn live(config: Lane, sent_ms: &[u64], is_v4: bool) -> (Vec<(Instant, Frame, Mishap)>, Vec<Lost>) {
    let mut lane = Running::new(config, Dice::new(5), Medium::Ip);
    let (mut arrived, mut lost, mut busy) = (Vec::new(), Vec::new(), None);
    let mut entering = sent_ms.iter().map(|ms| Instant::from_millis(*ms)).peekable();
    loop {
        let mut out = Vec::new();
        match (entering.peek().copied(), busy) {
            (_, Some(free)) if entering.peek().is_none_or(|enters| free <= *enters) => {
                busy = None;
                lane.transmitted(free, &mut out);
            }
            (Some(enters), _) => {
                entering.next();
                lane.enter(enters, moving(packet(is_v4, 980)), &mut out);
            }
            (None, _) => return (arrived, lost),
        }
        for launch in out {
            match launch {
                Launch::Deliver { at, moving, mishap } => arrived.push((at, moving.frame, mishap)),
                Launch::Lost { why, .. } => lost.push(why),
                Launch::BusyUntil(at) => busy = Some(at),
                Launch::Answer { .. } => {}
            }
        }
    }
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_rate_spaces_what_comes_at_once() {
    // 1,000 bytes at 8 Mbit/s take a millisecond.
    let config = Lane { rate_bits_per_s: Some(8_000_000), delay: 10 * MS, ..Lane::default() };
    let (arrived, lost) = live(config, &[0, 0, 0, 7], true);
    let at: Vec<u64> = arrived.iter().map(|(at, ..)| at.as_millis()).collect();
    assert_eq!((at, lost), (vec![11, 12, 13, 18], vec![]));
}

#[test]
fn an_outage_swallows_what_enters_during_it() {
    let outages = vec![Instant::from_millis(10)..Instant::from_millis(20)];
    let (arrived, lost) = live(Lane { outages, ..Lane::default() }, &[5, 10, 19, 20], false);
    assert_eq!((arrived.len(), lost), (2, vec![Lost::Outage; 2]));
}

#[test]
fn jitter_keeps_the_order_unless_it_may_not() {
    let sent: Vec<u64> = (0..200).collect();
    let config = |order| Lane { jitter: 20 * MS, order, ..Lane::default() };
    let (kept, _) = live(config(Order::Kept), &sent, true);
    assert!(kept.is_sorted_by_key(|(at, ..)| *at));
    let (free, _) = live(config(Order::ByArrival), &sent, true);
    assert!(!free.is_sorted_by_key(|(at, ..)| *at));
}

#[test]
fn corruption_flips_exactly_one_bit_and_repetition_is_a_copy() {
    let config = Lane { corrupt: Chance::ALWAYS, duplicate: Chance::ALWAYS, ..Lane::default() };
    let (arrived, _) = live(config, &[0; 50], true);
    assert_eq!(arrived.len(), 100);
    let right = packet(true, 980).to_vec();
    for pair in arrived.chunks(2) {
        let (first, second) = (pair[0].1.to_vec(), pair[1].1.to_vec());
        let flipped: u32 = first.iter().zip(&right).map(|(a, b)| (a ^ b).count_ones()).sum();
        assert!(flipped == 1 && first == second && pair[1].2.copy && pair[0].2.corrupted);
    }
}

#[test]
fn a_crowded_queue_marks_instead_of_dropping() {
    for is_v4 in [true, false] {
        let queue =
            Queue { discipline: Discipline::CODEL, marking: Marking::InsteadOfDropping, ..Queue::default() };
        let config = Lane { rate_bits_per_s: Some(8_000_000), queue, ..Lane::default() };
        let (arrived, lost) = live(config, &[0; 500], is_v4);
        let marked: Vec<_> = arrived.iter().filter(|(.., mishap)| mishap.marked).collect();
        assert!((5..50).contains(&marked.len()) && lost.is_empty(), "{} marked", marked.len());
        for (_, frame, _) in marked {
            let head = frame.head.as_slice();
            let ecn = if is_v4 { Ecn::from_bits(head[1]) } else { Ecn::from_bits(head[1] >> 4) };
            assert_eq!(ecn, Ecn::CongestionExperienced);
            assert!(!is_v4 || ipv4::checksum_is_good(head));
        }
    }
}

#[test]
fn one_chance_does_not_change_the_luck_of_others() {
    let lossy = |duplicate| Lane { loss: Loss::Random(Chance::percent(30.0)), duplicate, ..Lane::default() };
    let (_, without) = live(lossy(Chance::NEVER), &[0; 100], true);
    let (_, with) = live(lossy(Chance::ALWAYS), &[0; 100], true);
    assert_eq!(without.len(), with.len());
}

/// What a seed did once it does for ever: worlds that were found by their seed are found again.
#[test]
fn a_seed_stays_what_it_was() {
    let full = Lane {
        rate_bits_per_s: Some(9_000_000),
        delay: 10 * MS,
        jitter: 2 * MS,
        order: Order::ByArrival,
        queue: Queue {
            limit: QueueLimit::Bytes(200_000),
            discipline: Discipline::CODEL,
            marking: Marking::InsteadOfDropping,
        },
        loss: Loss::in_bursts(3.0, 2.0),
        reorder: Chance::percent(5.0),
        reorder_by: 3 * MS,
        duplicate: Chance::percent(5.0),
        corrupt: Chance::percent(5.0),
        corrupt_unseen: Chance::percent(5.0),
        ..Lane::default()
    };
    let sent: Vec<u64> = (0..600).map(|number| number / 3 * 2).collect();
    let (arrived, lost) = live(full, &sent, true);
    let bytes = arrived
        .iter()
        .flat_map(|(at, frame, _)| at.as_nanos().to_be_bytes().into_iter().chain(frame.to_vec()));
    // FNV-1a.
    let digest = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!((arrived.len(), lost.len(), digest), (591, 34, 17_646_015_684_731_324_884));
}

#[test]
fn a_flapping_link_loses_what_enters_while_it_is_down() {
    let flaps = Recurring { first: Instant::from_millis(10), lasts: 5 * MS, every: Some(20 * MS) };
    let config = Lane { flaps: vec![flaps], ..Lane::default() };
    let (arrived, lost) = live(config, &[9, 10, 14, 15, 29, 30, 34, 35], true);
    let at: Vec<u64> = arrived.iter().map(|(at, ..)| at.as_millis()).collect();
    assert_eq!((at, lost), (vec![9, 15, 29, 35], vec![Lost::Outage; 4]));
}

#[test]
fn what_is_sent_during_a_spike_takes_longer_and_what_comes_after_waits_for_it() {
    let once = |first, lasts| Recurring { first: Instant::from_millis(first), lasts, every: None };
    let spikes =
        vec![Spike { when: once(10, 10 * MS), by: 30 * MS }, Spike { when: once(15, 1 * MS), by: 20 * MS }];
    let config = |order| Lane { delay: 2 * MS, spikes: spikes.clone(), order, ..Lane::default() };
    let at = |order| -> Vec<u64> {
        let (arrived, _) = live(config(order), &[9, 10, 15, 20, 50], true);
        arrived.iter().map(|(at, ..)| at.as_millis()).collect()
    };
    assert_eq!(at(Order::Kept), [11, 42, 47, 47, 52]);
    assert_eq!(at(Order::ByArrival), [11, 42, 47, 22, 52]);
}

#[test]
fn an_l4s_queue_marks_ect_1_and_keeps_its_packets_from_waiting_behind_others() {
    let queue = Queue { discipline: Discipline::dual_pi2(), ..Queue::default() };
    let mut lane = Running::new(
        Lane { rate_bits_per_s: Some(8_000_000), queue, ..Lane::default() },
        Dice::new(5),
        Medium::Ip,
    );
    let mut out = Vec::new();
    for number in 0..20 {
        let mut frame = packet(true, 980);
        if number % 2 == 1 {
            ecn::write(&mut frame, Medium::Ip, Ecn::Capable1);
        }
        lane.enter(Instant::ZERO, Moving { frame, token: number, fate: Fate::Deliver }, &mut out);
    }
    let mut order = Vec::new();
    while !out.is_empty() {
        match out.remove(0) {
            Launch::BusyUntil(at) => lane.transmitted(at, &mut out),
            Launch::Deliver { moving, mishap, .. } => order.push((moving.token, mishap.marked)),
            _ => panic!("nothing is lost"),
        }
    }
    let low: Vec<bool> =
        order.iter().filter(|(token, _)| token % 2 == 1).map(|(_, marked)| *marked).collect();
    let place = |token| order.iter().position(|(other, _)| *other == token).unwrap();
    assert!(low.iter().filter(|marked| **marked).count() >= 7 && !low[0], "{low:?}");
    assert!(place(19) < place(4), "{order:?}");
}

#[test]
fn a_queue_that_was_given_another_limit_keeps_it() {
    let rate_bits_per_s = Some(8_000_000);
    let mut lane = Running::new(Lane { rate_bits_per_s, ..Lane::default() }, Dice::new(5), Medium::Ip);
    let limit = QueueLimit::Packets(3);
    lane.configure(Lane { rate_bits_per_s, queue: Queue { limit, ..Queue::default() }, ..Lane::default() });
    let mut out = Vec::new();
    (0..9).for_each(|_| lane.enter(Instant::ZERO, moving(packet(true, 980)), &mut out));
    assert_eq!((lane.waiting(), lane.counts().lost(Lost::QueueFull)), ((3, 3_000), 5));
}

#[test]
fn a_fate_is_carried_out_beside_the_settings() {
    let run = |fate| {
        let mut lane = Running::new(Lane { delay: 5 * MS, ..Lane::default() }, Dice::new(5), Medium::Ip);
        let mut out = Vec::new();
        lane.enter(Instant::ZERO, Moving { frame: packet(true, 100), token: 7, fate }, &mut out);
        let launches = out.into_iter().map(|launch| match launch {
            Launch::Deliver { at, moving, mishap } => {
                assert_eq!(moving.token, 7);
                let is_whole = moving.frame.to_vec() == packet(true, 100).to_vec();
                (at.as_millis(), is_whole, mishap.copy, mishap.corrupted, mishap.held_back)
            }
            Launch::Lost { why: Lost::Fate, .. } => (0, false, false, false, false),
            other => panic!("{other:?}"),
        });
        launches.collect::<Vec<_>>()
    };
    assert_eq!(run(Fate::Deliver), [(5, true, false, false, false)]);
    assert_eq!(run(Fate::Lose), [(0, false, false, false, false)]);
    assert_eq!(run(Fate::Double), [(5, true, false, false, false), (5, true, true, false, false)]);
    assert_eq!(run(Fate::Late(3 * MS)), [(8, true, false, false, true)]);
    assert_eq!(run(Fate::Corrupt), [(5, false, false, true, false)]);
}

#[test]
fn damage_in_a_packet_spares_the_ethernet_header_and_other_frames_are_lost_by_it() {
    let mut lane =
        Running::new(Lane { corrupt: Chance::ALWAYS, ..Lane::default() }, Dice::new(5), Medium::Ethernet);
    let ethernet = |ethertype: u16| {
        let mut frame = Frame::default();
        wire::ethernet::Header { ethertype, ..Default::default() }.emit(frame.head.grow(14));
        frame.payload = Payload::from(Bytes::from(vec![0x45; 28]));
        frame
    };
    let mut out = Vec::new();
    for _ in 0..200 {
        let frame = ethernet(wire::ethernet::ethertype::IPV4);
        lane.enter(Instant::ZERO, Moving { frame, token: (), fate: Fate::Deliver }, &mut out);
    }
    for launch in out.drain(..) {
        let Launch::Deliver { moving, .. } = launch else { panic!("a packet arrives") };
        let (before, after) = (ethernet(wire::ethernet::ethertype::IPV4).to_vec(), moving.frame.to_vec());
        assert!(before[..14] == after[..14] && before != after);
    }
    let frame = ethernet(wire::ethernet::ethertype::ARP);
    lane.enter(Instant::ZERO, Moving { frame, token: (), fate: Fate::Deliver }, &mut out);
    assert!(matches!(out[..], [Launch::Lost { why: Lost::Wire, .. }]));
}

#[test]
fn damage_that_nobody_sees_has_a_right_checksum() {
    use wire::tcp::{Flags, Header, OptionLayout};
    let mut segment = Frame { payload: Payload::from(Bytes::from(vec![3; 100])), ..Frame::default() };
    let total_bytes = 140;
    ipv4::Header { protocol: wire::ip::protocol::TCP, ttl: 9, total_bytes, ..ipv4::Header::default() }
        .emit(segment.head.grow(20));
    Header { flags: Flags::ACK, ..Header::default() }.emit(segment.head.grow(20), OptionLayout::Linux);
    segment.offload.checksum = wire::Checksum::Trusted;
    wire::segmentation::complete_checksum(&mut segment, Medium::Ip);
    let mut lane =
        Running::new(Lane { corrupt_unseen: Chance::ALWAYS, ..Lane::default() }, Dice::new(5), Medium::Ip);
    let mut out = Vec::new();
    (0..200).for_each(|_| lane.enter(Instant::ZERO, moving(segment.clone()), &mut out));
    let mut seen = 0;
    for launch in out {
        let Launch::Deliver { moving, mishap, .. } = launch else { panic!("it arrives") };
        let is_damaged = mishap.corrupted && moving.frame.to_vec() != segment.to_vec();
        let is_good = wire::segmentation::checksum_is_good(&moving.frame, Medium::Ip) == Some(true);
        // Not so where the checksum itself is damaged, or what says where the text begins.
        seen += u32::from(is_damaged && is_good);
    }
    assert!(seen > 160, "{seen} of 200");
}
