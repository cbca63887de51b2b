//! What is told of marks and of the ECN field: each kind where it is true, and where it must stay silent.

use super::found;
use crate::ecn::tests::{opened, with};
use crate::story::{ACK, SYN, Story};
use crate::{Finding, Severity};
use wire::tcp::{AccurateEcn, Flags};

const ACCURATE: [u8; 3] = [0b111, 0b010, 0b010];
const CLASSIC: [u8; 3] = [0b011, 0b001, 0b000];
const NONE: [u8; 3] = [0b011, 0b000, 0b000];

fn agreed(codes: [u8; 3]) -> Story {
    opened(codes[0], codes[1], codes[2])
}

fn none(story: &Story, kind: &str) {
    let told = story.told();
    assert_eq!(told.finding(kind).map(|finding: &Finding| finding.id), None);
}

/// So many full segments of end 0, ECN-capable, and the acknowledgment of them.
fn round(story: &mut Story, segments: u32, flags: Flags) {
    for _ in 0..segments {
        story.send(0, own(flags), 1_000).ecn = 2;
    }
    story.wait_ms(20).send(1, flags, 0);
}

/// The flags of end 0 beside these of the other: a number beside a number.
fn own(flags: Flags) -> Flags {
    if flags.contains(Flags::AE) { with(ACK, 5) } else { ACK }
}

#[test]
fn marks_told_by_accurate_ecn() {
    let mut story = agreed(ACCURATE);
    round(&mut story, 10, with(ACK, 5));
    for _ in 0..10 {
        story.send(0, with(ACK, 5), 1_000).ecn = 2;
    }
    story.received[1] -= 5_000;
    story.wait_ms(20).send(1, with(ACK, 7), 0).options.accurate_ecn =
        Some(AccurateEcn::with_e0b_first(&[13_001, 2_000]));
    story.received[1] += 5_000;
    story.wait_ms(1).send(1, with(ACK, 7), 0);
    story.send(0, with(ACK, 5), 1_000).ecn = 2;
    let finding = found(&story, "congestion-marked");
    assert_eq!(
        finding.numbers,
        [
            ("told_round_trips", 1),
            ("marked_here_packets", 0),
            ("told_packets", 2),
            ("told_bytes", 2_000),
            ("window_reduced_times", 0),
            ("watched_times", 1),
            ("slowed_times", 1),
            ("in_flight_before_bytes", 10_000),
            ("in_flight_after_bytes", 1_000),
        ]
    );
    assert!(finding.has("accurate-ecn"));
    assert_eq!((finding.severity, finding.section), (Severity::Info, Some("9768#3.2")));
    assert_eq!(finding.frames, [25]);
}

#[test]
fn marks_told_by_classic_ecn() {
    let mut story = agreed(CLASSIC);
    round(&mut story, 10, ACK);
    round(&mut story, 10, ACK | Flags::ECE);
    story.send(1, ACK | Flags::ECE, 0);
    story.send(0, ACK | Flags::CWR, 1_000);
    story.wait_ms(20).send(1, ACK, 0);
    let finding = found(&story, "congestion-marked");
    assert_eq!(
        (finding.number("told_round_trips"), finding.number("window_reduced_times")),
        (Some(1), Some(1))
    );
    assert!(!finding.has("accurate-ecn"));
    let ece = story.told();
    let words: Vec<_> = ece.kept.segments.iter().filter_map(|(_, said)| said.ecn.sentence()).collect();
    assert_eq!(
        words,
        ["asks for ECN", "accepts ECN", "a packet arrived marked (ECE)", "the window is reduced (CWR)"],
        "an echo is told where it begins"
    );
}

#[test]
fn marks_seen_where_they_arrive() {
    let mut story = agreed(CLASSIC);
    round(&mut story, 3, ACK);
    story.send(0, ACK, 1_000).ecn = 3;
    story.wait_ms(1).send(1, ACK | Flags::ECE, 0);
    let finding = found(&story, "congestion-marked");
    assert_eq!(
        (finding.number("told_round_trips"), finding.number("marked_here_packets")),
        (Some(1), Some(1))
    );
    // without a handshake the flags are not known to be an echo
    story.segments.drain(..3);
    let finding = found(&story, "congestion-marked");
    assert_eq!(
        (finding.number("told_round_trips"), finding.number("marked_here_packets")),
        (Some(0), Some(1))
    );
}

#[test]
fn without_marks_nothing_is_told() {
    for codes in [ACCURATE, CLASSIC, NONE] {
        let mut story = agreed(codes);
        let answer = if codes == ACCURATE { with(ACK, 5) } else { ACK };
        (0..5).for_each(|_| round(&mut story, 4, answer));
        for kind in ["congestion-marked", "marks-not-echoed", "ecn-changed"] {
            none(&story, kind);
        }
    }
}

/// Marked segments of end 0 that are acknowledged with these flags.
fn marks_answered_with(codes: [u8; 3], flags: Flags, marks: u32) -> Story {
    let mut story = agreed(codes);
    round(&mut story, 3, flags);
    for _ in 0..marks {
        story.send(0, own(flags), 1_000).ecn = 3;
        story.wait_ms(20).send(1, flags, 0);
    }
    round(&mut story, 3, flags);
    story
}

#[test]
fn marks_that_are_not_echoed() {
    for (codes, flags) in [(ACCURATE, with(ACK, 5)), (CLASSIC, ACK)] {
        let finding = found(&marks_answered_with(codes, flags, 2), "marks-not-echoed");
        assert_eq!((finding.number("times"), finding.has("not-agreed")), (Some(2), false));
        assert_eq!(finding.severity, Severity::Warning);
    }
    let finding = found(&marks_answered_with(NONE, ACK, 2), "marks-not-echoed");
    assert!(finding.has("not-agreed"), "{finding:?}");
}

#[test]
fn marks_that_may_have_been_echoed() {
    none(&marks_answered_with(CLASSIC, ACK | Flags::ECE, 3), "marks-not-echoed");
    none(&marks_answered_with(CLASSIC, ACK, 1), "marks-not-echoed");
    let mut middle = marks_answered_with(CLASSIC, ACK, 3);
    middle.segments.drain(..3);
    none(&middle, "marks-not-echoed");
    let mut one_sided = marks_answered_with(CLASSIC, ACK, 3);
    let client = one_sided.ends[0];
    one_sided.segments.retain(|segment| segment.source == client);
    none(&one_sided, "marks-not-echoed");
    // marked, and not acknowledged
    let mut unheard = agreed(CLASSIC);
    (0..4).for_each(|_| unheard.lose(0, ACK, 1_000).ecn = 3);
    none(&unheard, "marks-not-echoed");
}

#[test]
fn a_syn_whose_field_was_changed() {
    // the field as it left, what the SYN,ACK says, the field that it says, whether that is cleared
    let rows = [(2, 0b010, 0, true), (1, 0b010, 0, true), (0, 0b100, 2, false), (0, 0b110, 3, false)];
    for (field, told, arrives, cleared) in rows {
        let mut story = Story::new();
        story.send(0, with(SYN, 0b111), 0).ecn = field;
        story.wait_ms(20).send(1, with(SYN | ACK, told), 0);
        story.send(0, with(ACK, 0b010), 0);
        let finding = found(&story, "ecn-changed");
        let [left, arrived] = ["left_codepoint", "arrived_codepoint"].map(|name| finding.number(name));
        assert_eq!((left, arrived, finding.has("cleared")), (Some(u64::from(field)), Some(arrives), cleared));
        assert_eq!(finding.frames, [1, 2]);
    }
}

#[test]
fn a_syn_ack_whose_field_was_changed() {
    let mut story = Story::new();
    story.send(0, with(SYN, 0b111), 0);
    story.wait_ms(20).send(1, with(SYN | ACK, 0b010), 0).ecn = 2;
    story.send(0, with(ACK, 0b010), 0);
    let finding = found(&story, "ecn-changed");
    let [left, arrived] = ["left_codepoint", "arrived_codepoint"].map(|name| finding.number(name));
    assert_eq!((left, arrived, finding.has("on-syn")), (Some(2), Some(0), false));
}

#[test]
fn fields_that_arrive_as_they_left_or_marked() {
    for (left, told) in [(0, 0b010), (1, 0b011), (2, 0b100), (2, 0b110), (1, 0b110), (3, 0b110)] {
        let mut story = Story::new();
        story.send(0, with(SYN, 0b111), 0).ecn = left;
        story.wait_ms(20).send(1, with(SYN | ACK, told), 0);
        story.send(0, with(ACK, 0b010), 0);
        none(&story, "ecn-changed");
    }
}

/// Text of end 0, capable or not, and what the other end counts of it.
fn counted(field: u8, segments: u32, option: AccurateEcn) -> Story {
    let mut story = agreed(ACCURATE);
    for _ in 0..segments {
        story.send(0, with(ACK, 5), 1_000).ecn = field;
    }
    story.wait_ms(20).send(1, with(ACK, 5), 0).options.accurate_ecn = Some(option);
    story
}

#[test]
fn capable_text_that_nobody_counts() {
    for field in [1, 2] {
        let finding = found(&counted(field, 4, AccurateEcn::with_e0b_first(&[1, 0, 1])), "ecn-changed");
        assert!(finding.has("not-counted"), "{finding:?}");
    }
}

#[test]
fn text_that_is_counted_or_need_not_be() {
    none(&counted(2, 4, AccurateEcn::with_e0b_first(&[4_001, 0, 1])), "ecn-changed");
    none(&counted(0, 4, AccurateEcn::with_e0b_first(&[1, 0, 1])), "ecn-changed");
    none(&counted(2, 4, AccurateEcn::with_e0b_first(&[1, 4_000, 1])), "ecn-changed");
    // the only capable one may have been lost, and went again without
    none(&counted(2, 1, AccurateEcn::with_e0b_first(&[1, 0, 1])), "ecn-changed");
    // the field that would tell is left out
    none(&counted(1, 4, AccurateEcn::with_e0b_first(&[1, 0])), "ecn-changed");
}
