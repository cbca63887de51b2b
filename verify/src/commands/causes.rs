//! `causes`: what the lens says of retransmissions beside what the kernel says.

use super::CODES;
use clap::Args;
use std::fs;
use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use synfin_verify::causes::{Case, Compared, Line, Page, Record, Vantage, read, rig};

/// Ask the lens why Linux sends segments again, and Linux itself
///
/// Two hosts in network namespaces talk over a bad wire, tcpdump captures at both, and the kernel's tracepoint of
/// retransmissions, with its stack, is the truth. Needs root, tracefs, TUN, `ip`, `tc` and tcpdump; says so where one is missing.
#[derive(Args)]
#[command(after_help = format!("Examples, after `cargo run --release -p synfin-verify --`:
  causes                               all scenarios, some five minutes
  causes bbr-loss far --keep /tmp/kept two of them; their captures, traces and tables stay
  causes --document docs/causes.md     and write the result into a page
  causes --again /tmp/kept             judge what was kept once more, in seconds, without privileges
  causes --again /tmp/kept --keep /tmp/new
                                       the same; the tables go into another folder

In --keep, each scenario has a folder: client.pcap, server.pcap, trace.txt (the kernel's), record.txt (clock and addresses),
truth.tsv (each retransmission, its frames at both ends, what was said and whether it is right), false-claims.tsv and
unmatched.txt. --again changes nothing in the folder that it reads.

{CODES}; below its bars is a failure"))]
pub(crate) struct Causes {
    /// Which scenarios; all by default
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Keep captures, traces and tables in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Judge what an earlier run kept in this folder, instead of running
    #[arg(long, value_name = "DIR", conflicts_with = "seed")]
    again: Option<PathBuf>,
    /// The seed of the wire and of what is said
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Write the result into this page, between its markers
    #[arg(long, value_name = "FILE")]
    document: Option<PathBuf>,
    /// Name the scenarios, and do nothing
    #[arg(long)]
    list: bool,
}

impl Causes {
    /// Runs them.
    ///
    /// # Errors
    /// If standard output or a file cannot be written to.
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let mut out = stdout();
        let known = rig::all();
        if self.list {
            known.iter().try_for_each(|known| writeln!(out, "{:24} {}", known.name, known.about))?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(name) = self.scenarios.iter().find(|name| known.iter().all(|known| known.name != **name))
        {
            eprintln!("there is no scenario {name}; --list names them");
            return Ok(ExitCode::from(2));
        }
        let wanted = self.wanted(known);
        let judged = match &self.again {
            Some(folder) => match self.judge_kept(folder, &wanted) {
                Ok(judged) => judged,
                Err(error) => {
                    eprintln!("cannot judge again: {error}");
                    return Ok(ExitCode::from(2));
                }
            },
            None => match self.run_and_judge(&wanted)? {
                Some(judged) => judged,
                None => return Ok(ExitCode::SUCCESS),
            },
        };
        let Judged { kernel, seed, lines } = judged;
        let page = Page { kernel, command: self.command(seed), seed, lines };
        writeln!(out, "\n{}", page.text())?;
        if let Some(path) = &self.document {
            let text = page.put_into(&fs::read_to_string(path)?).map_err(io::Error::other)?;
            fs::write(path, text)?;
        }
        Ok(if page.shortfalls().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn wanted(&self, known: Vec<rig::Scenario>) -> Vec<rig::Scenario> {
        let is_wanted = |scenario: &rig::Scenario| {
            self.scenarios.is_empty() || self.scenarios.iter().any(|wanted| wanted == scenario.name)
        };
        known.into_iter().filter(is_wanted).collect()
    }

    /// Runs the scenarios, and judges each. Nothing if something is missing here, which is told.
    fn run_and_judge(&self, wanted: &[rig::Scenario]) -> io::Result<Option<Judged>> {
        let temporary = std::env::temp_dir().join(format!("synfin-causes-{}", std::process::id()));
        let base = self.keep.clone().unwrap_or_else(|| temporary.clone());
        let mut judged = Judged::default();
        for scenario in wanted {
            let folder = base.join(scenario.name);
            fs::create_dir_all(&folder)?;
            match rig::run(scenario, self.seed, &folder) {
                Ok(record) => judged.add(scenario, &record, Some(&folder))?,
                Err(missing) => {
                    let _ = fs::remove_dir_all(&temporary);
                    writeln!(stdout(), "skipped: {}: {missing}", scenario.name)?;
                    return Ok(None);
                }
            }
        }
        let _ = fs::remove_dir_all(&temporary);
        Ok(Some(judged))
    }

    /// Judges what was kept of these scenarios.
    fn judge_kept(&self, base: &Path, wanted: &[rig::Scenario]) -> io::Result<Judged> {
        let mut judged = Judged::default();
        for scenario in wanted {
            let folder = base.join(scenario.name);
            if !folder.is_dir() {
                continue;
            }
            let tables = self.keep.as_ref().map(|tables| tables.join(scenario.name));
            tables.iter().try_for_each(fs::create_dir_all)?;
            judged.add(scenario, &Record::of(&folder)?, tables.as_deref())?;
        }
        if judged.lines.is_empty() {
            return Err(io::Error::other(format!("{} holds nothing that was kept", base.display())));
        }
        Ok(judged)
    }

    fn command(&self, seed: u64) -> String {
        let names: String = self.scenarios.iter().map(|name| format!(" {name}")).collect();
        format!("cargo run --release -p synfin-verify -- causes{names} --seed {seed}")
    }
}

/// What was judged, and of which kernel and seed it is.
#[derive(Debug, Default)]
struct Judged {
    kernel: String,
    seed: u64,
    lines: Vec<Line>,
}

impl Judged {
    /// Compares what a scenario left, and tells; the tables go into the folder.
    fn add(&mut self, scenario: &rig::Scenario, record: &Record, tables: Option<&Path>) -> io::Result<()> {
        let seen = [read(&record.captures[0])?, read(&record.captures[1])?];
        let hosts = record.circumstances.hosts;
        let case = Case { hosts, seen: [&seen[0], &seen[1]], truths: &record.told.truths };
        let compared = case.compare();
        if let Some(folder) = tables {
            fs::write(folder.join("truth.tsv"), compared.table())?;
            fs::write(folder.join("false-claims.tsv"), compared.false_claims_table())?;
            fs::write(folder.join("unmatched.txt"), unmatched(record, &compared))?;
        }
        let losses = record.trace_lost as usize + record.circumstances.capture_lost as usize;
        let unmatched =
            compared.without_frame.len() + compared.without_event.len() + compared.without_origin.len();
        let line = Line {
            name: scenario.name.to_owned(),
            about: scenario.about.to_owned(),
            unclear: record.told.unclear.len() + losses,
            // A frame whose event is unclear is counted there.
            unmatched: unmatched.saturating_sub(record.told.unclear.len()),
            unknowable: compared.unknowable,
            tally: compared.tally,
        };
        writeln!(stdout(), "{}", told(&line))?;
        self.lines.push(line);
        (self.kernel, self.seed) = (record.circumstances.kernel.clone(), record.circumstances.seed);
        Ok(())
    }
}

fn unmatched(record: &Record, compared: &Compared) -> String {
    format!(
        "unclear events: {:#?}\nevents without a frame: {:#?}\nframes without an event: {:#?}\npieces of unknown origin: {:#?}\n\
         refused below: {}\nlost of the trace: {}\nlost of the captures: {}\nlongest from frame to event: {} ns\n\
         connections that came to their end: {}\n",
        record.told.unclear,
        compared.without_frame,
        compared.without_event,
        compared.without_origin,
        record.told.refused,
        record.trace_lost,
        record.circumstances.capture_lost,
        compared.late_ns_max,
        record.circumstances.done,
    )
}

fn told(line: &Line) -> String {
    let [sender, receiver] = Vantage::ALL.map(|vantage| {
        let share = line.tally.share(vantage, None);
        format!("{} of {}", share.right, share.of)
    });
    let claims: u64 = Vantage::ALL.iter().map(|vantage| line.tally.false_claims(*vantage)).sum();
    format!(
        "{:24} right at the sender {sender}, at the receiver {receiver}; {claims} false claims; {} unclear, {} unmatched",
        line.name, line.unclear, line.unmatched,
    )
}
