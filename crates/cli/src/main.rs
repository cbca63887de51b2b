//! The `synfin` command: the only crate that prints.
//!
//! Each subcommand has a file that reads its arguments, calls the crates below and shows what they
//! return. A failure becomes one sentence on standard error and an exit code.

mod demo;
mod diagram;
mod explain;
mod failure;
mod get;
mod http;
mod interrupt;
mod lab;
mod manual;
mod notes;
mod output;
mod over_tun;
mod pcap;
mod recording;
mod script;
mod serve;
mod sim;
mod terminal;
mod units;
mod wire;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use notes::Notes;
use report::Charset;
use std::process::ExitCode;

/// The heading of the options that every command has.
const COMMON: &str = "With every command";

/// TCP, from SYN to FIN, in the open.
///
/// synfin is a TCP/IP stack that lives inside a program, and a lens that explains what TCP does.
#[derive(Parser)]
#[command(name = "synfin", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Start with `synfin demo`: a whole connection, drawn, without any privilege.")]
struct Arguments {
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = terminal::Color::Auto, help_heading = COMMON)]
    color: terminal::Color,
    /// Use only ASCII characters; the default on a dumb terminal and where the locale has no Unicode.
    #[arg(long, global = true, help_heading = COMMON)]
    ascii: bool,
    /// Print only results and errors: no notes and no progress bars on standard error.
    #[arg(long, short, global = true, help_heading = COMMON)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Diagram(diagram::Diagram),
    Explain(explain::Explain),
    Lab(lab::Lab),
    Script(script::Script),
    Serve(serve::Serve),
    Sim(sim::Sim),
    Wire(Box<wire::Wire>),
    Get(get::Get),
    Completions(manual::Completions),
    Man(manual::Man),
}

/// The arguments with the exit codes of each command in its help.
fn arguments() -> clap::Command {
    Arguments::command().mut_subcommands(|command| {
        let codes = failure::codes(command.get_name());
        let below = |help: Option<&clap::builder::StyledStr>| match help {
            Some(help) => format!("{help}\n\n{codes}"),
            None => codes.clone(),
        };
        let long = command.get_after_long_help().map(|help| below(Some(help)));
        let short = below(command.get_after_help());
        let command = command.after_help(short);
        match long {
            Some(long) => command.after_long_help(long),
            None => command,
        }
    })
}

fn main() -> ExitCode {
    let read = Arguments::from_arg_matches(&arguments().get_matches());
    let arguments = read.unwrap_or_else(|error| error.exit());
    notes::choose(match arguments.quiet {
        true => Notes::Quiet,
        false => Notes::Shown { bars: !terminal::is_dumb() },
    });
    let style = terminal::style(arguments.color, arguments.ascii.then_some(Charset::Ascii));
    let outcome = match arguments.command {
        Command::Demo(demo) => demo.run(&style),
        Command::Diagram(diagram) => diagram.run(&style),
        Command::Explain(explain) => explain.run(&style),
        Command::Lab(lab) => lab.run(),
        Command::Script(script) => script.run(&style),
        Command::Sim(sim) => sim.run(&style),
        Command::Wire(wire) => wire.run(&style),
        Command::Serve(serve) => serve.run(&style),
        Command::Get(get) => get.run(&style),
        Command::Completions(completions) => completions.run(self::arguments()),
        Command::Man(man) => man.run(self::arguments()),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => failure.print(),
    }
}
