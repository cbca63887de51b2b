//! ProbeBW: the appendix's cases of its four phases, of links that change, and of policers.

use super::path::*;
use super::startup::is_near;
use super::*;
use alloc::boxed::Box;

fn turn_into(world: &World, growth: Growth) -> Option<ProbeReason> {
    world.turns.iter().rev().find(|(_, into, _)| *into == growth).map(|(.., why)| *why)
}

/// The same losses with every flow: one of so many.
fn lose_every(count: u64) -> Box<dyn FnMut(u64) -> Fate> {
    Box::new(move |index| if index % count == 0 { Fate::Lose } else { Fate::Deliver })
}

#[test]
fn exiting_probe_up_on_bandwidth_plateau() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwUp);
    assert_eq!(world.bbr().state.pacing_gain(), Gain::percent(125));
    let mut most = 0;
    world.run_until(5 * SECOND, |world| {
        most = most.max(world.bbr().full_pipe.count());
        world.state() != State::ProbeBwUp
    });
    assert_eq!(world.state(), State::ProbeBwDown);
    assert_eq!(turn_into(&world, Growth::ProbeBwDown), Some(ProbeReason::FullPipe));
    assert!(world.bbr().full_pipe.is_now() && world.bbr().full_pipe.count() == 3 && most >= 2);
    assert_eq!(world.dropped, 0);
}

#[test]
fn exiting_probe_up_on_loss_when_application_limited() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwUp);
    let before = world.bbr().bounds.inflight_longterm;
    world.app = App::Every(10 * MS, 8_000);
    world.run_for(100 * MS);
    assert_eq!(world.state(), State::ProbeBwUp);
    assert!(world.bbr().c.is_app_limited);
    world.fate = lose_every(10);
    world.run_until(SECOND, |world| world.state() != State::ProbeBwUp);
    // Little is in flight: it cruises at once.
    assert!(matches!(world.state(), State::ProbeBwDown | State::ProbeBwCruise));
    assert_eq!(turn_into(&world, Growth::ProbeBwDown), Some(ProbeReason::HighLoss));
    let bbr = world.bbr();
    assert!(bbr.cycle.prev_probe_too_high);
    assert_eq!(bbr.bounds.inflight_longterm, before, "what little was in flight is no bound");
}

#[test]
fn never_exiting_probe_up_when_application_limited_with_no_loss() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwUp);
    world.app = App::Every(10 * MS, 8_000);
    world.run_for(200 * MS);
    assert_eq!(
        world.state(),
        State::ProbeBwUp,
        "no plateau was seen before the application became the limit"
    );
    let turns = world.turns.len();
    // Less than it takes until the round trip has to be measured.
    world.run_for(3 * SECOND / 2);
    assert_eq!(
        (world.state(), world.turns.len()),
        (State::ProbeBwUp, turns),
        "{:?} {:?}",
        world.turns,
        world.dropped
    );
}

#[test]
fn exiting_probe_down_on_inflight() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwUp);
    world.run_until_state(State::ProbeBwDown);
    let bbr = world.bbr();
    assert_eq!(bbr.state.pacing_gain(), Gain::percent(90));
    world.run_until(2 * SECOND, |world| {
        let bbr = world.bbr();
        let in_flight = bbr.c.in_flight_bytes;
        let is_drained = in_flight <= bbr.in_flight_with_headroom()
            && in_flight <= bbr.in_flight_for(bbr.max_bw.get(), Gain::ONE);
        assert!(bbr.state != State::ProbeBwDown || !is_drained, "{in_flight} in flight");
        bbr.state != State::ProbeBwDown
    });
    assert_eq!(world.state(), State::ProbeBwCruise);
    assert_eq!(turn_into(&world, Growth::ProbeBwCruise), Some(ProbeReason::Drained));
}

#[test]
fn exiting_probe_down_after_max_time() {
    let mut world = World::bulk(Link::new(20, 100, 600));
    world.run_until_state(State::ProbeBwUp);
    world.run_until_state(State::ProbeBwDown);
    let (start, wait) = (world.now, world.bbr().cycle.wait);
    // The round trip was measured a moment ago, so that nothing interrupts.
    world.sender.sender.congestion.model_mut().expect("BBR").min_rtt.on_probed(start);
    assert!(wait >= 2 * SECOND && wait < 3 * SECOND);
    // 0.9 of what was is as much as there is now: the queue stays.
    world.link.bytes_per_s = world.link.bytes_per_s * 90 / 100;
    world.run_until(4 * SECOND, |world| world.state() != State::ProbeBwDown);
    assert_eq!(world.state(), State::ProbeBwRefill, "past cruising");
    assert_eq!(turn_into(&world, Growth::ProbeBwRefill), Some(ProbeReason::Waited));
    assert!(world.now > start + wait && world.now < start + wait + 300 * MS);
}

#[test]
fn achieving_expected_cruise_bandwidth_on_a_link_with_aggregation() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwCruise);
    world.link.acks_every = Some(30 * MS);
    let rate = world.link.bytes_per_s;
    world.run_for(SECOND);
    let (mut least_extra, mut is_augmented) = (u32::MAX, true);
    let goodput = {
        let (before, start) = (world.received_bytes, world.now);
        world.run_until(20 * SECOND, |world| {
            let bbr = world.bbr();
            if matches!(bbr.state, State::ProbeBwCruise) {
                least_extra = least_extra.min(bbr.aggregation.extra_bytes());
                is_augmented &= bbr.max_in_flight() > 2 * bbr.bdp_bytes();
            }
            world.now > start + 3 * SECOND
        });
        (world.received_bytes - before) * 1_000_000 / world.now.micros_since(start)
    };
    assert!(u64::from(least_extra) >= rate / 1_000 * 10, "what comes at once is seen: {least_extra}");
    assert!(is_augmented, "the window allows for it");
    assert!(goodput * 100 >= rate * 93, "{goodput} of {rate}");
}

#[test]
fn correctly_managing_sub_packet_bdps() {
    // 256 kbit/s and 20 ms: 640 bytes.
    let mut link = Link::new(1, 20, 100);
    link.bytes_per_s = 32_000;
    link.queue_bytes = 30_000;
    let mut world = World::bulk(link);
    world.run_until_state(State::ProbeBwCruise);
    let floor = world.bbr().min_pipe_cwnd_bytes();
    assert_eq!(floor, 4 * MSS);
    let (before, start) = (world.received_bytes, world.now);
    let mut cruising_rates = Vec::new();
    world.run_until(60 * SECOND, |world| {
        let bbr = world.bbr();
        assert!(bbr.cwnd_bytes >= floor, "{}", bbr.cwnd_bytes);
        if bbr.state == State::ProbeBwCruise {
            cruising_rates.push(bbr.pacing_rate);
        }
        world.now > start + 10 * SECOND
    });
    let goodput = (world.received_bytes - before) * 1_000_000 / world.now.micros_since(start);
    assert!(goodput * 100 >= link.bytes_per_s * 90, "{goodput}");
    cruising_rates.sort_unstable();
    let median = cruising_rates[cruising_rates.len() / 2];
    assert!(is_near(median, link.bytes_per_s, 5), "paced at {median}");
}

#[test]
fn increasing_bandwidth_10x_and_ensuring_full_bandwidth_is_reached() {
    let mut world = World::bulk(Link::new(5, 40, 300));
    world.run_until_state(State::ProbeBwCruise);
    // A bound from when the path held less.
    let product = world.link.product_bytes() as u32;
    world.sender.sender.congestion.model_mut().expect("BBR").bounds.inflight_longterm = product + 10 * MSS;
    world.link.bytes_per_s *= 10;
    world.link.queue_bytes *= 10;
    world.run_until_state(State::ProbeBwUp);
    let begun = world.bbr().rounds.count();
    let mut bound_by_round = alloc::collections::BTreeMap::new();
    let rate = world.link.bytes_per_s;
    world.run_until(20 * SECOND, |world| {
        let bbr = world.bbr();
        if bbr.state == State::ProbeBwUp {
            bound_by_round.insert(bbr.rounds.count() - begun, bbr.bounds.inflight_longterm);
        }
        bbr.max_bw.get() * 100 >= rate * 95
    });
    let bounds: Vec<u32> = bound_by_round.into_values().collect();
    let steps: Vec<u32> = bounds.windows(2).map(|pair| (pair[1] - pair[0]) / MSS).collect();
    let doubled = steps.windows(2).filter(|pair| pair[0] > 0 && pair[1] * 2 >= pair[0] * 3).count();
    assert!(doubled >= 3, "steps in segments, by rounds: {steps:?}");
    assert!(bounds.len() <= 20, "{} round trips", bounds.len());
}

#[test]
fn decreasing_bandwidth_10x_and_ensuring_max_bandwidth_adapts_down() {
    let mut world = World::bulk(Link::new(50, 40, 100));
    world.run_until_state(State::ProbeBwCruise);
    world.link.bytes_per_s /= 10;
    world.link.queue_bytes /= 10;
    let rate = world.link.bytes_per_s;
    let start = world.now;
    // At most by 0.3 each round trip, and these are long while the queue is full.
    world.run_until(2 * SECOND, |world| world.bbr().bounds.bw_shortterm < 3 * rate);
    assert!(world.dropped > 0 && world.now < start + SECOND, "{:?}", world.now.since(start));
    world.run_until(30 * SECOND, |world| is_near(world.bbr().max_bw.get(), rate, 10));
    world.run_for(5 * SECOND);
    let max_bw = world.bbr().max_bw.get();
    assert!(is_near(max_bw, rate, 10), "{max_bw} of {rate}");
}

#[test]
fn handling_token_bucket_policers() {
    let mut link = Link::new(20, 40, 100);
    link.policer_bytes = Some(400_000);
    let mut world = World::bulk(link);
    // Until the bucket is empty the policer is not seen.
    world.run_until(20 * SECOND, |world| {
        let bounds = &world.bbr().bounds;
        bounds.bw_shortterm != u64::MAX && bounds.inflight_shortterm != NO_BOUND
    });
    world.run_for(10 * SECOND);
    let (segments, dropped) = (world.segments, world.dropped);
    let goodput = world.goodput_over(20 * SECOND);
    let (segments, dropped) = (world.segments - segments, world.dropped - dropped);
    assert!(goodput * 100 >= link.bytes_per_s * 75, "{goodput} of {}", link.bytes_per_s);
    assert!(dropped * 100 <= segments * 10, "{dropped} of {segments} dropped");
}

#[test]
fn handling_loss_during_probe_up_after_inflight_longterm_is_set() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwCruise);
    let bound = 4 * world.link.product_bytes() as u32;
    world.sender.sender.congestion.model_mut().expect("BBR").bounds.inflight_longterm = bound;
    world.run_until_state(State::ProbeBwUp);
    let target = world.bbr().target_in_flight_bytes();
    world.fate = lose_every(12);
    world.run_until(SECOND, |world| world.state() != State::ProbeBwUp);
    assert_eq!(world.state(), State::ProbeBwDown);
    assert_eq!(turn_into(&world, Growth::ProbeBwDown), Some(ProbeReason::HighLoss));
    let bbr = world.bbr();
    assert!(bbr.bounds.inflight_longterm < bound, "{}", bbr.bounds.inflight_longterm);
    assert!(bbr.bounds.inflight_longterm >= bounds::BETA.of_bytes(target) - MSS);
    assert!(bbr.cycle.prev_probe_too_high && !bbr.cycle.is_bw_probe_sample, "once a probe");
}

#[test]
fn handling_application_limited_sending_during_probe_refill() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwRefill);
    let max_bw = world.bbr().max_bw.get();
    world.app = App::Every(20 * MS, 3_000);
    world.run_until(2 * SECOND, |world| {
        assert!(world.bbr().max_bw.get() >= max_bw);
        world.state() == State::ProbeBwUp
    });
    world.run_for(SECOND);
    assert!(world.bbr().max_bw.get() >= max_bw, "what the application sends says nothing of the path");
    world.app = App::Bulk;
    world.run_until(3 * SECOND, |world| world.state() == State::ProbeBwDown);
    assert!(is_near(world.bbr().max_bw.get(), world.link.bytes_per_s, 3));
}

#[test]
fn the_next_probe_after_one_that_went_too_high_is_careful() {
    let mut world = World::bulk(Link::new(20, 40, 300));
    world.run_until_state(State::ProbeBwUp);
    world.fate = lose_every(12);
    world.run_until_state(State::ProbeBwDown);
    assert!(world.bbr().cycle.prev_probe_too_high);
    world.fate = Box::new(|_| Fate::Deliver);
    world.run_until_state(State::ProbeBwUp);
    world.run_until_state(State::ProbeBwDown);
    assert_eq!(turn_into(&world, Growth::ProbeBwDown), Some(ProbeReason::Precaution));
    world.run_until_state(State::ProbeBwRefill);
    assert_eq!(turn_into(&world, Growth::ProbeBwRefill), Some(ProbeReason::DidNoHarm));
}

#[test]
fn probes_are_not_in_step_where_the_numbers_begin_differently() {
    let wait = |seed: u32| {
        let mut cycle = Cycle::new(Seq::new(seed));
        cycle.pick_wait();
        (cycle.rounds_since_probe_up, cycle.wait)
    };
    let waits: Vec<_> = (0..100).map(|seed| wait(seed * 64_001)).collect();
    assert!(waits.iter().all(|(_, wait)| *wait >= 2 * SECOND && *wait < 3 * SECOND));
    let in_first_half = waits.iter().filter(|(_, wait)| *wait < 2_500 * MS).count();
    assert!((30..70).contains(&in_first_half), "{in_first_half}");
    let ones = waits.iter().filter(|(rounds, _)| *rounds == 1).count();
    assert!((30..70).contains(&ones), "{ones}");
    assert_eq!(wait(5), wait(5));
}
