//! Windows at their limits: closed, full, tiny, probed, shrunk (RFC 9293 §3.8.6, RFC 7323 §2).

mod pair;

use pair::{Fate, Pair, Side, pattern};
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{Config, Event, RecoveryPhase, SendReason, State};
use wire::tcp::{Flags, Header};

fn small_reader(bytes: u32) -> Pair {
    Pair::with(Config::default(), Config { receive_buffer_bytes: bytes, ..Config::default() }).opened()
}

#[test]
fn a_probed_end_hears_the_acknowledgments_of_the_prober() {
    // The byte of a probe moves SND.NXT beyond the closed window; what the prober acknowledges must
    // reach the other end all the same, or that end gives up on a peer that answers.
    let mut pair = small_reader(3_000);
    let now = pair.now;
    pair.client.write(now, &pattern(10_000)).expect("room");
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.server.snapshot().rcv_wnd, 0);
    assert!(pair.log.iter().any(|sent| sent.why.name() == "zero-window-probe"));
    let now = pair.now;
    pair.server.write(now, b"and you?").expect("room");
    pair.run_for(Duration::from_secs(30));
    assert_eq!(pair.read_all(Side::Client), b"and you?");
    assert_eq!(pair.server.unacknowledged_bytes(), 0, "{:#?}", pair.lines());
    assert_eq!(pair.server.info(pair.now).retransmissions, 0);
}

#[test]
fn an_acknowledgment_from_the_edge_of_a_full_window_is_heard() {
    // A peer that has filled the window stands exactly on its right edge, where RFC 9293's table
    // accepts nothing; it acknowledges from there. One that also probes stands one further.
    for beyond in [0, 1] {
        let mut pair = small_reader(3_000);
        let now = pair.now;
        let wnd = pair.server.snapshot().rcv_wnd;
        pair.server.write(now, b"unacknowledged").expect("room");
        pair.fate = Box::new(|_| Fate::Lose);
        pair.flush();
        let header = pair.next_header(Side::Server, Flags::ACK);
        if beyond == 1 {
            pair.inject(Side::Server, header, &pattern(wnd as usize));
            assert_eq!(pair.server.snapshot().rcv_wnd, 0);
        }
        let header = Header { seq: header.seq + wnd + beyond, ..header };
        pair.inject(Side::Server, header, b"");
        assert_eq!(pair.server.unacknowledged_bytes(), 0, "{beyond} beyond the edge");
    }
}

#[test]
fn an_old_segment_is_heard_if_it_acknowledges_something_new() {
    // Its text was taken before, but not its acknowledgment: what it came with may have been lost. Two ends that
    // each stand before what the other expects would refuse each other for ever.
    let mut pair = Pair::established();
    let now = pair.now;
    pair.server.write(now, b"old").expect("room");
    pair.drive();
    assert_eq!(pair.read_all(Side::Client), b"old");
    let now = pair.now;
    pair.client.write(now, b"unacknowledged").expect("room");
    pair.fate = Box::new(|_| Fate::Lose);
    pair.flush();
    let header = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    let sent = pair.client.unacknowledged_bytes();
    let far = Header { seq: header.seq - (1 << 30), ..header };
    let beyond = Header { seq: header.seq - 3, ack: header.ack + 1, ..header };
    for refused in [far, beyond] {
        pair.inject(Side::Client, refused, b"old");
        assert_eq!(pair.client.unacknowledged_bytes(), sent, "{refused:?}");
    }
    let old = Header { seq: header.seq - 3, ..header };
    let answer = pair.inject(Side::Client, old, b"old");
    assert_eq!(pair.client.unacknowledged_bytes(), 0, "{:#?}", pair.lines());
    assert_eq!(
        answer.len(),
        1,
        "it is answered all the same: what it repeats may not have been acknowledged"
    );
    assert!(pair.read_all(Side::Client).is_empty(), "its text was read before");
}

#[test]
fn the_acknowledgment_of_our_fin_is_heard_from_an_old_segment() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.server.write(now, b"old").expect("room");
    pair.drive();
    let now = pair.now;
    pair.fate = Box::new(|_| Fate::Lose);
    pair.client.finish(now);
    pair.flush();
    let header = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    pair.inject(Side::Client, Header { seq: header.seq - 3, ..header }, b"old");
    assert_eq!(pair.client.state(), State::FinWait2);
}

#[test]
fn an_acknowledgment_is_sent_from_inside_a_window_that_shrank() {
    // Else a peer that follows RFC 9293's table to the letter would not hear it.
    let mut pair = Pair::with(pair::unpaced(), Config::default()).opened();
    pair.fate = Box::new(|sent| if sent.len > 0 { Fate::Lose } else { Fate::Deliver });
    let now = pair.now;
    pair.client.write(now, &pattern(10_000)).expect("room");
    pair.flush();
    let (una, nxt) = (pair.client.snapshot().snd_una, pair.client.snapshot().snd_nxt);
    assert_eq!(nxt.bytes_since(una), 10_000);
    let header = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    let shift = pair.client.info(now).window_shifts.expect("agreed upon").0;
    let header = Header { ack: una, window: 2_048 >> shift, ..header };
    pair.inject(Side::Client, header, b"1");
    let answer = pair.inject(Side::Client, Header { seq: header.seq + 1, ..header }, b"2");
    let right = una + pair.client.snapshot().snd_wnd;
    assert_eq!(pair.client.snapshot().snd_wnd, 2_048);
    for sent in answer {
        assert!(sent.header.seq.at_or_before(right), "{} beyond {right}", sent.header.seq);
    }
}

#[test]
fn a_reset_is_sent_from_inside_a_window_that_shrank() {
    // SND.NXT is outside then, where the peer must not believe a reset (RFC 9293 §3.10.7.4).
    let mut pair = Pair::with(pair::unpaced(), Config::default()).opened();
    pair.fate = Box::new(|sent| if sent.len > 0 { Fate::Lose } else { Fate::Deliver });
    let now = pair.now;
    pair.client.write(now, &pattern(10_000)).expect("room");
    pair.flush();
    let una = pair.client.snapshot().snd_una;
    let header = pair.next_header(Side::Client, Flags::ACK);
    pair.inject(Side::Client, Header { ack: una, window: 0, ..header }, b"");
    assert_eq!(pair.client.snapshot().snd_wnd, 0);
    let now = pair.now;
    pair.client.abort(now);
    let reset = pair.client.poll_transmit(now, 0).expect("a reset");
    assert!(reset.header.flags.rst());
    assert_eq!(reset.header.seq, una, "what the peer expects next");
}

#[test]
fn crumbs_smaller_than_the_unit_of_the_scale_do_not_keep_a_window_open() {
    let config = Config { receive_buffer_bytes: 1 << 20, ..Config::default() };
    let mut pair = Pair::with(Config::default(), config).opened();
    let crumb = [0; 15];
    let mut header = pair.next_header(Side::Server, Flags::ACK | Flags::PSH);
    for _ in 0..120_000 {
        let now = pair.now;
        let payload = bytes::Bytes::from_static(&[0; 15]).into();
        pair.server
            .handle_segment(now, synfin_tcp::Segment { header, payload, ..synfin_tcp::Segment::default() });
        header.seq += crumb.len() as u32;
        while pair.server.poll_transmit(now, 0).is_some() {}
    }
    let unread = pair.server.readable_bytes();
    assert!(unread <= (9 << 17) + 16, "{unread} bytes are kept for a reader that allowed {}", 1 << 20);
}

#[test]
fn the_answers_to_window_probes_are_no_sign_of_loss() {
    let mut pair = small_reader(3_000);
    let now = pair.now;
    pair.client.write(now, &pattern(10_000)).expect("room");
    pair.drive();
    let before = pair.client.info(pair.now);
    pair.run_for(Duration::from_secs(3_600));
    let after = pair.client.info(pair.now);
    assert_eq!(after.recovery, RecoveryPhase::Open, "{:#?}", pair.lines());
    assert_eq!((after.cwnd_bytes, after.ssthresh_bytes), (before.cwnd_bytes, before.ssthresh_bytes));
}

#[test]
fn an_orphan_before_a_closed_window_does_not_probe_for_ever() {
    // A peer may keep its window closed for as long as it likes (MUST-37), but not for nobody.
    let mut pair = small_reader(3_000);
    let now = pair.now;
    pair.client.write(now, &pattern(10_000)).expect("room");
    pair.drive();
    let now = pair.now;
    pair.client.close(now);
    pair.run_for(Duration::from_secs(3 * 3_600));
    assert_eq!(pair.client.state(), State::Closed);
    assert_eq!(pair.server.state(), State::Closed, "the reset tells the peer");
}

#[test]
fn a_fin_behind_text_before_a_closed_window_is_taken_when_it_opens_and_a_fin_alone_at_once() {
    for (more, meanwhile) in [(0, State::CloseWait), (1, State::Established), (2_000, State::Established)] {
        let mut pair = small_reader(3_000);
        let now = pair.now;
        pair.client.write(now, &pattern(3_000 + more)).expect("room");
        pair.client.finish(now);
        pair.run_for(Duration::from_secs(100));
        assert_eq!(pair.server.state(), meanwhile, "the window is full: {more} more");
        assert_eq!(pair.read_all(Side::Server), pattern(3_000));
        pair.run_for(Duration::from_secs(100));
        assert_eq!(pair.read_all(Side::Server).len(), more, "{:#?}", pair.lines());
        assert_eq!(pair.states(), (State::FinWait2, State::CloseWait), "{more} more: {:#?}", pair.lines());
    }
}

#[test]
fn a_window_taken_back_stops_new_data_and_old_data_goes_again_inside_it() {
    // SHLD-15, SHLD-16, SHLD-17, MUST-34.
    let mut pair = Pair::with(pair::unpaced(), Config::default()).opened();
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, &pattern(200_000)).expect("room");
    pair.flush();
    let (una, nxt) = (pair.client.snapshot().snd_una, pair.client.snapshot().snd_nxt);
    let mut header = pair.next_header(Side::Client, Flags::ACK);
    let shift = pair.client.info(now).window_shifts.expect("agreed upon").0;
    (header.ack, header.window) = (una, 4_096 >> shift);
    let answer = pair.inject(Side::Client, header, b"");
    assert!(answer.is_empty(), "no new data: {answer:?}");
    pair.run_for(Duration::from_secs(70));
    let right = una + 4_096;
    assert!(!pair.log.is_empty());
    for sent in pair.log.drain(..).filter(|sent| sent.why.name() == "rto") {
        assert!(sent.header.seq.before(right), "{sent:?} is beyond the window");
    }
    // What was inside is taken; what lies beyond may wait for as long as the peer answers.
    header.options.timestamps.as_mut().expect("agreed upon").value += 70_000;
    (header.ack, header.window) = (right, 0);
    pair.inject(Side::Client, header, b"");
    for _ in 0..40 {
        pair.run_for(Duration::from_secs(70));
        for sent in pair.log.drain(..) {
            assert!(sent.header.seq == right && (right + sent.len as u32).at_or_before(nxt), "{sent:?}");
        }
        header.options.timestamps.as_mut().expect("agreed upon").value += 70_000;
        pair.inject(Side::Client, header, b"");
        assert_eq!(pair.client.state(), State::Established);
    }
}

#[test]
fn a_tiny_window_is_used_at_last_and_its_bytes_are_not_lost() {
    let mut pair = Pair::established();
    pair.fate = Box::new(|_| Fate::Lose);
    let shift = pair.client.info(pair.now).window_shifts.expect("agreed upon").0;
    let mut header = pair.next_header(Side::Client, Flags::ACK);
    header.window = 256 >> shift;
    pair.inject(Side::Client, header, b"");
    let now = pair.now;
    pair.client.write(now, &pattern(5_000)).expect("room");
    pair.flush();
    assert!(pair.log.is_empty(), "a crumb of the window is not worth a segment yet");
    pair.run_for(Duration::from_millis(1_010));
    assert_eq!(pair.log.iter().map(|sent| sent.len).collect::<Vec<_>>(), [256]);
    assert!(pair.client.poll_timeout().is_some());
}

#[test]
fn a_smaller_buffer_does_not_take_back_what_was_offered() {
    let mut pair = Pair::established();
    let edge = pair.server.snapshot().rcv_nxt + pair.server.snapshot().rcv_wnd;
    let now = pair.now;
    pair.server.set_config(now, Arc::new(Config { receive_buffer_bytes: 1_000, ..Config::default() }));
    pair.client.write(now, &pattern(100_000)).expect("room");
    pair.drive();
    let snapshot = pair.server.snapshot();
    assert!(edge.at_or_before(snapshot.rcv_nxt + snapshot.rcv_wnd));
    assert!(pattern(100_000).starts_with(&pair.read_all(Side::Server)));
    assert!(pair.server_events.contains(&Event::Readable));
}

#[test]
fn a_buffer_smaller_than_the_unit_of_the_scale_is_not_announced_as_none() {
    // A buffer that may grow to a gigabyte is announced in units of 16 KiB.
    for bytes in [1_000, 10_000, 16_383, 20_000, 40_000] {
        let odd =
            Config { receive_buffer_bytes: bytes, receive_buffer_bytes_max: 1 << 30, ..Config::default() };
        let mut pair = Pair::with(Config::default(), odd).opened();
        let data = pattern(300_000);
        let now = pair.now;
        pair.client.write(now, &data).expect("room");
        let mut read = Vec::new();
        for _ in 0..2_000 {
            pair.run_for(Duration::from_millis(20));
            let held = pair.server.readable_bytes();
            assert!(held <= bytes as usize + (16 << 10), "{held} bytes in a buffer of {bytes}");
            read.extend(pair.read_all(Side::Server));
        }
        assert_eq!(read.len(), data.len(), "{bytes}: in 40 seconds, without waiting for a probe each time");
        assert!(read == data);
    }
}

#[test]
fn a_window_closed_for_days_does_not_end_the_connection() {
    // MUST-37, MAY-8: as long as probes are answered.
    let small = Config { receive_buffer_bytes: 10_000, ..Config::default() };
    let mut pair = Pair::with(Config::default(), small).opened();
    let data = pattern(30_000);
    let now = pair.now;
    pair.client.write(now, &data).expect("room");
    pair.run_for(Duration::from_secs(3 * 86_400));
    assert_eq!(pair.states(), (State::Established, State::Established));
    let mut read = pair.read_all(Side::Server);
    for _ in 0..100 {
        pair.run_for(Duration::from_millis(500));
        read.extend(pair.read_all(Side::Server));
    }
    assert_eq!(read, data);
}

#[test]
fn a_slow_reader_does_not_make_crumbs() {
    // Silly window: the window is not reopened by less than a segment or half the buffer.
    let small = Config { receive_buffer_bytes: 8_000, ..Config::default() };
    let mut pair = Pair::with(Config::default(), small).opened();
    let now = pair.now;
    pair.client.write(now, &pattern(40_000)).expect("room");
    let mut read = 0;
    for _ in 0..4_000 {
        pair.run_for(Duration::from_millis(5));
        let mut crumb = [0; 20];
        read += pair.server.read(&mut crumb).unwrap_or(0);
        if read == 40_000 {
            break;
        }
    }
    assert_eq!(read, 40_000);
    let text: Vec<usize> = pair
        .log
        .iter()
        .filter(|sent| sent.len > 0 && sent.why != SendReason::ZeroWindowProbe)
        .map(|sent| sent.len)
        .collect();
    let small = text.iter().filter(|len| **len < 700).count();
    assert!(small <= 3, "{text:?}");
}

#[test]
fn a_lost_window_update_does_not_deadlock() {
    let small = Config { receive_buffer_bytes: 20_000, ..Config::default() };
    let mut pair = Pair::with(Config::default(), small).opened();
    let data = pattern(50_000);
    let now = pair.now;
    pair.client.write(now, &data).expect("room");
    pair.run_for(Duration::from_secs(2));
    pair.fate =
        Box::new(|sent| if sent.why == SendReason::WindowUpdate { Fate::Lose } else { Fate::Deliver });
    let mut read = Vec::new();
    for _ in 0..200 {
        read.extend(pair.read_all(Side::Server));
        pair.run_for(Duration::from_millis(500));
    }
    assert_eq!(read, data);
}
