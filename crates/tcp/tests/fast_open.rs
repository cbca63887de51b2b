//! Fast Open between two connections: text on the SYN, answers before the third step, and what comes of losses.
#![allow(clippy::unwrap_used)] // a test's way to fail

mod pair;

use pair::{CLIENT_ISS, Fate, Pair, SERVER_ISS, Side, pattern};
use std::time::Duration;
use synfin_tcp::{
    Config, Error, Event, FastOpen, FastOpenAnswer, FastOpenOutcome, ReadError, RecoveryPhase, SendReason,
    State, SynText,
};
use wire::Seq;
use wire::tcp::{FastOpenCookie, Flags, Header};

fn cookie() -> Option<FastOpenCookie> {
    FastOpenCookie::new(&[7; 8])
}

const TAKES: FastOpenAnswer = FastOpenAnswer { text: SynText::Taken, cookie: None };

/// The client knows a cookie and an MSS, and has written `count` bytes; the server does as `answer` says.
fn fast(count: usize, answer: FastOpenAnswer) -> Pair {
    let mut pair = Pair::new();
    pair.client.open_fast(FastOpen { cookie: cookie(), peer_mss_bytes: Some(1_460) });
    pair.server.answer_fast(answer);
    let written = pair.client.write(pair.now, &pattern(count)).unwrap();
    assert_eq!(written, count);
    pair
}

fn outcomes(pair: &Pair) -> (FastOpenOutcome, FastOpenOutcome) {
    (pair.client.info(pair.now).fast_open, pair.server.info(pair.now).fast_open)
}

#[test]
fn text_of_a_syn_is_read_and_answered_before_the_third_step() {
    let mut pair = fast(500, TAKES);
    // Only the SYN travels.
    pair.run_for(Duration::from_millis(15));
    assert_eq!(pair.states(), (State::SynSent, State::SynReceived));
    assert_eq!(pair.server_events, [Event::Accepted, Event::Readable, Event::Writable]);
    assert!(pair.server.may_exchange() && pair.server.is_unproven() && !pair.client.may_exchange());
    assert_eq!(pair.read_all(Side::Server), pattern(500));
    pair.server.write(pair.now, &pattern(3_000)).unwrap();
    pair.drive();
    assert_eq!(pair.states(), (State::Established, State::Established));
    assert_eq!(pair.read_all(Side::Client), pattern(3_000));
    assert!(!pair.server.is_unproven());
    assert_eq!(pair.server_events.iter().filter(|event| **event == Event::Accepted).count(), 1, "once");
    assert_eq!(outcomes(&pair), (FastOpenOutcome::Taken, FastOpenOutcome::Taken));
    let lines = pair.lines();
    assert_eq!(&lines[..2], ["C SYN Seq=0 Len=500 syn", "S SYN, ACK Seq=0 Ack=501 Len=0 syn-ack"]);
    assert!(pair.log[..4].iter().filter(|sent| sent.from == Side::Server && sent.len > 0).count() >= 2);
    let info = pair.client.info(pair.now);
    assert_eq!((info.bytes_sent, info.bytes_acked, info.retransmissions), (500, 500, 0));
    assert!(info.rtt.is_some(), "the SYN and its answer are a round trip");
}

#[test]
fn what_is_not_taken_goes_again_with_the_third_step_and_nothing_is_slower() {
    let mut pair = fast(500, FastOpenAnswer::default());
    pair.run_for(Duration::from_millis(20));
    let third = pair.log.last().unwrap().clone();
    assert_eq!(
        (third.from, third.len, third.header.flags.ack()),
        (Side::Client, 500, true),
        "{:?}",
        pair.lines()
    );
    let info = pair.client.info(pair.now);
    assert_eq!(info.fast_open, FastOpenOutcome::NotTaken);
    assert_eq!((info.recovery, info.attempts, info.backoff), (RecoveryPhase::Open, 0, 0));
    assert_eq!((info.cwnd_bytes, info.ssthresh_bytes), (14_480, u32::MAX));
    assert_eq!((info.bytes_sent, info.bytes_retransmitted, info.retransmissions), (1_000, 500, 1));
    pair.drive();
    assert_eq!(pair.read_all(Side::Server), pattern(500));
    assert_eq!(pair.client.unacknowledged_bytes(), 0);
}

#[test]
fn more_than_a_segment_follows_and_arrives_once() {
    for answer in [TAKES, FastOpenAnswer::default()] {
        let mut pair = fast(10_000, answer);
        pair.drive();
        assert_eq!(pair.read_all(Side::Server), pattern(10_000));
        // 1,460 less the options of the SYN: 32 bytes with the cookie.
        assert_eq!((pair.log[0].len, pair.log[0].header.options.fast_open), (1_428, cookie()));
        assert!(pair.log.iter().filter(|sent| sent.header.flags.syn()).count() == 2);
    }
}

#[test]
fn a_lost_syn_goes_again_bare_and_a_lost_syn_ack_too() {
    for lost in [0, 1, 2] {
        let mut pair = fast(500, FastOpenAnswer { cookie: FastOpenCookie::new(&[9; 8]), ..TAKES });
        let mut count = 0;
        pair.fate = Box::new(move |_| {
            count += 1;
            if count == lost + 1 { Fate::Lose } else { Fate::Deliver }
        });
        pair.run_for(Duration::from_millis(12));
        let _ = pair.server.write(pair.now, &pattern(400));
        pair.run_for(Duration::from_secs(8));
        assert_eq!(pair.states(), (State::Established, State::Established), "{lost}");
        assert_eq!(pair.read_all(Side::Server), pattern(500), "{lost} {:#?}", pair.lines());
        assert_eq!(pair.read_all(Side::Client), pattern(400), "{lost} {:#?}", pair.lines());
        let syns = |side| pair.log.iter().filter(move |sent| sent.from == side && sent.header.flags.syn());
        for again in syns(Side::Client).skip(1).chain(syns(Side::Server).skip(1)) {
            assert_eq!((again.len, again.header.options.fast_open), (0, None), "{lost}");
        }
    }
}

#[test]
fn behind_a_syn_ack_that_goes_again_nothing_does_until_the_third_step() {
    let mut pair = fast(10, TAKES);
    pair.fate = Box::new(|sent| if sent.from == Side::Server { Fate::Lose } else { Fate::Deliver });
    pair.run_for(Duration::from_millis(12));
    pair.server.write(pair.now, &pattern(400)).unwrap();
    pair.run_for(Duration::from_millis(4_500));
    let texts = pair.log.iter().filter(|sent| sent.from == Side::Server && sent.len > 0).count();
    assert_eq!(texts, 1, "{:#?}", pair.lines());
    pair.fate = Box::new(|_| Fate::Deliver);
    pair.run_for(Duration::from_secs(9));
    assert_eq!(pair.read_all(Side::Client), pattern(400));
}

#[test]
fn a_server_may_close_before_the_third_step() {
    let mut pair = fast(500, TAKES);
    pair.run_for(Duration::from_millis(12));
    assert_eq!(pair.read_all(Side::Server), pattern(500));
    pair.server.write(pair.now, &pattern(100)).unwrap();
    pair.server.finish(pair.now);
    assert_eq!(pair.server.state(), State::FinWait1);
    assert!(pair.server.is_unproven());
    pair.drive();
    assert_eq!(pair.states(), (State::CloseWait, State::FinWait2));
    assert_eq!(pair.read_all(Side::Client), pattern(100));
    pair.client.finish(pair.now);
    pair.drive();
    assert_eq!(pair.states(), (State::Closed, State::TimeWait));
}

#[test]
fn a_reset_before_the_third_step_is_told_and_does_not_listen_again() {
    let mut pair = fast(500, TAKES);
    pair.run_for(Duration::from_millis(12));
    let header = pair.next_header(Side::Server, Flags::RST);
    pair.inject(Side::Server, header, &[]);
    assert_eq!(pair.server.state(), State::Closed);
    assert!(pair.server_events.contains(&Event::Failed(Error::Reset)));
    let mut into = [0; 600];
    assert_eq!(pair.server.read(&mut into), Ok(500), "what arrived can be read");
    assert_eq!(pair.server.read(&mut into), Err(ReadError::Failed(Error::Reset)));
}

#[test]
fn a_syn_in_the_window_does_not_end_what_the_application_has() {
    let mut pair = fast(500, TAKES);
    pair.run_for(Duration::from_millis(12));
    let header = Header { ack: Seq::new(0), ..pair.next_header(Side::Server, Flags::SYN) };
    pair.inject(Side::Server, header, &[]);
    assert_eq!(pair.server.state(), State::SynReceived);
    // The very same SYN is answered again.
    let seq = Seq::new(CLIENT_ISS);
    let header = Header { seq, ack: Seq::new(0), ..pair.next_header(Side::Server, Flags::SYN) };
    let sent = pair.inject(Side::Server, header, &pattern(500));
    assert_eq!((sent.len(), sent[0].header.ack), (1, seq + 501));
    assert_eq!(pair.read_all(Side::Server), pattern(500));
}

#[test]
fn nobody_completes_it_and_the_application_hears_of_that() {
    let mut pair = fast(500, TAKES);
    pair.fate = Box::new(|sent| if sent.from == Side::Server { Fate::Lose } else { Fate::Deliver });
    pair.run_for(Duration::from_secs(400));
    assert_eq!(pair.server.state(), State::Closed);
    assert!(pair.server_events.contains(&Event::Failed(Error::TimedOut)), "{:?}", pair.server_events);
    let by_timer = |sent: &&pair::Sent| sent.from == Side::Server && sent.why == SendReason::Timeout;
    let again = pair.log.iter().filter(by_timer).count();
    assert_eq!(again, 1 + usize::from(Config::default().syn_ack_retries), "one more than an ordinary one");
}

#[test]
fn both_open_at_once_with_text() {
    let mut pair = Pair::new();
    assert!(pair.server.open(pair.now));
    for side in [Side::Client, Side::Server] {
        let now = pair.now;
        pair.end(side).open_fast(FastOpen::default());
        pair.end(side).write(now, &pattern(300)).unwrap();
    }
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.states(), (State::Established, State::Established));
    for side in [Side::Client, Side::Server] {
        assert_eq!(pair.read_all(side), pattern(300), "{:#?}", pair.lines());
        assert_eq!(pair.end(side).unacknowledged_bytes(), 0);
    }
}

#[test]
fn any_answer_of_any_peer_is_borne() {
    for acked in [0u32, 1, 2, 250, 500, 501, 502, 1_000, 1 << 31, u32::MAX] {
        for flags in [Flags::SYN | Flags::ACK, Flags::SYN, Flags::ACK, Flags::RST | Flags::ACK, Flags::FIN] {
            for len in 0..=16 {
                let mut pair = fast(500, TAKES);
                pair.flush();
                let mut header = Header { seq: Seq::new(SERVER_ISS), flags, ..Header::default() };
                (header.ack, header.window) = (Seq::new(CLIENT_ISS.wrapping_add(acked)), 9_000);
                header.options.fast_open = FastOpenCookie::new(&[1; 16][..len]);
                pair.inject(Side::Client, header, &[]);
                let at = pair.client.snapshot();
                assert!(at.snd_una.at_or_before(at.snd_nxt), "{acked} {flags:?} {at:?}");
                let is_answer = flags == Flags::SYN | Flags::ACK && (1..=501).contains(&acked);
                assert_eq!(pair.client.state() == State::Established, is_answer, "{acked} {flags:?}");
                let reply = pair.client.take_fast_open_reply();
                assert_eq!(reply.is_some(), is_answer);
                if let Some(reply) = reply {
                    let whole = len >= 4;
                    assert_eq!(reply.cookie.is_some(), whole);
                    assert_eq!(reply.outcome == FastOpenOutcome::Taken, acked == 501);
                }
                assert_eq!(pair.client.take_fast_open_reply(), None, "once");
            }
        }
    }
}

#[test]
fn who_asks_sends_no_text_and_learns_what_is_said() {
    let mut pair = Pair::new();
    pair.client.open_fast(FastOpen { cookie: FastOpenCookie::new(&[]), peer_mss_bytes: None });
    pair.server.answer_fast(FastOpenAnswer { cookie: cookie(), ..FastOpenAnswer::default() });
    assert_eq!(pair.client.syn_text_room(pair.now), 0);
    pair.client.write(pair.now, &pattern(500)).unwrap();
    pair.drive();
    assert_eq!(pair.log[0].len, 0);
    assert_eq!(pair.read_all(Side::Server), pattern(500));
    let reply = pair.client.take_fast_open_reply().unwrap();
    assert_eq!((reply.cookie, reply.outcome), (cookie(), FastOpenOutcome::NoCookie));
    assert_eq!((reply.peer_mss_bytes, reply.syn_was_repeated), (Some(1_460), false));
}

#[test]
fn the_room_of_a_syn_is_what_the_peer_and_the_path_take_beside_its_options() {
    let room = |peer_mss_bytes, cookie| {
        let mut pair = Pair::new();
        pair.client.open_fast(FastOpen { cookie, peer_mss_bytes });
        let (now, before) = (pair.now, pair.client.syn_text_room(pair.now));
        assert_eq!(pair.client.syn_text_room(now), before, "asking changes nothing");
        pair.client.write(now, &pattern(9_000)).unwrap();
        pair.flush();
        assert_eq!((pair.log[0].len, pair.log[0].header.options.fast_open), (before, cookie));
        before
    };
    assert_eq!(room(None, cookie()), 536 - 32, "RFC 7413 §4.1.3: the default");
    assert_eq!(room(Some(1_000), cookie()), 1_000 - 32);
    assert_eq!(room(Some(9_000), cookie()), 1_460 - 32, "the path takes no more");
    assert_eq!(room(Some(1_460), None), 1_460 - 20);
    assert_eq!(room(Some(1_460), FastOpenCookie::new(&[1; 16])), 1_460 - 40);
    let experimental = FastOpenCookie::new(&[1; 16]).map(FastOpenCookie::as_experiment);
    assert_eq!(room(Some(1_460), experimental), 1_460 - 40);
    assert_eq!(room(Some(0), cookie()), 48 - 32, "no MSS is believed that is smaller");
}

#[test]
fn a_deferred_third_step_opens_with_text_and_measures_nothing() {
    let server = Config { defer_accept: Some(Duration::from_secs(3)), ..Config::default() };
    let mut pair = Pair::with(Config::default(), server);
    pair.run_for(Duration::from_millis(900));
    assert_eq!(pair.states(), (State::Established, State::SynReceived));
    pair.run_for(Duration::from_millis(1_500));
    assert_eq!(pair.log.iter().filter(|sent| sent.header.flags.syn()).count(), 2, "no SYN-ACK goes again");
    pair.client.write(pair.now, &pattern(100)).unwrap();
    pair.drive();
    assert_eq!(pair.states(), (State::Established, State::Established));
    assert_eq!(pair.read_all(Side::Server), pattern(100));
    let info = pair.server.info(pair.now);
    assert_eq!(
        (info.cwnd_bytes, info.rtt),
        (14_480, None),
        "nothing was lost, and the wait is no round trip"
    );
    assert_eq!((info.backoff, info.rto), (0, Duration::from_secs(1)));
}

#[test]
fn a_deferral_ends_with_another_syn_ack_whose_answer_opens() {
    let server = Config { defer_accept: Some(Duration::from_secs(3)), ..Config::default() };
    let mut pair = Pair::with(Config::default(), server);
    pair.run_for(Duration::from_secs(4));
    assert_eq!(pair.states(), (State::Established, State::Established));
    let at: Vec<_> =
        pair.log.iter().filter(|sent| sent.from == Side::Server && sent.header.flags.syn()).collect();
    assert_eq!(at.len(), 2);
    assert_eq!(at[1].at.since(at[0].at), Duration::from_secs(3));
}

#[test]
fn who_listens_no_longer_answers_nothing_early() {
    let mut pair = Pair::new();
    pair.server.answer_fast(TAKES);
    assert!(pair.server.open(pair.now));
    pair.server.write(pair.now, &pattern(300)).unwrap();
    pair.flush();
    let of_server: Vec<_> = pair.log.iter().filter(|sent| sent.from == Side::Server).collect();
    assert_eq!((of_server.len(), of_server[0].len), (1, 0), "a SYN, and no text before it is answered");
    assert!(!pair.server.may_exchange() && !pair.server.is_unproven());
}
