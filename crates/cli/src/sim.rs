//! `synfin sim`: bulk flows over a bottleneck in virtual time: how fast, how fair, what was sent again.

use crate::failure::{Failure, Outcome, print};
use crate::pcap;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use report::plot::{Chart, Color, Mark, Series, Unit};
use report::tables::{Cell, Column, Table};
use report::{Style, numbers};
use sim::{Chance, Experiment, Loss, Recording};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Send data through a simulated network and see what TCP makes of it
#[derive(Args)]
#[command(after_help = "Examples:
  synfin sim                                        one flow over 100 Mbit/s and 40 ms
  synfin sim --loss 1% --flows 4 --seed 7           four flows that share it, with loss
  synfin sim --rate 1gbit --rtt 100ms --bytes 200M --plot cwnd.svg
  synfin sim --loss 0.1% --pcap sim.pcapng && synfin explain sim.pcapng")]
pub(crate) struct Sim {
    /// Round-trip time without queueing
    #[arg(long, value_name = "TIME", default_value = "40ms", value_parser = crate::units::duration)]
    rtt: Duration,
    /// Rate of the bottleneck
    #[arg(long, value_name = "RATE", default_value = "100mbit", value_parser = crate::units::rate)]
    rate: u64,
    /// How many packets the network loses on the way to the server
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = crate::units::percent)]
    loss: f64,
    /// Extra delay, evenly distributed up to this
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = crate::units::duration)]
    jitter: Duration,
    /// What each flow sends
    #[arg(long, value_name = "BYTES", default_value = "10M", value_parser = crate::units::bytes)]
    bytes: u64,
    /// Congestion control
    #[arg(long, value_enum, default_value_t = Control::Newreno)]
    cc: Control,
    /// How many flows there are
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    flows: u16,
    /// The largest IP packet
    #[arg(long, value_name = "BYTES", default_value_t = 1_500, value_parser = clap::value_parser!(u32).range(576..=65_535))]
    mtu: u32,
    /// Which world: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write what passed at the sender to this pcapng file
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Draw congestion windows over time as SVG into this file
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

impl Sim {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let Control::Newreno = self.cc;
        let loss = match self.loss {
            0.0 => Loss::Nothing,
            percent => Loss::Random(Chance::percent(percent)),
        };
        let experiment = Experiment {
            seed: self.seed,
            bytes: self.bytes,
            flows: usize::from(self.flows),
            rate_bits_per_s: Some(self.rate),
            rtt: self.rtt,
            jitter: self.jitter,
            loss,
            mtu_bytes: self.mtu,
            recording: if self.pcap.is_some() { Recording::FRAMES } else { Recording::NOTHING },
            ..Experiment::default()
        };
        let bar = progress();
        let outcome = experiment.run_watched(|progress| {
            bar.set_length(progress.bytes_total);
            bar.set_position(progress.bytes);
        });
        bar.finish_and_clear();
        if let Some(path) = &self.pcap {
            pcap::write(path, &outcome.world, outcome.client)?;
        }
        if let Some(path) = &self.plot {
            std::fs::write(path, chart(&outcome).svg())
                .map_err(|error| Failure::io(format_args!("write {}", path.display()), &error))?;
        }
        print(&if self.json { json(&outcome) } else { text(&outcome, style) })?;
        let done = outcome.flows.iter().all(|flow| flow.done_at.is_some());
        Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn text(outcome: &sim::Outcome, style: &Style) -> String {
    let mut table = Table::new(vec![
        Column::names("flow"),
        Column::numbers("bytes"),
        Column::numbers("goodput"),
        Column::numbers("RTT"),
        Column::numbers("timeouts"),
        Column::words("sent again"),
        Column::words("end"),
    ]);
    for flow in &outcome.flows {
        let mut rtt: Vec<Duration> = flow.rtt.iter().map(|(_, rtt)| *rtt).collect();
        rtt.sort();
        let again: Vec<String> =
            flow.resent.iter().map(|(why, resent)| format!("{} {why}", resent.transmissions)).collect();
        table.push(vec![
            Cell::text(flow.local.to_string()),
            Cell::bytes(flow.bytes),
            Cell::rate(flow.goodput_bits_per_s),
            rtt.get(rtt.len() / 2).map_or_else(Cell::none, |median| Cell::duration(*median)),
            Cell::number(flow.timeouts),
            if again.is_empty() { Cell::none() } else { Cell::text(again.join(", ")) },
            Cell::text(match (flow.failed, flow.done_at) {
                (Some(error), _) => error.to_string(),
                (None, Some(_)) => "all arrived".to_owned(),
                (None, None) => "time ran out".to_owned(),
            }),
        ]);
    }
    let mut text = table.text(style);
    let share =
        outcome.share.map_or_else(String::new, |share| format!(", {:.1} % of the link", share * 100.0));
    text.push_str(&format!(
        "\ngoodput {}{share}, fairness {:.3}, {} of virtual time\n",
        numbers::rate(outcome.goodput_bits_per_s),
        outcome.fairness,
        numbers::duration(outcome.took),
    ));
    for (why, count) in &outcome.lost {
        text.push_str(&format!("{}: {}\n", numbers::count(*count, "packet"), why.name()));
    }
    text
}

fn json(outcome: &sim::Outcome) -> String {
    let flows: Vec<serde_json::Value> = outcome
        .flows
        .iter()
        .map(|flow| {
            let resent: serde_json::Map<_, _> = flow
                .resent
                .iter()
                .map(|(why, resent)| {
                    let value = serde_json::json!({"transmissions": resent.transmissions, "bytes": resent.bytes});
                    ((*why).to_owned(), value)
                })
                .collect();
            serde_json::json!({
                "local": flow.local.to_string(),
                "bytes": flow.bytes,
                "goodput_bits_per_s": flow.goodput_bits_per_s,
                "began_at": flow.began_at.as_nanos() as f64 / 1e9,
                "done_at": flow.done_at.map(|done| done.as_nanos() as f64 / 1e9),
                "timeouts": flow.timeouts,
                "resent": resent,
                "rtt": flow.rtt.iter().map(|(at, rtt)| (at.as_nanos() as f64 / 1e9, rtt.as_secs_f64())).collect::<Vec<_>>(),
                "cwnd": flow.cwnd.iter().map(|(at, cwnd)| (at.as_nanos() as f64 / 1e9, *cwnd)).collect::<Vec<_>>(),
                "failed": flow.failed.map(|error| error.to_string()),
            })
        })
        .collect();
    let lost: serde_json::Map<_, _> =
        outcome.lost.iter().map(|(why, count)| (why.name().to_owned(), (*count).into())).collect();
    let object = serde_json::json!({
        "type": "sim",
        "goodput_bits_per_s": outcome.goodput_bits_per_s,
        "share": outcome.share,
        "fairness": outcome.fairness,
        "took": outcome.took.as_secs_f64(),
        "lost": lost,
        "flows": flows,
    });
    format!("{object}\n")
}

/// Congestion windows of the first flows; more than six colours nobody tells apart.
fn chart(outcome: &sim::Outcome) -> Chart {
    let colors = [Color::Blue, Color::Orange, Color::Green, Color::Violet, Color::Red, Color::Grey];
    let series = outcome.flows.iter().zip(colors).map(|(flow, color)| Series {
        name: flow.local.to_string(),
        color,
        mark: Mark::Step,
        points: flow.cwnd.iter().map(|(at, cwnd)| (at.as_nanos() as f64 / 1e9, f64::from(*cwnd))).collect(),
    });
    Chart {
        title: "Congestion window".to_owned(),
        x: Unit::Seconds,
        y: Unit::Bytes,
        series: series.collect(),
    }
}

fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(1);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}") {
        bar.set_style(style);
    }
    bar
}
