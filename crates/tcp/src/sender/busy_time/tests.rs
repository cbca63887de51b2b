//! Sums that add up.

use super::*;

fn at_us(micros: u64) -> Instant {
    Instant::from_nanos(micros * 1_000)
}

/// In milliseconds: busy, for the window, for the buffer.
fn millis(busy: &BusyTime, now_us: u64) -> [u128; 3] {
    let (all, window, buffer) = busy.times(at_us(now_us));
    [all, window, buffer].map(|time| time.as_millis())
}

#[test]
fn every_state_has_its_sum_and_the_busy_time_has_all() {
    let mut busy = BusyTime::new(at_us(0));
    busy.turn_to(at_us(1_000_000), Doing::Sending);
    busy.turn_to(at_us(1_640_000), Doing::WaitingForWindow);
    busy.turn_to(at_us(1_960_000), Doing::WaitingForBuffer);
    busy.turn_to(at_us(2_088_000), Doing::Sending);
    assert_eq!(millis(&busy, 2_152_000), [1_152, 320, 128]);
    busy.stop(at_us(2_152_000));
    assert_eq!(millis(&busy, 9_000_000), [1_152, 320, 128], "idle time is nobody's");
}

#[test]
fn a_look_changes_nothing_and_the_same_state_again_neither() {
    let mut busy = BusyTime::new(at_us(0));
    busy.turn_to(at_us(0), Doing::Sending);
    for now in (0..640_000).step_by(1_000) {
        busy.turn_to(at_us(now), Doing::Sending);
        let _ = busy.times(at_us(now));
    }
    assert_eq!(millis(&busy, 640_000), [640, 0, 0]);
}

#[test]
fn what_is_shorter_than_a_unit_is_not_lost() {
    let mut busy = BusyTime::new(at_us(0));
    for turn in 0..10_000u64 {
        let doing = if turn % 2 == 0 { Doing::Sending } else { Doing::WaitingForWindow };
        busy.turn_to(at_us(turn * 100), doing);
    }
    let [all, ..] = millis(&busy, 1_000_000);
    assert!((999..=1_000).contains(&all), "{all} ms of 1,000");
}
