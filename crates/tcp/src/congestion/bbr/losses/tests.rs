//! Where losses crossed the threshold, and what counts as too much.

use super::*;

fn sample(lost_bytes: u32, sent_in_flight_bytes: u32) -> PathSample {
    PathSample { lost_bytes, sent_in_flight_bytes, ..PathSample::default() }
}

#[test]
fn more_than_a_fiftieth_is_too_much_and_without_sack_anything() {
    assert!(!is_too_high(&sample(2_000, 100_000), true));
    assert!(is_too_high(&sample(2_001, 100_000), true));
    assert!(is_too_high(&sample(1, 100_000), false));
    assert!(!is_too_high(&sample(0, 100_000), false));
}

#[test]
fn the_volume_at_which_losses_crossed_the_threshold_lies_within_the_burst() {
    // 98,000 in flight before it and nothing lost: 2 % of 100,000 are 2,000.
    assert_eq!(in_flight_at_loss(163_000, 65_000, 65_000), 100_000);
    // Too much was lost before: the burst itself does not matter.
    assert_eq!(in_flight_at_loss(163_000, 75_000, 65_000), 98_000);
    assert_eq!(in_flight_at_loss(1_000, 1_000, 1_000), 0);
    assert_eq!(in_flight_at_loss(u32::MAX, 0, 0), u32::MAX);
}
