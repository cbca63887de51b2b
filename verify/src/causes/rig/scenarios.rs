//! The scenarios: what the wire does, how the kernels are set, and what is said.

use super::ground::Joint;
use super::traffic::{Talk, Traffic};
use netem::wire::Instant;
use netem::{Chance, Lane, Loss, PathMtu, Queue, QueueLimit, Recurring, Spike, TooBigAnswer};
use std::time::Duration;

/// One experiment.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// How the hosts are joined.
    pub joint: Joint,
    /// Over IPv6.
    pub is_v6: bool,
    /// What the wire does on the way there and back.
    pub lanes: [Lane; 2],
    /// How both ends control congestion (tcp(7), `TCP_CONGESTION`).
    pub control: &'static str,
    /// Settings of both hosts (`net.ipv4.*`).
    pub settings: Vec<(&'static str, &'static str)>,
    /// What is said.
    pub traffic: Traffic,
    /// For how long at most.
    pub lasts: Duration,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn at_ms(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn random(percent: f64) -> Loss {
    Loss::Random(Chance::percent(percent))
}

/// The same both ways.
fn both(lane: &Lane) -> [Lane; 2] {
    [lane.clone(), lane.clone()]
}

/// A lane of so many Mbit/s and so much delay each way.
fn lane(mbit: u64, delay_ms: u64) -> Lane {
    Lane { rate_bits_per_s: Some(mbit * 1_000_000), delay: ms(delay_ms), ..Lane::default() }
}

fn lossy(mbit: u64, delay_ms: u64, percent: f64) -> Lane {
    Lane { loss: random(percent), ..lane(mbit, delay_ms) }
}

const KIB: usize = 1_024;
const MIB: usize = 1_024 * KIB;

fn upload(bytes: usize, lanes: usize, rounds: usize) -> Traffic {
    Traffic { talk: Talk::Upload { bytes }, lanes, rounds }
}

fn download(bytes: usize, lanes: usize, rounds: usize) -> Traffic {
    Traffic { talk: Talk::Download { bytes }, lanes, rounds }
}

fn exchanges(
    count: usize,
    request_bytes: usize,
    answer_bytes: usize,
    pause_ms: u64,
    lanes: usize,
) -> Traffic {
    let talk = Talk::Exchanges { count, request_bytes, answer_bytes, pause: ms(pause_ms) };
    Traffic { talk, lanes, rounds: 20 }
}

fn scenario(name: &'static str, about: &'static str, lanes: [Lane; 2], traffic: Traffic) -> Scenario {
    Scenario {
        name,
        about,
        joint: Joint::Offload,
        is_v6: false,
        lanes,
        control: "cubic",
        settings: Vec::new(),
        traffic,
        lasts: ms(6_000),
    }
}

impl Scenario {
    fn with(mut self, name: &'static str, value: &'static str) -> Scenario {
        self.settings.push((name, value));
        self
    }

    fn controlled_by(mut self, name: &'static str) -> Scenario {
        self.control = name;
        self
    }

    fn over(mut self, joint: Joint) -> Scenario {
        self.joint = joint;
        self
    }

    fn v6(mut self) -> Scenario {
        self.is_v6 = true;
        self
    }

    fn lasting(mut self, seconds: u64) -> Scenario {
        self.lasts = ms(seconds * 1_000);
        self
    }
}

/// All of them, in the order in which they are run.
pub fn all() -> Vec<Scenario> {
    let mut all = long();
    all.extend(short());
    all.extend(odd());
    all
}

/// Transfers that are long enough for a recovery.
fn long() -> Vec<Scenario> {
    let bursts = Lane { loss: Loss::in_bursts(2.0, 5.0), ..lane(20, 15) };
    let narrow = Lane { queue: Queue { limit: QueueLimit::Packets(12), ..Queue::default() }, ..lane(8, 10) };
    let reordering = Lane { reorder: Chance::percent(3.0), reorder_by: ms(8), ..lane(20, 10) };
    let reordering_and_loss = Lane { loss: random(1.0), ..reordering.clone() };
    vec![
        scenario("cubic-loss", "CUBIC, 2 % random loss, 20 ms", both(&lossy(20, 10, 2.0)), upload(MIB, 2, 8)),
        scenario(
            "reno-loss",
            "Reno, 2 % random loss, 20 ms, every packet alone",
            both(&lossy(20, 10, 2.0)),
            upload(MIB, 2, 8),
        )
        .controlled_by("reno")
        .over(Joint::Plain),
        scenario("bbr-loss", "BBR, 3 % random loss, 40 ms", both(&lossy(20, 20, 3.0)), upload(2 * MIB, 2, 8))
            .controlled_by("bbr"),
        scenario(
            "bbr-queue",
            "BBR into a short queue, IPv6, Ethernet",
            [narrow.clone(), lane(8, 10)],
            upload(2 * MIB, 2, 4),
        )
        .controlled_by("bbr")
        .v6()
        .over(Joint::Ethernet),
        scenario(
            "queue-drops",
            "CUBIC into a queue of 12 packets",
            [narrow.clone(), lane(8, 10)],
            upload(MIB, 3, 4),
        ),
        scenario(
            "bursts",
            "losses in bursts of 5, IPv6, every packet alone",
            both(&bursts),
            download(MIB, 2, 8),
        )
        .v6()
        .over(Joint::Plain),
        scenario("no-sack", "without SACK, 2 % loss", both(&lossy(20, 10, 2.0)), upload(MIB, 2, 8))
            .with("tcp_sack", "0"),
        scenario(
            "no-sack-reno",
            "Reno without SACK, loss of 4 %",
            both(&lossy(20, 25, 4.0)),
            download(512 * KIB, 3, 8),
        )
        .with("tcp_sack", "0")
        .controlled_by("reno")
        .over(Joint::Plain),
        scenario(
            "no-timestamps",
            "without timestamps, 2 % loss",
            both(&lossy(20, 10, 2.0)),
            upload(MIB, 2, 8),
        )
        .with("tcp_timestamps", "0"),
        scenario(
            "no-sack-no-timestamps",
            "neither SACK nor timestamps, 2 % loss",
            both(&lossy(20, 10, 2.0)),
            upload(MIB, 2, 8),
        )
        .with("tcp_timestamps", "0")
        .with("tcp_sack", "0"),
        scenario(
            "no-rack",
            "without RACK (RFC 6675), 2 % loss",
            both(&lossy(20, 10, 2.0)),
            upload(MIB, 2, 8),
        )
        .with("tcp_recovery", "0"),
        scenario("reordering", "3 % of packets overtaken, no loss", both(&reordering), upload(MIB, 2, 8)),
        scenario(
            "reordering-loss",
            "3 % overtaken and 1 % lost",
            both(&reordering_and_loss),
            upload(MIB, 2, 8),
        )
        .over(Joint::Ethernet),
        scenario(
            "heavy-loss",
            "15 % loss there, 5 % back",
            [lossy(10, 15, 15.0), lossy(10, 15, 5.0)],
            upload(200 * KIB, 6, 10),
        )
        .lasting(10),
        scenario("far", "RTT 300 ms, 2 % loss", both(&lossy(20, 150, 2.0)), upload(512 * KIB, 4, 6))
            .lasting(10),
        scenario(
            "near",
            "RTT 1 ms, 1 % loss, Ethernet",
            [
                Lane { delay: Duration::from_micros(500), ..lossy(50, 0, 1.0) },
                Lane { delay: Duration::from_micros(500), ..lossy(50, 0, 0.5) },
            ],
            upload(2 * MIB, 2, 30),
        )
        .over(Joint::Ethernet),
    ]
}

/// Few segments at a time: timers decide.
fn short() -> Vec<Scenario> {
    vec![
        scenario(
            "short-flights",
            "answers of a few segments, 8 % loss, 30 ms",
            both(&lossy(20, 15, 8.0)),
            exchanges(40, 400, 12_000, 60, 8),
        )
        .lasting(10),
        scenario(
            "short-flights-v6",
            "the same over IPv6, every packet alone, 6 %, 80 ms",
            both(&lossy(20, 40, 6.0)),
            exchanges(40, 4_000, 8_000, 100, 8),
        )
        .v6()
        .over(Joint::Plain)
        .lasting(10),
        scenario(
            "single-segments",
            "one segment at a time, 12 % loss, 10 ms",
            both(&lossy(20, 5, 12.0)),
            exchanges(60, 400, 900, 80, 8),
        )
        .lasting(10),
        scenario(
            "short-no-probes",
            "answers of a few segments, no probes, 8 % loss",
            both(&lossy(20, 15, 8.0)),
            exchanges(40, 400, 12_000, 60, 8),
        )
        .with("tcp_early_retrans", "0")
        .lasting(10),
        scenario(
            "short-no-sack",
            "answers of a few segments, no SACK, 8 % loss",
            both(&lossy(20, 15, 8.0)),
            exchanges(40, 400, 12_000, 60, 8),
        )
        .with("tcp_sack", "0")
        .lasting(10),
        scenario(
            "ack-loss",
            "30 % of acknowledgments lost",
            [lossy(20, 15, 1.0), lossy(20, 15, 30.0)],
            exchanges(30, 12_000, 200, 50, 6),
        )
        .lasting(9),
        scenario(
            "many-handshakes",
            "connections of one exchange, 10 % loss",
            both(&lossy(20, 10, 10.0)),
            Traffic {
                talk: Talk::Exchanges { count: 1, request_bytes: 300, answer_bytes: 6_000, pause: ms(1) },
                lanes: 10,
                rounds: 60,
            },
        )
        .lasting(10),
    ]
}

/// What happens more rarely.
fn odd() -> Vec<Scenario> {
    let queue = Queue { limit: QueueLimit::Packets(60), ..Queue::default() };
    let blackouts = Lane {
        flaps: vec![Recurring { first: at_ms(500), lasts: ms(500), every: Some(ms(1_300)) }],
        queue,
        ..lane(20, 15)
    };
    let spikes = Lane {
        spikes: vec![Spike {
            when: Recurring { first: at_ms(400), lasts: ms(120), every: Some(ms(900)) },
            by: ms(450),
        }],
        queue,
        ..lane(20, 10)
    };
    let copies = Lane { duplicate: Chance::percent(5.0), loss: random(2.0), ..lane(20, 10) };
    let narrow = Lane {
        path_mtu: Some(PathMtu { mtu_bytes: 1_300, answer: TooBigAnswer::Icmp }),
        ..lossy(20, 10, 1.0)
    };
    vec![
        scenario(
            "blackouts",
            "nothing passes for 0.5 s of every 1.3 s",
            both(&blackouts),
            upload(300 * KIB, 5, 40),
        )
        .lasting(9),
        scenario(
            "blackouts-bbr",
            "the same, BBR and downloads",
            both(&blackouts),
            download(300 * KIB, 5, 40),
        )
        .controlled_by("bbr")
        .lasting(10),
        scenario(
            "spikes",
            "packets take 0.45 s longer for 0.12 s of every 0.9 s",
            both(&spikes),
            upload(300 * KIB, 5, 40),
        )
        .lasting(9),
        scenario(
            "spikes-no-timestamps",
            "the same without timestamps",
            both(&spikes),
            upload(300 * KIB, 5, 40),
        )
        .with("tcp_timestamps", "0")
        .lasting(10),
        scenario("copies", "5 % of packets arrive twice, 2 % are lost", both(&copies), download(MIB, 2, 8)),
        scenario(
            "zero-windows",
            "the reader pauses, 3 % loss",
            both(&lossy(20, 10, 3.0)),
            Traffic {
                talk: Talk::SlowReader { bytes: 400 * KIB, read_bytes: 16_384, pause: ms(400) },
                lanes: 4,
                rounds: 4,
            },
        )
        .lasting(9),
        scenario(
            "keep-alives",
            "silences of 2.5 s with keep-alives, 10 % loss",
            both(&lossy(20, 20, 10.0)),
            Traffic { talk: Talk::KeepAlive { silence: ms(2_500), count: 3 }, lanes: 12, rounds: 2 },
        )
        .lasting(9),
        scenario(
            "path-mtu",
            "a path of 1,300 bytes that says so, 1 % loss",
            [narrow, lossy(20, 10, 1.0)],
            upload(256 * KIB, 4, 8),
        ),
    ]
}
