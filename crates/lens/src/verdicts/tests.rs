use crate::story::{ACK, FIN, RST, SYN, Story, told};
use crate::{Analysis, Completeness, Notes, Verdicts, Whole};
use wire::Seq;
use wire::tcp::FastOpenCookie;

fn verdicts(story: &Story) -> String {
    story.told().last().verdicts.to_string()
}

#[test]
fn keep_alive_and_its_answer() {
    let mut story = Story::open();
    story.send(0, ACK, 10);
    story.send(1, ACK, 0);
    let before = story.next[0] - 1;
    story.again(0, before, ACK, 0);
    assert_eq!(verdicts(&story), "keep_alive");
    story.send(1, ACK, 0);
    assert_eq!(verdicts(&story), "keep_alive_ack");
}

#[test]
fn a_closed_window_is_probed_and_the_probe_answered() {
    let mut story = Story::open();
    story.send(0, ACK, 10);
    story.send(1, ACK, 0).window = 0;
    assert_eq!(verdicts(&story), "zero_window");
    story.lose(0, ACK, 1);
    assert_eq!(verdicts(&story), "zero_window_probe");
    story.send(1, ACK, 0).window = 0;
    assert_eq!(verdicts(&story), "zero_window,zero_window_probe_ack");
    story.send(1, ACK, 0);
    assert_eq!(verdicts(&story), "window_update");
}

#[test]
fn the_last_byte_of_the_window_is_window_full_only_with_the_scale_known() {
    let mut story = Story::open();
    story.window[1] = 2_000;
    story.send(1, ACK, 0);
    story.lose(0, ACK, 1_000);
    story.lose(0, ACK, 1_000);
    assert_eq!(verdicts(&story), "window_full");
    assert_eq!(told(&story.segments[3..]).last().verdicts, Verdicts::NONE, "without the handshake");
}

#[test]
fn gaps_and_what_fills_them() {
    let mut story = Story::open();
    let hole = story.next[0];
    story.next[0] += 1_000;
    story.lose(0, ACK, 1_000);
    assert_eq!(verdicts(&story), "lost_segment");
    story.again(0, hole, ACK, 1_000);
    assert_eq!(verdicts(&story), "out_of_order");
    story.received[1] = story.next[0] + 5_000;
    story.send(1, ACK, 0);
    assert_eq!(verdicts(&story), "ack_lost_segment");
}

#[test]
fn what_was_acknowledged_is_spurious_and_what_was_not_is_a_retransmission() {
    let mut story = Story::open();
    let first = story.next[0];
    story.send(0, ACK, 1_000);
    story.wait_ms(400).again(0, first, ACK, 1_000);
    let told = story.told();
    assert_eq!(told.last().verdicts, Verdicts::RETRANSMISSION);
    assert_eq!(told.last().rto.map(|rto| (rto.frame, rto.after_ns)), Some((4, 400_010_000)));
    story.send(1, ACK, 0);
    story.again(0, first, ACK, 1_000);
    assert_eq!(verdicts(&story), "retransmission,spurious_retransmission");
}

#[test]
fn duplicate_acks_are_numbered() {
    let mut story = Story::open();
    story.send(0, ACK, 10);
    story.send(1, ACK, 0);
    for number in 1..4 {
        story.send(1, ACK, 0);
        assert_eq!(story.told().last().duplicate_ack, Some((number, 5)));
    }
}

#[test]
fn a_new_initial_number_is_a_new_connection() {
    let mut story = Story::open();
    story.next[0] = 77_000;
    story.send(0, SYN, 0);
    let told = story.told();
    assert_eq!(told.last().stream, 1);
    assert_eq!(told.last().verdicts, Verdicts::REUSED_PORTS);
    assert!(told.finding("port-reuse").is_some());
    assert_eq!(told.kept.connections.len(), 2);
}

#[test]
fn the_same_number_is_a_new_connection_only_after_a_close() {
    let mut story = Story::open();
    let isn = story.next[0] - 1;
    story.again(0, isn, SYN, 0);
    assert_eq!(story.told().last().stream, 0);
    story.send(0, FIN | ACK, 0);
    story.again(0, isn, SYN, 0);
    assert_eq!(story.told().last().stream, 1);
}

#[test]
fn fast_open_is_recognised() {
    let mut story = Story::new();
    let syn = story.send(0, SYN, 100);
    syn.options.fast_open = FastOpenCookie::new(&[1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(verdicts(&story), "tfo_syn");
    story.send(1, SYN | ACK, 0);
    assert_eq!(verdicts(&story), "tfo_ack");
    let ack = story.segments[0].seq + 1;
    story.segments[1].ack = ack;
    assert_eq!(verdicts(&story), "tfo_ignored,partial_ack");
}

#[test]
fn a_syn_that_comes_again_without_text_is_still_ignored() {
    let mut story = Story::new();
    let syn = story.send(0, SYN, 100);
    syn.options.fast_open = FastOpenCookie::new(&[1, 2, 3, 4, 5, 6, 7, 8]);
    let isn = story.segments[0].seq;
    story.again(0, isn.number(), SYN, 0);
    for expected in ["tfo_ignored,partial_ack", "retransmission,tfo_ignored"] {
        let next = story.next[1];
        story.again(1, next, SYN | ACK, 0).ack = isn + 1;
        assert_eq!(verdicts(&story), expected);
    }
    // without a cookie nobody expected it to be taken
    let mut story = Story::new();
    let isn = story.send(0, SYN, 100).seq;
    story.send(1, SYN | ACK, 0).ack = isn + 1;
    assert_eq!(verdicts(&story), "partial_ack");
}

#[test]
fn mptcp_operations_that_are_new_excuse_the_next_duplicate() {
    let (capable, signal, priority, reset) = (1, 1 << 2, 1 << 5, 1 << 8);
    let said = |talk: &[(usize, u16)]| {
        let mut story = Story::open();
        (story.segments[1].mptcp_subtypes, story.segments[2].mptcp_subtypes) = (capable, capable);
        for (from, subtypes) in talk {
            story.send(*from, ACK, 0).mptcp_subtypes = *subtypes;
        }
        let told = story.told();
        let is_duplicate = |said: &Analysis| said.verdicts.contains(Verdicts::DUPLICATE_ACK);
        told.kept.segments[3..].iter().map(|(_, said)| is_duplicate(said)).collect::<Vec<_>>()
    };
    assert_eq!(said(&[(0, 0), (0, 0)]), [true, true]);
    // operations count from the segment after theirs on, for both ends, and stay
    assert_eq!(said(&[(0, signal), (0, signal), (0, 0), (0, signal)]), [true, false, true, true]);
    assert_eq!(said(&[(0, signal), (0, priority), (0, 0), (0, 0)]), [true, false, false, true]);
    assert_eq!(said(&[(1, 0), (1, 0), (0, signal), (1, 0), (1, 0)]), [false, true, true, false, true]);
    assert_eq!(said(&[(0, reset), (0, 0), (0, 0)]), [true, true, true], "there is no bit for the ninth");
}

#[test]
fn windows_are_scaled_after_the_syns_and_inferred_without_them() {
    let mut story = Story::open();
    story.segments[0].options.window_scale = Some(7);
    story.segments[1].options.window_scale = Some(3);
    story.send(0, ACK, 0).window = 500;
    story.send(1, ACK, 0).window = 500;
    let said = story.told();
    assert_eq!([4, 5].map(|frame| said.frame(frame).window_bytes), [64_000, 4_000]);
    assert_eq!(said.frame(1).window_bytes, 65_535, "a SYN's window is never scaled");

    let mut story = Story::new();
    story.send(1, ACK, 0).window = 500;
    for _ in 0..5 {
        story.lose(0, ACK, 1_000);
    }
    story.send(1, ACK, 0).window = 500;
    let said = story.told();
    assert!(said.last().window_is_inferred);
    assert!(
        said.last().window_bytes >= 5_000 && said.last().window_bytes < 10_000,
        "{}",
        said.last().window_bytes
    );
}

#[test]
fn quotes_in_icmp_errors_are_counted_and_not_judged() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    let mut quote = story.segments[0];
    quote.whole = Whole::QuotedInIcmp;
    quote.frame = 2;
    story.segments.push(quote);
    let told = story.told();
    assert_eq!(told.last().verdicts, Verdicts::NONE);
    assert!(told.last().notes.contains(Notes::QUOTED));
    assert_eq!((told.connection().icmp_errors, told.connection().directions[0].packets), (1, 1));
}

/// The segment of the story with this number, quoted in an ICMP error.
fn quote(story: &mut Story, number: usize, kind: u8, code: u8, mtu_bytes: Option<u32>) {
    let last = *story.segments.last().expect("something was sent");
    let router = "192.0.2.1".parse().expect("an address");
    story.segments.push(crate::Segment {
        whole: Whole::QuotedInIcmp,
        frame: last.frame + 1,
        time: last.time,
        icmp: Some(crate::IcmpError::new(router, kind, code, mtu_bytes)),
        ..story.segments[number]
    });
}

#[test]
fn an_unreachable_ends_an_attempt_unless_the_opener_goes_on() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    quote(&mut story, 0, 3, 1, None);
    let connection = story.told().connection().clone();
    let ended = connection.ended_by_icmp.expect("the attempt was ended");
    assert_eq!((ended.frame, ended.about, ended.quotes_syn), (2, crate::Side::A, Some(true)));
    assert!(connection.sentence().ends_with("it was not opened: ICMP 192.0.2.1: host unreachable (frame 2)"));
    let told = story.told();
    let finding = told.finding("unreachable").expect("the router's word is told");
    assert!(finding.has("host unreachable") && told.finding("capture-ends").is_none());
    // the opener tries again: what ended the attempt is not this
    let again = crate::Segment { frame: 3, ..story.segments[0] };
    story.segments.push(again);
    assert_eq!(story.told().connection().ended_by_icmp, None);
    assert_eq!(story.told().finding("unreachable"), None);
    // a packet that is too big ends nothing
    let mut story = Story::new();
    story.send(0, SYN, 0);
    quote(&mut story, 0, 3, 4, Some(576));
    let told = story.told();
    let connection = told.connection();
    assert_eq!((connection.ended_by_icmp, connection.directions[0].told_mtu_bytes), (None, Some(576)));
    let finding = told.finding("path-too-small").expect("the router's word is told");
    assert_eq!(
        (finding.number("mtu_bytes"), finding.said_by),
        (Some(576), Some(connection.icmp[0].error.from))
    );
    // without a size, and of a host that is unreachable, it says nothing of sizes
    for (code, mtu_bytes) in [(4, None), (1, None), (13, None)] {
        let mut story = Story::new();
        story.send(0, SYN, 0);
        quote(&mut story, 0, 3, code, mtu_bytes);
        assert_eq!(story.told().finding("path-too-small"), None);
    }
}

#[test]
fn of_many_icmp_errors_the_first_and_the_latest_are_kept() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    for mtu_bytes in (0..9).rev() {
        quote(&mut story, 0, 3, 4, Some(1_000 + mtu_bytes));
    }
    let connection = story.told().connection().clone();
    let frames: Vec<_> = connection.icmp.iter().map(|event| event.frame).collect();
    assert_eq!((connection.icmp_errors, frames), (9, vec![2, 3, 4, 10]));
    assert_eq!(connection.directions[0].told_mtu_bytes, Some(1_000));
}

#[test]
fn what_a_radio_sent_again_is_one_packet_of_tcp() {
    let mut story = Story::open();
    story.send(0, ACK, 1_000);
    let first = *story.segments.last().expect("text");
    let again = crate::Segment { frame: first.frame + 1, repeats: first.frame, ..first };
    story.segments.push(crate::Segment { time: first.time + std::time::Duration::from_secs(1), ..again });
    let told = story.told();
    let analysis = told.last();
    assert!(analysis.notes.contains(Notes::LINK_RETRY) && !analysis.notes.contains(Notes::CAPTURED_TWICE));
    assert_eq!(analysis.why.order, crate::Order::CapturedTwice { first: first.frame });
    let connection = told.connection();
    assert_eq!((connection.faults.link_retries.count, connection.faults.twice.count), (1, 0));
    assert_eq!(connection.directions[0].retransmissions.total(), 0);
}

#[test]
fn text_that_a_router_found_too_big_goes_again_for_the_path() {
    let mut story = Story::open();
    for _ in 0..10 {
        story.send(0, ACK, 1_000);
    }
    let number = story.segments.len() - 2;
    let text = story.segments[number];
    quote(&mut story, number, 3, 4, Some(540));
    let last = *story.segments.last().expect("the quotation");
    for half in 0..2 {
        story.segments.push(crate::Segment {
            frame: last.frame + 1 + half,
            time: last.time + std::time::Duration::from_millis(1),
            seq: text.seq + half * 500,
            text_bytes: 500,
            ip_bytes: 540,
            ip_id: text.ip_id.map(|id| id + 100 + half as u16),
            ..text
        });
    }
    let told = story.told();
    assert_eq!(told.last().why.reason, tcp::SendReason::PathMtu);
    let connection = told.connection();
    assert_eq!(connection.directions[0].told_mtu_bytes, Some(540));
    assert_eq!((connection.icmp[0].seq, connection.icmp[0].about), (text.seq, crate::Side::A));
}

#[test]
fn numbers_wrap() {
    let mut story = Story::new();
    story.next = [u32::MAX - 500, u32::MAX - 7];
    story.received = [u32::MAX - 7, u32::MAX - 500];
    let mut story = story.opened();
    for _ in 0..4 {
        story.send(0, ACK, 400);
        story.send(1, ACK, 0);
    }
    let told = story.told();
    assert!(told.kept.segments.iter().all(|(_, said)| said.verdicts.is_empty()));
    assert_eq!(told.connection().directions[0].unique_bytes, 1_600);
    assert_eq!(told.last().relative_ack, 1_601);
}

#[test]
fn a_window_that_nobody_announced_is_not_a_closed_one() {
    let mut story = Story::new();
    story.send(0, ACK, 1);
    story.send(0, ACK, 1);
    assert_eq!(verdicts(&story), "", "the other end was never heard");
}

#[test]
fn a_syn_ack_with_the_same_number_after_a_reset_is_a_new_connection() {
    let mut story = Story::open();
    let isn = story.next[1] - 1;
    story.again(1, isn, SYN | ACK, 0);
    assert_eq!(story.told().last().stream, 0, "sent again");
    story.send(0, RST, 0);
    story.again(1, isn, SYN | ACK, 0);
    assert_eq!((story.told().last().stream, verdicts(&story).as_str()), (1, "reused_ports"));
}

#[test]
fn a_syn_ack_that_takes_more_than_the_syn_is_fast_open_also_when_the_syn_was_missed() {
    let mut story = Story::new();
    story.send(0, ACK, 500);
    story.next[1] -= 1;
    story.send(1, SYN | ACK, 0);
    assert!(story.told().last().verdicts.contains(Verdicts::TFO_ACK));
}

#[test]
fn options_that_were_cut_off_do_not_end_window_scaling() {
    let mut story = Story::open();
    story.segments[0].options.window_scale = Some(6);
    story.segments[1].whole = Whole::OptionsCut;
    story.send(0, ACK, 0).window = 2_058;
    assert_eq!(story.told().last().window_bytes, 2_058 << 6);
}

#[test]
fn what_lies_behind_an_unseen_gap_is_acknowledgeable_once_the_gap_is() {
    let mut story = Story::open();
    let hole = story.next[0];
    story.next[0] += 1_000;
    story.lose(0, ACK, 1_000);
    story.received[1] = hole + 1_000;
    story.send(1, ACK, 0);
    assert_eq!(verdicts(&story), "ack_lost_segment");
    story.received[1] += 1_000;
    story.send(1, ACK, 0);
    assert_eq!(verdicts(&story), "", "that segment was captured");
    // but an acknowledgment inside of what was captured vouches for nothing beyond it
    let mut story = Story::open();
    story.next[0] += 1_000;
    story.lose(0, ACK, 1_000);
    story.received[1] = hole + 1_500;
    story.send(1, ACK, 0);
    story.received[1] = hole + 2_000;
    story.send(1, ACK, 0);
    assert_eq!(verdicts(&story), "ack_lost_segment");
}

#[test]
fn of_two_segments_that_an_acknowledgment_hits_the_oldest_counts() {
    let mut story = Story::open();
    let first = story.next[0];
    story.lose(0, ACK, 1_000);
    story.wait_ms(300).again(0, first, ACK, 500);
    story.received[1] = first + 500;
    story.send(1, ACK, 0);
    let said = story.told();
    assert_eq!(said.last().verdicts, Verdicts::PARTIAL_ACK);
    assert_eq!(said.last().acked.map(|acked| acked.frame), Some(4));
}

#[test]
fn a_record_from_the_past_is_no_reordering_on_the_network() {
    let mut story = Story::open();
    let hole = story.next[0];
    story.next[0] += 1_000;
    story.lose(0, ACK, 1_000);
    story.ns -= 5_000_000;
    story.again(0, hole, ACK, 500);
    assert_eq!(verdicts(&story), "retransmission");
}

#[test]
fn text_counts_for_completeness_only_with_an_acknowledgment() {
    let mut story = Story::new();
    story.send(0, RST, 100);
    story.send(0, SYN, 0);
    assert_eq!(story.told().connection().completeness.bits(), Completeness::RST);
}

proptest::proptest! {
    /// Arbitrary numbers, flags and options: no panic, and streams are counted in order.
    #[test]
    fn arbitrary_segments_never_panic(segments in proptest::collection::vec(
        (0usize..2, proptest::num::u16::ANY, proptest::num::u32::ANY, proptest::num::u32::ANY, proptest::num::u16::ANY, 0u32..70_000, proptest::num::u64::ANY), 1..80)) {
        let mut story = Story::new();
        for (from, flags, seq, ack, window, text, ns) in segments {
            story.ns = ns >> 1;
            let segment = story.again(from, seq, wire::tcp::Flags::from_bits(flags), text);
            segment.ack = Seq::new(ack);
            segment.window = window;
            segment.options.window_scale = Some(window as u8);
            segment.options.sack.push(wire::tcp::SackBlock { left: Seq::new(ack ^ seq), right: Seq::new(ack) });
        }
        let told = story.told();
        let streams: Vec<u32> = told.kept.connections.iter().map(|connection| connection.stream).collect();
        proptest::prop_assert!(streams.is_sorted());
    }
}
