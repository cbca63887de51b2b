//! Explicit congestion notification between two ends, with a path that marks, and one that meddles (RFC 3168, RFC 8511,
//! RFC 9768). The rows of the tables are scripts: `tests/scripts/rfc3168`, `rfc8511`, `rfc9768`.
#![allow(clippy::unwrap_used)] // a test's way to fail

mod pair;

use pair::{Fate, Pair, Side};
use std::time::Duration;
use synfin_tcp::{Config, CongestionControl, EcnBytes, EcnFeedback, Info, RecoveryPhase, SendReason, State};
use wire::ip::Ecn;
use wire::tcp::Flags;

fn config(feedback: EcnFeedback) -> Config {
    Config {
        ecn_incoming: feedback,
        ecn_outgoing: feedback,
        congestion: CongestionControl::NewReno,
        pacing: false,
        ..Config::default()
    }
}

fn pair(feedback: EcnFeedback) -> Pair {
    Pair::with(config(feedback), config(feedback))
}

fn infos(pair: &mut Pair) -> (Info, Info) {
    let now = pair.now;
    (pair.client.info(now), pair.server.info(now))
}

fn agreed(pair: &mut Pair) -> (EcnFeedback, EcnFeedback) {
    let (client, server) = infos(pair);
    (client.ecn, server.ecn)
}

/// The client writes so much, the server reads all of it.
fn transfer(pair: &mut Pair, bytes: usize) {
    let text = vec![7; bytes];
    let (mut written, mut read) = (0, 0);
    for _ in 0..20_000 {
        let now = pair.now;
        written += pair.client.write(now, &text[written..]).unwrap_or(0);
        pair.run_for(Duration::from_millis(5));
        read += pair.read_all(Side::Server).len();
        if read == bytes {
            return pair.drive();
        }
    }
    panic!("{read} of {bytes} bytes arrived");
}

#[test]
fn two_ends_agree_on_the_best_that_both_can() {
    let all = EcnFeedback::ALL;
    for (outgoing, incoming) in all.iter().flat_map(|one| all.map(|other| (*one, other))) {
        let client = Config { ecn_outgoing: outgoing, ..Config::default() };
        let server = Config { ecn_incoming: incoming, ..Config::default() };
        let mut pair = Pair::with(client, server).opened();
        let best = outgoing.min(incoming);
        assert_eq!(agreed(&mut pair), (best, best), "{outgoing:?} {incoming:?}");
        let (client, server) = infos(&mut pair);
        assert_eq!(
            (client.ecn_capable, server.ecn_capable),
            (best != EcnFeedback::Off, best != EcnFeedback::Off)
        );
    }
}

#[test]
fn nobody_asks_by_default_and_who_asks_gets_the_classic_kind() {
    let mut pair = Pair::established();
    assert_eq!(agreed(&mut pair), (EcnFeedback::Off, EcnFeedback::Off));
    let client = Config { ecn_outgoing: EcnFeedback::Accurate, ..Config::default() };
    let mut pair = Pair::with(client, Config::default()).opened();
    assert_eq!(agreed(&mut pair), (EcnFeedback::Classic, EcnFeedback::Classic));
}

#[test]
fn only_new_text_is_capable() {
    for feedback in [EcnFeedback::Classic, EcnFeedback::Accurate] {
        let mut pair = pair(feedback);
        let mut count = 0;
        pair.fate = Box::new(move |sent| {
            count += usize::from(sent.len > 0);
            if sent.len > 0 && count.is_multiple_of(23) { Fate::Lose } else { Fate::Deliver }
        });
        pair.drive();
        transfer(&mut pair, 400_000);
        let now = pair.now;
        pair.client.close(now);
        pair.server.close(now);
        pair.drive();
        let mut again = 0;
        for sent in &pair.log {
            let is_new = sent.len > 0 && !sent.why.is_retransmission();
            assert_eq!(sent.ecn, if is_new { Ecn::Capable0 } else { Ecn::NotCapable }, "{sent:?}");
            again += usize::from(sent.why.is_retransmission());
        }
        assert!(again > 5, "something was lost: {again}");
    }
}

#[test]
fn marks_reduce_without_a_retransmission() {
    for feedback in [EcnFeedback::Classic, EcnFeedback::Accurate] {
        let mut pair = pair(feedback).opened();
        let mut count = 0;
        pair.fate = Box::new(move |sent| {
            count += usize::from(sent.len > 0);
            if sent.len > 0 && count.is_multiple_of(40) { Fate::Mark } else { Fate::Deliver }
        });
        transfer(&mut pair, 1_000_000);
        let marked = pair.log.iter().filter(|sent| sent.len > 0).count() / 40;
        let (client, server) = infos(&mut pair);
        assert_eq!((client.retransmissions, client.timeouts), (0, 0), "{feedback:?}");
        assert!(client.ssthresh_bytes < 100_000, "{}", client.ssthresh_bytes);
        assert_eq!(server.marks_received as usize, marked, "{feedback:?}");
        assert!(client.marks_delivered > 5);
        if feedback == EcnFeedback::Accurate {
            assert_eq!(client.marks_delivered as usize, marked, "every mark is told, and once");
            assert_eq!(client.ecn_delivered, server.ecn_received);
            let EcnBytes { e0b, ceb, e1b } = server.ecn_received;
            assert_eq!((u64::from(e0b) + u64::from(ceb), e1b), (server.bytes_received, 0));
        }
    }
}

#[test]
fn a_mark_is_told_at_once() {
    let mut pair = pair(EcnFeedback::Accurate).opened();
    let now = pair.now;
    pair.fate = Box::new(|sent| if sent.len > 0 { Fate::Mark } else { Fate::Deliver });
    pair.client.write(now, &[7; 100]).unwrap();
    pair.drive();
    let echo = pair.log.iter().find(|sent| sent.from == Side::Server).unwrap();
    assert_eq!((echo.why, echo.at.since(now)), (SendReason::CongestionEcho, pair.delay));
}

/// RFC 9768 §3.3.4: those who cut a super-segment keep CWR on the first piece alone; as a digit of the counter it must be
/// on all.
#[test]
fn a_counter_with_cwr_is_not_cut() {
    let mut pair = pair(EcnFeedback::Accurate);
    pair.super_bytes = 60_000;
    pair.opened_with_marks(1);
    let now = pair.now;
    pair.client.write(now, &[7; 10_000]).unwrap();
    pair.drive();
    let cut = |pair: &Pair| pair.log.iter().any(|sent| sent.from == Side::Client && sent.len > 2_000);
    assert!(!cut(&pair), "ACE is 6: {:?}", pair.lines());
    let mut pair = self::pair(EcnFeedback::Accurate);
    pair.super_bytes = 60_000;
    pair.opened_with_marks(0);
    let now = pair.now;
    pair.client.write(now, &[7; 10_000]).unwrap();
    pair.drive();
    assert!(cut(&pair), "ACE is 5");
}

impl Pair {
    /// Opened, and the server has sent so many segments that were marked.
    fn opened_with_marks(&mut self, marks: usize) {
        self.drive();
        assert_eq!(self.states(), (State::Established, State::Established));
        self.fate =
            Box::new(
                |sent| if sent.len > 0 && sent.from == Side::Server { Fate::Mark } else { Fate::Deliver },
            );
        for _ in 0..marks {
            let now = self.now;
            self.server.write(now, b"x").unwrap();
            self.drive();
        }
        self.fate = Box::new(|_| Fate::Deliver);
        self.log.clear();
    }
}

#[test]
fn a_mark_begins_a_reduction_as_a_loss_does_and_nothing_undoes_it() {
    let mut pair = pair(EcnFeedback::Accurate).opened();
    transfer(&mut pair, 200_000);
    let before = infos(&mut pair).0.cwnd_bytes;
    let mut left = 1;
    pair.fate = Box::new(move |sent| {
        let marks = sent.len > 0 && left > 0;
        left -= usize::from(marks);
        if marks { Fate::Mark } else { Fate::Deliver }
    });
    let now = pair.now;
    pair.client.write(now, &vec![7; 100_000]).unwrap();
    pair.run_for(pair.delay * 2);
    let during = infos(&mut pair).0;
    assert_eq!(during.recovery, RecoveryPhase::Cwr);
    pair.drive();
    let after = infos(&mut pair).0;
    assert_eq!((after.recovery, after.undone), (RecoveryPhase::Open, 0));
    assert!(after.ssthresh_bytes < before, "{} {before}", after.ssthresh_bytes);
}

/// RFC 3168 §6.1.2: a window of one segment that is still marked is paced by the retransmission timer.
#[test]
fn a_window_of_one_segment_waits_for_the_timer() {
    for feedback in [EcnFeedback::Classic, EcnFeedback::Accurate] {
        let client = Config { initial_window_segments: 4, alternative_backoff: true, ..config(feedback) };
        let mut pair = Pair::with(client, config(feedback)).opened();
        // Not from the first on, or nobody would believe it.
        transfer(&mut pair, 20_000);
        pair.fate = Box::new(|sent| if sent.len > 0 { Fate::Mark } else { Fate::Deliver });
        let now = pair.now;
        pair.client.write(now, &vec![7; 200_000]).unwrap();
        pair.run_for(Duration::from_secs(20));
        let sent = |sent: &&pair::Sent| sent.from == Side::Client && sent.len > 0;
        let times: Vec<_> = pair.log.iter().filter(sent).map(|sent| sent.at).collect();
        let gaps: Vec<_> = times.windows(2).map(|two| two[1].since(two[0])).collect();
        let slow = &gaps[gaps.len() - 10..];
        assert!(slow.iter().all(|gap| *gap >= Duration::from_millis(200)), "{feedback:?} {slow:?}");
        assert_eq!(infos(&mut pair).0.retransmissions, 0);
    }
}

/// What a middlebox does to a segment, and what each end believes in the end.
#[test]
fn middleboxes_that_clear_and_change_do_no_harm() {
    type Meddle = fn(Side, &mut synfin_tcp::Segment);
    let cases: [(&str, Meddle, EcnFeedback); 7] = [
        (
            "clears AE on the SYN",
            |_, s| {
                if s.header.flags.syn() && !s.header.flags.ack() {
                    without(s, 0x100);
                }
            },
            EcnFeedback::Classic,
        ),
        (
            "clears all three on the SYN",
            |_, s| {
                if s.header.flags.syn() && !s.header.flags.ack() {
                    without(s, 0x1c0);
                }
            },
            EcnFeedback::Off,
        ),
        ("clears all three on everything", |_, s| without(s, 0x1c0), EcnFeedback::Off),
        ("removes the option", |_, s| s.header.options.accurate_ecn = None, EcnFeedback::Accurate),
        ("clears the ECN field", |_, s| s.ecn = Ecn::NotCapable, EcnFeedback::Accurate),
        (
            "clears the flags but of SYNs",
            |_, s| {
                if !s.header.flags.syn() {
                    without(s, 0x1c0);
                }
            },
            EcnFeedback::Accurate,
        ),
        (
            "makes everything capable",
            |_, s| {
                if s.ecn == Ecn::NotCapable {
                    s.ecn = Ecn::Capable0;
                }
            },
            EcnFeedback::Accurate,
        ),
    ];
    for (what, meddle, expected) in cases {
        let mut pair = pair(EcnFeedback::Accurate);
        pair.meddle = Box::new(meddle);
        let mut count = 0;
        pair.fate = Box::new(move |sent| {
            count += usize::from(sent.len > 0);
            if sent.len > 0 && count.is_multiple_of(50) { Fate::Mark } else { Fate::Deliver }
        });
        pair.drive();
        assert_eq!(agreed(&mut pair), (expected, expected), "{what}");
        transfer(&mut pair, 500_000);
        let (client, server) = infos(&mut pair);
        assert_eq!((client.timeouts, server.timeouts), (0, 0), "{what}");
        assert_eq!(server.bytes_received, 500_000, "{what}");
    }
}

fn without(segment: &mut synfin_tcp::Segment, bits: u16) {
    segment.header.flags = Flags::from_bits(segment.header.flags.bits() & !bits);
}

/// RFC 9768 §3.2.3.2.2: who drops what bears an option that it does not know must not end the connection.
#[test]
fn a_path_that_drops_the_option_is_survived() {
    for what in 0..3 {
        let mut pair = pair(EcnFeedback::Accurate);
        pair.fate = Box::new(move |sent| {
            let dropped = match what {
                0 => sent.from == Side::Server,
                1 => sent.from == Side::Client,
                _ => true,
            };
            if dropped && sent.header.options.accurate_ecn.is_some() { Fate::Lose } else { Fate::Deliver }
        });
        pair.run_for(Duration::from_secs(5));
        assert_eq!(pair.states(), (State::Established, State::Established), "{what}");
        transfer(&mut pair, 100_000);
        let now = pair.now;
        pair.server.write(now, &[7; 50_000]).unwrap();
        pair.run_for(Duration::from_secs(5));
        assert_eq!(pair.read_all(Side::Client).len(), 50_000, "{what}");
    }
}

/// RFC 9768 §A.2: acknowledgments get lost, and the counters of both ends are still in step.
#[test]
fn counters_stay_in_step_when_acknowledgments_are_lost() {
    for (options, lose_every) in [(true, 2), (true, 3), (false, 3)] {
        let feedback = EcnFeedback::Accurate;
        let plain = Config { accurate_ecn_options: options, ..config(feedback) };
        let mut pair = Pair::with(plain.clone(), plain).opened();
        let (mut data, mut acks) = (0, 0);
        pair.fate = Box::new(move |sent| {
            if sent.len > 0 {
                data += 1;
                return if data % 31 == 0 { Fate::Mark } else { Fate::Deliver };
            }
            acks += 1;
            if acks % lose_every != 0 { Fate::Lose } else { Fate::Deliver }
        });
        transfer(&mut pair, 400_000);
        let (client, server) = infos(&mut pair);
        let told = client.marks_delivered;
        assert!(
            told >= server.marks_received && told <= server.marks_received * 3,
            "{told} {}",
            server.marks_received
        );
        if options {
            assert_eq!(client.ecn_delivered.ceb, server.ecn_received.ceb);
        }
    }
}

/// RFC 9768 §3.2.2.1: the third step tells with which field the SYN-ACK came, which text could not.
#[test]
fn the_third_step_goes_alone_whoever_is_imitated() {
    for habits in synfin_tcp::Habits::ALL {
        let client = Config { habits, ..config(EcnFeedback::Accurate) };
        let mut pair = Pair::with(client, config(EcnFeedback::Accurate));
        let now = pair.now;
        pair.client.write(now, b"waits for the handshake").unwrap();
        pair.drive();
        let from_client: Vec<_> = pair.log.iter().filter(|sent| sent.from == Side::Client).collect();
        let (third, text) = (from_client[1], from_client[2]);
        assert_eq!((third.len, third.header.flags), (0, Flags::ACK | Flags::CWR), "{habits:?}: 010");
        assert!(text.len > 0 && text.header.options.accurate_ecn.is_some(), "{habits:?}");
    }
}
