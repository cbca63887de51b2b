use super::*;
use clap::Parser;
use netem::wire::Instant;
use netem::{DualPi2, EcnRewrite};

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    settings: Settings,
}

fn parsed(text: &str) -> Result<Pair<Lane>, String> {
    let arguments = ["wire"].into_iter().chain(text.split_whitespace());
    Alone::try_parse_from(arguments).map(|alone| alone.settings.lanes()).map_err(|error| error.to_string())
}

#[track_caller]
fn lanes(text: &str) -> Pair<Lane> {
    parsed(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const MS: Duration = Duration::from_millis(1);

/// What a wire does of which nothing is said.
fn plain() -> Lane {
    Lane { reorder_by: MS, ..Lane::default() }
}

#[test]
fn a_wire_of_which_nothing_is_said_does_nothing() {
    let Pair { there, back } = lanes("");
    assert_eq!((there, back), (plain(), plain()));
}

#[test]
fn every_word_has_its_effect_in_both_directions() {
    let rated = |queue| Lane { rate_bits_per_s: Some(8_000_000), queue, ..plain() };
    let bytes = |bytes| Queue { limit: QueueLimit::Bytes(bytes), ..Queue::default() };
    let chance = Chance::percent(2.0);
    let when = Recurring { first: Instant::from_millis(1_000), lasts: 2 * MS, every: None };
    let narrow = |answer| Lane { path_mtu: Some(PathMtu { mtu_bytes: 1_400, answer }), ..plain() };
    let codel = Queue { discipline: Discipline::CODEL, ..bytes(15_000) };
    let cases = [
        ("--rate 8mbit", rated(bytes(15_000))),
        ("--rate 8mbit --queue 64k", rated(bytes(64_000))),
        ("--rate 8mbit --limit 7p", rated(Queue { limit: QueueLimit::Packets(7), ..Queue::default() })),
        ("--rate 8mbit --aqm codel", rated(codel)),
        ("--rate 8mbit --aqm codel --ecn", rated(Queue { marking: Marking::InsteadOfDropping, ..codel })),
        (
            "--rate 8mbit --aqm dualpi2",
            rated(Queue { discipline: Discipline::DualPi2(DualPi2::default()), ..bytes(15_000) }),
        ),
        (
            "--rate 8mbit --mark-above 9k",
            rated(Queue { marking: Marking::AboveBytes(9_000), ..bytes(15_000) }),
        ),
        ("--delay 20ms", Lane { delay: 20 * MS, reorder_by: 10 * MS, ..plain() }),
        ("--rtt 40ms", Lane { delay: 20 * MS, reorder_by: 10 * MS, ..plain() }),
        ("--jitter 3ms", Lane { jitter: 3 * MS, ..plain() }),
        ("--jitter 3ms --jitter-reorders", Lane { jitter: 3 * MS, order: Order::ByArrival, ..plain() }),
        ("--loss 2%", Lane { loss: Loss::Random(chance), ..plain() }),
        ("--loss 2% --burst 4", Lane { loss: Loss::in_bursts(2.0, 4.0), ..plain() }),
        ("--reorder 2%", Lane { reorder: chance, ..plain() }),
        ("--reorder 2% --reorder-by 7ms", Lane { reorder: chance, reorder_by: 7 * MS, ..plain() }),
        ("--duplicate 2%", Lane { duplicate: chance, ..plain() }),
        ("--corrupt 2%", Lane { corrupt: chance, ..plain() }),
        ("--corrupt-unseen 2%", Lane { corrupt_unseen: chance, ..plain() }),
        ("--outage 1s+2ms", Lane { flaps: vec![when], ..plain() }),
        ("--spike 9ms@1s+2ms", Lane { spikes: vec![Spike { when, by: 9 * MS }], ..plain() }),
        ("--path-mtu 1400", narrow(TooBigAnswer::Icmp)),
        ("--path-mtu 1400 --black-hole", narrow(TooBigAnswer::Silence)),
        (
            "--meddle bleach,strip=8",
            Lane {
                middlebox: Some(netem::Middlebox {
                    ecn: EcnRewrite::BLEACHED,
                    strips: vec![8],
                    ..Default::default()
                }),
                ..plain()
            },
        ),
    ];
    for (text, lane) in cases {
        let both = lanes(text);
        assert_eq!(both.there, lane, "{text}");
        assert_eq!(both.back, lane, "{text}");
    }
}

#[test]
fn the_directions_may_differ_in_every_value() {
    let there_and_back = |text: &str, of: fn(&Lane) -> u128| {
        let both = lanes(text);
        (of(&both.there), of(&both.back))
    };
    type Of = fn(&Lane) -> u128;
    let cases: [(&str, Of, u128, u128); 8] = [
        ("--rate 8mbit/1mbit", |lane| lane.rate_bits_per_s.unwrap_or(0).into(), 8_000_000, 1_000_000),
        ("--delay 5ms/20ms", |lane| lane.delay.as_millis(), 5, 20),
        ("--jitter 5ms/20ms", |lane| lane.jitter.as_millis(), 5, 20),
        ("--reorder 1% --reorder-by 5ms/20ms", |lane| lane.reorder_by.as_millis(), 5, 20),
        ("--reorder 1%/2%", |lane| lane.reorder.parts_per_million().into(), 10_000, 20_000),
        ("--duplicate 1%/2%", |lane| lane.duplicate.parts_per_million().into(), 10_000, 20_000),
        ("--corrupt 1%/2%", |lane| lane.corrupt.parts_per_million().into(), 10_000, 20_000),
        ("--corrupt-unseen 1%/2%", |lane| lane.corrupt_unseen.parts_per_million().into(), 10_000, 20_000),
    ];
    for (text, of, there, back) in cases {
        assert_eq!(there_and_back(text, of), (there, back), "{text}");
    }
    let lossy = lanes("--loss 0%/3% --burst 1/5");
    assert_eq!((lossy.there.loss, lossy.back.loss), (Loss::Nothing, Loss::in_bursts(3.0, 5.0)));
}

#[test]
fn a_bandwidth_delay_product_is_of_the_round_trip_and_of_the_rate_of_the_direction() {
    let both = lanes("--rate 100mbit/10mbit --delay 15ms/25ms --queue 1bdp/2bdp");
    let limits = [both.there, both.back].map(|lane| lane.queue.limit);
    assert_eq!(limits, [QueueLimit::Bytes(500_000), QueueLimit::Bytes(100_000)]);
}

#[test]
fn what_cannot_go_together_is_said() {
    for (text, says) in [
        ("--queue 1bdp", "--rate"),
        ("--aqm codel", "--rate"),
        ("--mark-above 9k", "--rate"),
        ("--delay 1ms --rtt 2ms", "cannot be used with"),
        ("--black-hole", "--path-mtu"),
        ("--path-mtu 67", "from 68 to 65535"),
        ("--loss -1%", "is not a percentage"),
        ("--meddle polite", "none of bleach"),
        ("--rate 8mbit --aqm codel --ecn --mark-above 9k", "cannot be used with"),
    ] {
        let error = parsed(text).expect_err(text);
        assert!(error.contains(says), "{text}: {error}");
    }
}
