//! `synfin demo`: one whole connection between two hosts in virtual time, drawn.
//!
//! An HTTP exchange with the numbers of a well-known article on TCP's states: the client's ISN is
//! 4225926656, the server's 3022381253, the client sends 2,374 bytes, the server 537 and closes first.
//! The world is `sim`'s, the hosts are the same as on a real link, the drawing is `report`'s.

mod programs;
mod simulation;
#[cfg(test)]
mod tests;

use crate::failure::{Outcome, print};
use crate::notes::note;
use crate::output::{Files, Output, Target};
use crate::terminal::Lang;
use crate::{pcap, units};
use clap::{Args, ValueEnum};
use report::Style;
use report::ladder::{Numbers, Options};
use report::words;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Show a whole TCP connection, from SYN to FIN, with the states of both ends
#[derive(Args)]
#[command(after_help = "Examples:
  synfin demo                          the article's connection; the server closes first
  synfin demo --absolute               with the numbers of the headers
  synfin demo --close half             the client closes its half, the server goes on sending
  synfin demo --stale-syn              why three steps: an old duplicate SYN opens nothing
  synfin demo --loss 20% --seed 7      what happens when segments get lost
  synfin demo --pcap demo.pcapng       and look at it with Wireshark")]
pub(crate) struct Demo {
    /// Show the numbers of the headers instead of relative ones
    #[arg(long, short)]
    absolute: bool,
    /// Who closes first
    #[arg(long, value_enum, default_value_t = Close::Server)]
    close: Close,
    /// The delay of the link, each way
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "20ms", value_parser = units::duration)]
    delay: Duration,
    /// How many segments are lost, each way
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = units::percent)]
    loss: f64,
    /// How many segments are delayed and overtaken, each way
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = units::percent)]
    reorder: f64,
    /// The seed of all randomness: the same seed gives the same bytes
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1, value_parser = units::whole(0..=u64::MAX))]
    seed: u64,
    /// Let an old duplicate SYN of an earlier connection reach the server first
    #[arg(long)]
    stale_syn: bool,
    /// Write the packets that passed the client's network card to this pcapng file
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Draw the ladder as SVG into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print one JSON object per line instead of the drawing
    #[arg(long)]
    json: bool,
    /// The language of the drawing; without it that of LC_ALL, LC_MESSAGES or LANG
    ///
    /// With --json, sentences are English unless this option says otherwise. The names of fields and values never change.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Lang>,
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
    /// The client, right after its request; the server goes on sending
    Half,
}

impl Demo {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let settings = simulation::Settings {
            close: self.close,
            delay: self.delay,
            loss_percent: self.loss,
            reorder_percent: self.reorder,
            seed: self.seed,
            stale_syn: self.stale_syn,
            language: if self.json { Lang::of_programs(self.lang) } else { Lang::of_people(self.lang) },
        };
        let language = settings.language;
        let mut files = Files::new();
        if self.json {
            files.print("--json");
        }
        let pcap = self.pcap.as_deref().map(|path| files.write("--pcap", path)).transpose()?;
        let svg = self.svg.as_deref().map(|path| files.write("--svg", path)).transpose()?;
        let mut pcap_output = pcap.as_ref().map(Target::begin).transpose()?;
        let mut svg_output = svg.as_ref().map(Target::begin).transpose()?;
        let simulation = simulation::simulate(&settings);
        if let Some(output) = &mut pcap_output {
            pcap::write_host(output, &simulation.world, simulation.client)?;
        }
        let numbers = if self.absolute { Numbers::Absolute } else { Numbers::Relative };
        let options = Options { numbers, language, ..Options::default() };
        let ladder = simulation.ladder;
        if let Some(output) = &mut svg_output {
            output.take(&ladder.svg(&options))?;
        }
        pcap_output.into_iter().chain(svg_output).try_for_each(Output::finish)?;
        if self.json {
            print(&report::json::ladder(&ladder, language))?;
            return Ok(ExitCode::SUCCESS);
        }
        print(&ladder.text(&options, style))?;
        for target in pcap.iter().chain(&svg) {
            note(format_args!("{}", words::wrote(target, language)));
        }
        Ok(ExitCode::SUCCESS)
    }
}
