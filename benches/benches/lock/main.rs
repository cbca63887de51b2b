//! What it costs that a stack has one lock: two threads, each with a connection of its own, beside one; and how long a
//! small write waits while another thread copies.
//!
//! A thread writes some pieces at one end of its connection and reads them at the other. Waits are those of all rounds
//! together; they include what the machine does besides, for the peers as for us, so it is their ratio that counts.
//! Every figure is of a fixed time: five rounds take about three quarters of a minute.
//!
//! `cargo bench -p synfin-benches --bench lock [-- ROUNDS]`

mod party;

use party::{Ends, Kernel, Ours, Party, Smoltcp};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use synfin_benches::{CHUNK_BYTES, Sample, median, rounds};

/// How long each figure is measured in each round.
const ROUND_TIME: Duration = Duration::from_millis(400);
/// What a thread writes before it reads it all back.
const SMALL: Burst = Burst { piece_bytes: 64, pieces: 256 };
const LARGE: Burst = Burst { piece_bytes: CHUNK_BYTES, pieces: 4 };
/// A write by itself, read back before the next one.
const ONE_SMALL: Burst = Burst { pieces: 1, ..SMALL };
const ONE_LARGE: Burst = Burst { pieces: 1, ..LARGE };

/// Pieces that are written one after the other.
#[derive(Clone, Copy)]
struct Burst {
    piece_bytes: usize,
    pieces: usize,
}

impl Burst {
    /// Writes and reads bursts until it is told to stop; says how many pieces those were. Each write's time is told.
    fn repeat(self, ends: &mut dyn Ends, stop: &AtomicBool, mut on_write: impl FnMut(Duration)) -> u64 {
        let piece = vec![0x5a; self.piece_bytes];
        let mut into = vec![0; (self.piece_bytes * self.pieces).min(CHUNK_BYTES)];
        let mut pieces = 0;
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..self.pieces {
                let began = Instant::now();
                ends.write(&piece);
                on_write(began.elapsed());
            }
            for _ in 0..self.piece_bytes * self.pieces / into.len() {
                ends.read(&mut into);
            }
            pieces += self.pieces as u64;
        }
        pieces
    }
}

/// Pieces per second of all these connections, each in a thread of its own.
fn rate(connections: &mut [Box<dyn Ends>], burst: Burst) -> f64 {
    let stop = &AtomicBool::new(false);
    let sample = Sample::of(|| {
        thread::scope(|scope| {
            let threads: Vec<_> = connections
                .iter_mut()
                .map(|ends| scope.spawn(move || burst.repeat(&mut **ends, stop, drop)))
                .collect();
            thread::sleep(ROUND_TIME);
            stop.store(true, Ordering::Relaxed);
            threads.into_iter().map(|thread| thread.join().expect("it panicked")).sum()
        })
    });
    sample.rate()
}

/// How long each write on the first connection took; the others copy large pieces meanwhile.
fn waits(connections: &mut [Box<dyn Ends>], burst: Burst) -> Vec<Duration> {
    let stop = &AtomicBool::new(false);
    let mut waits = Vec::with_capacity(1 << 20);
    let (first, others) = connections.split_first_mut().expect("a connection");
    thread::scope(|scope| {
        for ends in others {
            scope.spawn(move || LARGE.repeat(&mut **ends, stop, drop));
        }
        let note = |wait| waits.push(wait);
        let writing = scope.spawn(move || burst.repeat(&mut **first, stop, note));
        thread::sleep(ROUND_TIME);
        stop.store(true, Ordering::Relaxed);
        writing.join().expect("it panicked");
    });
    waits
}

/// What a figure was in each round, for one of the parties.
#[derive(Default)]
struct Figures {
    one: [Vec<f64>; 2],
    two: [Vec<f64>; 2],
    /// Writes of 64 KB, of 64 bytes, and of 64 bytes beside a thread that copies.
    waits: [Vec<Duration>; 3],
}

impl Figures {
    fn take(&mut self, connections: &mut [Box<dyn Ends>]) {
        for (number, burst) in [SMALL, LARGE].into_iter().enumerate() {
            self.one[number].push(rate(&mut connections[..1], burst));
            self.two[number].push(rate(connections, burst));
        }
        self.waits[0].append(&mut waits(&mut connections[..1], ONE_LARGE));
        self.waits[1].append(&mut waits(&mut connections[..1], ONE_SMALL));
        self.waits[2].append(&mut waits(connections, ONE_SMALL));
    }
}

fn main() {
    println!("{}", synfin_benches::profile());
    let processors = thread::available_parallelism().map_or(1, usize::from);
    println!("{processors} processors, medians of {} rounds in turn", rounds());
    let parties: [Box<dyn Party>; 3] =
        [Box::new(Ours::new()), Box::new(Kernel::new()), Box::new(Smoltcp::new())];
    let mut connections: Vec<Vec<_>> =
        parties.iter().map(|party| vec![party.connect(), party.connect()]).collect();
    let mut figures: Vec<Figures> = parties.iter().map(|_| Figures::default()).collect();
    for _ in 0..rounds() {
        for (figures, connections) in figures.iter_mut().zip(&mut connections) {
            figures.take(connections);
        }
    }
    println!("\n{:<36} {:>10} {:>10} {:>8}", "pieces per second", "1 thread", "2 threads", "2 / 1");
    for (number, what) in ["writes of 64 bytes", "writes of 64 KB"].into_iter().enumerate() {
        for (party, Figures { one, two, .. }) in parties.iter().zip(&figures) {
            let (one, two) = (&one[number], &two[number]);
            let ratios = one.iter().zip(two).map(|(one, two)| two / one).collect();
            let name = format!("{what}, {}", party.name());
            println!(
                "{name:<36} {:>10.0} {:>10.0} {:>7.2}x",
                median(one.clone()),
                median(two.clone()),
                median(ratios)
            );
        }
    }
    println!(
        "\n{:<36} {:>8} {:>8} {:>8} {:>8}",
        "how long a write takes, in us", "p50", "p99", "p99.9", "max"
    );
    let rows = ["64 KB alone", "64 bytes alone", "64 bytes beside 64 KB"];
    for (number, what) in rows.into_iter().enumerate() {
        for (party, figures) in parties.iter().zip(&mut figures) {
            let waits = &mut figures.waits[number];
            waits.sort_unstable();
            let at = |part: f64| {
                let place = ((waits.len() as f64 * part) as usize).min(waits.len() - 1);
                waits[place].as_secs_f64() * 1e6
            };
            let name = format!("{what}, {}", party.name());
            println!("{name:<36} {:>8.1} {:>8.1} {:>8.1} {:>8.0}", at(0.5), at(0.99), at(0.999), at(1.0));
        }
    }
}
