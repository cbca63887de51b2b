//! Why something was sent again: what the lens concludes from a capture at the sender is what the engine says.
//!
//! Each world is a transfer over a link with faults, captured where it is sent, written as a capture file and
//! read back. Every retransmission has a reason in the engine's trace, and one that the lens concludes without
//! it. At the real wire `crates/synfin/tests/causes.rs` does the same.
//!
//! `SYNFIN_SEEDS=1000` for more seeds, `SYNFIN_SEED=77` for one, whose differences are printed.

mod through_a_file;

use lens::{KeepSegments, Kept};
use stack::{Config, ConnectOptions};
use std::collections::BTreeMap;
use std::time::Duration;
use synfin_sim::apps::{Bulk, Sink};
use synfin_sim::{
    Chance, Dice, Lane, LinkConfig, Loss, Order, Queue, QueueLimit, Recording, Vantage, World, captured,
};
use tcp::SendReason;
use through_a_file::explained;

const MS: Duration = Duration::from_millis(1);

/// How often the engine's reason met that of the lens.
#[derive(Debug, Default)]
struct Compared {
    equal: u32,
    /// The lens gives the engine's reason as a candidate, or says that it is not sure.
    candidate: u32,
    different: u32,
    matrix: BTreeMap<(&'static str, String), u32>,
    differences: Vec<String>,
}

impl Compared {
    fn total(&self) -> u32 {
        self.equal + self.candidate + self.different
    }

    /// At least so many percent are equal, and at most so many are neither equal nor said to be unsure.
    fn assert_equal(&self, equal_percent: u32, different_percent: u32) {
        if number("SYNFIN_SEED").is_some() {
            // A single seed, for a look at it.
            return;
        }
        assert!(self.total() >= 100, "too few to tell: {self:?}");
        assert!(self.equal * 100 >= self.total() * equal_percent, "{self:?}");
        assert!(self.different * 100 <= self.total() * different_percent, "{self:?}");
    }

    fn print(&self, what: &str) {
        println!(
            "{what}: {} retransmissions: {} equal, {} named as a candidate, {} different",
            self.total(),
            self.equal,
            self.candidate,
            self.different
        );
        for ((engine, lens), count) in &self.matrix {
            println!("  {engine:20} {lens:20} {count}{}", if engine == lens { "" } else { "   <" });
        }
    }
}

/// One transfer over such lanes, there and back.
struct Plan {
    seed: u64,
    lanes: [Lane; 2],
    bytes: u64,
    tcp: tcp::Config,
}

fn compare(plan: Plan, compared: &mut Compared) {
    let mut world = World::new(plan.seed);
    world.record(Recording::EVERYTHING);
    let config = Config { tcp: plan.tcp.into(), ..Config::default() };
    let sender = world.add_host("sender", config.clone(), &["10.0.0.1"]);
    let receiver = world.add_host("receiver", config, &["10.0.0.2"]);
    let mut link = LinkConfig::symmetric(Lane::default());
    [link.forward, link.backward] = plan.lanes;
    world.link(sender, receiver, link);
    world.start(receiver, Sink::new(9));
    let options = ConnectOptions::new("10.0.0.2:9".parse().expect("an address and a port"));
    world.start(sender, Bulk::new(options, plan.bytes));
    world.run_for(Duration::from_secs(300));
    let seen = captured(world.frames(), Vantage::At(sender));
    let kept = explained(&seen, Kept { keep_segments: KeepSegments::All, ..Kept::default() });
    assert_eq!(seen.len(), kept.segments.len());
    for (captured, (segment, said)) in seen.iter().zip(&kept.segments) {
        if world.frames()[captured.number].from != sender {
            continue;
        }
        let Some((_, Some(engine))) = world.segment(captured.number) else { continue };
        let lens = said.why.reason;
        let is_probe = |reason| reason == SendReason::TailProbeWithNewData;
        let is_asked = |reason: SendReason| reason.is_retransmission() || is_probe(reason);
        if !is_asked(engine) && !is_asked(lens) {
            continue;
        }
        *compared.matrix.entry((engine.name(), lens.name().to_owned())).or_default() += 1;
        let is_candidate = said.why.candidates.contains(&Some(engine));
        match () {
            () if engine == lens => compared.equal += 1,
            () if is_candidate && said.why.confidence < lens::Confidence::HIGH => compared.candidate += 1,
            () => compared.different += 1,
        }
        if engine != lens {
            if number("SYNFIN_SEED").is_some() {
                println!("{}", around(&world, sender, captured.at));
            }
            compared.differences.push(format!(
                "seed {} frame {} at {:?}: the engine says {}, the lens {} ({} %, {:?}, {:?})",
                plan.seed,
                segment.frame,
                segment.time,
                engine.name(),
                lens.name(),
                said.why.confidence.percent(),
                said.why.candidates,
                said.why.evidence,
            ));
        }
    }
}

/// What the sender did shortly before, for a look at a difference.
fn around(world: &World, sender: synfin_sim::HostId, at: tcp::Instant) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for entry in world.log().iter().filter(|entry| entry.host == sender && entry.at <= at) {
        if at.since(entry.at) < 60 * MS
            && let synfin_sim::Happening::Traced(record) = &entry.what
        {
            match record.trace {
                tcp::Trace::Sent { segment, why } => {
                    let _ = writeln!(
                        text,
                        "{:?} sent {:?}+{} {}",
                        entry.at,
                        segment.seq,
                        segment.len_bytes,
                        why.name()
                    );
                }
                tcp::Trace::Taken { segment } => {
                    let _ = writeln!(text, "{:?} taken ack {:?}", entry.at, segment.ack);
                }
                other => {
                    let _ = writeln!(text, "{:?} {other:?}", entry.at);
                }
            }
        }
    }
    text
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn seeds(usual: u64) -> std::ops::Range<u64> {
    match number("SYNFIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SYNFIN_SEEDS").unwrap_or(usual),
    }
}

/// A path with loss, of any delay and rate, that keeps the order.
fn lossy(dice: &mut Dice, permille: u64) -> [Lane; 2] {
    let lane = Lane {
        delay: (1 + dice.below(40) as u32) * MS,
        rate_bits_per_s: Some(1_000_000 * (1 + dice.below(50))),
        queue: Queue { limit: QueueLimit::Bytes(30_000 + dice.below(200_000)), ..Queue::default() },
        order: Order::Kept,
        jitter: MS / 2,
        ..Lane::default()
    };
    let forward = Lane { loss: Loss::Random(Chance::per_million(permille as u32 * 1_000)), ..lane.clone() };
    [forward, lane]
}

fn run(what: &str, usual: u64, plan: impl Fn(u64, &mut Dice) -> Plan) -> Compared {
    let mut compared = Compared::default();
    for seed in seeds(usual) {
        let mut dice = Dice::for_purpose(seed, 8);
        compare(plan(seed, &mut dice), &mut compared);
    }
    compared.print(what);
    let most = if number("SYNFIN_SEED").is_some() { usize::MAX } else { 12 };
    for difference in compared.differences.iter().take(most) {
        println!("  {difference}");
    }
    compared
}

#[test]
fn one_percent_of_loss() {
    let compared = run("1 % loss", 30, |seed, dice| Plan {
        seed,
        lanes: lossy(dice, 10),
        bytes: 2_000_000,
        tcp: tcp::Config::default(),
    });
    compared.assert_equal(99, 0);
}

#[test]
fn ten_percent_of_loss() {
    let compared = run("10 % loss", 30, |seed, dice| Plan {
        seed,
        lanes: lossy(dice, 100),
        bytes: 300_000,
        tcp: tcp::Config::default(),
    });
    compared.assert_equal(97, 2);
}

#[test]
fn reordering_and_duplicates() {
    let compared = run("1 % loss, 2 % reordered, 1 % doubled", 30, |seed, dice| {
        let [forward, backward] = lossy(dice, 10);
        let reorder_by = forward.delay / 2;
        let [reorder, duplicate] = [2.0, 1.0].map(Chance::percent);
        Plan {
            seed,
            lanes: [Lane { reorder, reorder_by, duplicate, ..forward }, backward],
            bytes: 1_000_000,
            tcp: tcp::Config::default(),
        }
    });
    // how patient the sender has become, a capture does not show exactly
    compared.assert_equal(85, 6);
}

#[test]
fn without_sack() {
    let compared = run("3 % loss, no SACK", 30, |seed, dice| Plan {
        seed,
        lanes: lossy(dice, 30),
        bytes: 500_000,
        tcp: tcp::Config { sack: false, ..tcp::Config::default() },
    });
    compared.assert_equal(99, 0);
}
