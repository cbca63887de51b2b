use crate::story::{ACK, FIN, RST, SYN, Story};
use crate::{Evidence, Notes, Order};
use tcp::SendReason::*;
use tcp::{ResetReason, SendReason};

fn reason(story: &Story) -> SendReason {
    story.told().last().why.reason
}

/// Ten segments of which the first is lost; returns its number.
fn burst(story: &mut Story) -> u32 {
    let first = story.next[0];
    story.received[0] = story.next[1];
    story.lose(0, ACK, 1_000);
    for _ in 0..9 {
        story.lose(0, ACK, 1_000);
    }
    first
}

#[test]
fn the_handshake_names_its_steps() {
    let told = Story::open().told();
    assert_eq!([1, 2, 3].map(|frame| told.frame(frame).why.reason), [Syn, SynAck, HandshakeAck]);
}

#[test]
fn sack_blocks_show_the_hole() {
    let mut story = Story::open();
    let hole = burst(&mut story);
    story.wait_ms(20);
    for n in 0..3 {
        story.sack(1, hole, hole + 1_000, hole + 2_000 + n * 1_000);
    }
    story.again(0, hole, ACK, 1_000);
    let told = story.told();
    assert_eq!(told.last().why.reason, SackRecovery, "the blocks say what is missing");
    assert_eq!(told.connection().directions[0].retransmissions.sack, 1);
}

#[test]
fn without_sack_three_duplicate_acks_make_a_fast_retransmission() {
    let mut story = Story::open();
    let hole = burst(&mut story);
    story.wait_ms(20);
    for _ in 0..4 {
        story.send(1, ACK, 0);
    }
    story.again(0, hole, ACK, 1_000);
    let told = story.told();
    assert_eq!(told.last().why.reason, FastRetransmit);
    assert!(told.last().why.evidence.contains(Evidence::DUPLICATE_ACKS));
    assert_eq!(told.connection().directions[0].retransmissions.fast, 1);
}

#[test]
fn silence_makes_a_timeout_that_implies_its_rto_and_backs_off() {
    let mut story = Story::open();
    let hole = story.next[0];
    story.lose(0, ACK, 1_000);
    story.wait_ms(300).again(0, hole, ACK, 1_000);
    story.wait_ms(600).again(0, hole, ACK, 1_000);
    let told = story.told();
    let said = &told.last().why;
    assert_eq!(said.reason, Timeout);
    let rto_ms = said.implied_rto_ns.map(|ns| ns / 1_000_000);
    assert_eq!(rto_ms, Some(600));
    assert_eq!(told.connection().directions[0].retransmissions.timeout, 2);
}

#[test]
fn the_last_segment_soon_again_is_a_tail_loss_probe() {
    let mut story = Story::open();
    story.send(0, ACK, 1_000);
    story.wait_ms(20).send(1, ACK, 0);
    story.lose(0, ACK, 1_000);
    let tail = story.next[0];
    story.lose(0, ACK, 500);
    story.wait_ms(45).again(0, tail, ACK, 500);
    assert_eq!(reason(&story), TailLossProbe);
}

#[test]
fn an_overtaken_packet_is_not_a_retransmission() {
    let mut story = Story::with_timestamps().opened();
    for _ in 0..6 {
        story.send(0, ACK, 1_000);
    }
    story.wait_ms(3);
    let (early, late) = (story.build_next(0), story.build_next(0));
    story.push_at(late, 2_000_000);
    story.push_at(early, 2_100_000);
    let told = story.told();
    assert_eq!(told.last().why.order, Order::Reordered);
    assert!(told.last().why.evidence.contains(Evidence::IP_ID));
    assert_eq!(told.connection().directions[0].retransmissions.total(), 0);
    assert!(told.finding("reordering").is_some());
}

#[test]
fn the_same_packet_again_was_captured_twice() {
    let mut story = Story::open();
    let mut twin = *story.send(0, ACK, 1_000);
    twin.frame += 1;
    twin.time = twin.time.plus_micros(100);
    twin.ttl -= 1;
    story.segments.push(twin);
    let told = story.told();
    assert_eq!(told.last().why.order, Order::CapturedTwice { first: 4 });
    assert!(told.last().notes.contains(Notes::ACROSS_ROUTER));
    assert_eq!(told.last().shows_frame, Some(4));
    assert!(told.finding("captured-twice").is_some());
}

#[test]
fn a_dsack_shows_that_a_retransmission_was_needless() {
    let mut story = Story::open();
    let first = story.next[0];
    story.send(0, ACK, 1_000);
    story.wait_ms(400).again(0, first, ACK, 1_000);
    let next = story.next[0];
    story.wait_ms(1).sack(1, next, first, next);
    let told = story.told();
    assert_eq!(told.last().shows_frame, Some(5));
    assert!(told.last().verdicts.contains(crate::Verdicts::DSACK));
    assert_eq!(told.connection().directions[0].retransmissions.spurious, 1);
    assert!(told.finding("spurious-retransmission").is_some());
}

#[test]
fn acknowledgments_are_delayed_at_once_or_every_second() {
    let mut story = Story::open();
    story.send(0, ACK, 1_000);
    story.wait_ms(60).send(1, ACK, 0);
    assert_eq!(reason(&story), DelayedAck);
    story.send(1, ACK, 100);
    story.send(0, ACK, 0);
    assert_eq!(reason(&story), ImmediateAck);
    story.send(1, ACK, 100);
    story.send(1, ACK, 100);
    story.send(0, ACK, 0);
    assert_eq!(reason(&story), SecondSegmentAck);
    story.send(0, ACK, 0).window = 40_000;
    assert_eq!(reason(&story), WindowUpdate);
}

#[test]
fn probes_and_their_answers() {
    let mut story = Story::open();
    story.send(0, ACK, 10);
    story.send(1, ACK, 0);
    let before = story.next[0] - 1;
    story.wait_ms(60_000).again(0, before, ACK, 0);
    assert_eq!(reason(&story), KeepAlive);
    story.send(1, ACK, 0);
    assert_eq!(reason(&story), ProbeAck);
    story.send(1, ACK, 0).window = 0;
    story.wait_ms(500).again(0, before, ACK, 0);
    assert_eq!(reason(&story), ZeroWindowProbe);
    story.send(1, ACK, 0).window = 0;
    assert_eq!(reason(&story), ProbeAck, "still closed, as it was asked");
    story.wait_ms(500).send(0, ACK, 0);
    assert_eq!(reason(&story), ZeroWindowProbe, "with the next number, as some ask");
}

#[test]
fn a_byte_that_is_lost_is_no_keep_alive_and_keep_alives_in_vain_end_it() {
    let mut story = Story::open();
    story.send(0, ACK, 100);
    story.wait_ms(20).send(1, ACK, 0);
    let byte = story.next[0];
    story.lose(0, ACK, 1);
    story.wait_ms(300).again(0, byte, ACK, 1);
    assert_eq!(reason(&story), Timeout);

    let mut story = Story::open();
    story.send(0, ACK, 100);
    story.wait_ms(20).send(1, ACK, 0);
    let before = story.next[0] - 1;
    for _ in 0..3 {
        story.wait_ms(10_000).again(0, before, ACK, 0);
    }
    story.wait_ms(10_000).send(0, RST | ACK, 0);
    assert_eq!(reason(&story), Reset(ResetReason::GaveUp));
}

#[test]
fn resets_have_reasons() {
    let mut refused = Story::new();
    refused.send(0, SYN, 0);
    refused.next[1] = 0;
    refused.send(1, RST | ACK, 0);
    assert_eq!(reason(&refused), Reset(ResetReason::ClosedPort));

    let mut closed = Story::open();
    closed.send(0, FIN | ACK, 0);
    closed.send(1, ACK, 100);
    closed.send(0, RST, 0);
    assert_eq!(reason(&closed), Reset(ResetReason::DataAfterClose));

    let mut gave_up = Story::open();
    let first = gave_up.next[0];
    gave_up.lose(0, ACK, 100);
    for n in 0..5 {
        gave_up.wait_ms(300 << n).again(0, first, ACK, 100);
    }
    gave_up.wait_ms(10_000).send(0, RST | ACK, 0);
    assert_eq!(reason(&gave_up), Reset(ResetReason::GaveUp));
}

#[test]
fn a_fin_is_acknowledged_by_a_fin_ack() {
    let mut story = Story::open();
    story.send(0, FIN | ACK, 0);
    assert_eq!(reason(&story), Fin);
    story.send(1, ACK, 0);
    assert_eq!(reason(&story), FinAck);
}

#[test]
fn the_ack_that_ends_a_fast_open_completes_the_handshake() {
    let mut story = Story::new();
    story.send(0, SYN, 100);
    story.send(1, SYN | ACK, 0);
    story.send(0, ACK, 0);
    assert_eq!(story.told().last().why.reason, HandshakeAck);
}

#[test]
fn a_window_that_closes_with_the_last_byte_is_what_its_sender_waits_for() {
    let mut story = Story::open();
    story.send(0, ACK, 1_000);
    story.wait_ms(20).send(1, ACK, 0).window = 0;
    story.wait_ms(5_000).send(1, ACK, 0).window = 40_000;
    story.wait_ms(1_000).send(0, ACK, 1_000);
    let told = story.told();
    let limited = told.connection().directions[0].limited;
    let seconds = [limited.receiver_ns, limited.application_ns].map(|ns| ns / 1_000_000_000);
    assert_eq!(seconds, [5, 1]);
}

/// Captured where it is received: the SYN,ACK is answered a round trip later. A hole, text behind it, and that text again.
fn at_receiver(has_sack: bool, is_sacked: bool) -> Story {
    let mut story = Story::new();
    story.send(0, SYN, 0).options.sack_permitted = has_sack;
    story.send(1, SYN | ACK, 0).options.sack_permitted = has_sack;
    story.wait_ms(40).send(0, ACK, 0);
    story.next[0] += 1_000; // this one was lost on the way
    let behind = story.next[0];
    let una = story.received[1];
    story.lose(0, ACK, 1_000);
    if is_sacked {
        story.sack(1, una, behind, behind + 1_000);
    } else {
        story.again(1, story.next[1], ACK, 0);
    }
    story.wait_ms(400).again(0, behind, ACK, 1_000);
    story
}

#[test]
fn what_arrives_twice_at_the_receiver_was_sent_again_without_need() {
    for (has_sack, is_sacked, spurious) in [(true, true, 1), (false, false, 1), (true, false, 0)] {
        let told = at_receiver(has_sack, is_sacked).told();
        let why = told.last().why;
        assert!(why.reason.is_retransmission(), "{why:?}");
        assert_eq!(told.connection().directions[0].retransmissions.spurious, spurious, "{why:?}");
        assert_eq!(why.evidence.contains(Evidence::AT_RECEIVER), spurious == 1, "{why:?}");
    }
}

#[test]
fn what_is_seen_twice_at_the_sender_may_have_been_lost_once() {
    let mut story = Story::open();
    let first = story.next[0];
    story.lose(0, ACK, 1_000);
    let behind = story.next[0];
    story.lose(0, ACK, 1_000);
    story.wait_ms(400).again(0, first, ACK, 1_000);
    story.again(0, behind, ACK, 1_000);
    assert_eq!(story.told().connection().directions[0].retransmissions.spurious, 0);
}
