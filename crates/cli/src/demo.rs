//! `synfin demo`: one whole connection between two hosts in virtual time, drawn.
//!
//! An HTTP exchange with the numbers of a well-known article on TCP's states: the client's ISN is
//! 4225926656, the server's 3022381253, the client sends 2,374 bytes, the server 537 and closes first.
//! The world is `sim`'s, the hosts are the same that run on a wire, the picture is `report`'s.

mod programs;
mod staging;
#[cfg(test)]
mod tests;

use crate::failure::{Outcome, print};
use crate::output::{Files, Output, Target};
use crate::{pcap, units};
use clap::{Args, ValueEnum};
use report::Style;
use report::ladder::{Numbers, Options};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Show a whole TCP connection, from SYN to FIN, with the states of both ends
#[derive(Args)]
#[command(after_help = "Examples:
  synfin demo                          the article's connection; the server closes first
  synfin demo --absolute               with the numbers as they stand in the headers
  synfin demo --close half             the client closes its half, the server goes on sending
  synfin demo --stale-syn              why three steps: an old duplicate SYN opens nothing
  synfin demo --loss 20% --seed 7      what happens when segments get lost
  synfin demo --pcap demo.pcapng       and look at it with Wireshark")]
pub(crate) struct Demo {
    /// Numbers as they stand in the headers instead of relative ones
    #[arg(long, short)]
    absolute: bool,
    /// Who closes first
    #[arg(long, value_enum, default_value_t = Close::Server)]
    close: Close,
    /// How long a segment is on its way
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "20ms", value_parser = units::duration)]
    delay: Duration,
    /// How many segments get lost, each way
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = units::percent)]
    loss: f64,
    /// How many segments are held back and overtaken, each way
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = units::percent)]
    reorder: f64,
    /// Which world: the same seed gives the same bytes
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1, value_parser = units::whole(0..=u64::MAX))]
    seed: u64,
    /// First an old duplicate SYN of an earlier connection reaches the server
    #[arg(long)]
    stale_syn: bool,
    /// Write what passed, as the client's network card saw it, to this pcapng file
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Draw the ladder as SVG into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// One JSON object a line instead of the drawing
    #[arg(long)]
    json: bool,
}

/// Who closes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Close {
    /// The server, once it has answered, as in the article
    Server,
    /// The client, once it has the answer
    Client,
    /// Both at the same time: the FINs cross
    Both,
    /// The client, right after asking; the server answers for as long as it likes
    Half,
}

impl Demo {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let play = staging::Play {
            close: self.close,
            delay: self.delay,
            loss_percent: self.loss,
            reorder_percent: self.reorder,
            seed: self.seed,
            stale_syn: self.stale_syn,
        };
        let mut files = Files::new();
        if self.json {
            files.print("--json");
        }
        let pcap = self.pcap.as_deref().map(|path| files.write("--pcap", path)).transpose()?;
        let svg = self.svg.as_deref().map(|path| files.write("--svg", path)).transpose()?;
        let mut pcap_output = pcap.as_ref().map(Target::begin).transpose()?;
        let mut svg_output = svg.as_ref().map(Target::begin).transpose()?;
        let performed = staging::perform(&play);
        if let Some(output) = &mut pcap_output {
            pcap::write(output, &performed.world, performed.client)?;
        }
        let numbers = if self.absolute { Numbers::Absolute } else { Numbers::Relative };
        let options = Options { numbers, ..Options::default() };
        let ladder = performed.ladder;
        if let Some(output) = &mut svg_output {
            output.take(&ladder.svg(&options))?;
        }
        pcap_output.into_iter().chain(svg_output).try_for_each(Output::finish)?;
        if self.json {
            print(&report::json::ladder(&ladder))?;
            return Ok(ExitCode::SUCCESS);
        }
        print(&ladder.text(&options, style))?;
        for target in pcap.iter().chain(&svg) {
            print(&format!("wrote {target}\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
