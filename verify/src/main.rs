//! The long runs: as many worlds that attack, or inputs for the fuzz bodies, as one likes.
//!
//! A share of both runs with every `cargo test`; what a long run finds becomes a seed there.

mod commands;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Long runs: worlds that attack, inputs for the fuzz bodies, and the lens beside the kernel
///
/// How far a run is stands on standard error every ten seconds; failures, and one line with the totals at the end, on
/// standard output. A failure does not end a run. To end it sooner press Ctrl-C; it goes on where it was with --first.
#[derive(Parser)]
#[command(name = "synfin-verify", arg_required_else_help = true)]
#[command(after_help = commands::CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Worlds(commands::Worlds),
    Fuzz(commands::Fuzz),
    #[cfg(target_os = "linux")]
    Causes(commands::Causes),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Worlds(worlds) => worlds.run(),
        Command::Fuzz(fuzz) => fuzz.run(),
        #[cfg(target_os = "linux")]
        Command::Causes(causes) => causes.run(),
    };
    outcome.unwrap_or_else(|error| commands::cannot_be_told(&error))
}
