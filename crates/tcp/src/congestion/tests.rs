//! What all controllers promise, a path in virtual time to let them play on, and a picture of a window over time.

use super::*;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use proptest::prelude::*;

pub(super) const MSS: u32 = 1_000;
const MS: u64 = 1_000_000;

/// The controllers whose window answers to losses; BBR has tests of its own.
pub(super) const LOSS_BASED: [CongestionControl; 2] = [CongestionControl::NewReno, CongestionControl::Cubic];

pub(super) fn controller(control: CongestionControl, initial_window_bytes: u32) -> Congestion {
    Congestion::new(control, initial_window_bytes, Seq::new(1))
}

/// What another controller finds at `now`, with nothing in flight.
pub(super) fn takeover(now: Instant, mss: u32) -> Takeover {
    let transport = Transport {
        now,
        delivered: 0,
        in_flight_bytes: 0,
        is_app_limited: false,
        mss,
        has_sack: true,
        srtt_us: Some(20_000),
    };
    Takeover {
        transport,
        counters: DeliveryRate::default(),
        initial_window_bytes: 10 * MSS,
        seed: Seq::new(1),
        is_recovering: false,
    }
}

pub(super) fn at_ms(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// An acknowledgment of `bytes` within a filled window, at `ms`, in a flight that goes on.
pub(super) fn acked(ms: u64, bytes: u32) -> Acked {
    Acked {
        now: at_ms(ms),
        bytes,
        in_flight_bytes_before: u32::MAX,
        rtt_ns: None,
        srtt_us: 0,
        una: Seq::new(1),
        nxt: Seq::new(2),
        cwnd_limited: true,
        paced: true,
        mss: MSS,
        growth_bytes_max: u32::MAX,
        recovering: false,
    }
}

pub(super) fn lost(ms: u64, in_flight_bytes: u32) -> Reduction {
    Reduction { now: at_ms(ms), why: Congested::Lost, in_flight_bytes, pipe_bytes: in_flight_bytes, mss: MSS }
}

pub(super) fn marked(ms: u64, in_flight_bytes: u32) -> Reduction {
    Reduction { why: Congested::Marked, ..lost(ms, in_flight_bytes) }
}

/// Acknowledges one window, segment by segment, spread over `rtt_ms` from `ms` on.
pub(super) fn round_trip(controller: &mut impl Controller, ms: u64, rtt_ms: u64) {
    let segments = u64::from((controller.cwnd_bytes() / MSS).max(1));
    for segment in 0..segments {
        let now = Instant::from_micros(ms * 1_000 + segment * rtt_ms * 1_000 / segments);
        controller.on_acked(&Acked { now, srtt_us: rtt_ms as u32 * 1_000, ..acked(0, MSS) });
    }
}

/// A window over time as text: a row each sample, one mark for `unit` segments.
pub(super) fn graph(samples: &[(u64, u32, Growth)], unit: u32) -> String {
    let mut graph = String::new();
    for (ms, cwnd_bytes, growth) in samples {
        let marks = (cwnd_bytes + MSS * unit / 2) / (MSS * unit);
        let bar: String = (0..marks).map(|_| '#').collect();
        writeln!(graph, "{:>5} {bar} {}", ms / 100, growth.name()).expect("a string takes all");
    }
    graph
}

/// A bottleneck of one segment each `segment_ns` with a queue, and a sender that always has data.
pub(super) struct Path {
    pub(super) segment_ns: u64,
    pub(super) base_rtt_ns: u64,
    pub(super) queue_segments: usize,
    now_ns: u64,
    /// When the acknowledgment of each segment in flight arrives, and when the segment was sent.
    acks: VecDeque<(u64, u64)>,
    bottleneck_free_ns: u64,
    una: Seq,
    nxt: Seq,
    recover_until: Option<Seq>,
    pub(super) dropped: u32,
}

impl Path {
    pub(super) fn new(segment_ns: u64, base_rtt_ns: u64, queue_segments: usize) -> Self {
        Path {
            segment_ns,
            base_rtt_ns,
            queue_segments,
            now_ns: 0,
            acks: VecDeque::new(),
            bottleneck_free_ns: 0,
            una: Seq::new(0),
            nxt: Seq::new(0),
            recover_until: None,
            dropped: 0,
        }
    }

    fn in_flight_bytes(&self) -> u32 {
        self.acks.len() as u32 * MSS
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.now_ns / MS
    }

    /// Sends what the window allows. Returns whether a segment was dropped; it is delivered all the same, because
    /// recovery is not the matter here.
    fn send(&mut self, cwnd_bytes: u32) -> bool {
        let mut dropped = false;
        while self.in_flight_bytes() + MSS <= cwnd_bytes {
            let begins_ns = self.bottleneck_free_ns.max(self.now_ns);
            if begins_ns - self.now_ns > self.queue_segments as u64 * self.segment_ns {
                self.dropped += 1;
                dropped = true;
            } else {
                self.bottleneck_free_ns = begins_ns + self.segment_ns;
            }
            self.acks.push_back((self.bottleneck_free_ns + self.base_rtt_ns, self.now_ns));
            self.nxt += MSS;
        }
        dropped
    }

    /// Plays one acknowledgment.
    pub(super) fn step(&mut self, controller: &mut impl Controller) {
        let in_flight_bytes_before = self.in_flight_bytes();
        if self.send(controller.cwnd_bytes()) && self.recover_until.is_none() {
            self.recover_until = Some(self.nxt);
            controller.on_congestion(&Reduction {
                now: Instant::from_nanos(self.now_ns),
                why: Congested::Lost,
                in_flight_bytes: self.in_flight_bytes(),
                pipe_bytes: 0,
                mss: MSS,
            });
        }
        let Some((arrives_ns, sent_ns)) = self.acks.pop_front() else { return };
        self.now_ns = arrives_ns;
        self.una += MSS;
        if self.recover_until.is_some_and(|end| self.una.at_or_after(end)) {
            self.recover_until = None;
        }
        let rtt_ns = arrives_ns - sent_ns;
        controller.on_acked(&Acked {
            now: Instant::from_nanos(self.now_ns),
            in_flight_bytes_before,
            rtt_ns: Some(rtt_ns),
            srtt_us: (rtt_ns / 1_000) as u32,
            una: self.una,
            nxt: self.nxt,
            recovering: self.recover_until.is_some(),
            ..acked(0, MSS)
        });
    }
}

/// 100 segments are in flight when a path of 40 ms at 2,500 segments/s is full.
fn path(queue_segments: usize) -> Path {
    Path::new(400_000, 40 * MS, queue_segments)
}

#[test]
fn hystart_leaves_slow_start_while_the_queue_grows_and_standard_slow_start_does_not() {
    let mut left = Vec::new();
    for control in LOSS_BASED {
        let mut controller = controller(control, 10 * MSS);
        let mut path = path(5_000);
        while path.dropped == 0 && controller.ssthresh_bytes() == u32::MAX {
            path.step(&mut controller);
        }
        left.push((control.name(), path.dropped > 0, controller.cwnd_bytes() / MSS));
    }
    assert_eq!(left[0].0, "newreno");
    assert!(left[0].1, "standard slow start goes on until the queue is full: {left:?}");
    assert!(!left[1].1, "HyStart++ leaves before: {left:?}");
    // Round trips of 45 ms are seen in the round that has 112 segments, 224 at its end; five rounds of a quarter.
    assert!((400..900).contains(&left[1].2), "{left:?}");
}

#[test]
fn hystart_on_a_long_queue_as_a_picture() {
    let mut controller = controller(CongestionControl::Cubic, 10 * MSS);
    let mut path = path(5_000);
    let mut samples = Vec::new();
    for at_ms in (0..1_600).step_by(100) {
        while path.now_ms() < at_ms {
            path.step(&mut controller);
        }
        samples.push((at_ms, controller.cwnd_bytes(), controller.explain()));
    }
    let drawn = graph(&samples, 20);
    assert_eq!(drawn, include_str!("tests/hystart.txt"), "\n{drawn}");
}

#[test]
fn on_a_full_path_the_window_saws_between_its_share_and_all_that_fits() {
    // 100 segments on the path, 100 in the queue.
    for (control, share) in LOSS_BASED.into_iter().zip([(1, 2), (7, 10)]) {
        let mut controller = controller(control, 10 * MSS);
        let mut path = path(100);
        while path.now_ms() < 20_000 {
            path.step(&mut controller);
        }
        let (mut least, mut most, mut episodes) = (u32::MAX, 0, 0);
        while path.now_ms() < 80_000 {
            let before = controller.cwnd_bytes();
            path.step(&mut controller);
            least = least.min(controller.cwnd_bytes() / MSS);
            most = most.max(controller.cwnd_bytes() / MSS);
            episodes += u32::from(controller.cwnd_bytes() < before);
        }
        let name = control.name();
        assert!((195..=210).contains(&most), "{name}: {most}");
        assert!(least.abs_diff(most * share.0 / share.1) <= 3, "{name}: {least} of {most}");
        assert!((3..20).contains(&episodes), "{name}: {episodes}");
    }
}

#[test]
fn an_exchange_without_loss_leaves_nothing_in_boxes() {
    for control in LOSS_BASED {
        let mut controller = controller(control, 10 * MSS);
        round_trip(&mut controller, 0, 40);
        assert!(owns_heap(&controller), "{control:?} counts rounds while data flows");
        controller.on_quiet(at_ms(40));
        assert!(!owns_heap(&controller), "{control:?}");
    }
}

#[test]
fn a_short_exchange_needs_no_box_at_all() {
    for control in LOSS_BASED {
        let mut controller = controller(control, 10 * MSS);
        let of_three = Acked { in_flight_bytes_before: 3 * MSS, cwnd_limited: false, ..acked(0, MSS) };
        controller.on_acked(&of_three);
        assert!(!owns_heap(&controller), "{control:?}");
    }
}

fn owns_heap(controller: &Congestion) -> bool {
    match controller {
        Congestion::NewReno(controller) => controller.owns_heap(),
        Congestion::Cubic(controller) => controller.owns_heap(),
        Congestion::Bbr(_) | Congestion::Prague(_) => true,
    }
}

#[test]
fn another_controller_takes_the_windows_over() {
    let mut controller = controller(CongestionControl::NewReno, 40 * MSS);
    controller.on_congestion(&lost(0, 40 * MSS));
    controller.switch(CongestionControl::Cubic, &takeover(at_ms(100), MSS));
    assert_eq!(controller.control(), CongestionControl::Cubic);
    assert_eq!((controller.cwnd_bytes(), controller.ssthresh_bytes()), (20 * MSS, 20 * MSS));
    round_trip(&mut controller, 100, 100);
    assert!((20 * MSS + 1..=21 * MSS).contains(&controller.cwnd_bytes()), "on the plateau, as fast as Reno");
    controller.switch(CongestionControl::NewReno, &takeover(at_ms(300), MSS));
    round_trip(&mut controller, 300, 100);
    assert_eq!(controller.explain(), Growth::Linear);
}

#[test]
fn an_undo_from_before_a_switch_changes_nothing() {
    let mut controller = controller(CongestionControl::NewReno, 40 * MSS);
    let before = controller.clone();
    controller.on_congestion(&lost(0, 40 * MSS));
    controller.switch(CongestionControl::Cubic, &takeover(at_ms(1), MSS));
    controller.on_undo(&before, at_ms(2));
    assert_eq!(controller.cwnd_bytes(), 20 * MSS);
}

#[test]
fn a_smaller_path_mtu_sends_one_segment_and_slow_start_leads_back() {
    for control in LOSS_BASED {
        let mut controller = controller(control, 40 * MSS);
        controller.on_congestion(&lost(0, 40 * MSS));
        let there = controller.cwnd_bytes();
        controller.on_mtu(MSS / 2);
        assert_eq!((controller.cwnd_bytes(), controller.ssthresh_bytes()), (MSS / 2, there), "{control:?}");
        // A second report while one segment is all there is: the way back stays.
        controller.on_mtu(MSS / 4);
        assert_eq!((controller.cwnd_bytes(), controller.ssthresh_bytes()), (MSS / 4, there), "{control:?}");
        assert_eq!(controller.explain(), Growth::SlowStart);
        (0..10).for_each(|round| round_trip(&mut controller, 100 * round, 100));
        assert!(controller.cwnd_bytes() >= there, "{control:?}");
    }
}

#[test]
fn an_acknowledgment_of_nothing_opens_nothing() {
    for control in LOSS_BASED {
        let mut controller = controller(control, 10 * MSS);
        controller.on_acked(&acked(0, 0));
        assert_eq!(controller.cwnd_bytes(), 10 * MSS);
        controller.on_congestion(&lost(0, 10 * MSS));
        let reduced = controller.cwnd_bytes();
        (1..100).for_each(|ms| controller.on_acked(&acked(ms, 0)));
        assert_eq!(controller.cwnd_bytes(), reduced, "{control:?}");
    }
}

#[test]
fn nothing_grows_while_an_episode_lasts() {
    for control in LOSS_BASED {
        let mut controller = controller(control, 10 * MSS);
        controller.on_congestion(&lost(0, 10 * MSS));
        let reduced = controller.cwnd_bytes();
        (1..100).for_each(|ms| controller.on_acked(&Acked { recovering: true, ..acked(ms, MSS) }));
        assert_eq!(controller.cwnd_bytes(), reduced, "{control:?}");
    }
}

#[test]
fn a_window_that_was_restarted_is_the_smaller_of_the_two() {
    for control in LOSS_BASED {
        let mut controller = controller(control, 40 * MSS);
        controller.on_idle(at_ms(1_000), 10 * MSS);
        assert_eq!(controller.cwnd_bytes(), 10 * MSS, "{control:?}");
        controller.on_idle(at_ms(2_000), 20 * MSS);
        assert_eq!(controller.cwnd_bytes(), 10 * MSS, "{control:?}: RFC 5681 §4.1: min(IW, cwnd)");
    }
}

/// One call, with whatever a broken sender or a hostile peer makes of its numbers.
#[derive(Clone, Debug)]
enum Call {
    Acked(Acked),
    Congestion(Reduction),
    Timeout(Reduction, bool),
    Keep,
    Undo,
    Idle(Instant, u32),
    Resumed(Instant, u32),
    Quiet(Instant),
    Mtu(u32),
    Switch(bool, Instant, u32),
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..4u32,
        500..3_000u32,
        Just(1_460u32),
        0..2_000_000u32,
        Just(1u32 << 30),
        Just(u32::MAX),
        any::<u32>()
    ]
}

fn instant() -> impl Strategy<Value = Instant> {
    prop_oneof![0..10_000_000_000u64, 0..u64::MAX, Just(u64::MAX)].prop_map(Instant::from_nanos)
}

fn any_acked() -> impl Strategy<Value = Acked> {
    let windows = (number(), number(), number(), number());
    let times = (instant(), proptest::option::of(prop_oneof![0..200 * MS, any::<u64>()]), number());
    (windows, times, any::<[bool; 3]>(), number(), number()).prop_map(
        |((bytes, in_flight_bytes_before, una, nxt), (now, rtt_ns, srtt_us), flags, mss, max)| Acked {
            now,
            bytes,
            in_flight_bytes_before,
            rtt_ns,
            srtt_us,
            una: Seq::new(una),
            nxt: Seq::new(nxt),
            cwnd_limited: flags[0],
            paced: flags[1],
            mss,
            growth_bytes_max: max,
            recovering: flags[2] && bytes % 4 == 0,
        },
    )
}

fn any_reduction() -> impl Strategy<Value = Reduction> {
    (instant(), any::<bool>(), number(), number()).prop_map(|(now, marked, in_flight_bytes, mss)| Reduction {
        now,
        why: if marked { Congested::Marked } else { Congested::Lost },
        in_flight_bytes,
        pipe_bytes: in_flight_bytes / 2,
        mss,
    })
}

fn any_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        12 => any_acked().prop_map(Call::Acked),
        2 => any_reduction().prop_map(Call::Congestion),
        1 => (any_reduction(), any::<bool>()).prop_map(|(reduction, again)| Call::Timeout(reduction, again)),
        1 => Just(Call::Keep),
        1 => Just(Call::Undo),
        1 => (instant(), number()).prop_map(|(now, window)| Call::Idle(now, window)),
        1 => (instant(), number()).prop_map(|(now, window)| Call::Resumed(now, window)),
        1 => instant().prop_map(Call::Quiet),
        1 => number().prop_map(Call::Mtu),
        1 => (any::<bool>(), instant(), number()).prop_map(|(cubic, now, mss)| Call::Switch(cubic, now, mss)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_windows_stay_windows(
        cubic: bool,
        initial in number(),
        calls in proptest::collection::vec(any_call(), 0..60),
    ) {
        let control = if cubic { CongestionControl::Cubic } else { CongestionControl::NewReno };
        let mut controller = controller(control, initial);
        let mut kept = controller.clone();
        for call in calls {
            let before = controller.cwnd_bytes();
            let mut mss = 1;
            match call {
                Call::Acked(acked) => {
                    mss = cwnd::sane_mss(acked.mss);
                    controller.on_acked(&acked);
                    if acked.recovering || !acked.cwnd_limited {
                        prop_assert!(controller.cwnd_bytes() <= before.max(mss), "grew unused");
                    }
                    let grown = controller.cwnd_bytes().saturating_sub(before.max(mss));
                    prop_assert!(
                        grown <= acked.bytes.saturating_add(mss),
                        "{grown} bytes more for {} acknowledged",
                        acked.bytes
                    );
                }
                Call::Congestion(reduction) => {
                    mss = cwnd::sane_mss(reduction.mss);
                    controller.on_congestion(&reduction);
                    prop_assert!(controller.cwnd_bytes() <= before.max(mss), "a reduction raised the window");
                    prop_assert!(controller.cwnd_bytes() <= controller.ssthresh_bytes());
                    prop_assert!(controller.ssthresh_bytes() >= 2 * mss);
                }
                Call::Timeout(reduction, again) => {
                    mss = cwnd::sane_mss(reduction.mss);
                    let ssthresh = controller.ssthresh_bytes();
                    controller.on_timeout(&reduction, again);
                    prop_assert_eq!(controller.cwnd_bytes(), mss);
                    prop_assert!(!again || controller.ssthresh_bytes() == ssthresh);
                }
                Call::Keep => kept = controller.clone(),
                Call::Undo => {
                    controller.on_undo(&kept, Instant::ZERO);
                    prop_assert!(controller.cwnd_bytes() >= before, "an undo lowered the window");
                }
                Call::Idle(now, window) => {
                    controller.on_idle(now, window);
                    prop_assert!(controller.cwnd_bytes() <= before.min(window.max(1)));
                }
                Call::Resumed(now, window) => {
                    controller.on_resumed(now, window);
                    prop_assert!(controller.cwnd_bytes() <= before);
                    prop_assert!(controller.cwnd_bytes() >= before.min(window), "less than the initial window");
                }
                Call::Quiet(now) => controller.on_quiet(now),
                Call::Mtu(said) => {
                    mss = cwnd::sane_mss(said);
                    controller.on_mtu(said);
                    prop_assert_eq!(controller.cwnd_bytes(), mss);
                }
                Call::Switch(cubic, now, said) => {
                    mss = cwnd::sane_mss(said);
                    let control = if cubic { CongestionControl::Cubic } else { CongestionControl::NewReno };
                    controller.switch(control, &takeover(now, said));
                    prop_assert!(control == controller.control());
                    mss = if controller.cwnd_bytes() == before { 1 } else { mss };
                }
            }
            prop_assert!(controller.cwnd_bytes() >= mss, "less than one segment");
            prop_assert!(controller.cwnd_bytes() <= 1 << 30);
            let _ = controller.explain();
        }
        controller.on_quiet(Instant::ZERO);
    }
}
