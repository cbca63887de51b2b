//! An axis: where it begins and ends, its round numbers, and the prefix of its unit.

use super::Unit;

/// About how many round numbers stand on an axis.
const TICKS: f64 = 7.0;
/// The most round numbers on an axis, even if rounding errors add some.
const TICKS_MAX: usize = 16;

/// Whether an axis begins at zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// At zero, so that heights can be compared.
    Zero,
    /// At the first value.
    AsIs,
}

pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    /// The distance between round numbers.
    step: f64,
    unit: Unit,
    /// The size of the unit shown, in the unit of the values.
    scale: f64,
    /// What stands before `s`, `B`, `bit/s`.
    prefix: &'static str,
}

impl Axis {
    pub(super) fn over(unit: Unit, values: impl Iterator<Item = f64>, origin: Origin) -> Axis {
        let (mut from, mut to) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if from > to {
            (from, to) = (0.0, 1.0);
        }
        if origin == Origin::Zero {
            from = from.min(0.0);
        }
        if to <= from {
            to = from + if from == 0.0 { 1.0 } else { from.abs() };
        }
        let (scale, prefix) = prefix(unit, from.abs().max(to.abs()));
        let step = step((to - from) / scale) * scale;
        if origin == Origin::Zero {
            // The axis ends at the next round number; the tolerance is for rounding errors.
            to = (to / step - 1e-6).ceil() * step;
        }
        Axis { from, to, step, unit, scale, prefix }
    }

    /// Where a value stands: 0 at the beginning, 1 at the end.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    /// The round numbers and how they are written.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let step = self.step;
        let decimals = (-(step / self.scale).log10().floor()).clamp(0.0, 9.0) as usize;
        let first = (self.from / step).ceil();
        (0..TICKS_MAX)
            .map(|index| (first + index as f64) * step)
            .take_while(|value| *value <= self.to + step * 1e-6)
            .map(|value| (value, format!("{:.decimals$}", value / self.scale)))
            .collect()
    }

    /// `KiB`, `ms`, `Mbit/s`; empty for counts.
    pub(super) fn unit_name(&self) -> String {
        let name = match self.unit {
            Unit::Seconds => "s",
            Unit::Bytes => "B",
            Unit::BitsPerSecond => "bit/s",
            Unit::Count => "",
        };
        format!("{}{name}", self.prefix)
    }
}

/// The distance between round numbers over a span: 1, 2 or 5 times a power of ten.
fn step(span: f64) -> f64 {
    let rough = span / TICKS;
    let power = 10f64.powf(rough.log10().floor());
    // The tolerance is for rounding errors: a span of 70 in seven steps has steps of 10.
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= rough * 0.999).unwrap_or(10.0);
    step * power
}

fn prefix(unit: Unit, largest: f64) -> (f64, &'static str) {
    let choices: &[(f64, &str)] = match unit {
        Unit::Seconds => &[(1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")],
        Unit::Bytes => {
            &[(1_099_511_627_776.0, "Ti"), (1_073_741_824.0, "Gi"), (1_048_576.0, "Mi"), (1024.0, "Ki")]
        }
        Unit::BitsPerSecond => &[(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")],
        Unit::Count => &[],
    };
    choices.iter().copied().find(|(scale, _)| largest >= *scale).unwrap_or((1.0, ""))
}
