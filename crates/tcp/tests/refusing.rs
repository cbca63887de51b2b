//! Segments that are refused: RFC 9293 §3.10.7.4, RFC 5961, RFC 7323 §5.

mod pair;

use pair::{Fate, Pair, Side};
use std::time::Duration;
use synfin_tcp::{Refusal, State, Trace, Tracing};
use wire::Seq;
use wire::tcp::{Flags, Header, Timestamps};

fn refusals(pair: &mut Pair) -> Vec<Refusal> {
    std::iter::from_fn(|| pair.client.poll_trace())
        .filter_map(|trace| if let Trace::Refused { why, .. } = trace { Some(why) } else { None })
        .collect()
}

fn traced() -> Pair {
    let mut pair = Pair::established();
    pair.client.set_tracing(Tracing::On);
    pair
}

#[test]
fn a_reset_must_be_exact() {
    // RFC 5961 §3.2: exact: reset; in the window: challenge; outside: silence.
    let mut pair = traced();
    let rst = pair.next_header(Side::Client, Flags::RST);
    // Who has filled the window stands on its right edge, and resets from there.
    let wnd = pair.client.snapshot().rcv_wnd;
    for inside in [rst.seq + 1, rst.seq + wnd] {
        let answer = pair.inject(Side::Client, Header { seq: inside, ..rst }, b"");
        assert_eq!(answer.len(), 1);
        assert_eq!((answer[0].why.name(), answer[0].header.ack), ("challenge-ack", rst.seq));
    }
    for outside in [rst.seq - 1, rst.seq + wnd + 1, rst.seq + 20_000_000] {
        assert!(pair.inject(Side::Client, Header { seq: outside, ..rst }, b"").is_empty());
    }
    assert_eq!(pair.client.state(), State::Established);
    assert_eq!(
        refusals(&mut pair),
        [Refusal::InexactReset, Refusal::InexactReset]
            .into_iter()
            .chain([Refusal::OutOfWindow; 3])
            .collect::<Vec<_>>()
    );
    assert!(pair.inject(Side::Client, rst, b"").is_empty());
    assert_eq!(pair.client.state(), State::Closed);
}

#[test]
fn a_syn_is_challenged_wherever_it_stands() {
    // RFC 5961 §4.2.
    let mut pair = traced();
    let syn = pair.next_header(Side::Client, Flags::SYN);
    for seq in [syn.seq, syn.seq + 1_000, syn.seq - 1_000_000, syn.seq + 1_000_000_000] {
        let answer = pair.inject(Side::Client, Header { seq, ..syn }, b"");
        assert_eq!(answer[0].why.name(), "challenge-ack", "at {seq}");
    }
    assert_eq!(pair.client.state(), State::Established);
    assert_eq!(refusals(&mut pair), [Refusal::UnexpectedSyn; 4]);
}

#[test]
fn a_syn_is_challenged_whatever_its_timestamp() {
    // RFC 5961 §4.2: "irrespective of the sequence number" and of what RFC 7323 §5.3 would say of the rest.
    let mut pair = traced();
    let syn = pair.next_header(Side::Client, Flags::SYN);
    let stamps = syn.options.timestamps.expect("agreed upon");
    let stamp = |value| Some(Timestamps { value, echo: 0 });
    for timestamps in
        [None, stamp(stamps.value.wrapping_sub(1 << 30)), stamp(stamps.value.wrapping_add(1 << 30))]
    {
        for seq in [syn.seq, syn.seq - 1, syn.seq - (1 << 31)] {
            let mut header = Header { seq, ..syn };
            header.options.timestamps = timestamps;
            let answer = pair.inject(Side::Client, header, b"");
            assert_eq!(answer.len(), 1, "{timestamps:?} at {seq}");
            assert_eq!(answer[0].why.name(), "challenge-ack", "{timestamps:?} at {seq}");
        }
    }
    assert_eq!(refusals(&mut pair), [Refusal::UnexpectedSyn; 9]);
    assert_eq!(pair.client.state(), State::Established);
}

#[test]
fn an_acknowledgment_must_be_plausible() {
    // RFC 5961 §5.2.
    let mut pair = traced();
    let data = pair.next_header(Side::Client, Flags::ACK);
    let answer = pair.inject(Side::Client, Header { ack: data.ack + 1, ..data }, b"forged");
    assert_eq!(answer[0].why.name(), "challenge-ack");
    let answer = pair.inject(Side::Client, Header { ack: data.ack - 90_000_000, ..data }, b"forged");
    assert_eq!(answer[0].why.name(), "challenge-ack");
    assert!(pair.inject(Side::Client, Header { flags: Flags::NONE, ..data }, b"forged").is_empty());
    assert_eq!(pair.client.readable_bytes(), 0);
    assert_eq!(refusals(&mut pair), [Refusal::AckOfUnsent, Refusal::AckTooOld, Refusal::NoAck]);
}

#[test]
fn challenges_are_limited_and_two_ends_do_not_loop() {
    let mut pair = traced();
    let rst = pair.next_header(Side::Client, Flags::RST);
    let answers: usize =
        (0..1_000).map(|_| pair.inject(Side::Client, Header { seq: rst.seq + 1, ..rst }, b"").len()).sum();
    assert_eq!(answers, 10);
    // Both ends believe that the other is wrong: the storm must die by itself.
    let mut pair = Pair::established();
    let stray = pair.next_header(Side::Client, Flags::ACK);
    pair.inject(Side::Client, Header { seq: stray.seq - 5_000, ..stray }, b"");
    pair.run_for(Duration::from_secs(10));
    assert!(pair.log.len() < 5, "{:#?}", pair.lines());
}

#[test]
fn an_old_timestamp_is_refused_and_a_missing_one_too() {
    let mut pair = traced();
    let data = pair.next_header(Side::Client, Flags::ACK);
    let stamps = data.options.timestamps.expect("agreed upon");
    let with = |timestamps: Option<Timestamps>| {
        let mut header = data;
        header.options.timestamps = timestamps;
        header
    };
    let old = Timestamps { value: stamps.value.wrapping_sub(1_000_000), ..stamps };
    let answer = pair.inject(Side::Client, with(Some(old)), b"old");
    assert_eq!(answer[0].header.ack, data.seq);
    assert!(pair.inject(Side::Client, with(None), b"bare").is_empty());
    assert_eq!(refusals(&mut pair), [Refusal::OldTimestamp, Refusal::MissingTimestamp]);
    assert_eq!(pair.client.readable_bytes(), 0);
    // After 24 days TS.Recent is not believed any more (RFC 7323 §5.5).
    pair.run_for(Duration::from_secs(25 * 86_400));
    pair.inject(Side::Client, with(Some(old)), b"new");
    assert_eq!(pair.client.readable_bytes(), 3);
}

#[test]
fn text_outside_the_window_is_trimmed_on_both_sides() {
    let mut pair = Pair::established();
    let data = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    pair.inject(Side::Client, data, b"abcdef");
    let answer = pair.inject(Side::Client, Header { seq: data.seq + 3, ..data }, b"defghi");
    assert_eq!(pair.read_all(Side::Client), b"abcdefghi");
    let sack = answer[0].header.options.sack;
    assert_eq!(sack.as_slice()[0].left, data.seq + 3, "D-SACK of the part that came twice");
    let wnd = pair.client.snapshot().rcv_wnd;
    let nxt = pair.client.snapshot().rcv_nxt;
    let answer = pair.inject(Side::Client, Header { seq: nxt + wnd, ..data }, b"beyond");
    assert_eq!(answer[0].header.ack, nxt);
    pair.inject(Side::Client, Header { seq: nxt + (wnd - 2), ..data }, b"edge");
    assert_eq!(pair.client.info(pair.now).held_bytes, 2);
}

#[test]
fn the_same_segment_twice_is_answered_at_once() {
    let mut pair = Pair::established();
    let data = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    pair.inject(Side::Client, data, b"once");
    pair.drive();
    for _ in 0..20 {
        let answer = pair.inject(Side::Client, data, b"once");
        assert_eq!(answer.len(), 1, "a peer whose acknowledgments are lost must hear one each time");
        assert_eq!(answer[0].header.options.sack.as_slice().len(), 1);
    }
    assert_eq!(pair.read_all(Side::Client), b"once");
}

#[test]
fn text_after_the_fin_is_not_taken() {
    let mut pair = traced();
    let fin = pair.next_header(Side::Client, Flags::FIN | Flags::ACK);
    pair.inject(Side::Client, fin, b"end");
    pair.inject(Side::Client, Header { seq: fin.seq + 4, flags: Flags::ACK, ..fin }, b"after");
    assert_eq!(pair.read_all(Side::Client), b"end");
    assert_eq!(refusals(&mut pair), [Refusal::TextAfterFin]);
    // Nor text that claims a place behind a FIN that is still waiting for its turn.
    let mut pair = Pair::established();
    let data = pair.next_header(Side::Client, Flags::ACK);
    let fin = Header { seq: data.seq + 4, flags: Flags::FIN | Flags::ACK, ..data };
    pair.inject(Side::Client, fin, b"");
    pair.inject(Side::Client, Header { seq: data.seq + 2, ..data }, b"cdEVIL");
    assert_eq!(pair.client.state(), State::Established);
    pair.inject(Side::Client, data, b"abcd");
    assert_eq!(pair.client.state(), State::CloseWait);
    assert_eq!(pair.read_all(Side::Client), b"abcd");
}

#[test]
fn a_closed_window_still_hears_acks_resets_and_urgent() {
    // MUST-66.
    let mut pair = Pair::with(
        Default::default(),
        synfin_tcp::Config { receive_buffer_bytes: 3_000, ..Default::default() },
    )
    .opened();
    let now = pair.now;
    pair.client.write(now, &pair::pattern(10_000)).expect("room");
    pair.server.write(now, b"unacknowledged").expect("room");
    pair.fate =
        Box::new(|sent| if sent.from == Side::Server && sent.len > 0 { Fate::Lose } else { Fate::Deliver });
    pair.run_for(Duration::from_secs(5));
    assert_eq!(pair.server.snapshot().rcv_wnd, 0);
    let header = pair.next_header(Side::Server, Flags::ACK | Flags::URG);
    let held = pair.server.unacknowledged_bytes();
    assert!(held > 0);
    let header = Header { urgent: 1, ..header };
    pair.inject(Side::Server, header, b"x");
    assert_eq!(pair.server.unacknowledged_bytes(), 0, "the acknowledgment counts");
    assert!(pair.server_events.contains(&synfin_tcp::Event::Urgent), "and the urgent pointer");
    let rst = Header { flags: Flags::RST, ..header };
    pair.inject(Side::Server, rst, b"");
    assert_eq!(pair.server.state(), State::Closed);
}

#[test]
fn the_world_outside_the_connection_is_answered_by_rule() {
    let header = |flags| Header { seq: Seq::new(70), ack: Seq::new(30), flags, ..Header::default() };
    let reset = synfin_tcp::closed::arrives(&header(Flags::ACK), 10).expect("a reset");
    assert_eq!((reset.seq, reset.flags), (Seq::new(30), Flags::RST));
    let reset = synfin_tcp::closed::arrives(&header(Flags::SYN | Flags::FIN), 10).expect("a reset");
    assert_eq!((reset.seq, reset.ack), (Seq::new(0), Seq::new(82)));
    assert_eq!(synfin_tcp::closed::arrives(&header(Flags::RST), 0), None);
}

#[test]
fn a_reset_may_carry_text() {
    // SHLD-2.
    let mut pair = Pair::established();
    let rst = pair.next_header(Side::Client, Flags::RST | Flags::ACK);
    pair.inject(Side::Client, rst, b"why I do this");
    assert_eq!(pair.client.failure(), Some(synfin_tcp::Error::Reset));
    assert_eq!(pair.client.readable_bytes(), 0);
}

#[test]
fn half_a_circle_away_is_not_in_the_window() {
    // RFC 9293 table 6: by the shorter way around 2^31 is before RCV.NXT, and its end behind the window.
    let mut pair = traced();
    let next = pair.next_header(Side::Client, Flags::ACK | Flags::PSH);
    let text = [b'x'; 1_000];
    for away in [1 << 31, (1 << 31) - 500, (1 << 31) + 5_000, (1 << 31) + (3 << 20)] {
        let answer = pair.inject(Side::Client, Header { seq: next.seq + away, ..next }, &text);
        assert_eq!(answer.len(), 1, "{away}");
        assert!(answer[0].header.options.sack.as_slice().is_empty(), "{away} was never received");
    }
    assert_eq!(refusals(&mut pair), [Refusal::OutOfWindow; 4]);
    let mut closing = Pair::established();
    let now = closing.now;
    closing.client.finish(now);
    closing.flush();
    let ack = closing.next_header(Side::Client, Flags::ACK);
    closing.inject(Side::Client, Header { seq: ack.seq + (1 << 31), ..ack }, &text);
    assert_eq!(closing.client.state(), State::FinWait1, "its acknowledgment is not heard");
}
