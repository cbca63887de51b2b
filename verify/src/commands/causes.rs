//! `causes`: what the lens says of retransmissions beside what the kernel says.

use super::CODES;
use clap::Args;
use std::fs;
use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use synfin_verify::causes::{Case, Compared, Line, Page, Vantage, read, rig};

/// Ask the lens why Linux sends segments again, and Linux itself
///
/// Two hosts in network namespaces talk over a bad wire, tcpdump captures at both, and the kernel's tracepoint of
/// retransmissions, with its stack, is the truth. Needs root, tracefs, TUN, `ip`, `tc` and tcpdump; says so where one is missing.
#[derive(Args)]
#[command(after_help = format!("Examples, after `cargo run --release -p synfin-verify --`:
  causes                               all scenarios, some five minutes
  causes bbr-loss far --keep /tmp/kept two of them; their captures, traces and tables stay
  causes --document docs/causes.md     and write the result into a page

In --keep, each scenario has a folder: client.pcap, server.pcap, trace.txt (the kernel's), truth.tsv (each retransmission, its
frames at both ends, what was said and whether it is right), false-claims.tsv and unmatched.txt.

{CODES}; below its bars is a failure"))]
pub(crate) struct Causes {
    /// Which scenarios; all by default
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Keep captures, traces and tables in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
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
        let is_wanted =
            |name: &str| self.scenarios.is_empty() || self.scenarios.iter().any(|wanted| wanted == name);
        let temporary = std::env::temp_dir().join(format!("synfin-causes-{}", std::process::id()));
        let base = self.keep.clone().unwrap_or_else(|| temporary.clone());
        let mut lines = Vec::new();
        for scenario in known.iter().filter(|known| is_wanted(known.name)) {
            let folder = base.join(scenario.name);
            fs::create_dir_all(&folder)?;
            match one(scenario, self.seed, &folder)? {
                Ok(line) => {
                    writeln!(out, "{}", told(&line))?;
                    lines.push(line);
                }
                Err(missing) => {
                    let _ = fs::remove_dir_all(&temporary);
                    writeln!(out, "skipped: {}: {missing}", scenario.name)?;
                    return Ok(ExitCode::SUCCESS);
                }
            }
        }
        let _ = fs::remove_dir_all(&temporary);
        let page = Page { kernel: rig::kernel(), command: self.command(), seed: self.seed, lines };
        writeln!(out, "\n{}", page.text())?;
        if let Some(path) = &self.document {
            let text = page.put_into(&fs::read_to_string(path)?).map_err(io::Error::other)?;
            fs::write(path, text)?;
        }
        Ok(if page.shortfalls().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn command(&self) -> String {
        let names: String = self.scenarios.iter().map(|name| format!(" {name}")).collect();
        format!("cargo run --release -p synfin-verify -- causes{names} --seed {}", self.seed)
    }
}

/// Runs a scenario and compares; its files are in the folder afterwards.
fn one(scenario: &rig::Scenario, seed: u64, folder: &Path) -> io::Result<Result<Line, rig::Missing>> {
    let record = match rig::run(scenario, seed, folder) {
        Ok(record) => record,
        Err(missing) => return Ok(Err(missing)),
    };
    let seen = [read(&record.captures[0])?, read(&record.captures[1])?];
    let case = Case { hosts: record.hosts, seen: [&seen[0], &seen[1]], truths: &record.told.truths };
    let compared = case.compare();
    fs::write(folder.join("truth.tsv"), compared.table())?;
    fs::write(folder.join("false-claims.tsv"), compared.false_claims_table())?;
    fs::write(folder.join("unmatched.txt"), unmatched(&record, &compared))?;
    let losses = record.trace_lost as usize + record.capture_lost as usize;
    let unmatched =
        compared.without_frame.len() + compared.without_event.len() + compared.without_origin.len();
    Ok(Ok(Line {
        name: scenario.name.to_owned(),
        about: scenario.about.to_owned(),
        unclear: record.told.unclear.len() + losses,
        // A frame whose event is unclear is counted there.
        unmatched: unmatched.saturating_sub(record.told.unclear.len()),
        unknowable: compared.unknowable,
        tally: compared.tally,
    }))
}

fn unmatched(record: &rig::Record, compared: &Compared) -> String {
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
        record.capture_lost,
        compared.late_ns_max,
        record.done,
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
