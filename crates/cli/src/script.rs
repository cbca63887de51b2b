//! `synfin script`: runs scripts in the packetdrill language against the stack, in virtual time.
//!
//! Many files and folders at once, in parallel; the lines come out in the order of the names.

use crate::failure::{Exit, Failure, Outcome, print};
use crate::output::{Files, Target};
use crate::{notes, pcap};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use report::Style;
use script::{IpVersion, Rigour, Run, RunOptions, Segments};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tcp::Habits;

/// Run TCP test scripts in the packetdrill language, in virtual time
#[derive(Args)]
#[command(after_help = "Examples:
  synfin script tests/scripts                all scripts of a folder, and of the folders in it
  synfin script --ip-version ipv6 close.pkt  over IPv6, if the script does not say
  synfin script --profile linux suite/       with Linux's habits
  synfin script --strict tests/scripts       our own, to the letter
  synfin script --pcap out.pcapng close.pkt  and look at the packets with Wireshark
  sudo synfin script --kernel close.pkt      against the kernel of this machine, in real time")]
pub(crate) struct Script {
    /// Scripts (*.pkt), or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Whose habits to take; by default what the script's own commands say
    #[arg(long, value_parser = habits())]
    profile: Option<Habits>,
    /// The version of IP for scripts that do not say
    #[arg(long, value_enum)]
    ip_version: Option<Version>,
    /// How far from its time an event may be, in microseconds, whatever the script says [default: 4000]
    #[arg(long, alias = "tolerance_usecs", value_name = "US", allow_negative_numbers = true, value_parser = crate::units::whole(0..=u64::MAX))]
    tolerance_usecs: Option<u64>,
    /// The same in percent of the time since the event before; the larger counts [default: 12.5]
    #[arg(long, alias = "tolerance_percent", value_name = "PERCENT", allow_negative_numbers = true, value_parser = percent)]
    tolerance_percent: Option<f64>,
    /// To the letter: 1 ms and no percentage by default, and nothing may be sent after the last event
    #[arg(long)]
    strict: bool,
    /// One line of a script, one segment
    #[arg(long, alias = "strict_segments")]
    strict_segments: bool,
    /// What a name stands for, whatever the script says; without a value it is there for #ifdef
    #[arg(short = 'D', long, value_name = "NAME[=VALUE]", value_parser = definition)]
    define: Vec<(String, String)>,
    /// Write what crossed the wire to this pcapng file; for a single script
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Play against the Linux kernel of this machine instead, in real time and in networks of its own
    /// (needs root and /dev/net/tun); what fails is played again twice, in case the machine was busy
    #[arg(long, conflicts_with = "profile")]
    kernel: bool,
    /// With --kernel: leave out scripts that take more seconds than this
    #[arg(long, value_name = "SECONDS", requires = "kernel")]
    seconds_max: Option<u64>,
    /// One JSON object a script
    #[arg(long)]
    json: bool,
}

/// How often a script is played against the kernel until it passes.
const TRIES_MAX: u32 = 3;

/// How many scripts are played against the kernel at once: they mostly wait.
const KERNELS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    /// IPv4
    Ipv4,
    /// IPv6
    Ipv6,
    /// IPv6 sockets, IPv4 packets
    #[value(name = "ipv4-mapped-ipv6")]
    Mapped,
}

/// `--profile`: the names of [`Habits`].
fn habits() -> impl TypedValueParser<Value = Habits> {
    let names = Habits::ALL.map(|habits| {
        PossibleValue::new(habits.name()).help(match habits {
            Habits::Linux => "Linux's",
            Habits::FreeBsd => "FreeBSD's",
            Habits::Rfc => "What the RFCs say",
        })
    });
    PossibleValuesParser::new(names)
        .map(|name| Habits::named(&name).expect("only names of habits are possible values"))
}

fn definition(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() {
        return Err("a definition has the form NAME or NAME=VALUE".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn percent(text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    value.ok_or_else(|| "a percentage is a number from 0 to 100".to_owned())
}

/// A script and what became of it.
type Played = (PathBuf, Result<kernel::Played, std::io::Error>);

impl Script {
    pub(crate) fn run(self, _style: &Style) -> Outcome {
        let files = self.files()?;
        if self.pcap.is_some() && files.len() != 1 {
            return Err(Failure::usage(format!("--pcap takes one script, and there are {}", files.len())));
        }
        if let Some(why) = kernel::unavailable().filter(|_| self.kernel) {
            print(&format!("skipped  all {}: {why}\n", files.len()))?;
            return Ok(Exit::Fine.into());
        }
        let pcap = self.pcap_target(&files)?;
        let played = self.play(&files);
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for (path, run) in &played {
            let name = path.display().to_string();
            let kernel::Played { run, tries } = match run {
                Ok(played) => played,
                Err(error) => {
                    failed += 1;
                    print(&format!("FAILED   {name}: cannot be read: {error}\n"))?;
                    continue;
                }
            };
            match &run.outcome {
                script::Outcome::Passed => passed += 1,
                script::Outcome::Failed(_) => failed += 1,
                script::Outcome::Skipped(_) => skipped += 1,
            }
            print(&self.line(&name, run, *tries))?;
            if let Some(target) = &pcap {
                record(target, run)?;
            }
        }
        if !self.json {
            if skipped >= SKIPPED_TO_SUM_UP {
                print(&wanting(&played))?;
            }
            print(&format!("{passed} passed, {failed} failed, {skipped} skipped\n"))?;
        }
        Ok(if failed == 0 { Exit::Fine } else { Exit::Trouble }.into())
    }

    /// Where the packets go; never into a script.
    fn pcap_target(&self, scripts: &[PathBuf]) -> Result<Option<Target>, Failure> {
        let Some(path) = &self.pcap else { return Ok(None) };
        let mut files = Files::new();
        for script in scripts {
            let name = script.display().to_string();
            let file =
                File::open(script).map_err(|error| Failure::io(format_args!("read {name}"), &error))?;
            files.read(&name, file)?;
        }
        if self.json {
            files.print("--json");
        }
        files.write("--pcap", path).map(Some)
    }

    fn line(&self, name: &str, run: &Run, tries: u32) -> String {
        if self.json {
            let mut object = run.json(name);
            if self.kernel {
                object["tries"] = tries.into();
            }
            return format!("{object}\n");
        }
        match &run.outcome {
            script::Outcome::Passed => format!("ok       {name}{}\n", notes(run, tries)),
            script::Outcome::Skipped(reason) => format!("skipped  {name}: {reason}\n"),
            script::Outcome::Failed(failure) => format!("FAILED   {failure}\n"),
        }
    }

    /// All scripts, in the order of their names.
    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for path in &self.paths {
            let failed = |error| Failure::reading(path.display(), &error);
            if !path.metadata().map_err(failed)?.is_dir() {
                files.push(path.clone());
                continue;
            }
            let before = files.len();
            gather(path, &mut files).map_err(failed)?;
            if files.len() == before {
                return Err(Failure::input(format!("no script (*.pkt) is in {}", path.display())));
            }
        }
        Ok(files)
    }

    fn play(&self, files: &[PathBuf]) -> Vec<Played> {
        let next = AtomicUsize::new(0);
        let played = Mutex::new(Vec::with_capacity(files.len()));
        let progress = progress(files.len());
        let threads = if self.kernel {
            KERNELS
        } else {
            std::thread::available_parallelism().map_or(2, usize::from).min(files.len().max(1))
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let run = self.play_one(path);
                        played
                            .lock()
                            .unwrap_or_else(std::sync::PoisonError::into_inner)
                            .push((path.clone(), run));
                        progress.inc(1);
                    }
                });
            }
        });
        progress.finish_and_clear();
        let mut played = played.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let place = |path: &Path| files.iter().position(|file| file == path);
        played.sort_by_cached_key(|(path, _)| place(path));
        played
    }

    fn play_one(&self, path: &Path) -> Result<kernel::Played, std::io::Error> {
        let source = std::fs::read(path)?;
        let options = RunOptions {
            file: path.display().to_string(),
            directory: path.parent().map(Path::to_owned),
            habits: self.profile,
            ip_version: self.ip_version.map(|version| match version {
                Version::Ipv4 => IpVersion::V4,
                Version::Ipv6 => IpVersion::V6,
                Version::Mapped => IpVersion::V4MappedV6,
            }),
            rigour: if self.strict { Rigour::Strict } else { Rigour::Packetdrill },
            tolerance: self.tolerance_usecs.map(Duration::from_micros),
            tolerance_percent: self.tolerance_percent,
            segments: if self.strict_segments { Segments::Strict } else { Segments::Merged },
            defines: self.define.clone(),
            ..RunOptions::default()
        };
        let source = String::from_utf8_lossy(&source);
        let in_virtual_time = || kernel::Played { run: script::run_recorded(&source, &options), tries: 1 };
        if !self.kernel {
            return Ok(in_virtual_time());
        }
        if let Some(seconds_max) = self.seconds_max {
            let mut played = in_virtual_time();
            let seconds = played.run.virtual_time.as_secs();
            if seconds > seconds_max {
                let reason = format!("needs {seconds} s of real time");
                played.run.outcome = script::Outcome::Skipped(reason);
                return Ok(played);
            }
        }
        kernel::play(&source, &options, TRIES_MAX)
    }
}

/// Writes what crossed the wire. Where nothing did, as with a file that is no script, no file is made or
/// replaced.
fn record(target: &Target, run: &Run) -> Result<(), Failure> {
    if run.packets.is_empty() {
        eprintln!("synfin: no packet crossed the wire; {target} was not written");
        return Ok(());
    }
    let mut output = target.begin()?;
    pcap::write_packets(&mut output, run)?;
    output.finish()
}

/// What is worth telling of a script that passed.
fn notes(run: &Run, tries: u32) -> String {
    let again = (tries > 1).then(|| format!("at try {tries}"));
    let remarks: Vec<&str> = run.instead.iter().chain(&again).map(String::as_str).collect();
    let remarks = if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) };
    let trailing = run.trailing.iter().map(|packet| format!("\n  note: sent after the last event: {packet}"));
    remarks + &trailing.collect::<String>()
}

/// From so many skipped scripts on it is worth saying what they need, taken together.
const SKIPPED_TO_SUM_UP: usize = 5;

/// What the skipped scripts need, the most wanted first.
fn wanting(played: &[Played]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (_, run) in played {
        let Ok(kernel::Played { run: Run { outcome: script::Outcome::Skipped(reason), .. }, .. }) = run
        else {
            continue;
        };
        let need = reason.strip_prefix("needs ").unwrap_or(reason);
        *counts.entry(need.rsplit_once(", line ").map_or(need, |(need, _)| need)).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let lines = counts.iter().map(|(need, count)| format!("{count:>8}  {need}\n"));
    format!("the skipped scripts need:\n{}", lines.collect::<String>())
}

/// How deep folders are looked into: a link that leads back up ends here.
const DEPTH_MAX: usize = 32;

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut waiting = vec![(folder.to_owned(), 0)];
    let mut found = Vec::new();
    while let Some((folder, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if depth < DEPTH_MAX {
                    waiting.push((path, depth + 1));
                }
            } else if path.extension().is_some_and(|extension| extension == "pkt") {
                found.push(path);
            }
        }
    }
    found.sort();
    files.append(&mut found);
    Ok(())
}

fn progress(scripts: usize) -> ProgressBar {
    if scripts < 20 {
        return ProgressBar::hidden();
    }
    notes::bar(scripts as u64, "{bar:40} {pos} of {len} scripts")
}
