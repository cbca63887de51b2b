//! How the counters are read: the examples of RFC 9768, appendix A.

use super::*;

const MSS: u32 = 1_460;

fn counters() -> Counters {
    let Kind::Accurate(counters) = Heeds::new(EcnFeedback::Accurate).kind else { panic!("it is accurate") };
    counters
}

fn heard(segments: u32) -> Heard {
    Heard { advanced_bytes: segments * MSS, delivered_bytes: segments * MSS, ..Heard::default() }
}

fn echo(code: u8, option: Option<AccurateEcn>) -> Echo {
    let flags = crate::ecn::with_ace(Flags::ACK, code);
    Echo { flags, option, is_newer: false, is_first: false, is_bare: true }
}

#[test]
fn a_jump_of_the_acknowledgment_may_hide_a_round_of_the_counter() {
    let counters = counters();
    // §A.2.1: nine segments and two marks are two; of ten there may have been ten.
    assert_eq!(counters.packets_for(2, 9, None, MSS), 2);
    assert_eq!(counters.packets_for(2, 10, None, MSS), 10);
    // More marks than segments: the counter is right (§3.2.2.5.2).
    assert_eq!(counters.packets_for(7, 1, None, MSS), 7);
    assert_eq!(counters.packets_for(0, 1_000, None, MSS), 1_000);
}

#[test]
fn marked_bytes_settle_it() {
    let counters = counters();
    // The three examples of §A.2.2.
    assert_eq!(counters.packets_for(0, 8, Some(1_460), MSS), 8);
    assert_eq!(counters.packets_for(2, 10, Some(1_460), MSS), 2);
    assert_eq!(counters.packets_for(7, 15, Some(10_200), MSS), 7);
    assert_eq!(counters.packets_for(0, 40, Some(0), MSS), 0);
}

#[test]
fn who_always_acknowledges_much_hides_nothing() {
    let mut counters = counters();
    for _ in 0..40 {
        counters.hear(&echo(5, Some(AccurateEcn::with_e0b_first(&[1, 0]))), &heard(20), MSS);
    }
    assert_eq!(counters.packets, PACKETS_INITIAL);
    assert_eq!(counters.packets_for(0, 20, None, MSS), 0, "GRO, or acknowledgments that are thinned out");
}

#[test]
fn byte_counters_go_round() {
    let mut counters = counters();
    counters.bytes.ceb = 33_554_433;
    // §A.1.
    assert_eq!(counters.count_bytes(&AccurateEcn::with_e0b_first(&[1, 1_461])), 1_460);
    assert_eq!(counters.bytes.ceb, 33_555_893);
}

#[test]
fn what_was_superseded_says_nothing() {
    let mut counters = counters();
    let nothing = Heard::default();
    assert_eq!(counters.hear(&echo(2, None), &nothing, MSS), Marked::default());
    assert_eq!(counters.packets, PACKETS_INITIAL);
    // A newer timestamp says that it is news: a packet without text was marked.
    let newer = Echo { is_newer: true, ..echo(6, None) };
    assert_eq!(counters.hear(&newer, &nothing, MSS).packets, 1);
}

#[test]
fn the_third_step_has_a_code_of_its_own() {
    for (code, packets, doubt) in [
        (0b000, 5, Some(EcnDoubt::ClearedFlags)),
        (0b001, 5, None),
        (0b010, 5, None),
        (0b011, 5, Some(EcnDoubt::MangledField)),
        (0b100, 5, Some(EcnDoubt::MangledField)),
        (0b101, 5, None),
        (0b110, 6, Some(EcnDoubt::MangledField)),
        (0b111, 5, None),
    ] {
        let mut counters = counters();
        let marked = counters.hear_third_step(code);
        assert_eq!((counters.packets, marked.doubt), (packets, doubt), "{code:03b}");
    }
}

#[test]
fn a_doubt_is_told_once_and_two_of_them_end_the_listening() {
    for (doubt, heeds_marks) in [
        (EcnDoubt::PlainHandshake, true),
        (EcnDoubt::MangledField, true),
        (EcnDoubt::ContradictoryCounters, true),
        (EcnDoubt::ClearedFlags, false),
        (EcnDoubt::MarksEverything, false),
    ] {
        let mut heeds = Heeds::new(EcnFeedback::Accurate);
        assert!(heeds.doubt(doubt) && !heeds.doubt(doubt));
        assert_eq!((heeds.is_capable(), heeds.is_heeded), (false, heeds_marks));
        assert_eq!(heeds.on_new_text(Flags::ACK, Ecn::Capable0).0, Ecn::NotCapable);
    }
}

#[test]
fn cwr_is_owed_once_and_never_where_it_is_a_digit() {
    let mut heeds = Heeds::new(EcnFeedback::Classic);
    heeds.on_reduced(Seq::new(9));
    assert!(heeds.on_new_text(Flags::ACK, Ecn::Capable0).1.contains(Flags::CWR));
    assert!(!heeds.on_new_text(Flags::ACK, Ecn::Capable0).1.contains(Flags::CWR));
    heeds.on_reduced(Seq::new(9));
    heeds.on_undone();
    assert!(
        !heeds.on_new_text(Flags::ACK, Ecn::Capable0).1.contains(Flags::CWR),
        "nothing was reduced after all"
    );
    let mut heeds = Heeds::new(EcnFeedback::Accurate);
    heeds.on_reduced(Seq::new(9));
    assert!(!heeds.on_new_text(Flags::ACK, Ecn::Capable0).1.contains(Flags::CWR));
}
