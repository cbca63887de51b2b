use super::super::tests::{MSS, acked};
use super::*;

const MS: u64 = 1_000_000;

/// A round with so many samples of this round-trip time.
fn round(hystart: &mut HyStart, samples: u8, rtt_ms: u64) -> Verdict {
    (0..samples).fold(Verdict::Stay, |_, sample| hystart.on_acked(Some(rtt_ms * MS), sample + 1 == samples))
}

#[test]
fn the_threshold_is_an_eighth_between_four_and_sixteen_milliseconds() {
    for (rtt_ms, threshold_ms) in [(8, 4), (32, 4), (80, 10), (128, 16), (800, 16)] {
        let mut hystart = HyStart::new();
        round(&mut hystart, 8, rtt_ms);
        round(&mut hystart, 8, rtt_ms + threshold_ms - 1);
        assert!(!hystart.is_conservative(), "{rtt_ms} ms and {} more", threshold_ms - 1);
        let mut hystart = HyStart::new();
        round(&mut hystart, 8, rtt_ms);
        round(&mut hystart, 8, rtt_ms + threshold_ms);
        assert!(hystart.is_conservative(), "{rtt_ms} ms and {threshold_ms} more");
    }
}

#[test]
fn fewer_than_eight_samples_prove_nothing() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 8, 40);
    (0..7).for_each(|_| assert_eq!(hystart.on_acked(Some(90 * MS), false), Verdict::Stay));
    assert!(!hystart.is_conservative());
    hystart.on_acked(Some(90 * MS), false);
    assert!(hystart.is_conservative());
}

#[test]
fn acknowledgments_without_a_sample_do_not_count() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 8, 40);
    (0..20).for_each(|_| assert_eq!(hystart.on_acked(None, false), Verdict::Stay));
    (0..7).for_each(|_| assert_eq!(hystart.on_acked(Some(90 * MS), false), Verdict::Stay));
    assert!(!hystart.is_conservative());
}

#[test]
fn one_fast_round_trip_in_a_round_is_enough_to_go_on() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 8, 40);
    hystart.on_acked(Some(41 * MS), false);
    round(&mut hystart, 20, 90);
    assert!(!hystart.is_conservative());
}

#[test]
fn five_slow_rounds_end_it_and_the_first_may_be_a_part_of_one() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 8, 40);
    // It becomes conservative in the middle of this round, which is the first of the five.
    let verdicts: [Verdict; 5] = core::array::from_fn(|_| round(&mut hystart, 8, 60));
    let stay = Verdict::Stay;
    assert_eq!(verdicts, [stay, stay, stay, stay, Verdict::Leave]);
}

#[test]
fn a_round_trip_below_the_baseline_was_jitter() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 8, 40);
    (0..4).for_each(|_| assert_eq!(round(&mut hystart, 8, 60), Verdict::Stay));
    assert!(hystart.is_conservative());
    round(&mut hystart, 8, 60 - 1);
    assert!(!hystart.is_conservative());
    // The rise is measured from the last round, and the five rounds are counted anew.
    (0..4).for_each(|_| assert_eq!(round(&mut hystart, 8, 80), Verdict::Stay));
    assert_eq!(round(&mut hystart, 8, 80), Verdict::Leave);
}

#[test]
fn a_single_sample_below_the_baseline_does_not_resume() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 8, 40);
    round(&mut hystart, 8, 60);
    (0..7).for_each(|_| assert_eq!(hystart.on_acked(Some(41 * MS), false), Verdict::Stay));
    assert!(hystart.is_conservative(), "RFC 9406 §4.2: eight samples");
    hystart.on_acked(Some(60 * MS), false);
    assert!(!hystart.is_conservative());
}

#[test]
fn conservative_growth_is_a_quarter_and_loses_no_byte() {
    let mut hystart = HyStart::new();
    assert_eq!(hystart.growth_bytes(&acked(0, MSS), MSS), MSS);
    round(&mut hystart, 8, 40);
    round(&mut hystart, 8, 60);
    assert_eq!(hystart.growth_bytes(&acked(0, MSS), MSS), MSS / 4);
    let grown: u32 = (0..1_000).map(|_| hystart.growth_bytes(&acked(0, 3), MSS)).sum();
    assert_eq!(grown, 3 * 1_000 / 4);
}

#[test]
fn the_limit_comes_before_the_quarter() {
    let mut hystart = HyStart::new();
    round(&mut hystart, 8, 40);
    round(&mut hystart, 8, 60);
    let unpaced = Acked { paced: false, ..acked(0, 40 * MSS) };
    assert_eq!(hystart.growth_bytes(&unpaced, MSS), 2 * MSS, "8 segments, and a quarter of them");
    assert_eq!(hystart.growth_bytes(&acked(0, 40 * MSS), MSS), 10 * MSS);
}
