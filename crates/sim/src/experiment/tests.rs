use super::*;
use crate::random::Chance;

#[test]
fn a_clean_path_is_filled_and_shared() {
    let experiment =
        Experiment { bytes: 3_000_000, flows: 3, rate_bits_per_s: Some(20_000_000), ..Experiment::default() };
    let outcome = experiment.run();
    assert!(outcome.flows.iter().all(|flow| flow.bytes == 3_000_000 && flow.failed.is_none()));
    let share = outcome.share.expect("there is a bottleneck");
    assert!((0.6..0.98).contains(&share), "{share}");
    assert!(outcome.fairness > 0.6 && outcome.fairness <= 1.0, "{}", outcome.fairness);
    let flow = &outcome.flows[0];
    assert!(flow.rtt.iter().all(|(_, rtt)| *rtt >= Duration::from_millis(39)), "no sample below the path's");
    assert!(flow.cwnd.len() > 10 && flow.cwnd.is_sorted_by_key(|(at, _)| *at));
}

#[test]
fn loss_is_made_good_and_told_by_reason() {
    let experiment = Experiment {
        bytes: 2_000_000,
        loss: Loss::Random(Chance::percent(1.0)),
        seed: 7,
        family: Family::V6,
        ..Experiment::default()
    };
    let outcome = experiment.run();
    let flow = &outcome.flows[0];
    assert_eq!((flow.bytes, flow.failed), (2_000_000, None));
    let lost = outcome.lost.iter().find(|(why, _)| *why == Lost::Wire).map_or(0, |(_, count)| *count);
    let resent: u64 = flow.resent.values().map(|resent| resent.bytes / 1_000).sum();
    assert!(lost > 5 && resent >= lost, "{lost} lost, {resent} sent again");
    let again = experiment.run();
    assert_eq!((again.took, &again.flows), (outcome.took, &outcome.flows), "one seed, one outcome");
}

#[test]
fn reordering_doubling_and_damage_are_survived_and_seen() {
    let clean = Experiment { bytes: 1_000_000, ..Experiment::default() };
    let some = Chance::percent(2.0);
    let spoilt = Experiment { reorder: some, duplicate: some, corrupt: some, ..clean.clone() }.run();
    let (flow, clean) = (&spoilt.flows[0], clean.run());
    assert_eq!((flow.bytes, flow.failed), (1_000_000, None));
    assert!(flow.resent.values().map(|resent| resent.transmissions).sum::<u64>() > 5, "damage is a loss");
    assert!(spoilt.took > clean.took);
    let delivered: Vec<u64> = flow.delivered.iter().map(|(_, bytes)| *bytes).collect();
    assert!(delivered.is_sorted() && delivered.last() == Some(&1_000_000) && delivered.len() > 5);
}

#[test]
fn an_experiment_that_cannot_end_is_stopped() {
    let never = Loss::Random(Chance::ALWAYS);
    let experiment = Experiment { loss: never, within: Duration::from_secs(5), ..Experiment::default() };
    let mut told = 0;
    let outcome = experiment.run_watched(|_| told += 1);
    assert_eq!((told, outcome.took, outcome.flows[0].bytes), (50, Duration::from_secs(5), 0));
    assert_eq!(outcome.flows[0].done_at, None);
}

#[test]
fn jain_says_one_for_even_and_one_nth_for_one_takes_all() {
    assert!((jain(&[5, 5, 5]) - 1.0).abs() < 1e-9);
    assert!((jain(&[9, 0, 0]) - 1.0 / 3.0).abs() < 1e-9);
}
