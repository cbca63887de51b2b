//! Closing a connection: RFC 9293 §3.6, §3.10.4, §3.10.5, RFC 1337, RFC 6191.

mod pair;

use pair::{Fate, Pair, SERVER_ISS, Side, birth, pattern};
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::{
    Config, Connection, Error, Event, Instant, ReadError, State, TimeWait, TimeWaitVerdict, WriteError,
};
use wire::Seq;
use wire::tcp::{Flags, Header, Options};

const BOTH: [Side; 2] = [Side::Client, Side::Server];

fn other(side: Side) -> Side {
    if side == Side::Client { Side::Server } else { Side::Client }
}

#[test]
fn four_steps_by_either_side() {
    for first in BOTH {
        let mut pair = Pair::established();
        let second = other(first);
        let now = pair.now;
        pair.end(first).finish(now);
        assert_eq!(pair.end(first).state(), State::FinWait1);
        pair.step(Instant::FAR_FUTURE);
        assert_eq!(pair.end(second).state(), State::CloseWait);
        pair.step(Instant::FAR_FUTURE);
        assert_eq!(pair.end(first).state(), State::FinWait2);
        let now = pair.now;
        pair.end(second).finish(now);
        assert_eq!(pair.end(second).state(), State::LastAck);
        pair.step(Instant::FAR_FUTURE);
        assert_eq!(pair.end(first).state(), State::TimeWait);
        pair.step(Instant::FAR_FUTURE);
        assert_eq!(pair.end(second).state(), State::Closed);
        let (a, b) = if first == Side::Client { ("C", "S") } else { ("S", "C") };
        assert_eq!(
            pair.lines(),
            [
                format!("{a} FIN, ACK Seq=1 Ack=1 Len=0 fin"),
                format!("{b} ACK Seq=1 Ack=2 Len=0 fin-ack"),
                format!("{b} FIN, ACK Seq=1 Ack=2 Len=0 fin"),
                format!("{a} ACK Seq=2 Ack=2 Len=0 fin-ack"),
            ]
        );
        pair.run_for(Duration::from_secs(61));
        assert_eq!(pair.states(), (State::Closed, State::Closed));
        assert!(pair.client.is_closed() && pair.server.is_closed());
    }
}

#[test]
fn fin_and_ack_of_fin_in_one_segment_skip_fin_wait_2() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.finish(now);
    pair.flush();
    let header = pair.next_header(Side::Client, Flags::FIN | Flags::ACK);
    let answer = pair.inject(Side::Client, header, b"");
    assert_eq!(pair.client.state(), State::TimeWait);
    assert_eq!(answer[0].header.ack, header.seq + 1);
}

#[test]
fn simultaneous_close_passes_closing() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.finish(now);
    pair.server.finish(now);
    pair.step(Instant::FAR_FUTURE);
    pair.step(Instant::FAR_FUTURE);
    assert_eq!(pair.states(), (State::Closing, State::Closing));
    pair.drive();
    assert_eq!(pair.states(), (State::TimeWait, State::TimeWait));
    pair.run_for(Duration::from_secs(61));
    assert_eq!(pair.states(), (State::Closed, State::Closed));
}

#[test]
fn a_half_closed_connection_goes_on_the_other_way_for_as_long_as_wanted() {
    for first in BOTH {
        let mut pair = Pair::established();
        let (second, data) = (other(first), pattern(300_000));
        let now = pair.now;
        pair.end(first).write(now, b"last words").expect("room");
        pair.end(first).finish(now);
        pair.drive();
        assert_eq!(pair.read_all(second), b"last words");
        assert_eq!(pair.end(second).read(&mut [0; 4]), Ok(0), "the peer has finished");
        assert_eq!(pair.end(first).write(now, b"more"), Err(WriteError::Finished));
        for hour in 0..3 {
            pair.run_for(Duration::from_secs(3_600));
            let now = pair.now;
            assert_eq!(pair.end(second).write(now, &data), Ok(data.len()), "hour {hour}");
            pair.drive();
            assert_eq!(pair.read_all(first), data);
        }
        let now = pair.now;
        pair.end(second).finish(now);
        pair.run_for(Duration::from_secs(70));
        assert_eq!(pair.states(), (State::Closed, State::Closed));
    }
}

#[test]
fn the_fin_rides_on_the_last_data_and_waits_for_all_of_it() {
    let mut pair = Pair::established();
    let data = pattern(50_000);
    let now = pair.now;
    pair.client.write(now, &data).expect("room");
    pair.client.finish(now);
    assert_eq!(pair.client.state(), State::FinWait1, "at once, in any case (§3.10.4)");
    pair.drive();
    assert_eq!(pair.read_all(Side::Server), data);
    let fins: Vec<_> = pair.log.iter().filter(|sent| sent.header.flags.fin()).collect();
    assert_eq!(fins.len(), 1);
    assert!(fins[0].len > 0 && fins[0].header.flags.psh());
}

#[test]
fn a_lost_fin_is_sent_again_and_a_lost_ack_of_it_too() {
    for lose in [0, 1, 2, 3] {
        let mut pair = Pair::established();
        let mut count = 0;
        pair.fate = Box::new(move |_| {
            count += 1;
            if count == lose + 1 { Fate::Lose } else { Fate::Deliver }
        });
        let now = pair.now;
        pair.client.finish(now);
        pair.drive();
        let now = pair.now;
        pair.server.finish(now);
        pair.run_for(Duration::from_secs(2));
        assert_eq!(pair.states(), (State::TimeWait, State::Closed), "lost {lose}: {:#?}", pair.lines());
    }
}

#[test]
fn a_retransmitted_fin_restarts_time_wait_and_is_acknowledged() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.finish(now);
    pair.drive();
    let now = pair.now;
    pair.server.finish(now);
    pair.drive();
    assert_eq!(pair.client.state(), State::TimeWait);
    let due = pair.client.poll_timeout().expect("2 MSL");
    pair.run_for(Duration::from_secs(50));
    let mut fin = pair.next_header(Side::Client, Flags::FIN | Flags::ACK);
    fin.seq = Seq::new(SERVER_ISS) + 1;
    let answer = pair.inject(Side::Client, fin, b"");
    assert_eq!(answer[0].header.ack, Seq::new(SERVER_ISS) + 2);
    assert!(pair.client.poll_timeout() > Some(due + Duration::from_secs(40)));
}

fn time_wait() -> (Pair, TimeWait) {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.finish(now);
    pair.server.finish(now);
    pair.drive();
    let rest = pair.client.time_wait().expect("in TIME-WAIT with nothing left to do");
    (pair, rest)
}

#[test]
fn time_wait_answers_empty_segments_beyond_the_window_but_not_without_end() {
    let (pair, mut rest) = time_wait();
    let config = Config::default();
    let standing = pair.client.snapshot();
    let mut arrives = |flags, seq, text_bytes, seconds| {
        let header = Header { seq, ack: standing.snd_nxt, flags, ..Header::default() };
        rest.handle_segment(pair.now + Duration::from_secs(seconds), &header, text_bytes, &config)
    };
    let beyond = standing.rcv_nxt + (64 << 20);
    for second in 0..2 {
        let answers = (0..50)
            .filter(|_| matches!(arrives(Flags::ACK, beyond, 0, second), TimeWaitVerdict::Reply(_)))
            .count();
        assert_eq!(answers, 10, "two in TIME-WAIT would answer each other for ever");
    }
    let inside = standing.rcv_nxt + 100;
    assert!(
        matches!(arrives(Flags::ACK, inside, 0, 2), TimeWaitVerdict::Reply(_)),
        "it knows of more than we do"
    );
    assert!(
        matches!(arrives(Flags::ACK, standing.rcv_nxt, 0, 2), TimeWaitVerdict::Ignore(_)),
        "what we expect"
    );
    assert!(matches!(arrives(Flags::PSH, inside, 5, 2), TimeWaitVerdict::Ignore(_)), "text without ACK");
    assert!(matches!(arrives(Flags::PSH, beyond, 5, 2), TimeWaitVerdict::Reply(_)), "where we stand");
}

#[test]
fn time_wait_is_safe_from_strays() {
    // RFC 1337: an old duplicate must not end TIME-WAIT, nor a reset.
    let (pair, mut rest) = time_wait();
    let config = Config::default();
    let rcv_nxt = pair.client.snapshot().rcv_nxt;
    let mut arrives = |flags, seq| {
        let header = Header { seq, ack: pair.client.snapshot().snd_nxt, flags, ..Header::default() };
        rest.handle_segment(pair.now, &header, 0, &config)
    };
    assert!(matches!(arrives(Flags::RST, rcv_nxt), TimeWaitVerdict::Ignore(_)));
    assert!(matches!(arrives(Flags::ACK, rcv_nxt), TimeWaitVerdict::Ignore(_)));
    assert!(matches!(arrives(Flags::ACK, rcv_nxt - 500), TimeWaitVerdict::Reply(_)));
    assert!(matches!(arrives(Flags::SYN, rcv_nxt - 500), TimeWaitVerdict::Reply(_)), "an old SYN");
    let config = Config { time_wait_ignores_rst: false, ..Config::default() };
    let header = Header { seq: rcv_nxt, flags: Flags::RST, ..Header::default() };
    assert!(matches!(rest.handle_segment(pair.now, &header, 0, &config), TimeWaitVerdict::Closed));
}

#[test]
fn the_reset_that_answers_our_answer_to_a_syn_ends_time_wait() {
    // RFC 5961 §3.2 and §4.2: a peer that rebooted, and whose SYN is not newer.
    let (pair, fresh) = time_wait();
    let rcv_nxt = pair.client.snapshot().rcv_nxt;
    let rto = pair.client.info(pair.now).rto;
    let header = |flags, seq| Header { seq, flags, ..Header::default() };
    let challenged = || {
        let mut rest = fresh;
        let verdict =
            rest.handle_segment(pair.now, &header(Flags::SYN, rcv_nxt - 500), 0, &Config::default());
        let TimeWaitVerdict::Reply(answer) = verdict else { panic!("{verdict:?}") };
        assert_eq!((answer.header.ack, answer.why.name()), (rcv_nxt, "challenge-ack"));
        rest
    };
    let reset_after = |wait, seq| {
        challenged().handle_segment(pair.now + wait, &header(Flags::RST, seq), 0, &Config::default())
    };
    assert!(matches!(reset_after(Duration::ZERO, rcv_nxt), TimeWaitVerdict::Closed));
    assert!(matches!(reset_after(rto - Duration::from_millis(1), rcv_nxt), TimeWaitVerdict::Closed));
    for (wait, seq) in [
        (Duration::ZERO, rcv_nxt + 1),
        (Duration::ZERO, rcv_nxt - 1),
        (rto + Duration::from_millis(2), rcv_nxt),
        (Duration::from_secs(30), rcv_nxt),
    ] {
        assert!(matches!(reset_after(wait, seq), TimeWaitVerdict::Ignore(_)), "{wait:?} {seq}");
    }
    // A newer SYN that nobody takes is answered like any other.
    let mut rest = fresh;
    let newer = header(Flags::SYN, rcv_nxt + 9_000);
    assert!(matches!(
        rest.handle_segment(pair.now, &newer, 0, &Config::default()),
        TimeWaitVerdict::Reopen { .. }
    ));
    let reset = header(Flags::RST, rcv_nxt);
    assert!(matches!(
        rest.handle_segment(pair.now, &reset, 0, &Config::default()),
        TimeWaitVerdict::Ignore(_)
    ));
    rest.refuse_syn(pair.now);
    assert!(matches!(rest.handle_segment(pair.now, &reset, 0, &Config::default()), TimeWaitVerdict::Closed));
}

#[test]
fn a_connection_in_time_wait_keeps_the_same_rules_as_its_compact_form() {
    let (mut pair, _) = time_wait();
    let next = pair.next_header(Side::Client, Flags::SYN);
    let reset = Header { flags: Flags::RST, ..next };
    let syn = Header { seq: next.seq - 500, options: Options::default(), ..next };
    assert!(pair.inject(Side::Client, reset, b"").is_empty());
    assert_eq!(pair.inject(Side::Client, syn, b"")[0].header.ack, next.seq);
    pair.run_for(Duration::from_secs(5));
    assert!(pair.inject(Side::Client, reset, b"").is_empty());
    assert_eq!(pair.client.state(), State::TimeWait, "it came too late");
    pair.inject(Side::Client, syn, b"");
    pair.inject(Side::Client, reset, b"");
    assert_eq!(pair.client.state(), State::Closed);
}

#[test]
fn a_newer_syn_reopens_a_connection_in_time_wait() {
    // RFC 6191, RFC 9293 §3.6.1 MAY-2.
    let (pair, mut rest) = time_wait();
    let header = Header { seq: pair.client.snapshot().rcv_nxt + 1, flags: Flags::SYN, ..Header::default() };
    match rest.handle_segment(pair.now, &header, 0, &Config::default()) {
        TimeWaitVerdict::Reopen { iss_at_least } => {
            assert!(iss_at_least.after(pair.client.snapshot().snd_nxt));
        }
        verdict => panic!("{verdict:?}"),
    }
}

#[test]
fn closing_with_data_unread_resets() {
    // SHLD-3.
    let mut pair = Pair::established();
    let now = pair.now;
    pair.client.write(now, b"unread").expect("room");
    pair.drive();
    let now = pair.now;
    pair.server.close(now);
    pair.drive();
    assert!(pair.lines().last().is_some_and(|line| line.contains("rst-unread-data")), "{:#?}", pair.lines());
    assert_eq!(pair.client.failure(), Some(Error::Reset));
    assert_eq!(pair.client.read(&mut [0; 4]), Err(ReadError::Failed(Error::Reset)));
    assert_eq!(pair.states(), (State::Closed, State::Closed));
}

#[test]
fn data_for_an_application_that_is_gone_resets() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.server.close(now);
    pair.drive();
    assert_eq!(pair.states(), (State::CloseWait, State::FinWait2));
    let now = pair.now;
    pair.client.write(now, b"too late").expect("half-closed");
    pair.drive();
    assert!(
        pair.lines().last().is_some_and(|line| line.contains("rst-data-after-close")),
        "{:#?}",
        pair.lines()
    );
    assert_eq!(pair.client.failure(), Some(Error::Reset));
}

#[test]
fn an_orphan_does_not_wait_for_ever() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.server.close(now);
    pair.drive();
    assert_eq!(pair.server.state(), State::FinWait2);
    pair.run_for(Duration::from_secs(61));
    assert_eq!(pair.server.state(), State::Closed);
    // An application that still listens may wait as long as it likes.
    let mut pair = Pair::established();
    let now = pair.now;
    pair.server.finish(now);
    pair.run_for(Duration::from_secs(86_400));
    assert_eq!(pair.server.state(), State::FinWait2);
}

#[test]
fn abort_resets_from_every_state() {
    let abort = |pair: &mut Pair| {
        let now = pair.now;
        pair.client.abort(now);
        let before = pair.log.len();
        pair.flush();
        assert_eq!(pair.client.state(), State::Closed);
        pair.log[before..].iter().any(|sent| sent.header.flags.rst())
    };
    let mut fresh = Pair::new();
    fresh.flush();
    assert!(!abort(&mut fresh), "SYN-SENT: nobody to tell");
    assert!(abort(&mut Pair::established()));
    let mut half = Pair::established();
    let now = half.now;
    half.client.finish(now);
    half.drive();
    assert_eq!(half.client.state(), State::FinWait2);
    assert!(abort(&mut half));
    half.drive();
    assert_eq!(half.server.failure(), Some(Error::Reset));
    let (mut over, _) = time_wait();
    assert!(!abort(&mut over), "TIME-WAIT: the peer has closed already");
}

#[test]
fn events_tell_the_end() {
    let mut pair = Pair::established();
    pair.client_events.clear();
    pair.server_events.clear();
    let now = pair.now;
    pair.client.finish(now);
    pair.drive();
    assert_eq!(pair.server_events, [Event::PeerFinished]);
    let now = pair.now;
    pair.server.finish(now);
    pair.drive();
    assert_eq!(pair.server_events, [Event::PeerFinished, Event::Closed]);
    pair.run_for(Duration::from_secs(61));
    assert_eq!(pair.client_events, [Event::Finished, Event::PeerFinished, Event::Closed]);
    assert_eq!(pair.client.read(&mut [0; 4]), Ok(0), "a clean end stays a clean end");
}

#[test]
fn close_before_the_handshake_is_complete() {
    let mut pair = Pair::new();
    pair.flush();
    let now = pair.now;
    pair.client.close(now);
    assert_eq!(pair.client.state(), State::Closed, "SYN-SENT: delete the TCB (§3.10.4)");

    // SYN-RECEIVED with nothing to send: FIN at once.
    let mut pair = Pair::new();
    pair.fate = Box::new(|sent| {
        if sent.from == Side::Client && sent.header.flags.ack() { Fate::Lose } else { Fate::Deliver }
    });
    pair.run_for(Duration::from_millis(15));
    assert_eq!(pair.server.state(), State::SynReceived);
    let now = pair.now;
    pair.server.finish(now);
    assert_eq!(pair.server.state(), State::FinWait1);
    pair.fate = Box::new(|_| Fate::Deliver);
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.states(), (State::CloseWait, State::FinWait2), "{:#?}", pair.lines());
}

#[test]
fn numbers_wrap_in_the_middle_of_everything() {
    for iss in [u32::MAX - 2, u32::MAX - 1, u32::MAX, 0, 0x7fff_fffe, 0x8000_0000, u32::MAX - 70_000] {
        let mut pair = Pair::new();
        pair.client =
            Connection::connect(pair.now, birth(iss), Arc::new(pair::whole_buffers(Config::default())));
        let data = pattern(200_000);
        let now = pair.now;
        pair.client.write(now, &data).expect("queued");
        pair.drive();
        let now = pair.now;
        pair.client.finish(now);
        pair.server.finish(now);
        pair.drive();
        assert_eq!(pair.read_all(Side::Server), data, "from {iss}");
        assert_eq!(pair.states(), (State::TimeWait, State::TimeWait), "from {iss}");
    }
}

#[test]
fn timestamps_say_which_syn_is_newer() {
    // RFC 6191 §2, SHLD-4: a larger timestamp makes up for a smaller sequence number, an older one never.
    let (pair, rest) = time_wait();
    let recent =
        pair.server.info(pair.now).timestamps.then(|| SERVER_ISS.wrapping_add(pair.now.as_millis() as u32));
    let recent = recent.expect("agreed upon");
    let arrives = |seq, value| {
        let mut header = Header { seq, flags: Flags::SYN, ..Header::default() };
        header.options.timestamps = Some(wire::tcp::Timestamps { value, echo: 0 });
        let mut rest = rest;
        matches!(
            rest.handle_segment(pair.now, &header, 0, &Config::default()),
            TimeWaitVerdict::Reopen { .. }
        )
    };
    let next = pair.client.snapshot().rcv_nxt;
    assert!(arrives(next - 10_000, recent + 1));
    assert!(!arrives(next + 10_000, recent - 60_000));
    let mut echoing = rest;
    let last = echoing.refuse_syn(pair.now).header.options.timestamps.expect("agreed upon").echo;
    assert!(arrives(next + 10_000, last) && !arrives(next - 10_000, last), "the same: the number decides");
}

#[test]
fn timestamps_alone_make_a_syn_newer_than_a_connection_without_them() {
    let without = Config { timestamps: false, ..Config::default() };
    let mut pair = Pair::with(Config::default(), without.clone()).opened();
    let now = pair.now;
    pair.client.finish(now);
    pair.server.finish(now);
    pair.drive();
    let reopens = |timestamps, config: &Config| {
        let mut rest = pair.client.time_wait().expect("in TIME-WAIT");
        let options = Options { timestamps, ..Options::default() };
        let seq = pair.client.snapshot().rcv_nxt - 10_000;
        let header = Header { seq, flags: Flags::SYN, options, ..Header::default() };
        matches!(rest.handle_segment(pair.now, &header, 0, config), TimeWaitVerdict::Reopen { .. })
    };
    let stamps = Some(wire::tcp::Timestamps { value: 1, echo: 0 });
    assert!(reopens(stamps, &Config::default()));
    assert!(!reopens(None, &Config::default()));
    assert!(!reopens(stamps, &without), "the new connection would have none");
}
