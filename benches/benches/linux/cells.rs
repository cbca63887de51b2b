//! The two lists: what is tried.

use crate::run::{Amount, Control};
use crate::wire::{Path, Trouble};
use std::fmt;
use std::time::Duration;

/// How long a run over a path that loses takes.
const LOSSY_TIME: Duration = Duration::from_secs(15);

/// One thing to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) path: Path,
    pub(crate) amount: Amount,
    pub(crate) control: Control,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cell { path, amount, control } = self;
        write!(f, "{}, {} ms, {path}", control.name_of_kernel(), path.rtt.as_millis())?;
        match amount {
            Amount::Bytes(bytes) => write!(f, ", {} MB", bytes / 1_000_000),
            Amount::Time(_) => Ok(()),
        }
    }
}

/// How much of a list is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    Whole,
    /// A few cells of each list: for a look, not to be quoted.
    Quick,
}

/// The first seconds of a connection: no random loss, whole transfers.
pub(crate) fn first_seconds(effort: Effort) -> Vec<Cell> {
    let (sizes, trips): (&[u64], &[u64]) = match effort {
        Effort::Whole => (&[3, 10, 30], &[20, 40, 200]),
        Effort::Quick => (&[10], &[40]),
    };
    let mut cells = Vec::new();
    for control in [Control::Cubic, Control::Bbr] {
        for rtt in trips.iter().copied().map(Duration::from_millis) {
            for products in [0.25, 1.0, 5.0] {
                let path = Path { rtt, products, trouble: Trouble::None };
                cells.extend(sizes.iter().map(|megabytes| Cell {
                    path,
                    amount: Amount::Bytes(megabytes * 1_000_000),
                    control,
                }));
            }
        }
    }
    cells
}

/// Paths that lose or reorder: what arrives in a fixed time. The kernel's BBR is version 1, which ignores losses, so
/// beyond 1 % there is nothing to compare.
pub(crate) fn loss(effort: Effort) -> Vec<Cell> {
    let (trips, amount): (&[u64], _) = match effort {
        Effort::Whole => (&[20, 100], Amount::Time(LOSSY_TIME)),
        Effort::Quick => (&[20], Amount::Time(LOSSY_TIME / 3)),
    };
    let every =
        [Trouble::Loss(0.1), Trouble::Loss(1.0), Trouble::Loss(3.0), Trouble::Bursts, Trouble::Reordering];
    let mut cells = Vec::new();
    for control in [Control::Cubic, Control::Reno, Control::Bbr] {
        let troubles = match (control, effort) {
            (_, Effort::Quick) => &every[1..2],
            (Control::Bbr, Effort::Whole) => &every[..2],
            (_, Effort::Whole) => &every[..],
        };
        for rtt in trips.iter().copied().map(Duration::from_millis) {
            let path = |trouble| Path { rtt, products: 1.0, trouble };
            cells.extend(troubles.iter().map(|trouble| Cell { path: path(*trouble), amount, control }));
        }
    }
    cells
}
