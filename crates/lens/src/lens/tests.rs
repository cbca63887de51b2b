use super::*;
use crate::story::{ACK, SYN, Story};
use crate::{Kept, Notice};
use std::net::SocketAddr;

fn from_port(port: u16, flags: wire::tcp::Flags, text_bytes: u32) -> Segment {
    let mut story = Story::new();
    story.ends[0] = SocketAddr::from(([10, 0, 0, 1], port));
    *story.send(0, flags, text_bytes)
}

#[test]
fn beyond_the_bound_connections_are_summed_up_early_with_a_notice() {
    let mut lens = Lens::new(Config { connections_max: 100, ..Config::default() });
    let mut kept = Kept::default();
    for port in 1..=1_000 {
        lens.take(&from_port(port, SYN, 0), &mut kept);
        assert!(lens.connections_remembered() <= 100);
    }
    lens.finish(&mut kept);
    assert_eq!(kept.connections.len(), 1_000);
    assert_eq!(kept.connections.iter().filter(|connection| connection.was_evicted).count(), 900);
    assert!(matches!(
        kept.notices.iter().rfind(|notice| matches!(notice, Notice::Evicted { .. })),
        Some(Notice::Evicted { total: 900, .. })
    ));
    let mut streams: Vec<u32> = kept.connections.iter().map(|connection| connection.stream).collect();
    streams.sort_unstable();
    assert!(streams.into_iter().eq(0..1_000));
}

#[test]
fn one_that_is_heard_of_stays() {
    let mut lens = Lens::new(Config { connections_max: 10, ..Config::default() });
    let mut kept = Kept::default();
    for port in 100..400 {
        lens.take(&from_port(7, ACK, 10), &mut kept);
        lens.take(&from_port(port, SYN, 0), &mut kept);
    }
    lens.finish(&mut kept);
    let stayed = kept.connections.iter().filter(|connection| connection.addresses[0].port() == 7).count();
    assert_eq!(stayed, 1, "it was never evicted");
}

#[test]
fn segments_in_flight_are_bounded_over_all_connections() {
    let mut lens = Lens::new(Config { unacked_total_max: 50, ..Config::default() });
    let mut kept = Kept::default();
    for port in 1..=200 {
        lens.take(&from_port(port, ACK, 10), &mut kept);
    }
    assert_eq!(lens.unacked, 50);
    lens.finish(&mut kept);
    assert_eq!(kept.notices, [Notice::InFlightLeftOut { frame: 1 }]);
}

#[test]
fn findings_of_one_kind_are_bounded() {
    let mut lens = Lens::new(Config { findings_per_kind_max: 3, ..Config::default() });
    let mut kept = Kept::default();
    for port in 1..=10 {
        lens.take(&from_port(port, SYN, 0), &mut kept);
    }
    // the capture goes on for long enough
    let mut late = from_port(1, SYN, 0);
    late.time = tcp::Instant::from_nanos(late.time.as_nanos() + 2_000_000_000);
    lens.take(&late, &mut kept);
    lens.finish(&mut kept);
    assert_eq!((kept.findings.len(), kept.groups.len(), kept.groups[0].count), (3, 1, 10));
    assert_eq!(kept.notices, [Notice::FindingsLeftOut { kind: "syn-unanswered", count: 7 }]);
}

#[test]
fn many_at_once_is_the_same_as_one_after_the_other() {
    // ports come again, SYNs open new connections on them, and there is room for few
    let segments: Vec<Segment> = (0..2_000u32)
        .map(|n| {
            let flags = if n % 5 == 0 { SYN } else { ACK };
            let mut segment = from_port((n * n % 37 + n % 7 + 1) as u16, flags, n % 3);
            segment.frame = n + 1;
            segment.seq += n / 100;
            segment
        })
        .collect();
    let told = |at_once: bool| {
        let mut lens = Lens::new(Config { connections_max: 20, ..Config::default() });
        let mut kept = Kept { keep_segments: crate::KeepSegments::All, ..Kept::default() };
        match at_once {
            true => lens.take_all(&segments, &mut kept),
            false => segments.iter().for_each(|segment| _ = lens.take(segment, &mut kept)),
        }
        lens.finish(&mut kept);
        kept
    };
    let (one, all) = (told(false), told(true));
    assert!(one.connections.iter().any(|connection| connection.was_evicted));
    assert_eq!(one.segments, all.segments);
    assert_eq!(one.connections, all.connections);
    assert_eq!((one.findings, one.notices), (all.findings, all.notices));
}

/// The bound that the project promises.
const _: () = assert!(crate::CONNECTION_BYTES <= 1_700);
