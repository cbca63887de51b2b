//! A share of the worlds that attack, in every `cargo test`: what must hold whatever happens.
//!
//! `SYNFIN_SEEDS=10000` for more seeds, `SYNFIN_SEED=77` for one, `SYNFIN_FIRST_SEED=5000` to begin there; a long run is
//! `SYNFIN_SEEDS=1000000 cargo test --release -p synfin-verify --test worlds whatever_strangers -- --nocapture`.

use std::sync::atomic::{AtomicU64, Ordering};
use synfin_verify::worlds::{Kind, report, trial};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_the_wire_and_the_applications_do() {
    live_all(5_000, Kind::Plain, "whatever_the_wire");
}

#[test]
fn whatever_strangers_and_liars_do() {
    live_all(600, Kind::Evil, "whatever_strangers");
}

/// Seeds that have found something, so that it is looked for every time.
#[test]
fn what_was_found_once_is_not_found_again() {
    // A pacer that held back for ten seconds; a reordering timer that ran in circles at the time of the timeout.
    for seed in [1_024_386, 2_009_212] {
        if let Err(why) = trial(Kind::Plain, seed) {
            panic!("{}", report(Kind::Plain, seed, &why, "whatever_the_wire"));
        }
    }
    // Fragments beyond the budget of a host that called it calm.
    for seed in [51] {
        if let Err(why) = trial(Kind::Evil, seed) {
            panic!("{}", report(Kind::Evil, seed, &why, "whatever_strangers"));
        }
    }
}

#[test]
fn nothing_is_taken_back_where_nothing_is_late() {
    live_all(1_000, Kind::InOrder, "nothing_is_taken_back");
}

/// Lives the plans of many seeds; the first failure is told.
fn live_all(usually: u64, kind: Kind, name: &str) {
    let seeds = match number("SYNFIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("SYNFIN_FIRST_SEED").unwrap_or(0);
            first..first + number("SYNFIN_SEEDS").unwrap_or(usually)
        }
    };
    let began = std::time::Instant::now();
    let (next, last) = (AtomicU64::new(seeds.start), seeds.end);
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let totals = [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];
    // The first failure by seed is told, whichever thread found it.
    let failure = std::sync::Mutex::new(None::<(u64, String)>);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last
                        || failure.lock().expect("no thread panics while it holds the lock").is_some()
                    {
                        return;
                    }
                    match trial(kind, seed) {
                        Ok(tallied) => {
                            totals[0].fetch_add(tallied.events, Ordering::Relaxed);
                            totals[1].fetch_add(tallied.virtual_s, Ordering::Relaxed);
                            totals[2].fetch_add(tallied.segments, Ordering::Relaxed);
                        }
                        Err(why) => {
                            let mut failure =
                                failure.lock().expect("no thread panics while it holds the lock");
                            if failure.as_ref().is_none_or(|(earlier, _)| seed < *earlier) {
                                *failure = Some((seed, why));
                            }
                        }
                    }
                }
            });
        }
    });
    if let Some((seed, why)) = failure.into_inner().expect("no thread panics while it holds the lock") {
        panic!("{}", report(kind, seed, &why, name));
    }
    let [events, virtual_s, segments] = totals.map(AtomicU64::into_inner);
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} seeds in {took:.1} s: {:.0} seeds/s, {:.0} virtual hours, {segments} segments, {events} events",
        seeds.end - seeds.start,
        (seeds.end - seeds.start) as f64 / took,
        virtual_s as f64 / 3_600.0,
    );
}
