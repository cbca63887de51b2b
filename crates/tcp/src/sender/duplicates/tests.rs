//! What duplicates stand for, and that nobody gains by making them up.

use super::*;

const MSS: u32 = 1_000;

#[test]
fn the_third_makes_a_loss_and_only_the_third() {
    let mut duplicates = Duplicates::default();
    let losses: alloc::vec::Vec<bool> = (0..6)
        .map(|_| {
            duplicates.on_duplicate(MSS, 10 * MSS);
            duplicates.is_loss()
        })
        .collect();
    assert_eq!(losses, [false, false, true, false, false, false]);
    assert_eq!((duplicates.count(), duplicates.bytes()), (6, 6 * MSS));
}

#[test]
fn a_flood_of_them_stands_for_no_more_than_is_outstanding() {
    // RFC 5681 §5: the first segment has not arrived, or it would be acknowledged.
    let mut duplicates = Duplicates::default();
    for _ in 0..100_000 {
        duplicates.on_duplicate(MSS, 10 * MSS);
        assert!(duplicates.bytes() <= 9 * MSS);
    }
    assert_eq!(duplicates.count(), u16::MAX, "counted without a wrap");
    duplicates.on_duplicate(MSS, 2 * MSS);
    assert_eq!(duplicates.bytes(), MSS, "less is outstanding now");
    duplicates.on_duplicate(MSS, 0);
    assert_eq!(duplicates.bytes(), 0);
}

#[test]
fn what_they_stood_for_is_not_counted_again_when_it_is_acknowledged() {
    let mut duplicates = Duplicates::default();
    for _ in 0..4 {
        duplicates.on_duplicate(MSS, 10 * MSS);
    }
    // The hole and the four behind it.
    assert_eq!(duplicates.on_advance(5 * MSS, MSS), 4 * MSS);
    assert_eq!((duplicates.bytes(), duplicates.count()), (0, 0));
}

#[test]
fn a_partial_acknowledgment_takes_its_share() {
    let mut duplicates = Duplicates::default();
    for _ in 0..4 {
        duplicates.on_duplicate(MSS, 10 * MSS);
    }
    assert_eq!(duplicates.on_advance(3 * MSS, MSS), 2 * MSS);
    assert_eq!(duplicates.bytes(), 2 * MSS, "of segments beyond the next hole");
    assert_eq!(duplicates.on_advance(MSS / 2, MSS), 0, "less than a segment is no more than the hole itself");
    duplicates.limit_to(MSS);
    assert_eq!(duplicates.bytes(), MSS);
    duplicates.clear();
    assert_eq!((duplicates.bytes(), duplicates.count()), (0, 0));
}
