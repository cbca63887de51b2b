//! The bars of the sender: how much of a link it fills, what it sends again for nothing, how fair it is, each figure
//! beside the least or the most that it should be. All of it from [`sim::Experiment`] in virtual time, so that a figure
//! is the same on every machine.
//!
//! `cargo bench -p synfin-benches --bench bars [-- ROW] [--seeds N] [--quick] [--svg DIR]`

mod bar;
mod measure;
mod pictures;
mod rows;

use measure::{Effort, Measure};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str =
    "usage: cargo bench -p synfin-benches --bench bars -- [ROW] [--seeds N] [--quick] [--svg DIR]
  ROW        only the rows whose name contains this word
  --seeds N  worlds for each figure, whose median is shown [default: 9; 3 with --quick]
  --quick    less data and shorter times: for a look, not to be quoted
  --svg DIR  draw each controller over time on six paths instead";

struct Options {
    row: String,
    seeds: Option<u64>,
    effort: Effort,
    svg: Option<PathBuf>,
}

/// Reads the arguments.
///
/// # Errors
/// What is wrong with them, as a sentence.
fn options(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { row: String::new(), seeds: None, effort: Effort::Whole, svg: None };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--quick" => options.effort = Effort::Quick,
            "--seeds" => {
                let count = arguments.next().and_then(|count| count.parse().ok()).filter(|count| *count > 0);
                options.seeds = Some(count.ok_or("--seeds needs a number from 1 on")?);
            }
            "--svg" => options.svg = Some(arguments.next().ok_or("--svg needs a folder")?.into()),
            option if option.starts_with('-') => return Err(format!("there is no option {option}")),
            row if rows::ALL.iter().any(|(name, _)| name.contains(row)) => options.row = row.to_owned(),
            row => {
                let names: Vec<&str> = rows::ALL.iter().map(|(name, _)| *name).collect();
                return Err(format!("there is no row {row}; the rows are {}", names.join(", ")));
            }
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(sentence) => {
            eprintln!("{sentence}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(folder) = &options.svg {
        return match pictures::draw(folder) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("cannot draw into {}: {error}", folder.display());
                ExitCode::FAILURE
            }
        };
    }
    let seeds = options.seeds.unwrap_or(match options.effort {
        Effort::Whole => 9,
        Effort::Quick => 3,
    });
    let mut measure = Measure::new(seeds, options.effort);
    println!("{}", synfin_benches::profile());
    println!(
        "medians of {seeds} seeds; ✗: the bar is missed; jitter 0.5 ms both ways where no loss is random"
    );
    if options.effort == Effort::Quick {
        println!("quick: less data and shorter times than the bars are for");
    }
    let start = Instant::now();
    for (_, row) in rows::ALL.iter().filter(|(name, _)| name.contains(&options.row)) {
        let before = Instant::now();
        let table = row(&mut measure);
        println!("\n{table}({:.0} s)", before.elapsed().as_secs_f64());
    }
    let (held, all) = measure.held();
    println!("\n{held} of {all} bars held; all took {:.0} s", start.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}
