//! `synfin wire`: joins two TUN devices by a wire that is as bad as it should be, in real time.
//!
//! Here are the arguments and the order of things: open the ends, carry frames both ways, show how it goes, sum up. What
//! is *not* here: what happens to frames (`netem`), the words of the arguments ([`language`]), the namespaces
//! ([`ends`]), and the loop of a direction ([`carry`]).

mod carry;
mod ends;
mod language;
mod lateness;
mod settings;
mod summary;

use crate::failure::{Exit, Failure, Outcome, print};
use crate::interrupt;
use crate::notes::{draws_bars, note};
use crate::output::{Existing, Files};
use crate::recording::Recording;
use carry::{Direction, Shared, State, Watcher};
use clap::Args;
use ends::{Ends, Plan};
use language::EndName;
use netem::wire::Medium;
use netem::{Dice, Pipe};
use report::Style;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use summary::Summary;

/// How often the counters on the terminal change.
const SHOWN_EVERY: Duration = Duration::from_secs(1);

/// Join two TUN devices by a bad wire: netem for machines without it
///
/// Frames that the kernel sends to one device come out of the other, later, in another order, damaged, or not at all. The
/// same seed makes the same decisions for the same frames. Values are for both directions, or, with a slash, for frames
/// from A to B and from B to A: --rate 100mbit/10mbit. Super-segments are cut first, so that a loss is one segment.
#[derive(Args)]
#[command(after_help = "Examples:
  Two network namespaces, `left` (10.77.0.1, fd77::1) and `right` (10.77.0.2, fd77::2), for as long as it runs:
    sudo synfin wire --setup left right --rate 100mbit --delay 20ms --queue 1bdp
    sudo ip netns exec right iperf3 -s              # elsewhere
    sudo ip netns exec left iperf3 -c 10.77.0.2

  A slow uplink, and losses in bursts; for half a minute, as JSON, with a capture at both ends:
    sudo synfin wire --setup left right --rate 50mbit/10mbit --loss 1% --burst 4 --for 30s --json
    sudo synfin wire --setup left right --delay 5ms --aqm dualpi2 --rate 20mbit --pcap left.pcapng right.pcapng

  Devices that are there, here or in namespaces:
    sudo synfin wire tun0 lab/tun1 --delay 30ms --jitter 5ms

  A link that is away for half a second in every ten, and a firewall of the old school:
    sudo synfin wire --setup left right --outage 5s+500ms+10s --meddle drop-syn-option=fast-open,clear-ecn-flags")]
pub(crate) struct Wire {
    /// One end: DEVICE or NAMESPACE/DEVICE; with --setup the name of a namespace to be made
    #[arg(value_name = "A", value_parser = language::end)]
    first: EndName,
    /// The other end
    #[arg(value_name = "B", value_parser = language::end)]
    second: EndName,
    /// Make the namespaces A and B, each with a TUN device `wire0`, addresses and routes, and remove them at the end
    #[arg(long)]
    setup: bool,
    /// With --setup: the MTU of both devices
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, requires = "setup", default_value_t = 1_500, value_parser = crate::units::whole(1_280..=65_535_u32))]
    mtu: u32,
    #[command(flatten)]
    settings: settings::Settings,
    /// The seed of all randomness
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 1, value_parser = crate::units::whole(0..=u64::MAX))]
    seed: u64,
    /// End after this time instead of at Ctrl-C
    #[arg(long = "for", id = "time", value_name = "TIME", allow_hyphen_values = true, value_parser = crate::units::span)]
    time: Option<Duration>,
    /// Write what passes each end into these pcapng files, as a capture there shows it
    #[arg(long, value_names = ["FILE", "FILE"], num_args = 2)]
    pcap: Vec<PathBuf>,
    /// Let --pcap replace files that exist
    #[arg(long, requires = "pcap")]
    force: bool,
    /// Run before all ordinary programs, so that frames are on time on a busy machine (and others wait while there are
    /// frames)
    #[arg(long)]
    realtime: bool,
    /// Print JSON objects, one a line: one when the wire is there, one with the sums at the end
    #[arg(long)]
    json: bool,
}

impl Wire {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let lanes = self.settings.lanes();
        let mut files = Files::new();
        if self.json {
            files.print("--json");
        }
        let existing = if self.force { Existing::Overwritten } else { Existing::Refused };
        let targets = self.pcap.iter().map(|path| files.record("--pcap", path, existing));
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        // Before anything is made, so that it is also removed when Ctrl-C comes early.
        let shared = Arc::new(Shared::default());
        let on_interrupt = Arc::clone(&shared);
        interrupt::on_interrupt(move || on_interrupt.stop.store(true, Ordering::Release))?;
        let plan = if self.setup { Plan::Setup { mtu_bytes: self.mtu } } else { Plan::AsTheyAre };
        let ends = Ends::open([self.first.clone(), self.second.clone()], plan)?;
        let names = [&self.first, &self.second].map(ToString::to_string);
        let recordings = targets.iter().zip(&names).map(|(target, name)| Recording::begin(target, name));
        let recordings = Arc::new(recordings.collect::<Result<Vec<_>, _>>()?);
        recordings.iter().for_each(Recording::keep);
        let began = Instant::now();
        let directions = [(0, lanes.there), (1, lanes.back)].map(|(side, lane)| {
            let (from, to) = (Arc::clone(&ends.links[side]), Arc::clone(&ends.links[1 - side]));
            let pipe = Pipe::new(lane, seed_of(self.seed, side), Medium::Ip);
            let (recordings, shared) = (Arc::clone(&recordings), Arc::clone(&shared));
            Direction {
                carrier: device::Carrier::new(from.clone(), to, pipe, began),
                from,
                watcher: Watcher { side, recordings, shared, began, state: State::default() },
                is_first: self.realtime,
            }
        });
        let threads = directions.map(Direction::start);
        self.tell_ready(&names, &ends)?;
        self.watch(&shared, began, &names, style);
        let mut failure = None;
        for thread in threads {
            let outcome = thread.and_then(|thread| {
                thread.join().unwrap_or_else(|_| Err(Failure::new("a direction of the wire has panicked")))
            });
            failure = failure.or(outcome.err());
        }
        let elapsed = began.elapsed();
        let states = shared.states();
        drop(ends);
        recordings.iter().try_for_each(Recording::finish)?;
        let summary = Summary { names: &names, seed: self.seed, elapsed, states: &states };
        print(&if self.json { summary.json() } else { summary.text(style) })?;
        match failure {
            Some(failure) => Err(failure),
            None => Ok(Exit::Fine.into()),
        }
    }

    fn tell_ready(&self, names: &[String; 2], ends: &Ends) -> Result<(), Failure> {
        if self.json {
            return print(&format!("{}\n", summary::ready(names, self.seed, &ends.addresses)));
        }
        if let [first, second] = &ends.addresses[..] {
            for (name, addresses) in [(&names[0], first), (&names[1], second)] {
                note(format_args!("namespace {name}: {}", addresses.join(", ")));
            }
        }
        let until = match self.time {
            Some(time) => format!("for {}", report::numbers::duration(time)),
            None => "until Ctrl-C".to_owned(),
        };
        note(format_args!("{} and {} are joined, {until}; seed {}", names[0], names[1], self.seed));
        Ok(())
    }

    /// Shows the counters until the time is over, somebody presses Ctrl-C, or a direction fails.
    fn watch(&self, shared: &Shared, began: Instant, names: &[String; 2], style: &Style) {
        let is_shown = draws_bars();
        let mut before = shared.states();
        let mut next = began + SHOWN_EVERY;
        let mut lines_before = 0;
        while !shared.stop.load(Ordering::Acquire) {
            let now = Instant::now();
            if self.time.is_some_and(|time| now.duration_since(began) >= time) {
                shared.stop.store(true, Ordering::Release);
                return;
            }
            if is_shown && now >= next {
                next += SHOWN_EVERY;
                let states = shared.states();
                let lines = live(names, &states, &before, style);
                // Up over the lines of before, and each cleared to its end.
                let up = if lines_before > 0 { format!("\x1b[{lines_before}A") } else { String::new() };
                let text: String = lines.iter().map(|line| format!("\x1b[2K{line}\n")).collect();
                // A terminal that has gone is no reason to end.
                let _ = write!(std::io::stderr(), "{up}{text}");
                (before, lines_before) = (states, lines.len());
            }
            let wake = self.time.map_or(next, |time| (began + time).min(next));
            let nap = wake.saturating_duration_since(now).min(Duration::from_millis(100));
            std::thread::sleep(nap.max(Duration::from_millis(1)));
        }
    }
}

fn live(names: &[String; 2], states: &[State; 2], before: &[State; 2], style: &Style) -> [String; 2] {
    [0, 1].map(|side| summary::line(names, side, &states[side], &before[side], style))
}

/// Each direction has luck of its own.
fn seed_of(seed: u64, side: usize) -> u64 {
    Dice::for_purpose(seed, side as u64).roll()
}
