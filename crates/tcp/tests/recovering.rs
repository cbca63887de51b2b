//! Loss, and what only looks like it: recovery, probes of the tail, and mistakes that are taken back (RFC 6675, 8985,
//! 9937, 3522, 3708, 4015, 5682), beside what must not be taken for a sign of anything.

mod pair;

use pair::{CLIENT_ISS, Fate, Pair, Side, pattern};
use std::time::Duration;
use synfin_tcp::{Config, CongestionControl, LossSign, RecoveryPhase, SendReason, Trace, Tracing, UndoSign};
use wire::Seq;
use wire::tcp::{Flags, Header, Options, SackBlock, SackBlocks};

const MSS: u32 = 1_448;

/// Where a segment of the client lies in its stream, in full segments; `None` for one without text.
fn index(sent: &pair::Sent) -> Option<u32> {
    (sent.from == Side::Client && sent.len > 0)
        .then(|| (sent.header.seq.bytes_since(Seq::new(CLIENT_ISS)) - 1) / MSS)
}

/// Loses the first transmission of each of these segments of the client.
fn lose(segments: &'static [u32]) -> Box<dyn FnMut(&pair::Sent) -> Fate> {
    let mut left = segments.to_vec();
    Box::new(move |sent| match index(sent).and_then(|at| left.iter().position(|lost| *lost == at)) {
        Some(found) => {
            left.remove(found);
            Fate::Lose
        }
        None => Fate::Deliver,
    })
}

/// The client sends `bytes` at once; what it did, and the pair afterwards. Every byte arrives.
fn send(client: Config, bytes: usize, fate: Box<dyn FnMut(&pair::Sent) -> Fate>) -> (Pair, Vec<Trace>) {
    let mut pair = Pair::with(client, Config::default()).opened();
    pair.client.set_tracing(Tracing::On);
    pair.fate = fate;
    let now = pair.now;
    assert_eq!(pair.client.write(now, &pattern(bytes)), Ok(bytes));
    pair.run_for(Duration::from_secs(20));
    assert_eq!(pair.read_all(Side::Server), pattern(bytes));
    let mut traces = Vec::new();
    while let Some(trace) = pair.client.poll_trace() {
        traces.push(trace);
    }
    (pair, traces)
}

fn phases(traces: &[Trace]) -> Vec<RecoveryPhase> {
    traces
        .iter()
        .filter_map(|trace| if let Trace::Phase { phase, .. } = trace { Some(*phase) } else { None })
        .collect()
}

fn undone(traces: &[Trace]) -> Vec<UndoSign> {
    traces
        .iter()
        .filter_map(|trace| if let Trace::Undone { sign } = trace { Some(*sign) } else { None })
        .collect()
}

fn again(pair: &Pair) -> Vec<SendReason> {
    pair.log.iter().filter(|sent| sent.why.is_retransmission()).map(|sent| sent.why).collect()
}

#[test]
fn no_second_recovery_for_what_the_first_covers() {
    for config in [Config::default(), pair::unpaced(), pair::classic()] {
        let (pair, traces) = send(config, 100 * MSS as usize, lose(&[20, 22, 24, 29]));
        assert_eq!(phases(&traces), [RecoveryPhase::Recovery, RecoveryPhase::Open]);
        assert_eq!(again(&pair).len(), 4, "each hole once");
        assert_eq!(pair.client.info(pair.now).timeouts, 0);
    }
}

/// Sends 200 segments; the one with number 20 is lost, and its first retransmission, too.
fn lose_a_retransmission(config: Config) -> (Pair, Vec<Trace>) {
    let mut losses = 0;
    let fate = Box::new(move |sent: &pair::Sent| match index(sent) {
        Some(20) if losses < 2 => {
            losses += 1;
            Fate::Lose
        }
        _ => Fate::Deliver,
    });
    send(config, 200 * MSS as usize, fate)
}

#[test]
fn a_lost_retransmission_is_found_without_the_timer() {
    // RFC 8985 §3.3: what left after it has arrived.
    let (pair, traces) = lose_a_retransmission(Config::default());
    assert_eq!(again(&pair), [SendReason::SackRecovery; 2]);
    assert_eq!(pair.client.info(pair.now).timeouts, 0);
    assert_eq!(phases(&traces), [RecoveryPhase::Recovery, RecoveryPhase::Open]);
}

#[test]
fn a_lost_retransmission_without_sack_waits_for_the_timer() {
    let (pair, _) = lose_a_retransmission(pair::classic());
    assert_eq!(again(&pair)[..2], [SendReason::FastRetransmit, SendReason::Timeout]);
    assert_eq!(pair.client.info(pair.now).timeouts, 1);
}

#[test]
fn reordering_by_less_than_a_quarter_of_the_round_trip_is_waited_for() {
    // RFC 8985 §6.2: min_RTT is 20 ms. Two segments overtake it, fewer than three.
    let fate =
        Box::new(
            |sent: &pair::Sent| {
                if index(sent) == Some(7) { Fate::Late(Duration::from_millis(4)) } else { Fate::Deliver }
            },
        );
    let (pair, traces) = send(pair::unpaced(), 10 * MSS as usize, fate);
    assert_eq!(again(&pair), []);
    assert!(pair.client.info(pair.now).reordering_seen);
    assert_eq!(phases(&traces), []);
}

#[test]
fn a_path_that_reorders_is_learned_and_its_first_mistake_is_taken_back() {
    // Every tenth segment is 4 ms late, behind many others: the first time that looks like a loss.
    let fate = Box::new(|sent: &pair::Sent| match index(sent) {
        Some(at) if at % 10 == 5 && !sent.why.is_retransmission() => Fate::Late(Duration::from_millis(4)),
        _ => Fate::Deliver,
    });
    let (pair, traces) = send(Config::default(), 400 * MSS as usize, fate);
    let info = pair.client.info(pair.now);
    assert!(info.reordering_seen && info.timeouts == 0);
    assert!(info.undone <= 1 && info.retransmissions <= 2, "{info:?}");
    assert_eq!(undone(&traces).len() as u32, info.undone);
    assert_eq!(info.ssthresh_bytes, u32::MAX, "slow start has not ended for ever");
}

#[test]
fn duplicates_of_the_network_undo_nothing_and_teach_no_patience() {
    // Taken for reports, 1 % of losses and 5 % of duplicates would leave no congestion control at all.
    let mut count = 0;
    let fate = Box::new(move |sent: &pair::Sent| {
        count += u32::from(sent.from == Side::Client);
        match count {
            _ if sent.from == Side::Server || sent.len == 0 => Fate::Deliver,
            count if count % 100 == 50 => Fate::Lose,
            count if count % 20 == 7 => Fate::Double,
            _ => Fate::Deliver,
        }
    });
    let (pair, traces) = send(Config::default(), 1_000 * MSS as usize, fate);
    assert_eq!(undone(&traces), []);
    let info = pair.client.info(pair.now);
    assert!(info.retransmissions >= 9 && info.timeouts == 0, "{info:?}");
    assert!(info.ssthresh_bytes < 100 * MSS, "{}", info.ssthresh_bytes);
    assert!(pair.server.info(pair.now).duplicates_received > 30);
}

#[test]
fn a_spurious_timeout_is_taken_back() {
    // RFC 5682 with and without SACK; RFC 3522 where timestamps tell first. The path stands still for 500 ms, and
    // loses and reorders nothing.
    for (sack, timestamps) in [(true, true), (true, false), (false, true), (false, false)] {
        let config = Config { sack, timestamps, tail_loss_probes: false, ..pair::unpaced() };
        let mut goes_on = None;
        let fate = Box::new(move |sent: &pair::Sent| {
            if index(sent) == Some(30) && goes_on.is_none() {
                goes_on = Some(sent.at + Duration::from_millis(500));
            }
            match goes_on {
                Some(at) if sent.from == Side::Client && sent.at < at => Fate::Late(at.since(sent.at)),
                _ => Fate::Deliver,
            }
        });
        let (pair, traces) = send(config, 300 * MSS as usize, fate);
        let told = format!(
            "SACK {sack}, timestamps {timestamps}: {:?} {:?} {:?}",
            again(&pair),
            phases(&traces),
            undone(&traces)
        );
        let sign = if timestamps { UndoSign::Timestamp } else { UndoSign::EarlyTimeout };
        assert_eq!(undone(&traces).first(), Some(&sign), "{told}");
        let info = pair.client.info(pair.now);
        assert!(info.cwnd_bytes > 30 * MSS && info.retransmissions < 20, "{told}");
    }
}

#[test]
fn a_timeout_with_a_full_window_asks_nothing() {
    // F-RTO would ask with new data, but the reader has stopped and the window has no room for any.
    let client = Config { frto: true, ..pair::classic() };
    let server = Config { receive_buffer_bytes: 2 * MSS, ..Config::default() };
    let mut pair = Pair::with(client, server).opened();
    pair.fate = lose(&[0, 1]);
    let now = pair.now;
    assert_eq!(pair.client.write(now, &pattern(10_000)), Ok(10_000));
    pair.drive();
    assert_eq!(pair.server.readable_bytes(), 2 * MSS as usize, "{:#?}", pair.lines());
    assert_eq!(pair.client.info(pair.now).timeouts, 1);
}

#[test]
fn a_timeout_that_was_needed_stays() {
    // The whole of the second flight is lost.
    for (sack, timestamps) in [(true, true), (true, false), (false, true), (false, false)] {
        let config = Config { sack, timestamps, tail_loss_probes: false, ..pair::unpaced() };
        let mut losses = 0;
        let fate = Box::new(move |sent: &pair::Sent| match index(sent) {
            Some(10..) if losses < 20 => {
                losses += 1;
                Fate::Lose
            }
            _ => Fate::Deliver,
        });
        let (pair, traces) = send(config, 60 * MSS as usize, fate);
        assert_eq!(undone(&traces), [], "SACK {sack}, timestamps {timestamps}");
        let info = pair.client.info(pair.now);
        assert_eq!(info.timeouts, 1);
        assert!(info.ssthresh_bytes <= 15 * MSS, "{}", info.ssthresh_bytes);
    }
}

#[test]
fn a_probe_that_repairs_a_loss_reduces_once() {
    // RFC 8985 §7.4.2: nothing is ever sent again but the probe, and yet it was a loss.
    let (pair, traces) = send(Config::default(), 10 * MSS as usize, lose(&[9]));
    assert_eq!(again(&pair), [SendReason::TailLossProbe]);
    assert_eq!(pair.client.info(pair.now).timeouts, 0);
    assert_eq!(phases(&traces), [], "the acknowledgment of the probe alone does not tell");
    let mut pair = Pair::with(Config::default(), Config::default()).opened();
    pair.client.set_tracing(Tracing::On);
    pair.fate = lose(&[9]);
    let now = pair.now;
    pair.client.write(now, &pattern(10 * MSS as usize)).expect("room");
    pair.run_for(Duration::from_millis(200));
    let now = pair.now;
    pair.client.write(now, &pattern(5 * MSS as usize)).expect("room");
    pair.run_for(Duration::from_millis(500));
    assert!(pair.client.info(pair.now).ssthresh_bytes <= 10 * MSS * 7 / 10 + MSS, "reduced");
    assert_eq!(pair.client.info(pair.now).retransmissions, 1);
}

#[test]
fn a_probe_that_was_not_needed_reduces_nothing() {
    // All acknowledgments of the tail are late, and the probe is reported as a duplicate.
    let fate = Box::new(|sent: &pair::Sent| match sent.from {
        Side::Server if sent.header.ack.bytes_since(Seq::new(CLIENT_ISS)) > 5 * MSS => {
            Fate::Late(Duration::from_millis(60))
        }
        _ => Fate::Deliver,
    });
    let config = Config { rto_min: Duration::from_secs(1), ..Config::default() };
    let (mut pair, traces) = send(config, 10 * MSS as usize, fate);
    assert_eq!(again(&pair), [SendReason::TailLossProbe]);
    assert_eq!((phases(&traces), undone(&traces)), (vec![], vec![]));
    let now = pair.now;
    pair.client.write(now, &pattern(5 * MSS as usize)).expect("room");
    pair.run_for(Duration::from_millis(500));
    assert_eq!(pair.client.info(pair.now).ssthresh_bytes, u32::MAX);
}

#[test]
fn what_a_peer_throws_away_again_is_sent_again() {
    // RFC 2018 §8: reported and not acknowledged at the timeout.
    let mut pair = Pair::with(pair::unpaced(), Config::default()).opened();
    pair.fate = Box::new(|sent| if sent.from == Side::Client { Fate::Lose } else { Fate::Deliver });
    let now = pair.now;
    pair.client.write(now, &pattern(5 * MSS as usize)).expect("room");
    pair.flush();
    let una = pair.client.snapshot().snd_una;
    let mut header = pair.next_header(Side::Client, Flags::ACK);
    let mut blocks = SackBlocks::default();
    blocks.push(SackBlock { left: una + MSS, right: una + 5 * MSS });
    header.options = Options { sack: blocks, ..header.options };
    header.ack = una;
    pair.inject(Side::Client, header, b"");
    assert_eq!(pair.client.info(now).sacked_bytes, 4 * MSS);
    // The hole is acknowledged, and what had been reported is not.
    let gone = Header { ack: una + MSS, ..header };
    let gone = Header { options: Options { sack: SackBlocks::default(), ..gone.options }, ..gone };
    pair.inject(Side::Client, gone, b"");
    pair.log.clear();
    pair.run_for(Duration::from_millis(1_200));
    let first = pair.log.first().expect("the timer ran out");
    assert_eq!((first.why, first.header.seq), (SendReason::Timeout, una + MSS));
    assert_eq!(pair.client.info(pair.now).sacked_bytes, 0);
}

#[test]
fn duplicate_acknowledgments_that_are_made_up_gain_nothing() {
    // RFC 5681 §5: a thousand of them, without SACK, while ten segments are in flight.
    let config = Config { sack: false, ..pair::unpaced() };
    let mut pair = Pair::with(config, Config::default()).opened();
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, &pattern(1_000_000)).expect("room");
    pair.flush();
    let una = pair.client.snapshot().snd_una;
    let mut header = pair.next_header(Side::Client, Flags::ACK);
    (header.ack, header.window) = (una, pair.server.info(now).receive_window_bytes.min(32_767) as u16);
    // The first may say another window.
    for _ in 0..1_000 {
        pair.inject(Side::Client, header, b"");
    }
    let sent: usize = pair.log.iter().filter(|sent| sent.from == Side::Client).map(|sent| sent.len).sum();
    // The flight, two by limited transmit, and a reduction that delivers no more than was outstanding.
    assert!(sent <= (10 + 2 + 12) * MSS as usize, "{sent} bytes");
    assert!(pair.client.info(pair.now).cwnd_bytes <= 12 * MSS);
}

#[test]
fn a_window_that_opens_does_not_end_the_back_off() {
    // Karn: only a measurement does.
    let mut pair =
        Pair::with(Config { tail_loss_probes: false, ..pair::unpaced() }, Config::default()).opened();
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, &pattern(2_000)).expect("room");
    pair.run_for(Duration::from_millis(2_000));
    let before = pair.client.info(pair.now);
    assert_eq!(before.backoff, 3);
    let mut header = pair.next_header(Side::Client, Flags::ACK);
    header.ack = pair.client.snapshot().snd_una;
    for window in [0, 900, 1_000] {
        header.window = window;
        header.options.timestamps.as_mut().expect("agreed upon").value += 1;
        pair.inject(Side::Client, header, b"");
    }
    assert_eq!(pair.client.info(pair.now).backoff, 3);
    assert_eq!(pair.client.info(pair.now).rto, before.rto);
}

#[test]
fn a_closed_window_has_a_back_off_of_its_own() {
    let small = Config { receive_buffer_bytes: 10_000, ..Config::default() };
    let mut pair = Pair::with(pair::unpaced(), small).opened();
    let now = pair.now;
    pair.client.write(now, &pattern(30_000)).expect("room");
    pair.run_for(Duration::from_secs(20));
    let at: Vec<_> =
        pair.log.iter().filter(|sent| sent.why == SendReason::ZeroWindowProbe).map(|sent| sent.at).collect();
    let waits: Vec<_> = at.windows(2).map(|pair| pair[1].since(pair[0]).as_millis()).collect();
    assert!(waits.len() >= 5, "{waits:?}");
    assert!(waits.windows(2).all(|pair| pair[1] == 2 * pair[0]), "{waits:?}");
    let info = pair.client.info(pair.now);
    assert_eq!((info.backoff, info.timeouts), (0, 0), "what a window makes us wait says nothing of the path");
    assert!(info.rto < Duration::from_millis(250), "{:?}", info.rto);
    assert!(info.limited_by_window > Duration::from_secs(15), "{:?}", info.limited_by_window);
}

#[test]
fn a_handshake_out_of_a_cookie_measures_nothing() {
    // The SYN-ACK is "sent" and acknowledged at one instant: a round trip of a microsecond would be believed.
    let mut pair = Pair::new();
    let now = pair.now;
    let syn = pair.client.poll_transmit(now, 0).expect("the SYN");
    pair.server.handle_segment(now, syn.into());
    let answer = pair.server.poll_transmit(now, 0).expect("the SYN-ACK");
    pair.client.handle_segment(now, answer.into());
    let third = pair.client.poll_transmit(now, 0).expect("the third step");
    pair.server.handle_segment(now, third.into());
    let info = pair.server.info(now);
    assert_eq!((info.state, info.rtt, info.rtt_min), (synfin_tcp::State::Established, None, None));
    assert_eq!(info.rto, Duration::from_secs(1));
}

#[test]
fn pacing_does_not_shorten_the_measured_round_trip() {
    // Stamped with the time at which the pacer would let it go, a segment would seem to travel faster.
    let (pair, _) = send(Config::default(), 500 * MSS as usize, Box::new(|_| Fate::Deliver));
    let info = pair.client.info(pair.now);
    assert_eq!(info.rtt_min, Some(Duration::from_millis(20)));
    assert!(info.pacing_bytes_per_s.is_some());
}

#[test]
fn receiving_does_not_open_the_window_for_sending() {
    for congestion in CongestionControl::ALL {
        let mut pair = Pair::with(Config { congestion, ..Config::default() }, Config::default()).opened();
        let before = pair.client.info(pair.now).cwnd_bytes;
        let now = pair.now;
        pair.server.write(now, &pattern(500_000)).expect("room");
        pair.run_for(Duration::from_secs(2));
        assert_eq!(pair.read_all(Side::Client).len(), 500_000);
        assert_eq!(pair.client.info(pair.now).cwnd_bytes, before, "{congestion:?}");
    }
}

#[test]
fn a_paced_flow_of_little_data_does_not_grow_its_window() {
    // Paced is not limited by the application, but neither would this have filled the window.
    for congestion in CongestionControl::ALL {
        let mut pair = Pair::with(Config { congestion, ..Config::default() }, Config::default()).opened();
        let before = pair.client.info(pair.now).cwnd_bytes;
        for _ in 0..50 {
            let now = pair.now;
            pair.client.write(now, &pattern(3 * MSS as usize)).expect("room");
            pair.run_for(Duration::from_millis(25));
            pair.read_all(Side::Server);
        }
        // BBR lets its window grow by what arrives until the initial window has, and by what arrives at once.
        let most = if congestion == CongestionControl::Bbr { 5 * before / 2 } else { before };
        let after = pair.client.info(pair.now).cwnd_bytes;
        assert!((before..=most).contains(&after), "{congestion:?}: {after} after {before}");
    }
}

#[test]
fn a_writer_that_waits_with_everything_sent_is_limited_by_its_buffer() {
    let config = Config { send_buffer_bytes: 4 * MSS, ..pair::unpaced() };
    let mut pair = Pair::with(config, Config::default()).opened();
    let (data, mut written) = (pattern(200 * MSS as usize), 0);
    let start = pair.now;
    while written < data.len() {
        let now = pair.now;
        written += pair.client.write(now, &data[written..]).unwrap_or(0);
        let until = pair.now + Duration::from_millis(100);
        pair.step(until);
        pair.read_all(Side::Server);
    }
    let info = pair.client.info(pair.now);
    let took = pair.now.since(start);
    assert!(info.limited_by_buffer > took / 2, "{:?} of {took:?}", info.limited_by_buffer);
    // Times are counted in units of 64 us.
    assert!(info.busy <= took + Duration::from_micros(64), "{info:?}");
    assert_eq!(info.limited_by_window, Duration::ZERO);
    // A buffer that is never full limits nobody.
    let (pair, _) = send(Config::default(), 100 * MSS as usize, Box::new(|_| Fate::Deliver));
    assert_eq!(pair.client.info(pair.now).limited_by_buffer, Duration::ZERO);
}

#[test]
fn every_loss_is_told_with_its_sign() {
    let (_, traces) = send(Config::default(), 100 * MSS as usize, lose(&[30]));
    let signs: Vec<_> = traces
        .iter()
        .filter_map(|trace| if let Trace::Loss { sign, .. } = trace { Some(*sign) } else { None })
        .collect();
    assert_eq!(signs, [LossSign::Rack]);
}
