//! `synfin sim`: bulk flows over a bottleneck in virtual time: how fast, how fair, what was sent again.

mod results;
mod spread;

use crate::failure::{Exit, Failure, Outcome, print};
use crate::output::{Files, Output, Target};
use crate::{notes, pcap};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use report::Style;
use sim::tcp::{CongestionControl, EcnFeedback};
use sim::{
    Chance, Discipline, Experiment, Family, Loss, Marking, Progress, Queue, QueueLimit, Recording, Stop,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Send data through a simulated network and see how TCP copes
#[derive(Args)]
#[command(after_help = "Examples:
  synfin sim                                        one flow over 100 Mbit/s and 40 ms
  synfin sim --loss 1% --flows 4 --seed 7           four flows that share it, with loss
  synfin sim --rate 1gbit --rtt 100ms --bytes 200M --plot cwnd.svg
  synfin sim --cc cubic,newreno --for 20s           two flows, one controller each: who gets how much
  synfin sim --loss 1% --burst 5 --reorder 2%       a wireless link: losses come in bursts
  synfin sim --reorder 3% --reorder-by 20ms --ack-loss 10%
  synfin sim --loss 1% --seeds 9                    nine worlds: medians, and how much they differ
  synfin sim --rate 1gbit --buffer 32M --bytes 50M  with large buffers
  synfin sim --queue 1M --aqm codel --plot out.svg  a large buffer, kept short by CoDel
  synfin sim --aqm codel --ecn classic --pcap marks.pcapng   marks instead of losses
  synfin sim --loss 0.1% --pcap sim.pcapng && synfin explain sim.pcapng")]
pub(crate) struct Sim {
    /// Round-trip time without queueing
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "40ms", value_parser = crate::units::duration)]
    rtt: Duration,
    /// Rate of the bottleneck
    #[arg(long, value_name = "RATE", allow_hyphen_values = true, default_value = "100mbit", value_parser = crate::units::rate)]
    rate: u64,
    /// How many packets to the server are lost
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    loss: f64,
    /// How many packets in a row are lost on average; without it losses are independent
    #[arg(long, value_name = "PACKETS", requires = "loss", allow_hyphen_values = true, value_parser = crate::units::burst)]
    burst: Option<f64>,
    /// How many packets back to the client are lost: acknowledgments
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    ack_loss: f64,
    /// How many packets to the server are held back, and overtaken
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    reorder: f64,
    /// How long they are held back [default: a quarter of the round-trip time]
    #[arg(long, value_name = "TIME", requires = "reorder", allow_hyphen_values = true, value_parser = crate::units::duration)]
    reorder_by: Option<Duration>,
    /// How many packets to the server arrive twice
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    duplicate: f64,
    /// How many packets to the server have one bit flipped
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, default_value = "0%", value_parser = crate::units::percent)]
    corrupt: f64,
    /// The largest extra delay; the delays are uniformly distributed
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "0ms", value_parser = crate::units::duration)]
    jitter: Duration,
    /// The length of the queue at the bottleneck: bytes (`64k`) or packets (`100p`) [default: one
    /// bandwidth-delay product, at least ten packets]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = crate::units::queue)]
    queue: Option<QueueLimit>,
    /// Which packets are dropped before the queue is full
    #[arg(long, value_enum, default_value_t = Aqm::None)]
    aqm: Aqm,
    /// How both ends tell each other of marks; with --aqm packets are then marked instead of dropped
    #[arg(long, value_enum, default_value_t = Ecn::Off)]
    ecn: Ecn,
    /// How much each flow sends
    #[arg(long, value_name = "BYTES", conflicts_with = "time", allow_hyphen_values = true, default_value = "10M", value_parser = crate::units::bytes)]
    bytes: u64,
    /// How long the flows send instead, from the start of the first; then the figures are taken
    #[arg(long = "for", id = "time", value_name = "TIME", allow_hyphen_values = true, value_parser = crate::units::span)]
    time: Option<Duration>,
    /// Congestion control, one name per flow; with fewer names than flows they start again; prague is CUBIC without
    /// --ecn accurate
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', default_value = "cubic", value_parser = controls())]
    cc: Vec<CongestionControl>,
    /// The number of flows [default: as many as --cc names]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = crate::units::whole(1..=1_000_u16))]
    flows: Option<u16>,
    /// The time between the starts of two flows
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "0ms", value_parser = crate::units::duration)]
    stagger: Duration,
    /// The send and receive buffers of both ends [default: 4 MiB]
    #[arg(long, value_name = "BYTES", allow_hyphen_values = true, value_parser = crate::units::buffer)]
    buffer: Option<u32>,
    /// The largest IP packet
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, default_value_t = 1_500, value_parser = crate::units::whole(576..=65_535_u32))]
    mtu: u32,
    /// Use IPv6
    #[arg(long)]
    ipv6: bool,
    /// The seed of all randomness: the same seed gives the same bytes
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1, value_parser = crate::units::whole(0..=u64::MAX))]
    seed: u64,
    /// Run with so many seeds, from --seed on, and print the median, the least and the greatest of each figure
    #[arg(long, value_name = "N", conflicts_with_all = ["pcap", "plot"], allow_negative_numbers = true, value_parser = crate::units::whole(1..=10_000_u16))]
    seeds: Option<u16>,
    /// Write the packets that passed the sender's network card to this pcapng file
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Draw congestion windows, round-trip times and goodput over time as SVG into this file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Aqm {
    /// None: drop-tail
    None,
    /// Controlled delay, RFC 8289
    Codel,
    /// Two queues, one with low latency for L4S, RFC 9332
    Dualpi2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ecn {
    /// Not at all: there are no marks
    Off,
    /// By one flag, RFC 3168
    Classic,
    /// By counters (AccECN), RFC 9768
    Accurate,
}

impl Ecn {
    const fn feedback(self) -> EcnFeedback {
        match self {
            Ecn::Off => EcnFeedback::Off,
            Ecn::Classic => EcnFeedback::Classic,
            Ecn::Accurate => EcnFeedback::Accurate,
        }
    }
}

/// The names of the controllers, as the engine has them.
fn controls() -> impl TypedValueParser<Value = CongestionControl> {
    let value = |control: CongestionControl| match control {
        CongestionControl::NewReno => PossibleValue::new(control.name()).alias("reno"),
        _ => PossibleValue::new(control.name()),
    };
    PossibleValuesParser::new(CongestionControl::ALL.map(value))
        .map(|name| CongestionControl::named(&name).expect("it is one of the possible values"))
}

impl Sim {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let experiment = self.experiment()?;
        if let Some(seeds) = self.seeds {
            return self.run_seeds(&experiment, u64::from(seeds), style);
        }
        let mut files = Files::new();
        if self.json {
            files.print("--json");
        }
        let pcap = self.pcap.as_deref().map(|path| files.write("--pcap", path)).transpose()?;
        let plot = self.plot.as_deref().map(|path| files.write("--plot", path)).transpose()?;
        let mut pcap = pcap.as_ref().map(Target::begin).transpose()?;
        let mut plot = plot.as_ref().map(Target::begin).transpose()?;
        let outcome = watched(&experiment);
        if let Some(output) = &mut pcap {
            pcap::write_host(output, &outcome.world, outcome.client)?;
        }
        if let Some(output) = &mut plot {
            output.take(&results::picture(&outcome))?;
        }
        pcap.into_iter().chain(plot).try_for_each(Output::finish)?;
        let stop = experiment.stop;
        print(&if self.json { results::json(&outcome) } else { results::text(&outcome, stop, style) })?;
        match results::shortfall(&outcome, &experiment) {
            Some(sentence) => Err(Failure::new(sentence)),
            None => Ok(Exit::Fine.into()),
        }
    }

    fn run_seeds(&self, experiment: &Experiment, count: u64, style: &Style) -> Outcome {
        let Some(end) = self.seed.checked_add(count) else {
            return Err(Failure::usage(format!(
                "there are no {count} seeds from {} on; use a smaller --seed",
                self.seed
            )));
        };
        let bar = notes::bar(count, "{bar:40} {pos} of {len} seeds");
        let figures = experiment.run_seeds(self.seed..end, |outcome| {
            bar.inc(1);
            spread::Figures::of(outcome, experiment)
        });
        bar.finish_and_clear();
        let spreads = spread::Spreads::of(self.seed, &figures);
        print(&if self.json { spreads.json() } else { spreads.text(style) })?;
        match spread::shortfall(self.seed, &figures) {
            Some(sentence) => Err(Failure::new(sentence)),
            None => Ok(Exit::Fine.into()),
        }
    }

    /// What to try; the sentences for arguments that cannot go together.
    fn experiment(&self) -> Result<Experiment, Failure> {
        let flows = self.flows.map_or(self.cc.len(), usize::from);
        if self.cc.len() > flows {
            let named = self.cc.len();
            let sentence =
                format!("--cc names {named} controllers, --flows is {flows}; raise --flows, or name fewer");
            return Err(Failure::usage(sentence));
        }
        if flows == 1 && !self.stagger.is_zero() {
            return Err(Failure::usage("--stagger parts the starts of several flows; add --flows 2 or more"));
        }
        let loss = match (self.loss, self.burst) {
            (0.0, _) => Loss::Nothing,
            (percent, None) => Loss::Random(Chance::percent(percent)),
            (percent, Some(packets)) => Loss::in_bursts(percent, packets),
        };
        let feedback = self.ecn.feedback();
        let mut config =
            tcp::Config { ecn_incoming: feedback, ecn_outgoing: feedback, ..tcp::Config::default() };
        if let Some(bytes) = self.buffer {
            (config.send_buffer_bytes, config.receive_buffer_bytes) = (bytes, bytes);
        }
        let mut experiment = Experiment {
            seed: self.seed,
            stop: self.time.map_or(Stop::Bytes(self.bytes), Stop::After),
            flows,
            stagger: self.stagger,
            rate_bits_per_s: Some(self.rate),
            rtt: self.rtt,
            jitter: self.jitter,
            loss,
            ack_loss: Chance::percent(self.ack_loss),
            reorder: Chance::percent(self.reorder),
            reorder_by: self.reorder_by,
            duplicate: Chance::percent(self.duplicate),
            corrupt: Chance::percent(self.corrupt),
            family: if self.ipv6 { Family::V6 } else { Family::V4 },
            mtu_bytes: self.mtu,
            config: Arc::new(config),
            congestion: self.cc.clone(),
            recording: if self.pcap.is_some() { Recording::FRAMES } else { Recording::NOTHING },
            ..Experiment::default()
        };
        let (last_start, ends) = (experiment.start_of(flows - 1), self.time.unwrap_or(experiment.within));
        if last_start >= ends {
            return Err(Failure::usage(format!(
                "flow {flows} would start after {} and all is over after {}; use a longer --for, a shorter --stagger \
                 or fewer flows",
                report::numbers::duration(last_start),
                report::numbers::duration(ends)
            )));
        }
        experiment.queue = Some(Queue {
            limit: self.queue.unwrap_or_else(|| experiment.one_product()),
            discipline: match self.aqm {
                Aqm::None => Discipline::DropTail,
                Aqm::Codel => Discipline::CODEL,
                Aqm::Dualpi2 => Discipline::dual_pi2(),
            },
            marking: if self.ecn == Ecn::Off { Marking::Never } else { Marking::InsteadOfDropping },
        });
        Ok(experiment)
    }
}

/// Runs it beside a bar of its bytes, or of its time if it ends by that.
fn watched(experiment: &Experiment) -> sim::Outcome {
    let template = match experiment.stop {
        Stop::Bytes(_) => "{bar:40} {bytes} of {total_bytes}",
        _ => "{bar:40} {percent} % of the time",
    };
    let bar = notes::bar(1, template);
    let outcome = experiment.run_watched(|progress: &Progress| {
        let (position, length) = match progress.bytes_total {
            Some(total) => (progress.bytes, total),
            None => (progress.now.as_millis(), progress.until.as_millis()),
        };
        bar.set_length(length);
        bar.set_position(position);
    });
    bar.finish_and_clear();
    outcome
}
