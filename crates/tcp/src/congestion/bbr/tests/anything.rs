//! Whatever the sender says: a window stays a window, a rate a rate, and nothing panics.

use super::*;
use crate::sender::LostRun;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Call {
    See(u64, u32, u32, bool, u32, Option<u32>),
    Transmit,
    Sent(u32),
    Measured(PathSample, u32, Option<u64>),
    Lost(u32, u32, u32),
    Congestion(bool),
    Timeout(u32),
    Recovered,
    Undo,
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..100_000_u32, any::<u32>(), Just(0), Just(u32::MAX)]
}

fn sample() -> impl Strategy<Value = PathSample> {
    let rate = prop_oneof![0..1_000_000_000_u64, any::<u64>(), Just(0)];
    (rate, number(), any::<u32>(), number(), number(), any::<bool>()).prop_map(
        |(
            bytes_per_s,
            delivered_bytes,
            prior_delivered,
            sent_in_flight_bytes,
            lost_bytes,
            is_app_limited,
        )| {
            PathSample {
                bytes_per_s,
                delivered_bytes,
                prior_delivered,
                sent_in_flight_bytes,
                lost_bytes,
                is_app_limited,
            }
        },
    )
}

fn call() -> impl Strategy<Value = Call> {
    let time = prop_oneof![0..100_000_000_000_u64, any::<u64>()];
    let rtt = proptest::option::of(prop_oneof![0..1_000_000_000_u64, any::<u64>()]);
    prop_oneof![
        6 => (time, number(), number(), any::<bool>(), number(), proptest::option::of(number()))
            .prop_map(|(now, delivered, flight, gap, mss, srtt)| Call::See(now, delivered, flight, gap, mss, srtt)),
        1 => Just(Call::Transmit),
        2 => number().prop_map(Call::Sent),
        12 => (sample(), number(), rtt).prop_map(|(sample, bytes, rtt)| Call::Measured(sample, bytes, rtt)),
        3 => (number(), number(), number()).prop_map(|(at, size, lost)| Call::Lost(at, size, lost)),
        1 => any::<bool>().prop_map(Call::Congestion),
        1 => number().prop_map(Call::Timeout),
        1 => Just(Call::Recovered),
        1 => Just(Call::Undo),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_said_windows_stay_windows(
        initial in number(),
        seed: u32,
        calls in proptest::collection::vec(call(), 0..200),
    ) {
        let mut bbr = Bbr::new(initial, Seq::new(seed));
        let kept = bbr.clone();
        for call in calls {
            let now = bbr.c.now;
            let reduction = |why, pipe_bytes| Reduction { now, why, in_flight_bytes: 1, pipe_bytes, mss: 1_000 };
            match call {
                Call::See(now, delivered, in_flight_bytes, is_app_limited, mss, srtt_us) => bbr.see(Transport {
                    now: Instant::from_nanos(now),
                    delivered,
                    in_flight_bytes,
                    is_app_limited,
                    mss,
                    has_sack: seed % 4 > 0,
                    srtt_us,
                }),
                Call::Transmit => bbr.on_transmit(),
                Call::Sent(in_flight_bytes) => bbr.on_sent(in_flight_bytes, 1_000),
                Call::Measured(sample, bytes, rtt_ns) => {
                    bbr.on_measured(&Measured { sample, bytes, rtt_ns });
                    prop_assert!(bbr.cwnd_bytes >= bbr.min_pipe_cwnd_bytes());
                }
                Call::Lost(at, size, lost_bytes) => {
                    let stamp = DeliveryRate::default().on_sent(now, at / 2, size / 4);
                    let start = Seq::new(at);
                    bbr.on_lost(&LostRun { start, end: start + size % (1 << 30), stamp, lost_bytes });
                }
                Call::Congestion(marked) => {
                    let why = if marked { Congested::Marked } else { Congested::Lost };
                    bbr.on_congestion(&reduction(why, 0));
                }
                Call::Timeout(pipe_bytes) => bbr.on_timeout(&reduction(Congested::Lost, pipe_bytes), false),
                Call::Recovered => bbr.on_recovered(),
                Call::Undo => bbr.on_undo(&kept, now),
            }
            prop_assert!((1..=Cwnd::BYTES_MAX).contains(&bbr.cwnd_bytes()));
            prop_assert!(bbr.pacing_rate().is_some_and(|rate| rate > 0));
            prop_assert!(bbr.take_turns().len() <= 4);
        }
    }
}
