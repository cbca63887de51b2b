//! `synfin script`: runs scripts in the packetdrill language against the stack, in virtual time.
//!
//! Many files and folders at once, in parallel; the lines come out in the order of the names.

use crate::failure::{Exit, Failure, Outcome, print};
use crate::{notes, pcap};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use report::Style;
use script::{IpVersion, Profile, Run, RunOptions, Segments};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Run TCP test scripts in the packetdrill language, in virtual time
#[derive(Args)]
#[command(after_help = "Examples:
  synfin script tests/scripts                all scripts of a folder, and of the folders in it
  synfin script --ip-version ipv6 close.pkt  over IPv6, if the script does not say
  synfin script --profile linux suite/       with Linux's habits
  synfin script --pcap out.pcapng close.pkt  and look at the packets with Wireshark")]
pub(crate) struct Script {
    /// Scripts (*.pkt), or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Whose habits to take; by default what the script's own commands say
    #[arg(long, value_enum)]
    profile: Option<Habits>,
    /// The version of IP for scripts that do not say
    #[arg(long, value_enum)]
    ip_version: Option<Version>,
    /// How far from its time an event may be, in microseconds, unless the script says
    #[arg(long, value_name = "US", allow_negative_numbers = true, default_value_t = 1_000, value_parser = crate::units::whole(0..=u64::MAX))]
    tolerance_usecs: u64,
    /// One line of a script, one segment
    #[arg(long)]
    strict_segments: bool,
    /// A value for a symbol: NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE", value_parser = definition)]
    define: Vec<(String, String)>,
    /// Write what crossed the wire to this pcapng file; for a single script
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// One JSON object a script
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Habits {
    /// Linux's
    Linux,
    /// FreeBSD's
    Freebsd,
    /// What the RFCs say
    Rfc,
}

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

fn definition(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a definition has the form NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A script and what became of it.
type Played = (PathBuf, Result<Run, std::io::Error>);

impl Script {
    pub(crate) fn run(self, _style: &Style) -> Outcome {
        let files = self.files()?;
        if self.pcap.is_some() && files.len() != 1 {
            return Err(Failure::usage(format!("--pcap takes one script, and there are {}", files.len())));
        }
        let played = self.play(&files);
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for (path, run) in &played {
            let name = path.display().to_string();
            let run = match run {
                Ok(run) => run,
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
            print(&self.line(&name, run))?;
            if let Some(path) = &self.pcap {
                pcap::write_packets(path, run)?;
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

    fn line(&self, name: &str, run: &Run) -> String {
        if self.json {
            return format!("{}\n", run.json(name));
        }
        match &run.outcome {
            script::Outcome::Passed if run.instead.is_empty() => format!("ok       {name}\n"),
            script::Outcome::Passed => {
                let instead: Vec<&str> = run.instead.iter().map(String::as_str).collect();
                format!("ok       {name} ({})\n", instead.join(", "))
            }
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
        let threads = std::thread::available_parallelism().map_or(2, usize::from).min(files.len().max(1));
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

    fn play_one(&self, path: &Path) -> Result<Run, std::io::Error> {
        let source = std::fs::read(path)?;
        let options = RunOptions {
            file: path.display().to_string(),
            directory: path.parent().map(Path::to_owned),
            profile: self.profile.map(|habits| match habits {
                Habits::Linux => Profile::Linux,
                Habits::Freebsd => Profile::FreeBsd,
                Habits::Rfc => Profile::Rfc,
            }),
            ip_version: self.ip_version.map(|version| match version {
                Version::Ipv4 => IpVersion::V4,
                Version::Ipv6 => IpVersion::V6,
                Version::Mapped => IpVersion::V4MappedV6,
            }),
            tolerance: Duration::from_micros(self.tolerance_usecs),
            segments: if self.strict_segments { Segments::Strict } else { Segments::Merged },
            defines: self.define.clone(),
            ..RunOptions::default()
        };
        Ok(script::run_recorded(&String::from_utf8_lossy(&source), &options))
    }
}

/// From so many skipped scripts on it is worth saying what they need, taken together.
const SKIPPED_TO_SUM_UP: usize = 5;

/// What the skipped scripts need, the most wanted first.
fn wanting(played: &[Played]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (_, run) in played {
        let Ok(Run { outcome: script::Outcome::Skipped(reason), .. }) = run else { continue };
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
