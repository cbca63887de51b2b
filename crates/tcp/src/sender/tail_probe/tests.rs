//! When to probe, and what comes of it (RFC 8985 §7.2, §7.4).

use super::*;

fn seq(number: u32) -> Seq {
    Seq::new(number)
}

#[test]
fn the_timeout_is_two_round_trips_and_the_delay_of_an_acknowledgment_for_a_single_segment() {
    let timeout_us = |srtt_us, is_one_segment| Tail { srtt_us, is_one_segment }.timeout_us();
    assert_eq!(timeout_us(Some(30_000), false), 60_000);
    assert_eq!(timeout_us(Some(30_000), true), 260_000);
    assert_eq!(timeout_us(None, true), 1_000_000);
    assert_eq!(timeout_us(None, false), 1_000_000);
    assert_eq!(timeout_us(Some(10), false), TIMEOUT_US_MIN);
    assert_eq!(timeout_us(Some(u32::MAX), true), 2 * u64::from(u32::MAX) + 200_000);
}

#[test]
fn one_probe_for_a_tail_and_one_for_a_measurement() {
    let mut probe = TailProbe::default();
    assert!(probe.may_probe());
    probe.is_owed = true;
    probe.on_sent(seq(5_000), true);
    assert!(!probe.may_probe() && !probe.is_owed && probe.awaits_verdict());
    // Something later is acknowledged, but nothing was measured since.
    assert_eq!(probe.on_ack(seq(6_000), false), Verdict::Repaired);
    assert!(!probe.may_probe());
    probe.on_measured();
    assert!(probe.may_probe());
}

#[test]
fn an_acknowledgment_beyond_the_probe_without_a_report_shows_a_repaired_loss() {
    let mut probe = TailProbe::default();
    probe.on_sent(seq(5_000), true);
    assert_eq!(probe.on_ack(seq(4_000), false), Verdict::Nothing, "before its end");
    assert_eq!(probe.on_ack(seq(5_000), false), Verdict::Nothing, "of the original or of the probe");
    assert!(probe.awaits_verdict(), "the next one tells");
    assert_eq!(probe.on_ack(seq(6_000), false), Verdict::Repaired);
    assert!(!probe.awaits_verdict());
    assert_eq!(probe.on_ack(seq(7_000), false), Verdict::Nothing, "once");
}

#[test]
fn a_report_of_the_probe_shows_that_nothing_was_lost() {
    let mut probe = TailProbe::default();
    probe.on_sent(seq(5_000), true);
    assert!(probe.ends_at(seq(5_000)) && !probe.ends_at(seq(4_000)));
    assert_eq!(probe.on_ack(seq(5_000), false), Verdict::Nothing);
    assert_eq!(probe.on_ack(seq(5_000), true), Verdict::Nothing);
    assert!(!probe.awaits_verdict());
    assert_eq!(probe.on_ack(seq(6_000), false), Verdict::Nothing);
}

#[test]
fn a_probe_of_new_data_repairs_nothing() {
    let mut probe = TailProbe::default();
    probe.on_sent(seq(5_000), false);
    assert!(!probe.ends_at(seq(5_000)));
    assert_eq!(probe.on_ack(seq(6_000), false), Verdict::Nothing);
    assert!(!probe.awaits_verdict());
}

#[test]
fn a_recovery_or_a_timeout_makes_it_forget() {
    let mut probe = TailProbe::default();
    probe.on_sent(seq(5_000), true);
    probe.is_owed = true;
    probe.forget();
    assert!(!probe.is_owed && !probe.awaits_verdict());
    assert_eq!(probe.on_ack(seq(6_000), false), Verdict::Nothing);
    assert!(!probe.may_probe(), "a measurement is still missing");
}
