//! Data: windows, retransmission, acknowledgments (RFC 9293 §3.8, RFC 5681, 6298, 6582, 2018, 2883).

mod pair;

use pair::{CLIENT_ISS, Fate, Pair, SERVER_ISS, Side, pattern};
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{
    Config, CongestionControl, Event, KeepAlive, Nagle, PathEvent, RecoveryPhase, SendReason, WriteError,
};
use wire::Seq;
use wire::tcp::SackBlock;

fn whys(pair: &Pair, side: Side) -> Vec<&'static str> {
    pair.log.iter().filter(|sent| sent.from == side).map(|sent| sent.why.name()).collect()
}

/// Writes all of `data` as the buffer allows, reading at the other end, for `limit` at most.
fn transfer(pair: &mut Pair, from: Side, data: &[u8], limit: Duration) -> Vec<u8> {
    let to = if from == Side::Client { Side::Server } else { Side::Client };
    let (mut written, mut read, until) = (0, Vec::new(), pair.now + limit);
    while read.len() < data.len() && pair.now < until {
        let now = pair.now;
        match pair.end(from).write(now, &data[written..]) {
            Ok(count) => written += count,
            Err(WriteError::WouldBlock) => {}
            Err(error) => panic!("cannot write: {error:?}"),
        }
        if !pair.step(until) {
            break;
        }
        read.extend(pair.read_all(to));
    }
    read
}

#[test]
fn both_directions_at_once_number_every_byte() {
    for super_bytes in [0, 65_536] {
        let mut pair = Pair::established();
        pair.super_bytes = super_bytes;
        let (up, down) = (pattern(400_000), pattern(333_333));
        let now = pair.now;
        pair.client.write(now, &up).expect("room");
        pair.server.write(now, &down).expect("room");
        pair.run_for(Duration::from_secs(2));
        assert_eq!(pair.read_all(Side::Server), up);
        assert_eq!(pair.read_all(Side::Client), down);
        assert_eq!(pair.client.snapshot().snd_una.bytes_since(Seq::new(CLIENT_ISS)), 400_001);
        assert_eq!(pair.client.snapshot().rcv_nxt.bytes_since(Seq::new(SERVER_ISS)), 333_334);
        assert!(pair.log.iter().all(|sent| !sent.why.is_retransmission()));
    }
}

#[test]
fn slow_start_begins_with_ten_segments_and_doubles() {
    for congestion in [CongestionControl::NewReno, CongestionControl::Cubic] {
        let config = Config { congestion, ..pair::unpaced() };
        let mut pair = Pair::with(config, Config::default()).opened();
        let now = pair.now;
        pair.client.write(now, &pattern(500_000)).expect("room");
        pair.flush();
        assert_eq!(pair.log.len(), 10);
        pair.run_for(Duration::from_millis(21));
        let second = pair.log.iter().filter(|sent| sent.from == Side::Client).count() - 10;
        assert_eq!(second, 20, "{congestion:?}");
    }
}

#[test]
fn a_paced_slow_start_doubles_and_is_no_burst() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, &pattern(500_000)).expect("room");
    pair.flush();
    assert_eq!(pair.log.len(), 2, "a burst is two segments");
    pair.run_for(Duration::from_millis(19));
    let at: Vec<_> = pair.log.iter().filter(|sent| sent.len > 0).map(|sent| sent.at.since(now)).collect();
    assert_eq!(at.len(), 10, "the initial window has left before the first acknowledgment");
    // 200 % of the window a round trip: ten segments take half of one, the last burst leaves before that.
    assert!((7..=10).contains(&at[9].as_millis()), "{at:?}");
    assert_eq!(pair.client.info(pair.now).cwnd_bytes, 10 * 1_448);
    pair.run_for(Duration::from_millis(12));
    assert_eq!(pair.client.info(pair.now).cwnd_bytes, 20 * 1_448, "doubled by one round of acknowledgments");
}

#[test]
fn the_first_super_segment_of_a_flight_is_a_burst_of_the_pacer() {
    // Whole windows in one super-segment would make pacing a matter of all flights but the first.
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, &pattern(500_000)).expect("room");
    let first = pair.client.poll_transmit(now, 65_535).expect("the window is open");
    assert_eq!(first.payload.len(), 2 * 1_448);
    assert!(pair.client.poll_transmit(now, 65_535).is_none());
    assert!(pair.client.poll_timeout().is_some_and(|due| due.since(now) < Duration::from_millis(3)));
}

/// Loses the `lost`-th text segments of the client in a transfer of 200,000 bytes; why something was sent again.
fn repairs(client: Config, lost: &[usize]) -> (Pair, Vec<&'static str>) {
    let mut pair = Pair::with(client, Config::default()).opened();
    let mut left = lost.to_vec();
    let mut data_segments = 0;
    pair.fate = Box::new(move |sent| {
        if sent.len > 0 && sent.from == Side::Client {
            data_segments += 1;
            if left.first() == Some(&data_segments) {
                left.remove(0);
                return Fate::Lose;
            }
        }
        Fate::Deliver
    });
    let data = pattern(200_000);
    assert_eq!(transfer(&mut pair, Side::Client, &data, Duration::from_secs(5)), data);
    let again: Vec<_> =
        pair.log.iter().filter(|sent| sent.why.is_retransmission()).map(|sent| sent.why.name()).collect();
    let info = pair.client.info(pair.now);
    assert_eq!((info.timeouts, info.undone, info.recovery), (0, 0, RecoveryPhase::Open));
    assert!(whys(&pair, Side::Server).contains(&"duplicate-ack"));
    (pair, again)
}

#[test]
fn one_lost_segment_is_repaired_by_fast_retransmit() {
    let (pair, again) = repairs(pair::classic(), &[15]);
    assert_eq!(again, ["fast-retransmit"], "{:#?}", pair.lines());
    let info = pair.client.info(pair.now);
    assert!(info.ssthresh_bytes < 100_000 && info.cwnd_bytes >= info.ssthresh_bytes);
}

#[test]
fn one_lost_segment_is_repaired_where_sack_shows_the_hole() {
    for config in [Config::default(), pair::unpaced()] {
        let (pair, again) = repairs(config, &[15]);
        assert_eq!(again, ["sack-recovery"], "{:#?}", pair.lines());
        let info = pair.client.info(pair.now);
        assert!(info.ssthresh_bytes < 100_000 && info.cwnd_bytes >= info.ssthresh_bytes);
    }
}

#[test]
fn several_losses_in_one_window_are_repaired_hole_by_hole() {
    // RFC 6582: a partial acknowledgment shows the next hole.
    let (_, again) = repairs(pair::classic(), &[15, 17, 19]);
    assert_eq!(again, ["fast-retransmit", "recovery", "recovery"]);
}

#[test]
fn several_holes_that_sack_shows_are_repaired_in_one_round_trip() {
    // RFC 6675: each once, and without waiting for partial acknowledgments.
    let (pair, again) = repairs(pair::unpaced(), &[15, 17, 19]);
    assert_eq!(again, ["sack-recovery"; 3]);
    let at: Vec<_> =
        pair.log.iter().filter(|sent| sent.why.is_retransmission()).map(|sent| sent.at).collect();
    assert!(at[2].since(at[0]) < Duration::from_millis(20), "{at:?}");
}

#[test]
fn limited_transmit_sends_new_data_on_the_first_duplicates() {
    // RFC 3042; with SACK RFC 6675 §5, step (4).
    for sack in [true, false] {
        let mut pair = Pair::with(Config { sack, ..pair::unpaced() }, Config::default()).opened();
        let mut lost = false;
        pair.fate = Box::new(move |sent| {
            if sent.len > 0 && !std::mem::replace(&mut lost, true) { Fate::Lose } else { Fate::Deliver }
        });
        let now = pair.now;
        pair.client.write(now, &pattern(100_000)).expect("room");
        pair.run_for(Duration::from_millis(25));
        let limited = whys(&pair, Side::Client).iter().filter(|why| **why == "limited-transmit").count();
        assert_eq!(limited, 2, "SACK {sack}");
    }
}

/// One segment is written, and the first of it is lost: why and when it goes again.
fn lost_tail(config: Config) -> (SendReason, Duration) {
    let mut pair = Pair::with(config, Config::default()).opened();
    let mut lost = false;
    pair.fate = Box::new(move |sent| {
        if sent.len > 0 && !std::mem::replace(&mut lost, true) { Fate::Lose } else { Fate::Deliver }
    });
    let now = pair.now;
    pair.client.write(now, b"the only segment").expect("room");
    pair.drive();
    assert_eq!(pair.read_all(Side::Server), b"the only segment");
    let again: Vec<_> = pair.log.iter().filter(|sent| sent.len > 0 && sent.at > now).collect();
    assert_eq!(again.len(), 1);
    (again[0].why, again[0].at.since(now))
}

#[test]
fn a_lost_tail_is_repaired_by_the_timer() {
    let config = Config { tail_loss_probes: false, ..Config::default() };
    // The least that its second part counts, above a round trip.
    let timeout = Duration::from_millis(20 + 200);
    assert_eq!(lost_tail(config), (SendReason::Timeout, timeout));
    let config = Config { tail_loss_probes: false, rto_variance_min: Duration::ZERO, ..Config::default() };
    let lower_bound = Duration::from_millis(200);
    assert_eq!(lost_tail(config), (SendReason::Timeout, lower_bound));
    let config = Config { sack: false, ..Config::default() };
    assert_eq!(lost_tail(config), (SendReason::Timeout, timeout), "RFC 8985 §7: probes need SACK");
}

#[test]
fn a_lost_tail_is_repaired_by_a_probe() {
    // RFC 8985 §7.2: two round trips, and the longest delay of an acknowledgment for a single segment.
    let config = Config { rto_min: Duration::from_secs(1), ..Config::default() };
    assert_eq!(lost_tail(config), (SendReason::TailLossProbe, Duration::from_millis(2 * 20 + 200)));
    // Never later than the timeout.
    assert_eq!(lost_tail(Config::default()), (SendReason::TailLossProbe, Duration::from_millis(220)));
}

#[test]
fn a_retransmitted_segment_is_not_timed() {
    // Karn's rule: the acknowledgment of a segment sent twice says nothing without timestamps.
    let plain = Config { timestamps: false, ..Config::default() };
    let mut pair = Pair::with(plain.clone(), plain).opened();
    let before = pair.client.info(pair.now).rtt;
    let mut first = true;
    pair.fate = Box::new(move |sent| {
        if sent.len > 0 && std::mem::take(&mut first) {
            Fate::Late(Duration::from_secs(3))
        } else {
            Fate::Deliver
        }
    });
    let now = pair.now;
    pair.client.write(now, b"late").expect("room");
    pair.drive();
    assert_eq!(pair.client.info(pair.now).rtt, before);
    assert_eq!(pair.read_all(Side::Server), b"late");
}

#[test]
fn out_of_order_segments_are_reported_by_sack_and_duplicates_by_d_sack() {
    let mut pair = Pair::established();
    let mut index = 0;
    pair.fate = Box::new(move |sent| {
        index += usize::from(sent.len > 0);
        match index {
            2 if sent.len > 0 => Fate::Late(Duration::from_millis(8)),
            5 if sent.len > 0 => Fate::Double,
            _ => Fate::Deliver,
        }
    });
    let now = pair.now;
    pair.client.write(now, &pattern(8 * 1_448)).expect("room");
    pair.drive();
    assert_eq!(pair.read_all(Side::Server), pattern(8 * 1_448));
    let blocks: Vec<&[SackBlock]> = pair
        .log
        .iter()
        .filter(|sent| !sent.header.options.sack.is_empty())
        .map(|sent| sent.header.options.sack.as_slice())
        .collect();
    let at = |segment: u32| Seq::new(CLIENT_ISS) + 1 + segment * 1_448;
    assert_eq!(blocks[0], [SackBlock { left: at(2), right: at(3) }]);
    assert_eq!(blocks[1], [SackBlock { left: at(2), right: at(4) }]);
    assert!(
        blocks.iter().any(|blocks| blocks[0] == SackBlock { left: at(4), right: at(5) }),
        "D-SACK of the doubled segment: {blocks:?}"
    );
}

#[test]
fn every_second_segment_is_acknowledged_and_a_single_one_after_the_delay() {
    let config = Config { quick_ack_segments: 0, ..Config::default() };
    let mut pair = Pair::with(Config::default(), config).opened();
    let now = pair.now;
    pair.client.write(now, &pattern(4 * 1_448)).expect("room");
    pair.drive();
    assert_eq!(whys(&pair, Side::Server), ["second-segment-ack", "second-segment-ack"]);
    pair.log.clear();
    let now = pair.now;
    pair.client.write(now, b"one").expect("room");
    pair.drive();
    assert_eq!(whys(&pair, Side::Server), ["delayed-ack"]);
    assert_eq!(pair.log[1].at, now + Duration::from_millis(50), "10 ms of wire, 40 ms of patience");
    pair.log.clear();
    let now = pair.now;
    pair.client.write(now, b"question").expect("room");
    pair.run_for(Duration::from_millis(12));
    let now = pair.now;
    pair.server.write(now, b"answer").expect("room");
    pair.drive();
    assert_eq!(whys(&pair, Side::Server), ["new-data"], "the acknowledgment rides on the answer");
}

#[test]
fn nagle_holds_small_segments_back_and_can_be_turned_off() {
    let small_sent = |nagle: Nagle| {
        let config = Config { nagle, ..Config::default() };
        let mut pair = Pair::with(config, Config::default()).opened();
        for _ in 0..10 {
            let now = pair.now;
            pair.client.write(now, b"key").expect("room");
            pair.flush();
        }
        let at_once = pair.log.len();
        pair.drive();
        assert_eq!(pair.read_all(Side::Server).len(), 30);
        (at_once, whys(&pair, Side::Client).iter().filter(|why| **why == "new-data").count())
    };
    assert_eq!(small_sent(Nagle::Off), (10, 10));
    assert_eq!(small_sent(Nagle::Rfc896), (1, 2));
    assert_eq!(small_sent(Nagle::Minshall), (1, 2));
    // A full segment in flight holds back the tail by the RFC's rule and not by Minshall's.
    let tail_at_once = |nagle: Nagle| {
        let config = Config { nagle, ..Config::default() };
        let mut pair = Pair::with(config, Config::default()).opened();
        let now = pair.now;
        pair.client.write(now, &pattern(1_500)).expect("room");
        pair.flush();
        pair.log.len()
    };
    assert_eq!((tail_at_once(Nagle::Rfc896), tail_at_once(Nagle::Minshall)), (1, 2));
}

#[test]
fn a_corked_tail_waits_until_uncorked_or_200_ms() {
    let corked = Config { cork: true, ..Config::default() };
    let mut pair = Pair::with(corked, Config::default()).opened();
    let now = pair.now;
    pair.client.write(now, &pattern(2_000)).expect("room");
    pair.run_for(Duration::from_millis(100));
    assert_eq!(whys(&pair, Side::Client), ["new-data"]);
    pair.run_for(Duration::from_millis(101));
    assert_eq!(whys(&pair, Side::Client), ["new-data", "new-data"]);
    pair.drive();
    let now = pair.now;
    pair.client.write(now, b"tail").expect("room");
    pair.flush();
    assert_eq!(pair.log.iter().filter(|sent| sent.len == 4).count(), 0);
    pair.client.set_config(now, Arc::new(Config::default()));
    pair.flush();
    assert_eq!(pair.log.iter().filter(|sent| sent.len == 4).count(), 1);
}

#[test]
fn a_reader_that_stalls_closes_the_window_and_reading_opens_it() {
    let small = Config { receive_buffer_bytes: 20_000, ..Config::default() };
    let mut pair = Pair::with(Config::default(), small).opened();
    let data = pattern(100_000);
    let now = pair.now;
    pair.client.write(now, &data).expect("room");
    pair.run_for(Duration::from_secs(30));
    assert_eq!(pair.server.snapshot().rcv_wnd, 0);
    let probes = whys(&pair, Side::Client).iter().filter(|why| **why == "zero-window-probe").count();
    assert!((3..=8).contains(&probes), "{probes} probes in 30 s, backed off");
    let mut read = pair.read_all(Side::Server);
    assert!(read.len() >= 20_000 - 1_448);
    pair.log.clear();
    pair.flush();
    assert_eq!(whys(&pair, Side::Server), ["window-update"]);
    for _ in 0..200 {
        pair.run_for(Duration::from_millis(100));
        read.extend(pair.read_all(Side::Server));
    }
    assert_eq!(read, data);
}

#[test]
fn the_right_edge_never_moves_left() {
    // SHLD-14, with scaling: rounding must not take back what was offered.
    let odd = Config { receive_buffer_bytes: 1_000_003, ..Config::default() };
    let mut pair = Pair::with(Config::default(), odd).opened();
    let data = pattern(3_000_000);
    let read = transfer(&mut pair, Side::Client, &data, Duration::from_secs(20));
    assert_eq!(read, data);
    let mut edge = None;
    for sent in pair.log.iter().filter(|sent| sent.from == Side::Server) {
        let right = sent.header.ack + (u32::from(sent.header.window) << 4);
        assert!(edge.is_none_or(|edge: Seq| edge.at_or_before(right)), "moved left at {sent:?}");
        edge = Some(right);
    }
}

#[test]
fn keep_alive_is_off_by_default_probes_when_asked_and_gives_up() {
    let mut pair = Pair::established();
    pair.run_for(Duration::from_secs(1_000_000));
    assert!(pair.log.is_empty(), "MUST-25");

    let keep_alive = KeepAlive { idle: Duration::from_secs(60), interval: Duration::from_secs(5), probes: 3 };
    let config = Config { keep_alive: Some(keep_alive), ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).opened();
    pair.run_for(Duration::from_secs(130));
    assert_eq!(
        pair.lines(),
        [
            "C ACK Seq=0 Ack=1 Len=0 keep-alive",
            "S ACK Seq=1 Ack=1 Len=0 probe-ack",
            "C ACK Seq=0 Ack=1 Len=0 keep-alive",
            "S ACK Seq=1 Ack=1 Len=0 probe-ack",
        ]
    );
    pair.fate = Box::new(|_| Fate::Lose);
    pair.run_for(Duration::from_secs(100));
    assert_eq!(pair.client.failure(), Some(synfin_tcp::Error::TimedOut));
    assert_eq!(whys(&pair, Side::Client).iter().filter(|why| **why == "keep-alive").count(), 5);
}

#[test]
fn urgent_data_is_marked_in_the_stream() {
    // RFC 6093: the pointer is to the byte after; the data stays in line.
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, b"calm ").expect("room");
    pair.client.write_urgent(now, b"!").expect("room");
    pair.client.write(now, b" calm").expect("room");
    pair.drive();
    let first = &pair.log[0].header;
    assert!(first.flags.urg());
    assert_eq!(first.seq + u32::from(first.urgent), Seq::new(CLIENT_ISS) + 7);
    assert_eq!(pair.server_events.iter().filter(|event| **event == Event::Urgent).count(), 1);
    assert_eq!(pair.server.urgent_bytes_ahead(), Some(6));
    let mut buffer = [0; 5];
    assert_eq!(pair.server.read(&mut buffer), Ok(5));
    assert_eq!(pair.server.urgent_bytes_ahead(), Some(1));
    assert_eq!(pair.read_all(Side::Server), b"! calm");
    assert_eq!(pair.server.urgent_bytes_ahead(), None);
}

#[test]
fn a_smaller_path_makes_smaller_segments_without_slowing_down() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, &pattern(14_480)).expect("room");
    pair.flush();
    pair.fate = Box::new(|sent| if sent.len > 1_148 { Fate::Lose } else { Fate::Deliver });
    let cwnd = pair.client.info(now).cwnd_bytes;
    let too_big = |mtu_bytes, seq| PathEvent::PacketTooBig { mtu_bytes, seq };
    pair.client.handle_path(now, too_big(1_200, Seq::new(5)));
    assert_eq!(pair.client.path().mtu_bytes, 1_500, "a forged quotation is not heard");
    pair.client.handle_path(now, too_big(1_200, Seq::new(CLIENT_ISS) + 1));
    pair.drive();
    assert_eq!(pair.client.info(pair.now).send_mss_bytes, 1_148);
    assert_eq!(pair.client.info(pair.now).ssthresh_bytes, u32::MAX, "not a sign of congestion");
    assert_eq!(pair.read_all(Side::Server), pattern(14_480));
    // RFC 1191 §6.5: slow start, back to where the window was.
    let more = pattern(50_000);
    assert_eq!(transfer(&mut pair, Side::Client, &more, Duration::from_secs(2)), more);
    pair.drive();
    assert!(pair.client.info(pair.now).cwnd_bytes >= cwnd);
    let (now, seq) = (pair.now, Seq::new(CLIENT_ISS) + 1 + 64_480);
    pair.client.write(now, b"x").expect("room");
    pair.flush();
    pair.client.handle_path(now, too_big(10, seq));
    assert_eq!(pair.client.path().mtu_bytes, 1_200, "a segment of one byte would have fitted anywhere");
    pair.client.write(now, &pattern(1_148)).expect("room");
    pair.fate = Box::new(|_| Fate::Lose);
    pair.flush();
    pair.client.handle_path(now, too_big(10, seq + 1));
    assert_eq!(pair.client.path().mtu_bytes, 1_200, "larger ones have arrived before");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.client.path().mtu_bytes, 296, "a stream is not turned into crumbs");
}

#[test]
fn idle_for_long_starts_slowly_again() {
    // RFC 5681 §4.1.
    let mut pair = Pair::with(pair::unpaced(), Config::default()).opened();
    let data = pattern(1_000_000);
    assert_eq!(transfer(&mut pair, Side::Client, &data, Duration::from_secs(5)), data);
    pair.drive();
    assert!(pair.client.info(pair.now).cwnd_bytes > 100_000);
    pair.run_for(Duration::from_secs(10));
    pair.log.clear();
    let now = pair.now;
    pair.client.write(now, &data).expect("room");
    pair.flush();
    assert_eq!(pair.log.len(), 10);
}

#[test]
fn the_send_buffer_is_a_bound_and_tells_when_there_is_room() {
    let config = Config { send_buffer_bytes: 10_000, ..Config::default() };
    let mut pair = Pair::with(config, Config::default()).opened();
    pair.client_events.clear();
    let now = pair.now;
    assert_eq!(pair.client.write(now, &pattern(50_000)), Ok(10_000));
    assert_eq!(pair.client.write(now, b"x"), Err(WriteError::WouldBlock));
    pair.drive();
    assert_eq!(pair.client_events, [Event::Writable]);
    assert_eq!(pair.client.write_room(), 10_000);
}

#[test]
fn psh_stands_on_the_last_segment_of_what_was_written() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, &pattern(5_000)).expect("room");
    pair.drive();
    let pushed: Vec<bool> =
        pair.log.iter().filter(|sent| sent.len > 0).map(|sent| sent.header.flags.psh()).collect();
    assert_eq!(pushed, [false, false, false, true]);
}

#[test]
fn large_segments_do_not_make_a_large_initial_window() {
    // RFC 6928 §2: min(10 * MSS, max(2 * MSS, 14600)).
    for (mtu_bytes, window) in [(1_500, 14_480), (9_000, 17_896), (4_000, 14_600)] {
        let birth = |iss| synfin_tcp::Birth { path: pair::path(mtu_bytes), ..pair::birth(iss) };
        let mut pair = Pair::new();
        let config = Arc::new(Config::default());
        pair.client = synfin_tcp::Connection::connect(pair.now, birth(CLIENT_ISS), config.clone());
        pair.server = synfin_tcp::Connection::listen(pair.now, birth(SERVER_ISS), config);
        let pair = pair.opened();
        assert_eq!(pair.client.info(pair.now).cwnd_bytes, window, "MTU {mtu_bytes}");
    }
}
