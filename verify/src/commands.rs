//! The commands, one file each, and what they have in common: how seeds are chosen, and exit codes.

#[cfg(target_os = "linux")]
mod causes;
mod fuzz;
mod telling;
mod worlds;

#[cfg(target_os = "linux")]
pub(crate) use causes::Causes;
pub(crate) use fuzz::Fuzz;
pub(crate) use worlds::Worlds;

use clap::builder::{RangedI64ValueParser, RangedU64ValueParser};
use std::io::{self, ErrorKind};
use std::process::ExitCode;
use std::time::Duration;

/// How often a run tells how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// More than anybody lives to see, so that sums of two do not overflow.
const NUMBER_MAX: u64 = 1 << 56;

/// What the exit codes mean.
pub(crate) const CODES: &str = "Exit codes: 0 nothing failed, 1 something failed, 2 wrong arguments";

/// Reads how many: one at least.
fn count() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=NUMBER_MAX)
}

/// Reads the number of the first.
fn first() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(0..=NUMBER_MAX)
}

/// Reads the number of threads.
fn threads() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=1_024)
}

/// How many threads, if nobody says: one for each processor.
fn threads_or_all(threads: Option<u16>) -> usize {
    threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// Nobody hears what a run tells: there is no reason to go on. Who closed the pipe knows why.
pub(crate) fn cannot_be_told(error: &io::Error) -> ExitCode {
    if error.kind() != ErrorKind::BrokenPipe {
        eprintln!("cannot write to standard output: {error}");
    }
    ExitCode::FAILURE
}
