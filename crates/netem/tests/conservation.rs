//! Nothing is created and nothing is lost without being counted, whatever a lane does.

use proptest::prelude::*;
use std::time::Duration;
use synfin_netem::wire::ip::{Ecn, protocol};
use synfin_netem::wire::tcp::{Flags, Header, OptionLayout, Options};
use synfin_netem::wire::{Frame, Instant, Medium, Seq, ipv4, segmentation};
use synfin_netem::*;

fn chance() -> impl Strategy<Value = Chance> {
    prop_oneof![2 => Just(Chance::NEVER), 2 => (0..400_000u32).prop_map(Chance::per_million)]
}

fn queue() -> impl Strategy<Value = Queue> {
    let limit =
        prop_oneof![(0..40usize).prop_map(QueueLimit::Packets), (0..40_000u64).prop_map(QueueLimit::Bytes)];
    let discipline = prop_oneof![
        Just(Discipline::DropTail),
        Just(Discipline::CODEL),
        Just(Discipline::dual_pi2()),
        Just(Discipline::CoDel { target: Duration::ZERO, interval: Duration::from_millis(1) }),
    ];
    let marking = prop_oneof![
        Just(Marking::Never),
        Just(Marking::InsteadOfDropping),
        (0..9_000u64).prop_map(Marking::AboveBytes)
    ];
    (limit, discipline, marking).prop_map(|(limit, discipline, marking)| Queue { limit, discipline, marking })
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        Just(Loss::Nothing),
        chance().prop_map(Loss::Random),
        (0.0..60.0f64, 1.0..9.0f64).prop_map(|(percent, mean)| Loss::in_bursts(percent, mean)),
    ]
}

fn middlebox() -> impl Strategy<Value = Option<Middlebox>> {
    let sizes = (proptest::option::of(0..1_500u16), proptest::option::of(0..3_000u16));
    let drops = (any::<bool>(), proptest::option::of(0..9u8));
    let ecn = prop_oneof![Just(EcnRewrite::LEFT), Just(EcnRewrite::BLEACHED), Just(EcnRewrite::ALL_MARKED)];
    let middlebox =
        (sizes, drops, ecn).prop_map(|((split_to_bytes, merge_to_bytes), (has_filter, kind), ecn)| {
            let text = if has_filter { SynText::Dropped } else { SynText::Passes };
            let drops = SynFilter { options: kind.into_iter().collect(), text, ..SynFilter::default() };
            let strips = vec![2, 8];
            Middlebox { split_to_bytes, merge_to_bytes, drops, ecn, strips, ..Middlebox::default() }
        });
    proptest::option::of(middlebox)
}

fn lane() -> impl Strategy<Value = Lane> {
    let times =
        (proptest::option::of(1..60_000_000u64), 0..20_000u64, 0..20_000u64, any::<bool>(), 0..9_000u64);
    let chances = (chance(), chance(), chance(), chance());
    let trouble = (any::<bool>(), proptest::option::of(0..1_500u32), any::<bool>());
    (times, queue(), loss(), chances, trouble, middlebox()).prop_map(
        |(times, queue, loss, chances, (flaps, mtu_bytes, tells), middlebox)| {
            let (rate_bits_per_s, delay, jitter, keeps_order, reorder_by) = times;
            let (reorder, duplicate, corrupt, corrupt_unseen) = chances;
            let ms = Duration::from_millis(1);
            let when = Recurring { first: Instant::from_millis(3), lasts: 2 * ms, every: Some(9 * ms) };
            let answer = if tells { TooBigAnswer::Icmp } else { TooBigAnswer::Silence };
            Lane {
                rate_bits_per_s,
                delay: Duration::from_micros(delay),
                jitter: Duration::from_micros(jitter),
                order: if keeps_order { Order::Kept } else { Order::ByArrival },
                queue,
                loss,
                reorder,
                reorder_by: Duration::from_micros(reorder_by),
                duplicate,
                corrupt,
                corrupt_unseen,
                flaps: flaps.then_some(when).into_iter().collect(),
                spikes: vec![Spike { when, by: 5 * ms }],
                path_mtu: mtu_bytes.map(|mtu_bytes| PathMtu { mtu_bytes, answer }),
                middlebox,
                ..Lane::default()
            }
        },
    )
}

/// What is sent: after how many microseconds, how much text, which kind of packet.
type Sending = (u64, usize, u8);

fn frame(number: u32, (_, text_bytes, kind): Sending) -> Frame {
    if kind == 0 {
        return Frame::from_bytes(vec![number as u8; text_bytes].into());
    }
    let flags = if kind == 1 { Flags::SYN } else { Flags::ACK };
    let options = Options { mss: Some(1_460), ..Options::default() };
    let header = Header { flags, seq: Seq::new(number), options, ..Header::default() };
    let tcp_bytes = header.len_bytes(OptionLayout::Linux);
    let mut bytes = vec![7; 20 + tcp_bytes + text_bytes];
    let ecn = Ecn::from_bits(kind);
    let total_bytes = bytes.len() as u16;
    ipv4::Header { protocol: protocol::TCP, ttl: 9, ecn, total_bytes, ..Default::default() }.emit(&mut bytes);
    header.emit(&mut bytes[20..], OptionLayout::Linux);
    let mut frame = Frame::from_bytes(bytes.into());
    frame.offload.checksum = wire::Checksum::Trusted;
    if kind == 7 {
        frame.offload.segment_bytes = 400;
    }
    segmentation::complete_checksum(&mut frame, Medium::Ip);
    frame
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_is_created_or_lost_without_being_counted(
        lane in lane(),
        other in lane(),
        medium in prop_oneof![9 => Just(Medium::Ip), 1 => Just(Medium::Ethernet)],
        seed in any::<u64>(),
        frames_max in prop_oneof![1 => 0..20usize, 4 => Just(FRAMES_MAX)],
        sendings in proptest::collection::vec((0..3_000u64, 0..1_400usize, 0..8u8), 0..120),
    ) {
        let mut pipe = Pipe::new(lane, seed, medium).with_frames_max(frames_max);
        let (mut now, mut far, mut near, mut latest) = (Instant::ZERO, 0, 0, Instant::ZERO);
        let mut popped_bytes = 0;
        let mut pushed = 0;
        let half = sendings.len() / 2;
        for (number, sending) in sendings.into_iter().enumerate() {
            now = now.plus_micros(sending.0);
            if number == half {
                pipe.configure(now, other.clone());
            }
            let frame = frame(number as u32, sending);
            pushed += segmentation::cut(frame.clone(), medium, wire::TransmitChecksum::Full).count() as u64;
            pipe.push(now, frame);
            while let Some(leaving) = pipe.pop_due(now) {
                prop_assert!(leaving.at <= now);
                match leaving.end {
                    End::Far => { far += 1; popped_bytes += leaving.frame.len() as u64 }
                    End::Near => near += 1,
                }
            }
            let (counts, held) = (pipe.counts(), pipe.len() as u64);
            prop_assert_eq!(counts.entered_frames, pushed);
            prop_assert_eq!(
                counts.entered_frames + counts.pieces + counts.copies + counts.answers,
                far + near + held + counts.lost_frames()
            );
        }
        while let Some(due) = pipe.due() {
            prop_assert!(due >= now || pipe.pop_due(now).is_some(), "nobody is told to come in the past for nothing");
            now = now.max(due);
            while let Some(leaving) = pipe.pop_due(now) {
                prop_assert!(leaving.at >= latest, "what comes out comes in order of time");
                latest = leaving.at;
                match leaving.end {
                    End::Far => { far += 1; popped_bytes += leaving.frame.len() as u64 }
                    End::Near => near += 1,
                }
            }
        }
        prop_assert!(pipe.is_empty());
        let counts = pipe.counts();
        prop_assert_eq!((far, popped_bytes), (counts.delivered_frames, counts.delivered_bytes));
        prop_assert_eq!(near, counts.answers);
        prop_assert_eq!(
            counts.entered_frames + counts.pieces + counts.copies,
            counts.delivered_frames + counts.lost_frames()
        );
    }
}
