//! Peers and networks that mean no good: no panic, no loop, no state that never ends, nothing taken
//! from whom it is not for.

mod pair;

use bytes::Bytes;
use pair::{CLIENT_ISS, Fate, Pair, SERVER_ISS, Side, birth, pattern};
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{
    Birth, Config, Connection, Error, Event, Path, PathEvent, RecoveryPhase, Segment, State, TimeWaitVerdict,
};
use wire::tcp::{Flags, Header, Timestamps};
use wire::{Payload, Seq};

/// Five gibibytes of text that take 64 MiB.
fn monstrous() -> Payload {
    let block = Bytes::from(vec![0; 64 << 20]);
    let mut payload = Payload::new();
    (0..80).for_each(|_| payload.push(block.clone()));
    payload
}

#[test]
fn text_longer_than_the_circle_is_survived_in_every_state() {
    let payload = monstrous();
    for flags in [Flags::ACK, Flags::SYN, Flags::SYN | Flags::ACK, Flags::FIN | Flags::ACK, Flags::RST] {
        for stage in 0..7 {
            let mut pair = Pair::new();
            let mut header = Header { seq: Seq::new(7), flags, ..Header::default() };
            pair.flush();
            if stage > 1 {
                pair.drive();
            }
            let now = pair.now;
            match stage {
                3 => pair.client.finish(now),
                4 => pair.server.finish(now),
                5 | 6 => (pair.client.finish(now), pair.server.finish(now)).0,
                _ => {}
            }
            if stage == 6 {
                pair.drive();
            }
            if stage > 1 {
                header = pair.next_header(Side::Client, flags);
            }
            for seq in [header.seq, header.seq - 1, header.seq - 5_000, header.seq + 5_000] {
                let to = if stage == 0 { Side::Server } else { Side::Client };
                pair.end(to).handle_segment(
                    now,
                    Segment {
                        header: Header { seq, ..header },
                        payload: payload.clone(),
                        ..Segment::default()
                    },
                );
                pair.flush();
            }
            let _ = synfin_tcp::closed::arrives(&header, u32::MAX);
            pair.run_for(Duration::from_secs(5));
            assert!(pair.client.readable_bytes() <= 5 << 20);
        }
    }
    let syn_fin = Header { flags: Flags::SYN | Flags::FIN, ..Header::default() };
    assert_eq!(synfin_tcp::closed::arrives(&syn_fin, u32::MAX).expect("a reset").ack, Seq::new(1));
}

#[test]
fn a_refused_acknowledgment_does_not_move_the_timestamp() {
    // Otherwise one guess at the window, with a timestamp from the future, would make PAWS refuse
    // everything that the peer sends.
    let mut pair = Pair::established();
    let mut header = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    let stamps = header.options.timestamps.expect("agreed upon");
    header.options.timestamps = Some(Timestamps { value: stamps.value.wrapping_add(1 << 30), echo: 0 });
    pair.inject(Side::Client, Header { ack: header.ack + 70_000, ..header }, b"forged");
    let now = pair.now;
    pair.server.write(now, b"true").expect("room");
    pair.drive();
    assert_eq!(pair.read_all(Side::Client), b"true");
}

#[test]
fn what_was_written_for_one_peer_is_not_sent_to_the_next() {
    // SYN-RECEIVED back to LISTEN: the queue was for the peer that went away.
    let mut pair = Pair::new();
    pair.fate = Box::new(|sent| if sent.from == Side::Server { Fate::Lose } else { Fate::Deliver });
    pair.run_for(Duration::from_millis(15));
    assert_eq!(pair.server.state(), State::SynReceived);
    let now = pair.now;
    pair.server.write(now, b"secret").expect("room");
    let rst = pair.next_header(Side::Server, Flags::RST);
    pair.inject(Side::Server, rst, b"");
    assert_eq!((pair.server.state(), pair.server.unacknowledged_bytes()), (State::Listen, 0));
    pair.fate = Box::new(|_| Fate::Deliver);
    let config = Config { window_scaling: false, ..Config::default() };
    pair.client = Connection::connect(pair.now, birth(CLIENT_ISS + 77), Arc::new(config));
    pair.log.clear();
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.states(), (State::Established, State::Established));
    assert_eq!(pair.read_all(Side::Client), b"");
    let syn_ack = pair.log.iter().find(|sent| sent.from == Side::Server).expect("the second step");
    assert_eq!(syn_ack.header.options.window_scale, None, "this peer did not offer it");
}

#[test]
fn the_window_of_a_syn_ack_is_not_scaled_in_a_simultaneous_open() {
    let mut pair = Pair::new();
    pair.server = Connection::connect(pair.now, birth(SERVER_ISS), Arc::new(Config::default()));
    pair.fate = Box::new(|sent| match sent.header.flags.syn() {
        true => Fate::Deliver,
        false => Fate::Lose,
    });
    pair.run_for(Duration::from_millis(25));
    assert_eq!(pair.states(), (State::Established, State::Established));
    assert!(pair.client.snapshot().snd_wnd <= 65_535, "{}", pair.client.snapshot().snd_wnd);
}

#[test]
fn only_the_retransmitted_fin_restarts_time_wait() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.finish(now);
    pair.server.finish(now);
    pair.drive();
    let mut rest = pair.client.time_wait().expect("in TIME-WAIT");
    let (due, config, now) = (rest.due(), Config::default(), pair.now + Duration::from_secs(30));
    let fin = Header {
        seq: pair.client.snapshot().rcv_nxt + 9_000,
        flags: Flags::FIN | Flags::ACK,
        ..Header::default()
    };
    rest.handle_segment(now, &fin, 0, &config);
    assert_eq!(rest.due(), due, "a FIN from anywhere");
    let fin = Header { seq: pair.client.snapshot().rcv_nxt - 1, ..fin };
    assert!(matches!(rest.handle_segment(now, &fin, 0, &config), TimeWaitVerdict::Reply(_)));
    assert!(rest.due() > due);
}

#[test]
fn urgent_data_goes_in_single_segments() {
    // The urgent pointer counts from its segment: whoever cuts a super-segment does not adjust it.
    let mut pair = Pair::with(pair::unpaced(), Config::default()).opened();
    pair.super_bytes = 65_535;
    let now = pair.now;
    pair.client.write_urgent(now, &pattern(8_000)).expect("room");
    let mut ends = Vec::new();
    while let Some(transmit) = pair.client.poll_transmit(now, 65_535) {
        assert_eq!(transmit.segment_bytes, 0);
        ends.push(transmit.header.seq + u32::from(transmit.header.urgent));
    }
    assert_eq!(ends, [Seq::new(CLIENT_ISS) + 8_001; 6]);
}

#[test]
fn no_path_of_ipv6_is_believed_to_be_smaller_than_1280() {
    // RFC 8201 §4.
    let path = Path { mtu_bytes: 1_500, ip_header_bytes: 40 };
    let mut pair = Pair::new();
    let born = Birth { path, ..birth(CLIENT_ISS) };
    pair.client = Connection::connect(pair.now, born, Arc::new(Config::default()));
    let mut pair = pair.opened();
    let now = pair.now;
    pair.client.write(now, &pattern(20_000)).expect("room");
    pair.flush();
    let seq = pair.client.snapshot().snd_una;
    pair.client.handle_path(now, PathEvent::PacketTooBig { mtu_bytes: 600, seq });
    assert_eq!(pair.client.path().mtu_bytes, 1_280);
}

#[test]
fn a_smaller_path_during_a_timeout_does_not_release_a_burst() {
    let mut pair = Pair::established();
    pair.fate = Box::new(|sent| if sent.len > 0 { Fate::Lose } else { Fate::Deliver });
    let now = pair.now;
    pair.client.write(now, &pattern(14_000)).expect("room");
    pair.run_for(Duration::from_millis(1_500));
    assert_eq!(pair.client.info(pair.now).recovery, RecoveryPhase::Loss);
    let now = pair.now;
    let seq = pair.client.snapshot().snd_una;
    pair.log.clear();
    pair.client.handle_path(now, PathEvent::PacketTooBig { mtu_bytes: 1_000, seq });
    pair.flush();
    assert!(pair.log.len() <= 2, "cwnd is one segment: {:#?}", pair.lines());
    pair.fate = Box::new(|_| Fate::Deliver);
    pair.run_for(Duration::from_secs(60));
    assert_eq!(pair.read_all(Side::Server), pattern(14_000));
}

#[test]
fn bounds_of_the_timeout_that_cross_are_put_right() {
    let seconds = Duration::from_secs;
    let config = Config { rto_min: seconds(5), rto_max: seconds(1), ..Config::default() };
    let mut pair = Pair::with(config.clone(), config).opened();
    let now = pair.now;
    pair.client.write(now, b"text").expect("room");
    pair.drive();
    assert_eq!(pair.client.info(pair.now).rto, seconds(5));
}

#[test]
fn a_soft_error_is_forgotten_when_the_peer_is_heard_again() {
    // It would be a wrong explanation for what happens a year later.
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, b"text").expect("room");
    let lost = pair.client.poll_transmit(now, 0).expect("the text");
    let soft = PathEvent::SoftError { error: Error::HostUnreachable, seq: lost.header.seq };
    pair.client.handle_path(now, soft);
    assert_eq!(pair.client.soft_error(), Some(Error::HostUnreachable));
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.client.soft_error(), None);
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, b"text").expect("room");
    pair.run_for(Duration::from_secs(3_000));
    assert_eq!(pair.client.failure(), Some(Error::TimedOut));
}

#[test]
fn half_open_and_closing_at_once_still_needs_the_acknowledgment_of_the_syn() {
    // CLOSE in SYN-RECEIVED leads to FIN-WAIT-1 with our SYN unacknowledged: text and FIN of a peer
    // that has not seen it prove nothing.
    let mut pair = Pair::new();
    pair.fate = Box::new(|_| Fate::Lose);
    pair.flush();
    let syn = pair.log[0].header;
    let now = pair.now;
    pair.server.handle_segment(now, Segment { header: syn, ..Segment::default() });
    pair.flush();
    pair.server.finish(now);
    assert_eq!(pair.server.state(), State::FinWait1);
    let mut header = pair.next_header(Side::Server, Flags::FIN | Flags::ACK);
    header.ack = Seq::new(SERVER_ISS);
    pair.inject(Side::Server, header, b"blind");
    assert_eq!(pair.server.state(), State::FinWait1);
    assert_eq!(pair.server.readable_bytes(), 0);
    pair.run_for(Duration::from_secs(3_000));
    assert_eq!(pair.server.state(), State::Closed, "and it ends");
}

#[test]
fn a_duplicate_of_held_text_is_told_with_the_block_it_lies_in() {
    // RFC 2883 §4.2: the second block is the one that holds the duplicate.
    let mut pair = Pair::established();
    let data = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    let at = |offset| Header { seq: data.seq + offset, ..data };
    pair.inject(Side::Client, at(100), &[1; 100]);
    pair.inject(Side::Client, at(400), &[2; 100]);
    let answer = pair.inject(Side::Client, at(100), &[1; 50]);
    let blocks = answer[0].header.options.sack;
    let relative: Vec<_> = blocks
        .as_slice()
        .iter()
        .map(|b| (b.left.bytes_since(data.seq), b.right.bytes_since(data.seq)))
        .collect();
    assert_eq!(relative, [(100, 150), (100, 200), (400, 500)]);
}

#[test]
fn a_delayed_acknowledgment_is_never_later_than_half_a_second() {
    // MUST-40, whatever the options say.
    let config = Config { delayed_ack: Duration::from_secs(3), quick_ack_segments: 0, ..Config::default() };
    let mut pair = Pair::with(Config::default(), config).opened();
    let now = pair.now;
    pair.client.write(now, b"alone").expect("room");
    pair.run_for(Duration::from_millis(515));
    assert_eq!(pair.client.unacknowledged_bytes(), 0);
    assert!(pair.client_events.contains(&Event::Connected));
}

#[test]
fn traces_that_nobody_reads_are_bounded() {
    let mut pair = Pair::established();
    pair.client.set_tracing(synfin_tcp::Tracing::On);
    let header = pair.next_header(Side::Client, Flags::ACK);
    for _ in 0..70_000 {
        let now = pair.now;
        pair.client.handle_segment(now, Segment { header, ..Segment::default() });
    }
    let kept = std::iter::from_fn(|| pair.client.poll_trace()).count();
    assert_eq!(kept, 65_536);
}

#[test]
fn a_send_buffer_larger_than_any_window_is_a_gibibyte() {
    // More would reach half of the circle, where what comes first is not to be told.
    let config = Config { send_buffer_bytes: u32::MAX, ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).opened();
    let block = Bytes::from(vec![9; 64 << 20]);
    let now = pair.now;
    let written: usize = (0..64).map(|_| pair.client.write_bytes(now, &block).unwrap_or(0)).sum();
    assert_eq!(written, 1 << 30);
    pair.super_bytes = 65_000;
    pair.run_for(Duration::from_millis(200));
    assert!(pair.client.info(pair.now).bytes_acked > 0);
}

#[test]
fn what_stands_behind_a_fin_is_forgotten_with_it() {
    let mut pair = Pair::established();
    let data = pair.next_header(Side::Client, Flags::ACK);
    pair.inject(Side::Client, Header { seq: data.seq + 1_000, ..data }, &pattern(1_000));
    assert_eq!(pair.client.info(pair.now).held_bytes, 1_000);
    pair.inject(Side::Client, Header { flags: Flags::FIN | Flags::ACK, ..data }, b"");
    assert_eq!((pair.client.state(), pair.client.info(pair.now).held_bytes), (State::CloseWait, 0));
}
