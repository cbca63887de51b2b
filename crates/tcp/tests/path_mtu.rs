//! The path's MTU: probes, black holes, and what ICMP is believed (RFC 4821, RFC 8899, RFC 5927 §7, RFC 8201 §4).

mod pair;

use pair::{Fate, Pair, Side, pattern, unpaced};
use std::time::Duration;
use synfin_tcp::{
    Config, Habits, MtuProbing, Path, PathEvent, PathProbe, RecoveryPhase, SendReason, Trace, Tracing,
};

/// Text of full segments of a packet of 1,500 and of the base size.
const FULL: u32 = 1_448;
const BASE: u32 = 1_024;

fn always() -> Config {
    Config { mtu_probing: MtuProbing::Always, ..unpaced() }
}

/// The client writes so much and reads what the server has got within `duration`.
fn sends(pair: &mut Pair, len: usize, duration: Duration) {
    let (data, now) = (pattern(len), pair.now);
    assert_eq!(pair.client.write(now, &data), Ok(len));
    pair.run_for(duration);
    assert!(pair.read_all(Side::Server) == data, "{} bytes in {duration:?}", len);
}

/// No segment with more text than this gets through, and nobody says so.
fn hole(text_bytes: u32) -> Box<dyn FnMut(&pair::Sent) -> Fate> {
    Box::new(move |sent| if sent.len as u32 > text_bytes { Fate::Lose } else { Fate::Deliver })
}

fn probes(pair: &Pair) -> Vec<usize> {
    pair.log.iter().filter(|sent| sent.why == SendReason::PathProbe).map(|sent| sent.len).collect()
}

#[test]
fn a_connection_that_begins_small_finds_the_largest_size() {
    for sack in [true, false] {
        for super_bytes in [0, 65_536] {
            let mut pair = Pair::with(Config { sack, ..always() }, Config::default()).opened();
            pair.super_bytes = super_bytes;
            assert_eq!(pair.client.info(pair.now).send_mss_bytes, BASE);
            assert_eq!(
                pair.client.info(pair.now).announced_mss_bytes,
                1_460,
                "what arrives may be as large as ever"
            );
            sends(&mut pair, 200_000, Duration::from_secs(3));
            assert_eq!(probes(&pair), [FULL as usize], "one probe, and by itself");
            let info = pair.client.info(pair.now);
            assert_eq!((info.path_mtu_bytes, info.send_mss_bytes, info.retransmissions), (1_500, FULL, 0));
        }
    }
}

#[test]
fn a_search_that_has_found_the_top_is_not_kept() {
    let mut pair = Pair::with(always(), Config::default()).opened();
    for _ in 0..8 {
        sends(&mut pair, 200_000, Duration::from_secs(1));
    }
    assert_eq!(pair.client.info(pair.now).path_search_bytes, None);
    let idle = Pair::established();
    assert_eq!(pair.client.held_bytes(), idle.client.held_bytes(), "an idle connection is as small as any");
}

#[test]
fn the_peers_mss_is_the_ceiling() {
    let small = Config { mss_bytes_max: 1_200, ..Config::default() };
    let mut pair = Pair::with(always(), small).opened();
    sends(&mut pair, 200_000, Duration::from_secs(3));
    assert_eq!(probes(&pair), [1_188]);
    assert_eq!(pair.client.info(pair.now).path_mtu_bytes, 1_240);
}

#[test]
fn a_lost_probe_is_no_congestion_and_three_are_too_big() {
    for sack in [true, false] {
        let config = Config { sack, ..always() };
        let mut pair = Pair::with(config, Config::default()).opened();
        pair.client.set_tracing(Tracing::On);
        pair.fate = hole(1_300);
        let mut traces = Vec::new();
        for _ in 0..60 {
            sends(&mut pair, 100_000, Duration::from_secs(5));
            traces.extend(std::iter::from_fn(|| pair.client.poll_trace()));
        }
        let info = pair.client.info(pair.now);
        assert_eq!(info.ssthresh_bytes, u32::MAX, "sack {sack}: nothing was congested");
        assert_eq!((info.timeouts, info.undone), (0, 0), "sack {sack}");
        assert!(!traces.iter().any(|trace| matches!(trace, Trace::Phase { .. })), "sack {sack}: no recovery");
        let lost = |size| {
            let is = |trace: &&Trace| **trace == Trace::PathProbe { mtu_bytes: size, what: PathProbe::Lost };
            traces.iter().filter(is).count()
        };
        assert_eq!((lost(1_500), lost(1_400), lost(1_280)), (3, 3, 0), "sack {sack}: {:?}", probes(&pair));
        assert!((1_345..=1_352).contains(&info.path_mtu_bytes), "sack {sack}: {}", info.path_mtu_bytes);
    }
}

#[test]
fn a_probe_that_is_lost_among_others_says_nothing() {
    // Linux believes the loss of a single probe.
    for habits in [Habits::Rfc, Habits::Linux] {
        let mut pair = Pair::with(Config { habits, ..always() }, Config::default()).opened();
        pair.client.set_tracing(Tracing::On);
        let (mut after, mut is_first) = (0, true);
        pair.fate = Box::new(move |sent| {
            let begins = sent.why == SendReason::PathProbe && std::mem::take(&mut is_first);
            after = if begins { 3 } else { after };
            let is_lost = sent.from == Side::Client && after > 0 && sent.len > 0;
            after -= usize::from(is_lost);
            if is_lost { Fate::Lose } else { Fate::Deliver }
        });
        let now = pair.now;
        pair.client.write(now, &pattern(60_000)).expect("room");
        pair.run_for(Duration::from_secs(5));
        assert!(pair.client.info(pair.now).ssthresh_bytes < u32::MAX, "other losses are congestion");
        let lost = |trace| matches!(trace, Trace::PathProbe { what: PathProbe::Lost, .. });
        assert!(!std::iter::from_fn(|| pair.client.poll_trace()).any(lost));
        assert!(!probes(&pair).is_empty());
        let highest = pair.client.info(pair.now).path_search_bytes.map(|range| range.1);
        assert_eq!(highest, Some(1_500), "{habits:?}: it is still possible");
    }
}

#[test]
fn a_black_hole_heals_and_an_outage_leaves_no_trace() {
    for sack in [true, false] {
        let mut pair = Pair::with(Config { sack, ..unpaced() }, Config::default()).opened();
        pair.fate = hole(1_228);
        for _ in 0..10 {
            sends(&mut pair, 200_000, Duration::from_secs(20));
        }
        assert_eq!(pair.client.info(pair.now).path_mtu_bytes, 1_280, "sack {sack}");

        let mut pair = Pair::with(Config { sack, ..unpaced() }, Config::default()).opened();
        sends(&mut pair, 100_000, Duration::from_secs(2));
        pair.fate = Box::new(|_| Fate::Lose);
        let now = pair.now;
        let data = pattern(400_000);
        assert_eq!(pair.client.write(now, &data), Ok(400_000));
        pair.run_for(Duration::from_secs(5));
        assert!(pair.client.info(pair.now).path_mtu_bytes < 1_500, "it looks like a black hole");
        pair.fate = Box::new(|_| Fate::Deliver);
        pair.run_for(Duration::from_secs(20));
        assert!(pair.read_all(Side::Server) == data);
        assert_eq!(
            pair.client.info(pair.now).path_mtu_bytes,
            1_500,
            "sack {sack}: one probe tells that it was none"
        );
    }
}

#[test]
fn claims_do_not_slow_down_who_makes_progress() {
    let finished = |is_claimed: bool| {
        let mut pair = Pair::with(unpaced(), Config::default()).opened();
        sends(&mut pair, 100_000, Duration::from_secs(2));
        let (start, data) = (pair.now, pattern(2_000_000));
        pair.client.write(start, &data).expect("room");
        while pair.client.unacknowledged_bytes() > 0 {
            assert!(pair.step(start + Duration::from_secs(60)));
            let (now, una, nxt) = (pair.now, pair.client.snapshot().snd_una, pair.client.snapshot().snd_nxt);
            for seq in [una, una + 1_448, nxt - 1].into_iter().filter(|_| is_claimed) {
                for mtu_bytes in [0, 68, 600, 1_499] {
                    pair.client.handle_path(now, PathEvent::PacketTooBig { mtu_bytes, seq });
                }
            }
            pair.read_all(Side::Server);
        }
        assert_eq!(pair.client.path().mtu_bytes, 1_500);
        pair.now.since(start)
    };
    assert_eq!(finished(true), finished(false));
}

#[test]
fn who_claims_what_would_have_fitted_is_not_believed() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, &pattern(100)).expect("room");
    pair.flush();
    let seq = pair.client.snapshot().snd_una;
    for mtu_bytes in [600, 296, 0] {
        pair.client.handle_path(now, PathEvent::PacketTooBig { mtu_bytes, seq });
        assert_eq!(pair.client.path().mtu_bytes, 1_500, "{mtu_bytes}");
    }
}

#[test]
fn a_claim_is_believed_after_a_timeout_and_the_size_is_tried_again_after_ten_minutes() {
    let mut pair = Pair::with(unpaced(), Config::default()).opened();
    sends(&mut pair, 100_000, Duration::from_secs(2));
    pair.fate = hole(1_248);
    let (now, data) = (pair.now, pattern(50_000));
    pair.client.write(now, &data).expect("room");
    pair.flush();
    let seq = pair.client.snapshot().snd_una;
    pair.client.handle_path(now, PathEvent::PacketTooBig { mtu_bytes: 1_300, seq });
    assert_eq!(pair.client.path().mtu_bytes, 1_500, "larger ones have arrived");
    pair.run_for(Duration::from_secs(2));
    assert_eq!(pair.client.path().mtu_bytes, 1_300);
    assert!(pair.read_all(Side::Server) == data);
    pair.fate = Box::new(|_| Fate::Deliver);
    sends(&mut pair, 200_000, Duration::from_secs(595));
    assert_eq!(pair.client.path().mtu_bytes, 1_300, "RFC 8201 §4: not so soon");
    sends(&mut pair, 200_000, Duration::from_secs(10));
    sends(&mut pair, 200_000, Duration::from_secs(10));
    assert_eq!((pair.client.path().mtu_bytes, probes(&pair).len()), (1_500, 1));
}

#[test]
fn a_host_that_knows_of_a_larger_path_is_believed_by_a_probe() {
    let path = Path { mtu_bytes: 9_000, ip_header_bytes: 20 };
    for (mtu_probing, at_once) in [(MtuProbing::Off, 1_500), (MtuProbing::OnBlackHole, 1_500)] {
        let config = Config { mtu_probing, ..unpaced() };
        let mut pair = Pair::with(config, Config::default()).opened();
        let now = pair.now;
        pair.client.set_path(now, Path { mtu_bytes: 1_300, ..path });
        pair.client.set_path(now, Path { mtu_bytes: 1_500, ..path });
        let is_probed = mtu_probing != MtuProbing::Off;
        assert_eq!(pair.client.path().mtu_bytes, if is_probed { 1_300 } else { at_once });
        sends(&mut pair, 200_000, Duration::from_secs(5));
        assert_eq!((pair.client.path().mtu_bytes, probes(&pair).len()), (1_500, usize::from(is_probed)));
    }
}

#[test]
fn a_probe_leaves_only_when_all_is_well() {
    // A program that writes little at a time, and a peer that takes little: too few segments would follow.
    let mut pair = Pair::with(always(), Config::default()).opened();
    // After the first window of ten segments there is enough for a probe, and not for what has to follow it.
    sends(&mut pair, 10 * BASE as usize + 5_000, Duration::from_secs(1));
    assert_eq!(probes(&pair), [] as [usize; 0], "not enough data");
    let narrow = Config { receive_buffer_bytes: 5_000, ..Config::default() };
    let mut pair = Pair::with(always(), narrow).opened();
    let now = pair.now;
    pair.client.write(now, &pattern(200_000)).expect("room");
    for _ in 0..300 {
        pair.run_for(Duration::from_millis(20));
        pair.read_all(Side::Server);
    }
    assert_eq!(probes(&pair), [] as [usize; 0], "the peer's window has no room for it and what follows");
    // A loss comes first: no probe until all is well again.
    let mut pair = Pair::with(always(), Config::default()).opened();
    pair.client.set_tracing(Tracing::On);
    let mut count = 0;
    pair.fate = Box::new(move |sent| {
        count += usize::from(sent.len > 0);
        if count == 5 { Fate::Lose } else { Fate::Deliver }
    });
    sends(&mut pair, 200_000, Duration::from_secs(5));
    let (mut is_recovering, mut recoveries, mut sent) = (false, 0, 0);
    while let Some(trace) = pair.client.poll_trace() {
        match trace {
            Trace::Phase { phase, .. } => {
                is_recovering = phase != RecoveryPhase::Open;
                recoveries += usize::from(is_recovering);
            }
            Trace::PathProbe { what: PathProbe::Sent, .. } => {
                assert!(!is_recovering, "a probe in a recovery");
                sent += 1;
            }
            _ => {}
        }
    }
    assert_eq!((recoveries, sent), (1, 1));
}

#[test]
fn a_timeout_makes_the_next_probe_wait_longer() {
    // How long after the first loss of a probe the next one leaves.
    let gap = |loses_what_follows: bool| {
        // Its window keeps the flight, and with it the wait, small.
        let taking_little = Config { receive_buffer_bytes: 40_000, ..Config::default() };
        let mut pair = Pair::with(always(), taking_little).opened();
        pair.client.set_tracing(Tracing::On);
        let mut until = None;
        pair.fate = Box::new(move |sent| {
            if sent.why == SendReason::PathProbe {
                let lasts = Duration::from_millis(if loses_what_follows { 120 } else { 0 });
                until.get_or_insert(sent.at + lasts);
            }
            let is_lost = sent.from == Side::Client
                && (sent.why == SendReason::PathProbe || until.is_some_and(|until| sent.at < until));
            if is_lost { Fate::Lose } else { Fate::Deliver }
        });
        let mut lost_at = None;
        for _ in 0..20_000 {
            let now = pair.now;
            while pair.client.write(now, &[0; 10_000]).is_ok() {}
            pair.run_for(Duration::from_millis(1));
            pair.read_all(Side::Server);
            while let Some(trace) = pair.client.poll_trace() {
                match (trace, lost_at) {
                    (Trace::PathProbe { what: PathProbe::Lost, .. }, None) => lost_at = Some(pair.now),
                    (Trace::PathProbe { what: PathProbe::Sent, .. }, Some(lost_at)) => {
                        assert_eq!(pair.client.info(pair.now).timeouts > 0, loses_what_follows);
                        return pair.now.since(lost_at);
                    }
                    _ => {}
                }
            }
        }
        panic!("no second probe")
    };
    let (usual, after_timeout) = (gap(false), gap(true));
    assert!(usual >= Duration::from_millis(220), "{usual:?}: a round trip for each segment of the window");
    assert!(after_timeout >= 4 * usual, "{usual:?}, {after_timeout:?}");
}
