//! Worlds that attack: random applications over random faults, strangers and liars among them, many seeds; what must hold
//! whatever happens.
//!
//! Bytes delivered are a prefix of bytes sent, in order, once; a clean close delivers everything; everything is
//! over, and nothing is left, within a bound after the last fault; until then no sender stalls for longer than two
//! of its timeouts; nothing panics, runs wild or grows; no segment that RFC 9293 forbids is sent; and where nothing
//! is late or comes twice no reduction of a congestion window is taken back. A failure is made smaller, then printed
//! with its seed and its ladder.
//!
//! A plan (`plan.rs`) is drawn from the seed: faults of the path, options, applications. An evil one has more of them
//! (`dimensions.rs`) and deeds (`evil.rs`): segments and complaints that strangers forge, floods (`stranger.rs`), lies of
//! receivers (`liar.rs`), a path that changes, a translator that forgets, a host that starts anew (`deeds.rs`), small
//! memory, and a device that refuses frames beside a third host (`beside.rs`). What they make legitimate is excused where
//! the plan says so, and nothing else is: tables and memory stay within their bounds, a lie gains no more than its window.

mod actor;
mod beside;
mod deeds;
mod dimensions;
mod evil;
mod failure;
mod forge;
mod liar;
mod plan;
mod progress;
/// As the tests of `sim` draw their ladders.
#[path = "../../crates/sim/tests/story/mod.rs"]
mod story;
mod stranger;
mod trial;
mod watch;

pub use trial::Tallied;

use plan::Plan;

/// Which worlds a seed stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Plain worlds with strangers, liars, and hosts and paths that change
    Evil,
    /// Faults of the path and of applications
    Plain,
    /// Plain worlds in which every frame arrives in order, once and in time, or not at all
    InOrder,
}

impl Kind {
    fn plan(self, seed: u64) -> Plan {
        match self {
            Kind::Evil => Plan::evil(seed),
            Kind::Plain => Plan::of(seed),
            Kind::InOrder => Plan::in_order(seed),
        }
    }

    /// The command that lives the world of a seed again, built as this one is.
    pub fn again_with(self, seed: u64) -> String {
        let (name, test) = match self {
            Kind::Evil => ("evil", "whatever_strangers"),
            Kind::Plain => ("plain", "whatever_the_wire"),
            Kind::InOrder => ("in-order", "nothing_is_taken_back"),
        };
        if cfg!(debug_assertions) {
            format!("SYNFIN_SEED={seed} cargo test -p synfin-verify --test worlds {test}")
        } else {
            format!("cargo run --release -p synfin-verify -- worlds --kind {name} --first {seed} --seeds 1")
        }
    }
}

/// Lives the world of a seed.
///
/// # Errors
/// What went wrong, a panic included.
pub fn trial(kind: Kind, seed: u64) -> Result<Tallied, String> {
    trial::trial(&kind.plan(seed))
}

/// Everything about a failure, made smaller first: the plan, the ladder, how to live it again.
pub fn report(kind: Kind, seed: u64, why: &str) -> String {
    failure::report(&kind.plan(seed), why, &kind.again_with(seed))
}
