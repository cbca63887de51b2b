//! What `synfin sim --seeds` shows: each figure's median, least and greatest over many worlds, as a table or JSON.

use super::results;
use report::tables::{Cell, Column, Table};
use report::{Style, numbers};
use sim::{Experiment, Outcome, Spread};

/// The figures of one world, in the order of [`FIGURES`], and what was missing in it.
pub(super) struct Figures {
    values: [f64; FIGURES.len()],
    shortfall: Option<String>,
}

/// A figure: its name in JSON, in the table, and how it is shown there.
struct Figure {
    key: &'static str,
    name: &'static str,
    shown: Shown,
}

#[derive(Clone, Copy)]
enum Shown {
    /// A rate in bits per second.
    Rate,
    /// A part of 1, as a percentage.
    Percent,
    /// A number with three places.
    Index,
    /// A whole number.
    Count,
    /// Seconds.
    Seconds,
}

const FIGURES: [Figure; 9] = [
    Figure { key: "goodput_bits_per_s", name: "goodput", shown: Shown::Rate },
    Figure { key: "share", name: "share of the link", shown: Shown::Percent },
    Figure { key: "fairness", name: "fairness", shown: Shown::Index },
    Figure { key: "took", name: "virtual time", shown: Shown::Seconds },
    Figure { key: "timeouts", name: "timeouts", shown: Shown::Count },
    Figure { key: "timeouts_despite_sack", name: "timeouts despite SACK", shown: Shown::Count },
    Figure { key: "resent_share", name: "sent again", shown: Shown::Percent },
    Figure { key: "spurious_share", name: "beyond what was lost", shown: Shown::Percent },
    Figure { key: "lost", name: "packets lost", shown: Shown::Count },
];

impl Figures {
    pub(super) fn of(outcome: &Outcome, experiment: &Experiment) -> Figures {
        let values = [
            outcome.goodput_bits_per_s,
            outcome.share.unwrap_or(0.0),
            outcome.fairness,
            outcome.took.as_secs_f64(),
            outcome.total(|flow| flow.timeouts) as f64,
            outcome.total(|flow| flow.timeouts_despite_sack) as f64,
            outcome.resent_share(),
            outcome.spurious_share(),
            outcome.lost.iter().map(|(_, count)| *count).sum::<u64>() as f64,
        ];
        Figures { values, shortfall: results::shortfall(outcome, experiment) }
    }
}

/// The spread of each figure.
pub(super) struct Spreads {
    first_seed: u64,
    seeds: usize,
    spreads: Vec<(&'static Figure, Spread)>,
}

impl Spreads {
    /// Of these worlds, one at least; the seeds follow each other.
    pub(super) fn of(first_seed: u64, figures: &[Figures]) -> Spreads {
        let spread = |at: usize| Spread::of(figures.iter().map(|figures| figures.values[at]));
        let spreads = FIGURES.iter().enumerate().filter_map(|(at, figure)| Some((figure, spread(at)?)));
        Spreads { first_seed, seeds: figures.len(), spreads: spreads.collect() }
    }

    pub(super) fn text(&self, style: &Style) -> String {
        let mut table = Table::new(vec![
            Column::names("figure"),
            Column::numbers("median"),
            Column::numbers("least"),
            Column::numbers("greatest"),
        ]);
        for (figure, spread) in &self.spreads {
            let cell = |value| figure.shown.cell(value);
            let name = Cell::text(figure.name);
            table.push(vec![name, cell(spread.median), cell(spread.min), cell(spread.max)]);
        }
        let last = self.first_seed + (self.seeds as u64 - 1);
        format!("{}\nseeds {} to {last}\n", table.text(style), self.first_seed)
    }

    pub(super) fn json(&self) -> String {
        let figures: serde_json::Map<_, _> = self
            .spreads
            .iter()
            .map(|(figure, Spread { median, min, max })| {
                (figure.key.to_owned(), serde_json::json!({"median": median, "min": min, "max": max}))
            })
            .collect();
        let object = serde_json::json!({
            "type": "sim-seeds",
            "first_seed": self.first_seed,
            "seeds": self.seeds,
            "figures": figures,
        });
        format!("{object}\n")
    }
}

impl Shown {
    fn cell(self, value: f64) -> Cell {
        match self {
            Shown::Rate => Cell::rate(value),
            Shown::Percent => Cell::text(format!("{:.2} %", value * 100.0)),
            Shown::Index => Cell::text(format!("{value:.3}")),
            Shown::Count => Cell::number(value as u64),
            Shown::Seconds => Cell::text(format!("{value:.3} s")),
        }
    }
}

/// The sentence to show if not everything arrived in each world.
pub(super) fn shortfall(first_seed: u64, figures: &[Figures]) -> Option<String> {
    let mut short =
        (first_seed..).zip(figures).filter_map(|(seed, figures)| Some((seed, figures.shortfall.as_ref()?)));
    let (seed, sentence) = short.next()?;
    let others = match short.count() {
        0 => String::new(),
        others => format!(" (and {})", numbers::count(others as u64, "other seed")),
    };
    Some(format!("seed {seed}{others}: {sentence}"))
}
