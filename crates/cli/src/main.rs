//! The `synfin` command: the only crate that prints.
//!
//! Each subcommand has a file of its own that reads its arguments, calls the rooms below and shows
//! what they return. What goes wrong becomes one sentence on standard error and an exit code.

mod demo;
mod diagram;
mod explain;
mod failure;
mod get;
mod http;
mod interrupt;
mod output;
mod over_tun;
mod pcap;
mod recording;
mod script;
mod serve;
mod sim;
mod terminal;
mod units;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// TCP, from SYN to FIN, in the open.
///
/// synfin is a TCP/IP stack that lives inside a program, and a lens that explains what TCP does.
#[derive(Parser)]
#[command(name = "synfin", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Start with `synfin demo`: a whole connection, drawn, without any privilege.")]
struct Arguments {
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = terminal::Color::Auto)]
    color: terminal::Color,
    /// Use nothing but ASCII characters.
    #[arg(long, global = true)]
    ascii: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Diagram(diagram::Diagram),
    Explain(explain::Explain),
    Script(script::Script),
    Serve(serve::Serve),
    Sim(sim::Sim),
    Get(get::Get),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let style = terminal::style(arguments.color, arguments.ascii);
    let outcome = match arguments.command {
        Command::Demo(demo) => demo.run(&style),
        Command::Diagram(diagram) => diagram.run(&style),
        Command::Explain(explain) => explain.run(&style),
        Command::Script(script) => script.run(&style),
        Command::Sim(sim) => sim.run(&style),
        Command::Serve(serve) => serve.run(&style),
        Command::Get(get) => get.run(&style),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => failure.tell(),
    }
}
