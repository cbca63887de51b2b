//! Sequence space and timestamps are circles: what was remembered long ago must not come round
//! again as the future (RFC 9293 §3.4, RFC 7323 §5.5).

mod pair;

use bytes::Bytes;
use pair::{Fate, Pair, Side, pattern};
use std::time::Duration;
use synfin_tcp::{Config, Connection, Event, RecoveryPhase, Segment, Transmit};
use wire::tcp::{Flags, Header, Timestamps};

/// Moves `total` bytes from one to the other at once, in super-segments.
fn stream(pair: &mut Pair, block: &Bytes) {
    let (mut left, mut buffer) = (block.clone(), vec![0; 1 << 20]);
    while pair.client.unacknowledged_bytes() > 0 || !left.is_empty() {
        let written = pair.client.write_bytes(pair.now, &left).unwrap_or(0);
        left = left.slice(written..);
        pair.now += Duration::from_millis(50);
        let now = pair.now;
        pair.server.handle_timeout(now);
        while let Some(Transmit { header, payload, .. }) = pair.client.poll_transmit(now, 60_000) {
            pair.server.handle_segment(now, Segment { header, payload, ..Segment::default() });
            while pair.server.read(&mut buffer).is_ok_and(|count| count > 0) {}
        }
        while let Some(Transmit { header, payload, .. }) = pair.server.poll_transmit(now, 0) {
            pair.client.handle_segment(now, Segment { header, payload, ..Segment::default() });
        }
    }
}

/// As many full segments as make a little more than half of the circle, so that the last one is full.
fn half_the_circle(pair: &Pair) -> u64 {
    let mss = u64::from(pair.client.info(pair.now).send_mss_bytes);
    ((1 << 31) / mss + 1_000) * mss
}

/// Moves them in blocks of whole segments, so that nothing small is sent.
fn full_segments(pair: &mut Pair, total: u64) {
    let mss = u64::from(pair.client.info(pair.now).send_mss_bytes);
    let block = Bytes::from(vec![7; ((2 << 20) / mss * mss) as usize]);
    for _ in 0..total / block.len() as u64 + 1 {
        stream(pair, &block);
    }
}

#[test]
fn a_small_segment_of_two_gibibytes_ago_does_not_hold_back_the_next() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, b"small").expect("room");
    pair.drive();
    let total = half_the_circle(&pair);
    full_segments(&mut pair, total);
    let now = pair.now;
    pair.client.write(now, b"small").expect("room");
    pair.flush();
    pair.drive();
    assert_eq!(pair.client.unacknowledged_bytes(), 0, "Minshall's variable came round the circle");
}

/// Loses the first of ten segments now, and of ten more half a circle later: each is repaired by `repair`.
fn lose_one_twice(client: Config, repair: &str) {
    let mut pair = Pair::with(client, Config::default()).opened();
    let lose_one = |pair: &mut Pair| {
        let mut count = 0;
        pair.fate = Box::new(move |sent| {
            count += usize::from(sent.len > 0);
            if sent.len > 0 && count == 1 { Fate::Lose } else { Fate::Deliver }
        });
        let now = pair.now;
        pair.client.write(now, &pattern(14_480)).expect("room");
        pair.drive();
        pair.read_all(Side::Server);
        pair.log.iter().filter(|sent| sent.why.name() == repair).count()
    };
    assert_eq!(lose_one(&mut pair), 1);
    let total = half_the_circle(&pair);
    full_segments(&mut pair, total);
    assert_eq!(lose_one(&mut pair), 2);
    let info = pair.client.info(pair.now);
    assert_eq!((info.recovery, info.timeouts), (RecoveryPhase::Open, 0));
}

#[test]
fn a_loss_of_two_gibibytes_ago_does_not_forbid_fast_retransmit() {
    lose_one_twice(pair::classic(), "fast-retransmit");
}

#[test]
fn a_loss_of_two_gibibytes_ago_does_not_hide_the_next_from_sack() {
    lose_one_twice(pair::unpaced(), "sack-recovery");
}

#[test]
fn urgent_data_of_two_gibibytes_ago_does_not_hide_new_urgent_data() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write_urgent(now, b"!").expect("room");
    pair.drive();
    pair.read_all(Side::Server);
    let total = half_the_circle(&pair);
    full_segments(&mut pair, total);
    pair.server_events.clear();
    let now = pair.now;
    pair.client.write_urgent(now, b"!").expect("room");
    pair.drive();
    assert!(pair.server_events.contains(&Event::Urgent), "MUST-32: told whenever there was none pending");
    assert_eq!(pair.server.urgent_bytes_ahead(), Some(1));
    pair.read_all(Side::Server);
    assert_eq!(pair.server.urgent_bytes_ahead(), None);
}

#[test]
fn a_timestamp_too_old_to_be_believed_is_replaced() {
    // RFC 7323 §5.5: after 24 days idle, the peer's clock may have passed half of its circle.
    let mut pair = Pair::established();
    pair.run_for(Duration::from_secs(25 * 86_400));
    let mut header = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    let value = pair::SERVER_ISS + 500;
    header.options.timestamps = Some(Timestamps { value, echo: 0 });
    let answers = pair.inject(Side::Client, header, b"new");
    assert_eq!(pair.client.readable_bytes(), 3);
    let echo = answers[0].header.options.timestamps.map(|stamps| stamps.echo);
    assert_eq!(echo, Some(value), "the old one is forgotten");
    // From here on PAWS works again.
    let old = Timestamps { value: value.wrapping_sub(1), echo: 0 };
    let mut header = Header { seq: header.seq + 3, ..header };
    header.options.timestamps = Some(old);
    pair.inject(Side::Client, header, b"old");
    assert_eq!(pair.client.readable_bytes(), 3);
}

#[test]
fn timestamps_wrap_in_the_middle_of_a_stream() {
    let mut pair = Pair::new();
    let offset = 0u32.wrapping_sub(pair.now.as_millis() as u32 + 60);
    let birth = synfin_tcp::Birth { timestamp_offset: offset, ..pair::birth(pair::CLIENT_ISS) };
    pair.client =
        Connection::connect(pair.now, birth, std::sync::Arc::new(pair::whole_buffers(Config::default())));
    let data = pattern(300_000);
    for chunk in data.chunks(30_000) {
        let now = pair.now;
        pair.client.write(now, chunk).expect("room");
        pair.run_for(Duration::from_millis(30));
    }
    pair.drive();
    assert_eq!(pair.read_all(Side::Server), data);
    assert_eq!(pair.server.info(pair.now).refused, 0);
    assert_eq!(pair.client.info(pair.now).retransmissions, 0);
}
