//! How long is remembered.

use super::*;

const MS: u64 = 1_000_000;

#[test]
fn the_highest_rate_is_of_this_cycle_and_the_last() {
    let mut max = MaxBw::default();
    max.update(100);
    max.update(80);
    max.advance();
    max.update(50);
    assert_eq!(max.get(), 100);
    max.advance();
    assert_eq!(max.get(), 50);
    max.advance();
    assert_eq!(max.get(), 50, "a cycle without samples forgets nothing");
}

#[test]
fn the_round_trip_is_renewed_every_five_seconds_and_forgotten_after_ten() {
    let at = |s: u64| Instant::from_millis(s * 1_000 + 100_000);
    let mut min = MinRtt::default();
    min.begin(at(0), 30_000);
    assert_eq!(min.get_ns(), Some(30 * MS));
    assert!(!min.update(at(0), Some(20 * MS)));
    assert!(!min.update(at(3), Some(40 * MS)));
    assert_eq!(min.get_ns(), Some(20 * MS));
    assert!(min.update(at(6), Some(40 * MS)), "it is time to probe");
    assert_eq!(min.get_ns(), Some(20 * MS), "the last is still believed");
    assert!(!min.update(at(7), Some(45 * MS)));
    min.update(at(11), Some(41 * MS));
    min.update(at(12), Some(41 * MS));
    assert_eq!(min.get_ns(), Some(40 * MS).or(Some(41 * MS)), "the path has become longer");
    min.on_probed(at(13));
    assert!(!min.update(at(17), Some(60 * MS)));
}

#[test]
fn the_largest_of_ten_rounds() {
    let mut max = WindowedMax::default();
    let mut values = alloc::collections::VecDeque::new();
    // A sequence with rises and falls: never below the true maximum of a shorter window, never above that of the window.
    for round in 0..500_u32 {
        let value = (round * 7_919) % 1_000 + if round % 37 == 0 { 2_000 } else { 0 };
        values.push_front(value);
        values.truncate(11);
        max.update(value, round, 10);
        let true_max = *values.iter().max().expect("there is one");
        assert!(max.get() <= true_max, "round {round}");
        assert!(max.get() >= value);
    }
    max.update(1, 1_000, 10);
    assert_eq!(max.get(), 1);
}
