use super::*;
use core::time::Duration;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at(nanos: u64) -> Option<Instant> {
    Some(Instant::from_nanos(nanos))
}

fn expire(wheel: &mut Wheel, nanos: u64) -> Vec<u32> {
    let mut fired = VecDeque::new();
    wheel.expire(Instant::from_nanos(nanos), &mut fired);
    let mut fired: Vec<_> = fired.into();
    fired.sort_unstable();
    fired
}

#[test]
fn the_next_due_time_is_exact_for_few_timers() {
    let mut wheel = Wheel::new();
    wheel.set(3, at(1_000_000_007));
    wheel.set(4, at(200_000_001));
    assert_eq!(wheel.next_due(), at(200_000_001));
    assert_eq!(expire(&mut wheel, 200_000_000), Vec::<u32>::new());
    assert_eq!(wheel.next_due(), at(200_000_001));
    assert_eq!(expire(&mut wheel, 200_000_001), [4]);
    assert_eq!(wheel.next_due(), at(1_000_000_007));
    wheel.set(3, None);
    assert_eq!((wheel.next_due(), wheel.len()), (None, 0));
}

#[test]
fn a_timer_in_the_past_fires_at_once_but_only_once() {
    let mut wheel = Wheel::new();
    expire(&mut wheel, 5_000);
    wheel.set(1, at(17));
    assert!(wheel.next_due() <= at(5_000));
    assert_eq!(expire(&mut wheel, 5_000), [1]);
    assert_eq!(expire(&mut wheel, 9_000), Vec::<u32>::new());
}

#[test]
fn a_hundred_thousand_keep_alives_in_one_slot_cost_no_walk() {
    let mut wheel = Wheel::new();
    for place in 0..100_000 {
        wheel.set(
            place,
            Some(Instant::ZERO + Duration::from_secs(7_200) + Duration::from_nanos(u64::from(place))),
        );
    }
    let before = wheel.next_due().unwrap();
    assert!(before <= Instant::ZERO + Duration::from_secs(7_200), "never too late");
    // On the way down, the wheel must be called at most once per level.
    let mut wakes = 0;
    let mut fired = VecDeque::new();
    while fired.is_empty() {
        let due = wheel.next_due().unwrap();
        wheel.expire(due, &mut fired);
        wakes += 1;
    }
    assert!(wakes <= LEVELS + 1, "{wakes} wakes");
}

#[derive(Clone, Debug)]
enum Step {
    Set(u32, u64),
    SetPast(u32, u64),
    Cancel(u32),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let span = prop_oneof![0u64..200, 0u64..100_000, 0u64..3_000_000_000, Just(1u64 << 50)];
    prop_oneof![
        4 => (0u32..40, span.clone()).prop_map(|(place, ahead)| Step::Set(place, ahead)),
        1 => (0u32..40, span.clone()).prop_map(|(place, ago)| Step::SetPast(place, ago)),
        1 => (0u32..40).prop_map(Step::Cancel),
        2 => span.prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_sorted_map(start in prop_oneof![Just(0u64), any::<u64>().prop_map(|n| n >> 2)],
                                steps in proptest::collection::vec(step(), 1..200)) {
        let mut wheel = Wheel::new();
        let mut model = BTreeMap::<u32, u64>::new();
        let mut now = start;
        expire(&mut wheel, now);
        for step in steps {
            match step {
                Step::Set(place, ahead) => {
                    wheel.set(place, at(now + ahead));
                    model.insert(place, now + ahead);
                }
                Step::SetPast(place, ago) => {
                    // A timer in the past is due now, and stays in the wheel until the next call of `expire`.
                    wheel.set(place, at(now.saturating_sub(ago)));
                    model.insert(place, now);
                }
                Step::Cancel(place) => {
                    wheel.set(place, None);
                    model.remove(&place);
                }
                Step::Pass(time) => {
                    now += time;
                    let due: Vec<u32> = model.iter().filter(|(_, due)| **due <= now).map(|(place, _)| *place).collect();
                    due.iter().for_each(|place| { model.remove(place); });
                    prop_assert_eq!(expire(&mut wheel, now), due);
                }
            }
            prop_assert_eq!(wheel.len(), model.len());
            let first = model.values().min().copied();
            match (wheel.next_due(), first) {
                (Some(next), Some(first)) => prop_assert!(next.as_nanos() <= first),
                (next, first) => prop_assert_eq!(next.is_some(), first.is_some()),
            }
        }
    }
}
