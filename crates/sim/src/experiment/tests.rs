use super::observer::Heard;
use super::running::jain;
use super::*;
use crate::record::Lost;
use netem::{Chance, Discipline};
use std::time::Duration;
use tcp::{Instant, Timer, Trace};
use wire::Seq;

#[test]
fn a_clean_path_is_filled_and_shared() {
    let experiment = Experiment {
        stop: Stop::Bytes(3_000_000),
        flows: 3,
        rate_bits_per_s: Some(20_000_000),
        ..Experiment::default()
    };
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
        stop: Stop::Bytes(2_000_000),
        loss: Loss::Random(Chance::percent(1.0)),
        seed: 7,
        family: Family::V6,
        ..Experiment::default()
    };
    let outcome = experiment.run();
    let flow = &outcome.flows[0];
    assert_eq!((flow.bytes, flow.failed), (2_000_000, None));
    let lost = lost(&outcome, Lost::Wire);
    let resent: u64 = flow.resent.values().map(|resent| resent.bytes / 1_000).sum();
    assert!(lost > 5 && resent >= lost, "{lost} lost, {resent} sent again");
    let again = experiment.run();
    assert_eq!((again.took, &again.flows), (outcome.took, &outcome.flows), "one seed, one outcome");
}

#[test]
fn reordering_doubling_and_damage_are_survived_and_seen() {
    let clean = Experiment { stop: Stop::Bytes(2_000_000), ..Experiment::default() };
    let some = Chance::percent(2.0);
    let spoilt = Experiment { reorder: some, duplicate: some, corrupt: some, ..clean.clone() }.run();
    let (flow, clean) = (&spoilt.flows[0], clean.run());
    assert_eq!((flow.bytes, flow.failed), (2_000_000, None));
    assert!(flow.resent.values().map(|resent| resent.transmissions).sum::<u64>() > 5, "damage is a loss");
    assert!(spoilt.took > clean.took);
    let delivered: Vec<u64> = flow.delivered.iter().map(|(_, bytes)| *bytes).collect();
    assert!(delivered.is_sorted() && delivered.last() == Some(&2_000_000) && delivered.len() > 5);
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

fn lost(outcome: &Outcome, why: Lost) -> u64 {
    outcome.lost.iter().find(|(reason, _)| *reason == why).map_or(0, |(_, count)| *count)
}

#[test]
fn flows_that_send_for_a_time_stop_then() {
    let time = Duration::from_millis(1_250);
    let stagger = Duration::from_millis(330);
    let experiment = Experiment { stop: Stop::After(time), flows: 2, stagger, ..Experiment::default() };
    let mut last = None;
    let outcome = experiment.run_watched(|progress| last = Some(*progress));
    let last = last.expect("it was watched");
    assert_eq!((last.now, last.bytes_total), (Instant::ZERO + time, None));
    assert_eq!((outcome.took, outcome.flows[1].began_at), (time, Instant::ZERO + stagger));
    for flow in &outcome.flows {
        assert!(flow.bytes > 100_000 && flow.done_at.is_none() && flow.failed.is_none(), "{}", flow.bytes);
        let sending = (Instant::ZERO + time).since(flow.began_at).as_secs_f64();
        assert!((flow.goodput_bits_per_s - flow.bytes as f64 * 8.0 / sending).abs() < 1.0);
    }
    let at_most = Experiment { within: Duration::from_millis(500), ..experiment }.run();
    assert_eq!(at_most.took, Duration::from_millis(500), "the limit counts here too");
}

#[test]
fn fairness_counts_from_the_start_of_the_last_flow() {
    // The first flow is alone for two seconds and has delivered 10 MB and more before the second begins.
    let experiment = Experiment {
        stop: Stop::After(Duration::from_secs(4)),
        flows: 2,
        stagger: Duration::from_secs(2),
        rate_bits_per_s: Some(20_000_000),
        ..Experiment::default()
    };
    let outcome = experiment.run();
    let flow = |flow: usize| &outcome.flows[flow];
    let began = flow(1).began_at;
    let before = flow(0).delivered.iter().find(|(at, _)| *at == began).expect("a look at that moment").1;
    let together = [flow(0).bytes - before, flow(1).bytes];
    assert!(before > 1_000_000 && (outcome.fairness - jain(&together)).abs() < 1e-9, "{before} {together:?}");
}

#[test]
fn acknowledgments_alone_can_be_lost() {
    let experiment = Experiment {
        stop: Stop::Bytes(2_000_000),
        ack_loss: Chance::percent(20.0),
        rate_bits_per_s: None,
        ..Experiment::default()
    };
    let outcome = experiment.run();
    assert!(lost(&outcome, Lost::Wire) > 50, "{:?}", outcome.lost);
    assert_eq!((outcome.flows[0].dropped, outcome.flows[0].bytes), (Dropped::default(), 2_000_000));
}

#[test]
fn packets_are_held_back_as_long_as_asked_for() {
    let held = |reorder_by| {
        let experiment = Experiment {
            stop: Stop::Bytes(300_000),
            reorder: Chance::percent(5.0),
            reorder_by,
            recording: Recording::FRAMES,
            rate_bits_per_s: None,
            ..Experiment::default()
        };
        let outcome = experiment.run();
        let records = outcome.world.frames().iter().filter(|record| record.held_back);
        let times: Vec<Duration> =
            records.map(|record| record.arrivals[0].at.since(record.sent_at)).collect();
        assert!(times.len() > 3, "{times:?}");
        times
    };
    let late = |by: u64| Duration::from_millis(20 + by);
    assert!(held(None).iter().all(|time| *time == late(10)), "a quarter of 40 ms");
    assert!(held(Some(Duration::from_millis(33))).iter().all(|time| *time == late(33)));
}

#[test]
fn each_flow_has_its_controller_and_they_start_again_from_the_first() {
    use CongestionControl::{Cubic, NewReno};
    let experiment = Experiment {
        flows: 3,
        congestion: vec![Cubic, NewReno],
        stop: Stop::Bytes(1_000),
        ..Experiment::default()
    };
    let outcome = experiment.run();
    let controllers: Vec<CongestionControl> = outcome.flows.iter().map(|flow| flow.congestion).collect();
    assert_eq!(controllers, [Cubic, NewReno, Cubic]);
    let config = Arc::new(tcp::Config { congestion: NewReno, ..tcp::Config::default() });
    let plain = Experiment { config, congestion: Vec::new(), ..experiment };
    assert_eq!(plain.congestion_of(2), NewReno, "without names the configuration decides");
}

#[test]
fn what_the_link_took_is_counted_beside_what_was_sent_again() {
    let losses = Loss::Random(Chance::percent(1.0));
    let experiment = Experiment {
        stop: Stop::Bytes(2_000_000),
        loss: losses,
        seed: 3,
        queue: Some(Queue { limit: QueueLimit::Packets(10_000), ..Queue::default() }),
        ..Experiment::default()
    };
    let outcome = experiment.run();
    let flow = &outcome.flows[0];
    // Only the SYN, the third step and the FIN may have been lost without text.
    let wire = lost(&outcome, Lost::Wire);
    assert!((wire - 3..=wire).contains(&flow.dropped.packets), "{wire} {:?}", flow.dropped);
    assert!(flow.resent_bytes() >= flow.dropped.bytes, "what was lost was sent again");
    assert_eq!(flow.spurious_bytes(), flow.resent_bytes() - flow.dropped.bytes);
    assert!((outcome.resent_share() - flow.resent_bytes() as f64 / 2e6).abs() < 1e-9);
    let damaged = Experiment { loss: Loss::Nothing, corrupt: Chance::percent(1.0), ..experiment }.run();
    assert!(
        damaged.lost.is_empty() && damaged.flows[0].dropped.packets > 5,
        "{:?}",
        damaged.flows[0].dropped
    );
}

#[test]
fn a_timeout_while_something_later_was_sacked_is_counted_apart() {
    let (mut heard, fires) = (Heard::default(), Trace::TimerFired { timer: Timer::Retransmit });
    heard.hear(Instant::ZERO, &fires);
    heard.take_ack(Seq::new(1_000), true);
    // Overtaken on the way.
    heard.take_ack(Seq::new(500), false);
    heard.hear(Instant::ZERO, &fires);
    heard.take_ack(Seq::new(2_000), false);
    heard.hear(Instant::ZERO, &fires);
    assert_eq!((heard.timeouts, heard.timeouts_despite_sack), (3, 1));
}

#[test]
fn buffers_bound_what_is_in_flight() {
    // 64 KB per 40 ms are 13 Mbit/s.
    let bytes = 64 << 10;
    let small =
        tcp::Config { send_buffer_bytes: bytes, receive_buffer_bytes: bytes, ..tcp::Config::default() };
    let stop = Stop::After(Duration::from_secs(5));
    let outcome = Experiment { stop, config: Arc::new(small), ..Experiment::default() }.run();
    assert!((6e6..14e6).contains(&outcome.goodput_bits_per_s), "{}", outcome.goodput_bits_per_s);
}

#[test]
fn seeds_give_the_figures_of_their_own_worlds_in_order() {
    let experiment = Experiment {
        stop: Stop::Bytes(300_000),
        loss: Loss::Random(Chance::percent(2.0)),
        ..Experiment::default()
    };
    let alone: Vec<Duration> =
        (5..10).map(|seed| Experiment { seed, ..experiment.clone() }.run().took).collect();
    assert_eq!(experiment.run_seeds(5..10, |outcome| outcome.took), alone);
    assert!(alone.iter().any(|took| *took != alone[0]), "they are different worlds: {alone:?}");
    assert!(experiment.run_seeds(5..5, |outcome| outcome.took).is_empty());
}

#[test]
fn a_spread_is_the_middle_and_the_ends() {
    assert_eq!(Spread::of([]), None);
    assert_eq!(Spread::of([4.0, 1.0, 2.0, 9.0]), Some(Spread { median: 2.0, min: 1.0, max: 9.0 }));
}

#[test]
fn a_reduction_leaves_in_the_queue_what_the_window_says() {
    let jitter = Duration::from_micros(500);
    let path = Experiment { rate_bits_per_s: Some(20_000_000), jitter, ..Experiment::default() };
    let outcome = Experiment { stop: Stop::After(Duration::from_secs(20)), seed: 1, ..path }.run();
    // The queue is full at 80 ms, and seven tenths of it are 56. A pacer that goes by SRTT alone sends less than the link
    // carries for some round trips, because SRTT still has the full queue.
    let steady = outcome.flows[0].rtt.iter().filter(|(at, _)| at.as_millis() > 3_000);
    let least = steady.map(|(_, rtt)| *rtt).min().expect("it was measured");
    assert!(least >= Duration::from_millis(48), "{least:?}");
}

#[test]
fn looking_at_senders_changes_nothing_and_shows_how_they_do() {
    let plain = Experiment { stop: Stop::Bytes(2_000_000), ..Experiment::default() };
    let looked = Experiment { sampling: Some(Duration::from_millis(3)), ..plain.clone() }.run();
    let (flow, plain) = (&looked.flows[0], plain.run());
    assert!(plain.flows[0].samples.is_empty());
    assert_eq!((looked.took, &flow.cwnd), (plain.took, &plain.flows[0].cwnd));
    assert!(flow.samples.windows(2).all(|pair| pair[1].0.since(pair[0].0) <= Duration::from_millis(3)));
    let (_, most) =
        flow.samples.iter().max_by_key(|(_, info)| info.in_flight_bytes).expect("it was looked at");
    assert!(most.in_flight_bytes > 100_000 && most.pacing_bytes_per_s.is_some(), "{most:?}");
}

#[test]
fn a_managed_queue_is_short_and_the_path_filled_all_the_same() {
    let limit = QueueLimit::Bytes(1_000_000);
    let run = |discipline| {
        let experiment = Experiment {
            stop: Stop::After(Duration::from_secs(30)),
            rate_bits_per_s: Some(20_000_000),
            queue: Some(Queue { limit, discipline, ..Queue::default() }),
            ..Experiment::default()
        };
        let outcome = experiment.run();
        let late = outcome.flows[0].rtt.iter().filter(|(at, _)| *at > Instant::from_millis(10_000));
        let queued: Vec<Duration> = late.map(|(_, rtt)| rtt.saturating_sub(experiment.rtt)).collect();
        let mean = queued.iter().sum::<Duration>() / queued.len() as u32;
        (outcome.share.expect("there is a bottleneck"), mean, lost(&outcome, Lost::QueueManaged))
    };
    let ms = Duration::from_millis;
    let (_, standing, managed) = run(Discipline::DropTail);
    assert!(standing > ms(100) && managed == 0, "{standing:?}");
    // The target of CoDel is 5 ms, that of DualPI2 for classic traffic 15 ms.
    for (discipline, longest) in [(Discipline::CODEL, ms(20)), (Discipline::dual_pi2(), ms(30))] {
        let (share, queued, managed) = run(discipline);
        assert!(queued < longest && managed > 5, "{discipline:?}: {queued:?}, {managed} dropped");
        assert!(share > 0.85, "{discipline:?}: {share}");
    }
}
