//! Captures explained: packets per second beside `tcptrace` and `tshark`, in one run.
//!
//! `cargo bench -p synfin-benches --bench lens [-- MILLIONS]`. The captures ([`captures::Traffic`]) are made here. A
//! program that is not installed is left out and named. All is processor time: ours of one thread, theirs of its
//! process. Memory is what the process grew by until all connections of a capture were known, over their number.
//! `examples/profile_lens.rs` is ours alone, for profilers.

use lens::Config;
use std::process::{Command, Stdio};
use std::time::Duration;
use synfin_benches::captures::{self, Made, Traffic};
use synfin_benches::{Sample, median};

/// What a run of ours tells beside its speed.
#[derive(Default)]
struct Told {
    connections: u64,
    bytes_each: Option<u64>,
}

fn ours(made: &Made, told: &mut Told) -> Sample {
    let before_bytes = resident_bytes("self");
    Sample::of_thread(|| {
        let lens = captures::explain(&made.path, Config::default());
        // the first run alone shows it: later ones use the same memory again
        let grown = resident_bytes("self").saturating_sub(before_bytes);
        told.connections = u64::from(lens.connections_seen());
        told.bytes_each.get_or_insert(grown / told.connections);
        lens.finish(&mut lens::Discard);
        made.packets
    })
}

/// How much memory a process has, in bytes; 0 where that cannot be asked.
fn resident_bytes(process: &str) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{process}/statm")).ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.map_or(0, |pages| pages * 4_096)
}

/// Another program over the capture, if it is installed, and the most memory it had.
fn theirs(made: &Made, program: &str, arguments: &[&str], most_bytes: &mut u64) -> Option<Sample> {
    let mut command = Command::new(program);
    command.args(arguments).arg(&made.path).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut took = Duration::ZERO;
    // until it is waited for, what it has used can be asked for, also when it has ended
    loop {
        let process = child.id().to_string();
        took = spent(&process).max(took);
        *most_bytes = resident_bytes(&process).max(*most_bytes);
        if child.try_wait().ok()?.is_some() {
            return Some(Sample { took, units: made.packets });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The processor time that a process with one thread has used; zero where that cannot be asked.
fn spent(process: &str) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

fn main() {
    println!("{}", synfin_benches::profile());
    let millions: u64 = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(2);
    let packets = millions * 1_000_000;
    println!(
        "captures of {millions} million packets, headers only; million packets per second, medians of 3"
    );
    println!("{:<24} {:>8} {:>9} {:>8}", "", "synfin", "tcptrace", "tshark");
    for traffic in Traffic::ALL {
        let (name, made) = (traffic.name(), traffic.make(packets));
        let rate = |run: &mut dyn FnMut() -> Option<Sample>| -> Option<f64> {
            let rates: Vec<f64> = (0..3).map_while(|_| run()).map(|sample| sample.rate() / 1e6).collect();
            (rates.len() == 3).then(|| median(rates))
        };
        let (mut told, mut peer_bytes) = (Told::default(), 0);
        let ours = rate(&mut || Some(ours(&made, &mut told)));
        let tcptrace = rate(&mut || theirs(&made, "tcptrace", &["-n", "-l"], &mut peer_bytes));
        // One run is enough to wait for.
        let tshark = theirs(&made, "tshark", &["-n", "-Y", "tcp.analysis.flags", "-r"], &mut 0)
            .map(|sample| sample.rate() / 1e6);
        let cell = |rate: Option<f64>| rate.map_or_else(|| "absent".to_owned(), |rate| format!("{rate:.2}"));
        println!("{name:<24} {:>8} {:>9} {:>8}", cell(ours), cell(tcptrace), cell(tshark));
        if traffic == Traffic::Web {
            let (count, each) = (told.connections, peer_bytes / told.connections);
            println!(
                "  bytes a connection     {:>8} {each:>9}   {count} of them",
                told.bytes_each.unwrap_or(0)
            );
        }
    }
}
