//! The arguments.

use crate::cells::Effort;

pub(crate) const USAGE: &str =
    "usage: cargo bench -p synfin-benches --bench linux -- [LIST] [--pairs N] [--quick]
  LIST       `first` (first seconds) or `loss` [default: both]
  --pairs N  rounds, of whose ratios the median is shown [default: 5; 1 with --quick]
  --quick    a few cells, in less than three minutes: for a look, not to be quoted";

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) first_seconds: bool,
    pub(crate) loss: bool,
    pub(crate) pairs: usize,
    pub(crate) effort: Effort,
}

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    /// What is wrong with them, as a sentence.
    pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let (mut list, mut pairs, mut effort) = (None, None, Effort::Whole);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo says so to every benchmark.
                "--bench" => {}
                "--quick" => effort = Effort::Quick,
                "--pairs" => {
                    let count = arguments.next().and_then(|count| count.parse().ok());
                    pairs = Some(count.filter(|count| *count > 0).ok_or("--pairs needs a number from 1 on")?);
                }
                "first" | "loss" if list.is_none() => list = Some(argument),
                "first" | "loss" => return Err("at most one list can be chosen".to_owned()),
                option if option.starts_with('-') => return Err(format!("there is no option {option}")),
                list => return Err(format!("there is no list {list}; the lists are first and loss")),
            }
        }
        let wanted = |name| list.as_deref().is_none_or(|list| list == name);
        let by_effort = if effort == Effort::Whole { 5 } else { 1 };
        Ok(Options {
            first_seconds: wanted("first"),
            loss: wanted("loss"),
            pairs: pairs.unwrap_or(by_effort),
            effort,
        })
    }
}
