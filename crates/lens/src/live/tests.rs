//! The same connection at other numbers: nothing but Wireshark's verdicts may depend on where they begin.

use crate::story::{ACK, FIN, RST, SYN, Story, Told, told};
use crate::{Analysis, Connection, Segment, Verdicts, Whole};
use proptest::prelude::*;
use tcp::SendReason;
use wire::Seq;
use wire::tcp::{Flags, SackBlock};

/// Findings that count Wireshark's verdicts.
const OF_VERDICTS: [&str; 3] = ["keep-alive", "capture-loss", "spurious-retransmission"];

/// A reset in the name of nobody has zero for want of a number.
fn is_of_nobody(segment: &Segment) -> bool {
    segment.flags.rst() && segment.flags.ack() && segment.seq == Seq::new(0)
}

/// The same segments, with the numbers of each end moved by so much.
fn moved(segments: &[Segment], by: [u32; 2]) -> Vec<Segment> {
    let first = segments[0].source;
    let of = |segment: &Segment| {
        let from = usize::from(segment.source != first);
        let (own, others) = (by[from], by[1 - from]);
        let mut segment = *segment;
        if !is_of_nobody(&segment) {
            segment.seq += own;
        }
        if segment.flags.ack() {
            segment.ack += others;
        }
        let blocks = std::mem::take(&mut segment.options.sack);
        for block in blocks.as_slice() {
            segment.options.sack.push(SackBlock { left: block.left + others, right: block.right + others });
        }
        segment
    };
    segments.iter().map(of).collect()
}

/// What is said of a segment, without what is Wireshark's.
fn ours(said: &Analysis) -> Analysis {
    let (verdicts, duplicate_ack, rto) = (Verdicts::NONE, None, None);
    Analysis { verdicts, duplicate_ack, rto, in_flight_bytes: None, acked: None, ..*said }
}

/// What is said of a connection, without the counts of verdicts.
fn summary(connection: &Connection) -> String {
    let mut connection = connection.clone();
    for direction in &mut connection.directions {
        direction.seen = Default::default();
    }
    connection.faults.missing = Default::default();
    format!("{connection:#?}")
}

fn check_same(segments: &[Segment], by: [u32; 2]) {
    let moved = moved(segments, by);
    if segments.iter().zip(&moved).any(|(here, there)| is_of_nobody(here) != is_of_nobody(there)) {
        return; // it says something else there
    }
    let (here, there) = (told(segments), told(&moved));
    for ((segment, here), (_, there)) in here.kept.segments.iter().zip(&there.kept.segments) {
        assert_eq!(ours(here), ours(there), "frame {} moved by {by:?}", segment.frame);
    }
    for (here, there) in here.kept.connections.iter().zip(&there.kept.connections) {
        let (here, there) = (summary(here), summary(there));
        if let Some(line) = here.lines().zip(there.lines()).position(|(here, there)| here != there) {
            let near =
                |text: &str| text.lines().skip(line.saturating_sub(6)).take(8).collect::<Vec<_>>().join("\n");
            panic!("moved by {by:?}:\n{}\nor\n{}", near(&here), near(&there));
        }
    }
    let findings = |told: &Told| {
        let kinds = told.kept.findings.iter().map(|found| found.id.name());
        kinds.filter(|kind| !OF_VERDICTS.contains(kind)).collect::<Vec<_>>()
    };
    assert_eq!(findings(&here), findings(&there), "moved by {by:?}");
}

/// Moves every number of both ends to zero and to its neighbours, and to where comparisons turn.
fn check_everywhere(story: &Story) {
    let first = story.segments[0].source;
    let mut places: [Vec<u32>; 2] = [vec![0, 1 << 31], vec![0, 1 << 31]];
    for segment in &story.segments {
        let from = usize::from(segment.source != first);
        for near in [segment.seq.number(), segment.end().number()] {
            places[from].extend([0, 1, 2].map(|away| 1_u32.wrapping_sub(near).wrapping_sub(away)));
        }
    }
    for places in &mut places {
        places.sort_unstable();
        places.dedup();
    }
    for own in &places[0] {
        check_same(&story.segments, [*own, 77]);
    }
    for others in &places[1] {
        check_same(&story.segments, [77, *others]);
        check_same(&story.segments, [0_u32.wrapping_sub(story.segments[0].seq.number()), *others]);
    }
}

/// Ten segments, the first of them lost.
fn burst(story: &mut Story) -> u32 {
    let first = story.next[0];
    (0..10).for_each(|_| _ = story.lose(0, ACK, 1_000));
    first
}

#[test]
fn a_retransmission_is_one_at_every_initial_number() {
    // the text of the first segment ends at zero
    let mut story = Story::new();
    story.next[0] = 0_u32.wrapping_sub(101);
    story.received[1] = story.next[0];
    let mut story = story.opened();
    let first = story.next[0];
    story.lose(0, ACK, 100);
    story.wait_ms(300).again(0, first, ACK, 100);
    let told = story.told();
    assert_eq!(told.last().why.reason, SendReason::Timeout);
    assert_eq!(told.connection().directions[0].retransmissions.timeout, 1);
    assert_eq!(told.last().verdicts, Verdicts::NONE, "Wireshark takes the zero for unset");
    check_everywhere(&story);
}

#[test]
fn what_a_first_syn_offered_is_not_told_missing_when_it_comes_again_without() {
    let mut story = Story::new();
    story.send(0, SYN, 0).options.window_scale = Some(7);
    let isn = story.segments[0].seq.number();
    let again = story.wait_ms(1_000).again(0, isn, SYN, 0);
    (again.options.mss, again.options.sack_permitted) = (None, false);
    story.send(1, SYN | ACK, 0);
    story.send(0, ACK, 0);
    let told = story.told();
    let offered = told.connection().handshake.offered[0];
    assert_eq!((offered.mss, offered.window_scale, offered.sack), (Some(1_460), Some(7), true));
    assert!(told.finding("option-missing").is_none());
    // a SYN whose options were cut off says nothing of what it lacks
    let mut story = Story::new();
    let syn = story.send(0, SYN, 0);
    (syn.options.mss, syn.options.sack_permitted, syn.whole) = (None, false, Whole::OptionsCut);
    story.send(1, SYN | ACK, 0);
    story.send(0, ACK, 0);
    assert!(!story.told().connection().handshake.offered[0].syn_captured);
    assert!(story.told().finding("option-missing").is_none());
}

#[test]
fn losses_repaired_by_sack() {
    let mut story = Story::open();
    let hole = burst(&mut story);
    story.wait_ms(20);
    for n in 0..3 {
        story.sack(1, hole, hole + 1_000, hole + 2_000 + n * 1_000);
    }
    story.again(0, hole, ACK, 1_000);
    story.received[1] = story.next[0];
    story.wait_ms(20).send(1, ACK, 0);
    story.send(1, ACK, 500);
    story.send(0, FIN | ACK, 0);
    story.send(1, FIN | ACK, 0);
    story.send(0, ACK, 0);
    check_everywhere(&story);
}

#[test]
fn losses_repaired_by_duplicate_acks_and_timeouts() {
    let mut story = Story::open();
    let hole = burst(&mut story);
    story.wait_ms(20);
    (0..4).for_each(|_| _ = story.send(1, ACK, 0));
    story.again(0, hole, ACK, 1_000);
    story.wait_ms(400).again(0, hole, ACK, 1_000);
    story.wait_ms(900).again(0, hole, ACK, 1_000);
    story.received[1] = hole + 1_000;
    story.wait_ms(20).send(1, ACK, 0);
    story.again(0, hole + 1_000, ACK, 1_000);
    story.again(0, hole, ACK, 1_000);
    check_everywhere(&story);
}

#[test]
fn closed_windows_keep_alives_and_resets() {
    let mut story = Story::open();
    story.send(0, ACK, 1_000);
    story.window[1] = 0;
    story.wait_ms(20).send(1, ACK, 0);
    let next = story.next[0];
    story.wait_ms(300).again(0, next, ACK, 1);
    let answers_from = story.next[1];
    story.wait_ms(20).again(1, answers_from, ACK, 0);
    story.wait_ms(600).again(0, next - 1, ACK, 0);
    story.window[1] = 5_000;
    story.wait_ms(20).send(1, ACK, 0);
    story.send(0, ACK, 800);
    story.wait_ms(20).send(1, ACK, 0);
    story.wait_ms(60_000);
    let before = story.next[0] - 1;
    story.again(0, before, ACK, 1);
    story.wait_ms(20).send(1, ACK, 0);
    story.send(1, RST | ACK, 0);
    check_everywhere(&story);
}

#[test]
fn both_open_and_both_close_at_once() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    story.send(1, SYN, 0);
    let isn = [story.next[0] - 1, story.next[1] - 1];
    story.wait_ms(20).again(0, isn[0], SYN | ACK, 0);
    story.again(1, isn[1], SYN | ACK, 0);
    story.send(0, ACK, 100);
    story.lose(0, FIN | ACK, 0);
    story.lose(1, FIN | ACK, 0);
    story.received = [story.next[1], story.next[0]];
    story.wait_ms(20).send(0, ACK, 0);
    story.send(1, ACK, 0);
    check_everywhere(&story);
}

#[test]
fn refused_and_reset_without_an_acknowledgment() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    let refusal = story.again(1, 0, RST | ACK, 0);
    refusal.window = 0;
    check_everywhere(&story);
    let mut story = Story::open();
    let hole = burst(&mut story);
    story.wait_ms(5).send(1, RST, 0).ack = Seq::new(0);
    story.wait_ms(300).again(0, hole, ACK, 1_000);
    story.wait_ms(20).send(1, ACK, 0);
    check_everywhere(&story);
}

#[test]
fn the_middle_of_a_connection_with_gaps() {
    let mut story = Story::new();
    story.send(1, ACK, 0).window = 500;
    burst(&mut story);
    story.received[1] = story.next[0];
    story.wait_ms(20).send(1, ACK, 0);
    story.next[0] += 3_000;
    story.lose(0, ACK, 1_000);
    story.received[1] = story.next[0];
    story.send(1, ACK, 0);
    let late = story.next[0] - 4_000;
    story.again(0, late, ACK, 1_000);
    check_everywhere(&story);
}

proptest! {
    /// Segments near to sense, with all kinds of flags, anywhere.
    #[test]
    fn anything_is_the_same_anywhere(
        segments in proptest::collection::vec((0_usize..2, 0_u32..12, 0_u32..12, 0_usize..12, 0_u32..5, 0_u64..4), 2..40),
        by in any::<[u32; 2]>(),
        to_zero in 0_usize..40,
    ) {
        let mut story = Story::open();
        for (from, seq, ack, flags, text, wait) in segments {
            let flags: Flags = [ACK, ACK, ACK, ACK, ACK, ACK, ACK, FIN | ACK, SYN | ACK, SYN, RST, RST | ACK][flags];
            story.ns += [1_000, 900_000, 21_000_000, 400_000_000][wait as usize];
            let near = |number: u32, away: u32| number.wrapping_add(100 * away).wrapping_sub(600);
            let text_bytes = [0, 0, 1, 100, 300][text as usize];
            let (own, other) = (story.next[from], story.next[1 - from]);
            let seq = if seq < 6 { own } else { near(own, seq) };
            let ack = if flags.contains(ACK) { if ack < 6 { other } else { near(other, ack) } } else { 0 };
            let end = {
                let segment = story.again(from, seq, flags, text_bytes);
                segment.ack = Seq::new(ack);
                if wait == 3 && flags == ACK && text_bytes == 0 {
                    let block = SackBlock { left: Seq::new(near(other, 7)), right: Seq::new(near(other, 8)) };
                    segment.options.sack.push(block);
                }
                segment.end().number()
            };
            story.next[from] = Seq::new(story.next[from]).latest(Seq::new(end)).number();
        }
        check_same(&story.segments, by);
        let near = story.segments[to_zero % story.segments.len()];
        let first = story.segments[0].source;
        let mut by = by;
        by[usize::from(near.source != first)] = 0_u32.wrapping_sub(near.end().number());
        check_same(&story.segments, by);
    }
}
