//! The scenarios: what the wire does, how the kernels are set, and what is said.

mod long;
mod odd;
mod short;

use super::ground::Joint;
use super::traffic::{Talk, Traffic};
use netem::wire::Instant;
use netem::{Chance, Lane, Loss};
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
    let mut all = long::all();
    all.extend(short::all());
    all.extend(odd::all());
    all
}
