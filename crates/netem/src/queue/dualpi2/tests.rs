use super::*;
use crate::queue::{Discipline, Line, Queue, QueueLimit, Turn};
use wire::ip::Ecn;

const MS: Duration = Duration::from_millis(1);

fn line() -> Line<u64> {
    let limit = QueueLimit::Packets(100_000);
    Line::new(Queue { limit, discipline: Discipline::dual_pi2(), ..Queue::default() })
}

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

fn name(turn: &Option<Turn<u64>>) -> (&'static str, u64) {
    match turn {
        Some(Turn::Send(item)) => ("send", *item),
        Some(Turn::Mark(item)) => ("mark", *item),
        Some(Turn::MarkOrDrop(item)) => ("mark or drop", *item),
        Some(Turn::Drop(item)) => ("drop", *item),
        None => ("nothing", 0),
    }
}

#[test]
fn ect_1_and_ce_do_not_wait_behind_the_others() {
    let mut line = line();
    let fields = [Ecn::NotCapable, Ecn::Capable0, Ecn::Capable1, Ecn::CongestionExperienced];
    for (number, ecn) in fields.into_iter().enumerate() {
        line.push(at(0), number as u64, 1_500, ecn).unwrap();
    }
    let order: Vec<u64> = (0..4).map(|_| name(&line.pop(at(0))).1).collect();
    assert_eq!(order, [2, 3, 0, 1]);
    assert_eq!((name(&line.pop(at(0))).0, line.bytes()), ("nothing", 0));
}

#[test]
fn an_l4s_packet_is_marked_once_it_has_waited_a_millisecond_behind_others() {
    let mut line = line();
    (0..3).for_each(|number| line.push(at(0), number, 1_500, Ecn::Capable1).unwrap());
    assert_eq!(name(&line.pop(at(1_500))), ("send", 0), "it had the queue to itself");
    assert_eq!(name(&line.pop(at(1_000))), ("send", 1), "a step: not before more than a millisecond");
    // Marks come at even distances: what is certain is so from the second time on.
    line.push(at(2_000), 3, 1_500, Ecn::Capable1).unwrap();
    assert_eq!(name(&line.pop(at(1_001))), ("send", 2));
    assert_eq!(name(&line.pop(at(3_001))), ("mark", 3));
}

#[test]
fn the_ramp_rises_from_its_threshold_to_certainty() {
    let config = DualPi2 { threshold: 800 * MS / 1_000, ramp: 400 * MS / 1_000, ..DualPi2::default() };
    let waits = [0, 800, 900, 1_000, 1_199, 1_200, 9_000];
    let share = |micros| ramp(Duration::from_micros(micros), &config) * 1_000 / ONE;
    assert_eq!(waits.map(share), [0, 0, 250, 500, 997, 1_000, 1_000]);
    assert_eq!(ramp(MS, &DualPi2::default()), 0);
    assert_eq!(ramp(MS + Duration::from_nanos(1), &DualPi2::default()), ONE);
}

#[test]
fn the_controller_integrates_the_error_and_adds_the_growth() {
    let (mut coupled, config) = (Coupled::default(), DualPi2::default());
    (0..10).for_each(|_| coupled.update(25 * MS, &config));
    // alpha = 0.16 Hz, beta = 3 Hz: 10 times 0.16 times 10 ms, and once 3 times 25 ms.
    let expected = 0.16 * 0.010 * 10.0 + 3.0 * 0.025;
    let base = coupled.base as f64 / ONE as f64;
    assert!((base / expected - 1.0).abs() < 1e-6, "{base} instead of {expected}");
    // Below the target it falls again, and not below zero.
    coupled.update(5 * MS, &config);
    let expected = expected - 0.16 * 0.010 - 3.0 * 0.020;
    let base = coupled.base as f64 / ONE as f64;
    assert!((base / expected - 1.0).abs() < 1e-6, "{base} instead of {expected}");
    (0..40).for_each(|_| coupled.update(Duration::ZERO, &config));
    assert_eq!(coupled.base, 0);
    // Absurd settings and times do not overflow.
    let absurd =
        DualPi2 { rtt_max: Duration::ZERO, update_every: Duration::MAX, coupling: u32::MAX, ..config };
    coupled.update(Duration::MAX, &absurd);
    coupled.update(Duration::ZERO, &absurd);
    let long = DualPi2 { rtt_max: Duration::MAX, ..config };
    coupled.update(Duration::MAX, &long);
}

/// How often each of 100,000 packets meets what, with this base probability in thousandths.
fn shares(which: Which, base: u64) -> [u32; 4] {
    let mut coupled = Coupled { base: ONE * base / 1_000, ..Coupled::default() };
    let taken = Taken { which, waited: Duration::ZERO, follows: true, bytes_before: 9_000 };
    let mut seen = [0; 4];
    for _ in 0..100_000 {
        seen[coupled.judge(taken, &DualPi2::default()) as usize] += 1;
    }
    seen
}

#[test]
fn classic_packets_meet_the_square_and_l4s_packets_twice_the_root() {
    let near = |seen: u32, expected: u32| seen.abs_diff(expected) <= 2;
    let [_, marked, _, dropped] = shares(Which::Low, 100);
    assert!(near(marked, 20_000) && dropped == 0, "{marked} of 20 %");
    let [sent, marked, either, dropped] = shares(Which::Classic, 100);
    assert!(near(either, 1_000) && near(sent, 99_000) && (marked, dropped) == (0, 0), "{either} of 1 %");
    // The stronger signal counts: a packet that has waited is marked for certain.
    let mut coupled = Coupled { base: ONE / 10, ..Coupled::default() };
    let taken = Taken { which: Which::Low, waited: 2 * MS, follows: true, bytes_before: 9_000 };
    coupled.judge(taken, &DualPi2::default());
    assert_eq!(coupled.judge(taken, &DualPi2::default()), Verdict::Mark);
}

#[test]
fn in_overload_everything_is_dropped_with_the_square() {
    let near = |seen: u32, expected: u32| seen.abs_diff(expected) <= 2;
    let [sent, marked, _, dropped] = shares(Which::Low, 600);
    assert!(near(dropped, 36_000) && near(marked, 64_000) && sent == 0, "{dropped} of 36 %");
    let [sent, _, either, dropped] = shares(Which::Classic, 600);
    assert!(near(dropped, 36_000) && near(sent, 64_000) && either == 0, "ECN saves nobody");
    let [_, _, either, dropped] = shares(Which::Classic, 499);
    assert!(either > 0 && dropped == 0, "below p_Cmax it does");
}

#[test]
fn the_controller_has_no_say_over_a_queue_of_one_packet() {
    for which in [Which::Low, Which::Classic] {
        let mut coupled = Coupled { base: ONE, ..Coupled::default() };
        let taken = Taken { which, waited: Duration::ZERO, follows: false, bytes_before: 1_500 };
        (0..9).for_each(|_| assert_eq!(coupled.judge(taken, &DualPi2::default()), Verdict::Send));
    }
}

#[test]
fn l4s_traffic_that_does_not_respond_leaves_the_others_their_share() {
    let mut line = line();
    let mut served = [0; 2];
    for _ in 0..1_600 {
        line.push(at(0), 0, 1_500, Ecn::Capable1).unwrap();
        line.push(at(0), 1, 1_500, Ecn::NotCapable).unwrap();
    }
    for _ in 0..1_600 {
        served[name(&line.pop(at(0))).1 as usize] += 1;
    }
    assert_eq!(served, [1_500, 100]);
}

/// Classic packets of 1,500 bytes into a link of 12 Mbit/s (one each millisecond), one and a half as many as fit; the
/// base probability after these many milliseconds.
fn overloaded(line: &mut Line<u64>, ecn: Ecn, millis: u64) -> (u64, usize) {
    let mut dropped = 0;
    for half in 0..2 * millis {
        let now = at(half * 500);
        if half % 4 != 0 {
            let _ = line.push(now, 0, 1_500, ecn);
        }
        while half % 2 == 0 && matches!(line.pop(now), Some(Turn::Drop(_) | Turn::MarkOrDrop(_))) {
            dropped += 1;
        }
    }
    (line.coupled.base(), dropped)
}

#[test]
fn a_standing_overload_is_controlled_in_either_queue_and_an_idle_link_forgets_it() {
    for ecn in [Ecn::NotCapable, Ecn::Capable1] {
        let mut line = line();
        let (base, dropped) = overloaded(&mut line, ecn, 20_000);
        // A third of all is too much: the root of a third is 0.577.
        let share = base as f64 / ONE as f64;
        assert!((0.5..0.65).contains(&share), "{ecn:?}: {share}");
        assert!((8_000..11_000).contains(&dropped), "{ecn:?}: {dropped} of 30,000 dropped");
        let delay = line.len() as f64;
        assert!((5.0..30.0).contains(&delay), "{ecn:?}: {delay} ms at a target of 15 ms");
        while line.pop(at(20_000_000)).is_some() {}
        let _ = line.push(at(90_000_000_000), 0, 1_500, ecn);
        assert_eq!(line.coupled.base(), 0, "a day later");
        // And one packet that waits for days costs no more than it must.
        let _ = line.push(at(900_000_000_000_000), 0, 1_500, ecn);
        assert_eq!(line.coupled.base(), ONE);
    }
}
