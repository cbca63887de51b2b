//! What strangers can make a host hold, and what they can keep it from: a flood of SYNs, requests that nobody reads.
//! In virtual time; bytes as the allocator counts them. No figure is a test: each stands beside its bar.
//!
//! `cargo bench -p synfin-benches --bench bounds [-- ROW] [--quick]`

mod flood;
mod network;
mod unread;

use std::process::ExitCode;
use synfin_benches::counting::{Counting, live_bytes};

#[global_allocator]
static COUNTING: Counting = Counting;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effort {
    Whole,
    /// A tenth: for a look, not to be quoted.
    Quick,
}

type Row = (&'static str, fn(Effort));

const ROWS: &[Row] = &[
    ("flood", flood::run),
    ("unread-600", |_| unread::run(600, 4_000_000)),
    ("unread-6000", |effort| unread::run(if effort == Effort::Quick { 600 } else { 6_000 }, 4_000_000)),
    ("unread-6000-small", |effort| unread::run(if effort == Effort::Quick { 600 } else { 6_000 }, 16_000)),
];

fn main() -> ExitCode {
    let mut effort = Effort::Whole;
    let mut wanted = String::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--quick" => effort = Effort::Quick,
            row if ROWS.iter().any(|(name, _)| name.contains(row)) => wanted = row.to_owned(),
            row => {
                let names: Vec<&str> = ROWS.iter().map(|(name, _)| *name).collect();
                eprintln!("there is no row or option {row}; the rows are {}", names.join(", "));
                return ExitCode::from(2);
            }
        }
    }
    println!("{}", synfin_benches::profile());
    for (_, run) in ROWS.iter().filter(|(name, _)| name.contains(&wanted)) {
        run(effort);
    }
    ExitCode::SUCCESS
}

/// Bytes for people.
fn megabytes(bytes: usize) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// What the process has of the machine's memory, where the system tells.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<usize>().ok());
    kilobytes.map_or("unknown".to_owned(), |kilobytes| megabytes(kilobytes << 10))
}

/// The most that was held since it was made.
struct Peak {
    before: usize,
    most: usize,
}

impl Peak {
    fn new() -> Self {
        let before = live_bytes();
        Peak { before, most: before }
    }

    fn look(&mut self) {
        self.most = self.most.max(live_bytes());
    }

    /// Bytes above what was there at the beginning, now.
    fn held(&self) -> usize {
        live_bytes().saturating_sub(self.before)
    }

    /// The same at its highest.
    fn highest(&self) -> usize {
        self.most.saturating_sub(self.before)
    }
}
