//! Worlds that attack: random applications over random faults, strangers and liars among them, many seeds; what must hold
//! whatever happens.
//!
//! Bytes delivered are a prefix of bytes sent, in order, once; a clean close delivers everything; everything is
//! over, and nothing is left, within a bound after the last fault; until then no sender stalls for longer than two
//! of its timeouts; nothing panics, runs wild or grows; no segment that RFC 9293 forbids is sent; and where nothing
//! is late or comes twice no reduction of a congestion window is taken back. The first failure is made smaller, then
//! printed with its seed and its ladder; the others of a run are a line each.
//!
//! A plan (`plan.rs`) is drawn from the seed: faults of the path, options, applications. An evil one has more of them
//! (`dimensions.rs`) and deeds (`evil.rs`): segments and complaints that strangers forge, floods (`stranger.rs`), lies of
//! receivers (`liar.rs`), a path that changes, a translator that forgets, a host that starts anew (`deeds.rs`), small
//! memory. What they make legitimate is excused where the plan says so, and nothing else is: tables and memory stay
//! within their bounds, a lie gains no more than its window.
//!
//! `SYNFIN_SEEDS=10000` for more seeds, `SYNFIN_SEED=77` for one, `SYNFIN_FIRST_SEED=5000` to begin there; a long run is
//! `SYNFIN_SEEDS=1000000 cargo test --release -p synfin-sim --test attack whatever_strangers -- --nocapture`.

#[path = "attack/actor.rs"]
mod actor;
#[path = "attack/deeds.rs"]
mod deeds;
#[path = "attack/dimensions.rs"]
mod dimensions;
#[path = "attack/evil.rs"]
mod evil;
#[path = "attack/failure.rs"]
mod failure;
#[path = "attack/forge.rs"]
mod forge;
#[path = "attack/liar.rs"]
mod liar;
#[path = "attack/plan.rs"]
mod plan;
#[path = "attack/progress.rs"]
mod progress;
mod story;
#[path = "attack/stranger.rs"]
mod stranger;
#[path = "attack/trial.rs"]
mod trial;
#[path = "attack/watch.rs"]
mod watch;

use failure::report;
use plan::Plan;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use trial::trial;

/// A run that has found so many failures ends: they have a cause in common.
const FAILURES_MAX: usize = 50;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_the_wire_and_the_applications_do() {
    live_all(5_000, Plan::of, "whatever_the_wire");
}

#[test]
fn whatever_strangers_and_liars_do() {
    live_all(600, Plan::evil, "whatever_strangers");
}

/// Seeds that have found something, so that it is looked for every time.
#[test]
fn what_was_found_once_is_not_found_again() {
    // A pacer that held back for ten seconds; a reordering timer that ran in circles at the time of the timeout.
    for seed in [1_024_386, 2_009_212] {
        if let Err(why) = trial(&Plan::of(seed)) {
            panic!("{}", report(&Plan::of(seed), &why, "whatever_the_wire"));
        }
    }
    let of_strangers = [
        51,      // Fragments beyond the budget of a host that called it calm.
        190_580, // Two ends that refused each other's segments, each before what the other expected.
        302_767, // An acknowledgment that was lost with the text that carried it.
        270_799, // A third step that came late and took TIME-WAIT away, and with it what was not read.
        382_835, // F-RTO that waited for a window without room.
        110_954, // Of the watch: options that a middlebox took out of the third step of a cookie,
        297_864, // again,
        340_061, // and again;
        137_212, // challenges that are rationed;
        213_953, // TIME-WAIT that speaks while a cookie is out;
        248_033, // a buffer of a hundred bytes;
        141_378, // a SYN that waited for a neighbour whose last request was lost.
    ];
    for seed in of_strangers {
        if let Err(why) = trial(&Plan::evil(seed)) {
            panic!("{}", report(&Plan::evil(seed), &why, "whatever_strangers"));
        }
    }
}

#[test]
fn nothing_is_taken_back_where_nothing_is_late() {
    live_all(1_000, Plan::in_order, "nothing_is_taken_back");
}

/// Lives the plans of many seeds; the first failure by seed is told in full, every other in a line.
fn live_all(usually: u64, plan_of: fn(u64) -> Plan, name: &str) {
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
    let failures = std::sync::Mutex::new(BTreeMap::<u64, String>::new());
    let note = |seed: u64, why: String| {
        // At once, because a long run may be stopped before it tells.
        eprint!("{}", line(seed, &why));
        let mut failures = failures.lock().expect("no thread panics while it holds the lock");
        failures.insert(seed, why);
        failures.len() < FAILURES_MAX
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        return;
                    }
                    match trial(&plan_of(seed)) {
                        Ok(tallied) => {
                            totals[0].fetch_add(tallied.events, Ordering::Relaxed);
                            totals[1].fetch_add(tallied.virtual_s, Ordering::Relaxed);
                            totals[2].fetch_add(tallied.segments, Ordering::Relaxed);
                        }
                        Err(why) => {
                            if !note(seed, why) {
                                next.store(last, Ordering::Relaxed);
                            }
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no thread panics while it holds the lock");
    if let Some((seed, why)) = failures.first_key_value() {
        let told = report(&plan_of(*seed), why, name);
        let lines: String = failures.iter().map(|(seed, why)| line(*seed, why)).collect();
        panic!("{told}\n{} of the seeds {seeds:?} fail:\n{lines}", failures.len());
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

/// A failure in a line.
fn line(seed: u64, why: &str) -> String {
    let short: String = why.chars().take(240).map(|c| if c == '\n' { ' ' } else { c }).collect();
    format!("  {seed}: {short}\n")
}
