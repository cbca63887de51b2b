//! Running an experiment with many seeds, and a figure as it stands in a table: its median, the bar, a mark.

use crate::bar::Bar;
use report::tables::Cell;
use sim::{Experiment, FlowOutcome, Outcome, Spread};
use std::time::Duration;

/// How long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// As the bars are meant.
    Whole,
    /// At most 30 MB, and a quarter of each time.
    Quick,
}

/// What one world gave.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Part of the bottleneck, in percent.
    pub(crate) share: f64,
    /// Sent again, in percent of what arrived.
    pub(crate) resent: f64,
    /// Sent again beyond what the link took, in percent of what arrived.
    pub(crate) spurious: f64,
    pub(crate) timeouts: f64,
    pub(crate) timeouts_despite_sack: f64,
    pub(crate) fairness: f64,
    /// Bits per second of each flow.
    pub(crate) goodputs: Vec<f64>,
    /// The same once a third of the time is over.
    pub(crate) late_goodputs: Vec<f64>,
    /// Of the time that packets wait in the L queue of DualPI2, the 99th percentile in milliseconds; endless if
    /// none did.
    pub(crate) low_wait_ms: f64,
    /// The median of the classic queue's.
    pub(crate) classic_wait_ms: f64,
}

impl World {
    fn of(outcome: &Outcome) -> World {
        World {
            share: outcome.share.unwrap_or(0.0) * 100.0,
            resent: outcome.resent_share() * 100.0,
            spurious: outcome.spurious_share() * 100.0,
            timeouts: outcome.total(|flow| flow.timeouts) as f64,
            timeouts_despite_sack: outcome.total(|flow| flow.timeouts_despite_sack) as f64,
            fairness: outcome.fairness,
            goodputs: outcome.flows.iter().map(|flow| flow.goodput_bits_per_s).collect(),
            late_goodputs: late_goodputs(outcome),
            low_wait_ms: outcome.waits.low.below(0.99).map_or(f64::INFINITY, milliseconds),
            classic_wait_ms: outcome.waits.classic.below(0.5).map_or(0.0, milliseconds),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn late_goodputs(outcome: &Outcome) -> Vec<f64> {
    let from = outcome.took / 3;
    let goodput = |flow: &FlowOutcome| {
        let late = flow.delivered.iter().find(|(at, _)| at.since(flow.began_at) >= from);
        let (at, before) = late.copied().unwrap_or((flow.began_at, 0));
        let time = (flow.began_at + outcome.took).since(at).as_secs_f64();
        (flow.bytes - before) as f64 * 8.0 / time.max(1e-9)
    };
    outcome.flows.iter().map(goodput).collect()
}

/// The worlds of one experiment, in the order of their seeds.
#[derive(Clone, Debug)]
pub(crate) struct Worlds(Vec<World>);

impl Worlds {
    pub(crate) fn spread(&self, figure: impl Fn(&World) -> f64) -> Spread {
        Spread::of(self.0.iter().map(figure)).expect("there is a seed at least")
    }

    pub(crate) fn median(&self, figure: impl Fn(&World) -> f64) -> f64 {
        self.spread(figure).median
    }

    /// The median of their shares as percent of the median of the others'.
    pub(crate) fn percent_of(&self, others: &Worlds) -> f64 {
        self.median(|world| world.share) / others.median(|world| world.share) * 100.0
    }
}

/// Runs experiments and counts the bars that hold.
#[derive(Debug)]
pub(crate) struct Measure {
    seeds: u64,
    effort: Effort,
    held: usize,
    missed: usize,
}

impl Measure {
    pub(crate) fn new(seeds: u64, effort: Effort) -> Measure {
        Measure { seeds, effort, held: 0, missed: 0 }
    }

    /// Bars that held, and all that there were.
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.held, self.held + self.missed)
    }

    pub(crate) fn run(&self, experiment: &Experiment) -> Worlds {
        Worlds(experiment.run_seeds(1..self.seeds + 1, World::of))
    }

    /// So many million bytes, or as many as the effort allows.
    pub(crate) fn megabytes(&self, count: u64) -> u64 {
        match self.effort {
            Effort::Whole => count * 1_000_000,
            Effort::Quick => count.min(30) * 1_000_000,
        }
    }

    /// So many seconds, or as long as the effort allows.
    pub(crate) fn seconds(&self, count: u64) -> Duration {
        match self.effort {
            Effort::Whole => Duration::from_secs(count),
            Effort::Quick => Duration::from_secs(count) / 4,
        }
    }

    /// A figure with its bar beside it, and a mark where it is missed.
    pub(crate) fn cell(&mut self, figure: f64, places: usize, bar: Bar) -> Cell {
        // What is shown is what is judged.
        let shown = format!("{figure:.places$}");
        let text = match bar.holds(shown.parse().unwrap_or(figure)) {
            None => shown,
            Some(true) => {
                self.held += 1;
                format!("{shown} {bar}  ")
            }
            Some(false) => {
                self.missed += 1;
                format!("{shown} {bar} ✗")
            }
        };
        Cell::text(text)
    }

    /// The same for something that should not happen: the most of all seeds counts.
    pub(crate) fn never(&mut self, figure: Spread) -> Cell {
        self.cell(figure.max, 0, Bar::AtMost(0.0))
    }
}
