//! `synfin sim`: bulk flows over a bottleneck in virtual time: how fast, how fair, what was sent again.

mod shown;

use crate::failure::{Exit, Failure, Outcome, print};
use crate::output::{Files, Output, Target};
use crate::{notes, pcap};
use clap::{Args, ValueEnum};
use report::Style;
use sim::{Chance, Discipline, Experiment, Family, Loss, Queue, QueueLimit, Recording};
use std::path::PathBuf;
use std::time::Duration;

/// Send data through a simulated network and see what TCP makes of it
#[derive(Args)]
#[command(after_help = "Examples:
  synfin sim                                        one flow over 100 Mbit/s and 40 ms
  synfin sim --loss 1% --flows 4 --seed 7           four flows that share it, with loss
  synfin sim --rate 1gbit --rtt 100ms --bytes 200M --plot cwnd.svg
  synfin sim --loss 1% --burst 5 --reorder 2%       a wireless link: losses come in bursts
  synfin sim --queue 1M --aqm codel --plot out.svg  a large buffer, kept short by CoDel
  synfin sim --loss 0.1% --pcap sim.pcapng && synfin explain sim.pcapng")]
pub(crate) struct Sim {
    /// Round-trip time without queueing
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "40ms", value_parser = crate::units::duration)]
    rtt: Duration,
    /// Rate of the bottleneck
    #[arg(long, value_name = "RATE", allow_hyphen_values = true, default_value = "100mbit", value_parser = crate::units::rate)]
    rate: u64,
    /// How many packets the network loses on the way to the server
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    loss: f64,
    /// How many packets in a row are lost on average; without it each is lost by itself
    #[arg(long, value_name = "PACKETS", allow_hyphen_values = true, value_parser = crate::units::burst)]
    burst: Option<f64>,
    /// How many packets to the server are held back by a quarter of the round-trip time, and overtaken
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    reorder: f64,
    /// How many packets to the server arrive twice
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    duplicate: f64,
    /// In how many packets to the server one bit is flipped
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    corrupt: f64,
    /// Extra delay, evenly distributed up to this
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "0ms", value_parser = crate::units::duration)]
    jitter: Duration,
    /// How much may wait before the bottleneck: bytes (`64k`) or packets (`100p`) [default: one
    /// bandwidth-delay product, ten packets at least]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = crate::units::queue)]
    queue: Option<QueueLimit>,
    /// Who is dropped before the queue is full
    #[arg(long, value_enum, default_value_t = Aqm::None)]
    aqm: Aqm,
    /// What each flow sends
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, default_value = "10M", value_parser = crate::units::bytes)]
    bytes: u64,
    /// Congestion control
    #[arg(long, value_enum, default_value_t = Control::Newreno)]
    cc: Control,
    /// How many flows there are
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1, value_parser = crate::units::whole(1..=1_000_u16))]
    flows: u16,
    /// The largest IP packet
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, default_value_t = 1_500, value_parser = crate::units::whole(576..=65_535_u32))]
    mtu: u32,
    /// Over IPv6
    #[arg(long)]
    ipv6: bool,
    /// Which world: the same seed gives the same bytes
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1, value_parser = crate::units::whole(0..=u64::MAX))]
    seed: u64,
    /// Write what passed at the sender to this pcapng file
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Draw congestion windows, round-trip times and goodput over time as SVG into this file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Control {
    /// RFC 5681 and 6582
    Newreno,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Aqm {
    /// Nobody: drop-tail
    None,
    /// Controlled delay, RFC 8289
    Codel,
}

impl Sim {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let Control::Newreno = self.cc;
        let mut files = Files::new();
        if self.json {
            files.print("--json");
        }
        let pcap = self.pcap.as_deref().map(|path| files.write("--pcap", path)).transpose()?;
        let plot = self.plot.as_deref().map(|path| files.write("--plot", path)).transpose()?;
        let mut pcap = pcap.as_ref().map(Target::begin).transpose()?;
        let mut plot = plot.as_ref().map(Target::begin).transpose()?;
        let loss = match (self.loss, self.burst) {
            (0.0, _) => Loss::Nothing,
            (percent, None) => Loss::Random(Chance::percent(percent)),
            (percent, Some(packets)) => Loss::in_bursts(percent, packets),
        };
        let mut experiment = Experiment {
            seed: self.seed,
            bytes: self.bytes,
            flows: usize::from(self.flows),
            rate_bits_per_s: Some(self.rate),
            rtt: self.rtt,
            jitter: self.jitter,
            loss,
            reorder: Chance::percent(self.reorder),
            duplicate: Chance::percent(self.duplicate),
            corrupt: Chance::percent(self.corrupt),
            family: if self.ipv6 { Family::V6 } else { Family::V4 },
            mtu_bytes: self.mtu,
            recording: if self.pcap.is_some() { Recording::FRAMES } else { Recording::NOTHING },
            ..Experiment::default()
        };
        experiment.queue = Some(Queue {
            limit: self.queue.unwrap_or_else(|| experiment.one_product()),
            discipline: match self.aqm {
                Aqm::None => Discipline::DropTail,
                Aqm::Codel => Discipline::CODEL,
            },
            ..Queue::default()
        });
        let bar = notes::bar(1, "{bar:40} {bytes} of {total_bytes}");
        let outcome = experiment.run_watched(|progress| {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes);
        });
        bar.finish_and_clear();
        if let Some(output) = &mut pcap {
            pcap::write(output, &outcome.world, outcome.client)?;
        }
        if let Some(output) = &mut plot {
            output.take(&shown::picture(&outcome))?;
        }
        pcap.into_iter().chain(plot).try_for_each(Output::finish)?;
        print(&if self.json { shown::json(&outcome) } else { shown::text(&outcome, style) })?;
        match shown::shortfall(&outcome, experiment.within) {
            Some(sentence) => Err(Failure::new(sentence)),
            None => Ok(Exit::Fine.into()),
        }
    }
}
