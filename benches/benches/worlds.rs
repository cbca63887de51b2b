//! What a run of a world of tokio programs takes: ours, which has TCP in it, beside turmoil, whose streams are
//! channels.
//!
//! `cargo bench -p synfin-benches --bench worlds [-- ROUNDS]`

use std::time::Duration;
use synfin_benches::worlds::{ours, turmoil};
use synfin_benches::{Run, Sample, compare, median, rounds};

const CONNECTIONS: usize = 100;
const SECONDS: u32 = 600;

/// One run, timed.
fn run(world: impl FnOnce() -> Result<(), Box<dyn std::error::Error>>) -> Sample {
    Sample::of_thread(|| {
        world().expect("the world runs to its end");
        1
    })
}

fn print(name: &str, ours: Run<'_>, theirs: Run<'_>) {
    let (ours, theirs, ratio) = compare(rounds(), ours, theirs);
    println!("{name:<44} {:>9.1} {:>9.1}  x{:.2}", 1_000.0 / ours, 1_000.0 / theirs, 1.0 / ratio);
}

macro_rules! print_program {
    ($program:ident, $what:literal) => {{
        let (mut ours, mut theirs) = (ours::programs::builder(), turmoil::programs::builder());
        ours.simulation_duration(Duration::from_secs(60));
        theirs.simulation_duration(Duration::from_secs(60));
        print($what, &mut || run(|| ours::programs::$program::world(&ours)), &mut || {
            run(|| turmoil::programs::$program::world(&theirs))
        });
    }};
}

fn main() {
    println!("{}", synfin_benches::profile());
    println!("\ntime of a run in ms, and ours / turmoil; medians of {}\n", rounds());
    println!("{:<44} {:>9} {:>9}", "", "synfin", "turmoil");
    print_program!(echo, "echo: 200 rounds over TCP");
    print_program!(datagrams, "datagrams: 200 rounds over UDP");
    print_program!(http, "http: 50 requests to axum");
    print_program!(mishaps, "mishaps: 9 s with partitions and a crash");
    print_program!(cluster, "cluster: 50 servers, 50 clients, 40 crashes");

    let (mut clean, mut lossy, mut theirs) =
        (ours::programs::builder(), ours::programs::builder(), turmoil::programs::builder());
    let duration = Duration::from_secs(2 * u64::from(SECONDS));
    clean.simulation_duration(duration);
    lossy.simulation_duration(duration).loss_percent(1.0);
    theirs.simulation_duration(duration);
    let mut clean = || run(|| ours::programs::many::world(&clean, CONNECTIONS, SECONDS));
    let lossy = || run(|| ours::programs::many::world(&lossy, CONNECTIONS, SECONDS));
    let mut theirs = || run(|| turmoil::programs::many::world(&theirs, CONNECTIONS, SECONDS));
    print("many: 100 connections, 1 kB/s, 10 minutes", &mut clean, &mut theirs);
    let lossy_ms = median((0..rounds()).map(|_| 1_000.0 / lossy().rate()).collect());
    println!("{:<44} {lossy_ms:>9.1} {:>9}", "  with 1 % loss", "-");
}
