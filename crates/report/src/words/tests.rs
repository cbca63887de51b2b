use super::*;
use lens::{Config, FindingId, GroupHost, Kept, Lens, Segment};
use std::net::SocketAddr;
use tcp::Instant;
use wire::Seq;
use wire::tcp::Flags;

#[test]
fn every_kind_is_in_the_document_of_findings() {
    let document = include_str!("../../../../docs/findings.md");
    for id in FindingId::ALL {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{id}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/findings.md has no row for {id}"));
        for need in id.needs().names() {
            assert!(row.contains(need), "{id} needs {need}: {row}");
        }
    }
}

/// A segment at so many milliseconds.
fn segment(frame: u32, ms: u64, [from, to]: [SocketAddr; 2], flags: Flags) -> Segment {
    Segment {
        frame,
        time: Instant::from_millis(1_000 + ms),
        source: from,
        destination: to,
        flags,
        ..Segment::default()
    }
}

fn host(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], port))
}

fn explained(segments: &[Segment]) -> Kept {
    let mut lens = Lens::new(Config::default());
    let mut kept = Kept::default();
    segments.iter().for_each(|segment| _ = lens.take(segment, &mut kept));
    lens.finish(&mut kept);
    kept
}

/// SYNs to these ends without an answer, and the capture goes on for three seconds.
fn scan(ends: impl Iterator<Item = SocketAddr>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = ends
        .enumerate()
        .map(|(n, end)| segment(n as u32 + 1, n as u64 / 100, [host(1, 40_000), end], Flags::SYN))
        .collect();
    let last = segments.len() as u32 + 1;
    segments.push(segment(last, 5_000, [host(200, 1), host(201, 2)], Flags::ACK));
    segments
}

#[test]
fn a_scan_of_ports_is_one_sentence() {
    let kept = explained(&scan((1..=1_986).map(|port| host(7, port))));
    assert_eq!(kept.groups.len(), 1, "{:?}", kept.groups);
    assert_eq!(
        group(&kept.groups[0], Language::English),
        "1,986 ports of 10.0.0.7 did not answer within 4.98 s (1,986 attempts): a filter drops them, or nobody is there"
    );
    assert_eq!(kept.groups[0].examples.len(), 3);
}

#[test]
fn a_scan_of_hosts_is_one_sentence() {
    let kept = explained(&scan((10..=120).map(|last| host(last, 22))));
    assert_eq!((kept.groups.len(), kept.groups[0].host), (1, GroupHost::With(host(1, 0).ip())));
    assert_eq!(
        group(&kept.groups[0], Language::English),
        "port 22 of 111 hosts did not answer 10.0.0.1 within 5.00 s (111 attempts): a filter drops them, or nobody is there"
    );
}

#[test]
fn few_are_told_one_by_one() {
    let kept = explained(&scan((1..=3).map(|port| host(7, port))));
    assert!(kept.groups.iter().all(FindingGroup::is_few));
    assert_eq!(
        finding(&kept.findings[0], Language::English),
        "10.0.0.7:1 did not answer within 5.00 s: 10.0.0.1:40000 sent its SYN once; a filter drops it, or the host is not there"
    );
}

#[test]
fn a_flood_of_attempts_keeps_a_few_examples() {
    let segments = scan((0..60_000u32).map(|n| SocketAddr::from(([10, 9, (n >> 8) as u8, n as u8], 80))));
    let kept = explained(&segments);
    let count: u64 = kept.groups.iter().map(|group| group.count).sum();
    let examples: usize = kept.groups.iter().map(|group| group.examples.len()).sum();
    assert_eq!(count, 60_000);
    assert!(kept.groups.len() <= 2 && examples <= 6, "{} groups, {examples} examples", kept.groups.len());
}

#[test]
fn what_limited_a_transfer_comes_with_its_shares() {
    let (client, server) = (host(1, 50_000), host(2, 80));
    let mut segments = vec![
        segment(1, 0, [client, server], Flags::SYN),
        Segment { ack: Seq::new(1), ..segment(2, 20, [server, client], Flags::SYN | Flags::ACK) },
    ];
    let numbers = |seq, ack| (Seq::new(seq), Seq::new(ack));
    for (frame, ms, is_client, (seq, ack), text_bytes) in [
        (3, 40, true, numbers(1, 1), 0),
        (4, 41, true, numbers(1, 1), 100),
        (5, 561, false, numbers(1, 101), 1_000),
        (6, 581, true, numbers(101, 1_001), 0),
        (7, 1_581, true, numbers(101, 1_001), 100),
        (8, 1_701, false, numbers(1_001, 201), 1_000),
    ] {
        let ends = if is_client { [client, server] } else { [server, client] };
        segments.push(Segment { seq, ack, text_bytes, ..segment(frame, ms, ends, Flags::ACK) });
    }
    let kept = explained(&segments);
    assert_eq!(
        limits(&kept.connections[0], Language::English),
        [
            "10.0.0.2:80 sent 1.95 KiB in 1.14 s, held back by its application 96.5 %, the network or its congestion window 3.5 %",
            "10.0.0.1:50000 sent 200 B in 1.54 s, held back by its application 64.9 %, the network or its congestion window 35.1 %",
            "10.0.0.2:80 thought 100 ms before an answer, 500 ms at most (2 answers); 10.0.0.1:50000 took 1.00 s to go on, 1.00 s at most",
        ]
    );
}
