//! A share of the worlds that attack, in every `cargo test`: what must hold whatever happens.
//!
//! `SYNFIN_SEEDS=10000` for more seeds, `SYNFIN_SEED=77` for one, `SYNFIN_FIRST_SEED=5000` to begin there; a long run is
//! `cargo run --release -p synfin-verify -- worlds`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use synfin_verify::many::{Many, News};
use synfin_verify::worlds::{Kind, Tallied, report, trial};

/// A run that has found so many failures ends: they have a cause in common.
const FAILURES_MAX: usize = 50;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_the_wire_and_the_applications_do() {
    live_all(5_000, Kind::Plain);
}

#[test]
fn whatever_strangers_and_liars_do() {
    live_all(600, Kind::Evil);
}

/// Seeds that have found something, so that it is looked for every time.
#[test]
fn what_was_found_once_is_not_found_again() {
    // A pacer that held back for ten seconds; a reordering timer that ran in circles at the time of the timeout.
    for seed in [1_024_386, 2_009_212] {
        if let Err(why) = trial(Kind::Plain, seed) {
            panic!("{}", report(Kind::Plain, seed, &why));
        }
    }
    let of_strangers = [
        51,      // Fragments beyond the budget of a host that called it calm.
        89,      // Connections that were over and stayed for as long as their link took nothing.
        91_841,  // Cookies that waited for a link that takes nothing, beyond a small budget.
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
        141_378, // a SYN that waited for a neighbour whose last request was lost;
        350_194, // a window that only a lie had opened.
    ];
    for seed in of_strangers {
        if let Err(why) = trial(Kind::Evil, seed) {
            panic!("{}", report(Kind::Evil, seed, &why));
        }
    }
}

#[test]
fn nothing_is_taken_back_where_nothing_is_late() {
    live_all(1_000, Kind::InOrder);
}

/// Lives the worlds of many seeds; the first failure by seed is told in full, every other in a line.
fn live_all(usually: u64, kind: Kind) {
    let seeds = match number("SYNFIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number("SYNFIN_FIRST_SEED").unwrap_or(0);
            first..first + number("SYNFIN_SEEDS").unwrap_or(usually)
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let (began, total) = (Instant::now(), Mutex::new(Tallied::default()));
    let one =
        |seed| trial(kind, seed).map(|tallied| *total.lock().expect("additions do not panic") += tallied);
    let mut failures = BTreeMap::new();
    let lived = Many { seeds, threads, told_every: Duration::from_secs(600) }.live(one, |news| {
        if let News::Failed { seed, why } = news {
            failures.insert(seed, why);
        }
        if failures.len() < FAILURES_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    if let Some((seed, why)) = failures.first_key_value() {
        let told = report(kind, *seed, why);
        let line =
            |(seed, why): (&u64, &String)| format!("  {seed}: {}\n", why.lines().next().unwrap_or_default());
        panic!(
            "{told}\n{} of {lived} seeds fail:\n{}",
            failures.len(),
            failures.iter().map(line).collect::<String>()
        );
    }
    let Tallied { events, virtual_s, segments } = total.into_inner().expect("additions do not panic");
    let took = began.elapsed().as_secs_f64();
    println!(
        "{lived} seeds in {took:.1} s: {:.0} seeds/s, {} virtual hours, {segments} segments, {events} events",
        lived as f64 / took,
        virtual_s / 3_600,
    );
}
