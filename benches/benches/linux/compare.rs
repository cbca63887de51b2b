//! Runs the lists, several links at once, and prints what came of them.

use crate::cells::{self, Cell};
use crate::options::Options;
use crate::run::{Outcome, Pairing, run};
use report::Style;
use report::tables::{self, Column, Table};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use synfin_benches::median;

/// A ratio below this is said to be behind.
const BEHIND: f64 = 0.9;
/// How many links are in use at once: what a link carries leaves two processors idle for most of the time, but only
/// lossy ones for nearly all of it.
const FULL_LINKS_AT_ONCE: usize = 2;
const LOSSY_LINKS_AT_ONCE: usize = 6;

/// One round of a cell: the same seed for each pairing.
type Round = [Outcome; Pairing::ALL.len()];

/// Everything that was asked for.
///
/// # Errors
/// What a system or the link says.
pub(crate) fn all(options: &Options) -> io::Result<()> {
    let started = Instant::now();
    println!(
        "100 Mbit/s; medians of {} rounds of the same seed; goodput in Mbit/s with the ratio to the kernel's own; sent\n\
         again in % of what arrived; ✗: less than {BEHIND} of the kernel",
        options.pairs
    );
    if options.first_seconds {
        list(
            "first seconds: whole transfers, no random loss",
            &cells::first_seconds(options.effort),
            options.pairs,
            FULL_LINKS_AT_ONCE,
        )?;
    }
    if options.loss {
        list(
            "loss: what arrives in a fixed time",
            &cells::loss(options.effort),
            options.pairs,
            LOSSY_LINKS_AT_ONCE,
        )?;
    }
    println!("\nall took {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn list(title: &str, cells: &[Cell], pairs: usize, at_once: usize) -> io::Result<()> {
    let rounds = rounds(cells, pairs, at_once)?;
    let columns = [
        "",
        "kernel→kernel",
        "ours→kernel",
        "",
        "kernel→ours",
        "",
        "sent again: kernel",
        "ours",
        "timeouts: kernel",
        "ours",
    ];
    let (first, numbers) = columns.split_first().expect("there are columns");
    let columns = [Column::names(first)].into_iter().chain(numbers.iter().map(|name| Column::numbers(name)));
    let mut table = Table::new(columns.collect());
    let mut ratios: [Vec<f64>; 2] = Default::default();
    for (cell, rounds) in cells.iter().zip(&rounds) {
        let figure = |index: usize, of: fn(&Outcome) -> f64| {
            median(rounds.iter().map(|round| of(&round[index])).collect())
        };
        let ratio = |index: usize| {
            median(rounds.iter().map(|round| round[index].goodput / round[0].goodput).collect())
        };
        let mut row = vec![tables::Cell::text(cell.to_string()), number(figure(0, |it| it.goodput / 1e6), 1)];
        for (place, ratios) in ratios.iter_mut().enumerate() {
            row.push(number(figure(place + 1, |it| it.goodput / 1e6), 1));
            let ratio = ratio(place + 1);
            ratios.push(ratio);
            row.push(tables::Cell::text(format!("{ratio:.2}{}", if ratio < BEHIND { " ✗" } else { "  " })));
        }
        row.extend([0, 1].map(|index| number(figure(index, Outcome::again_percent), 2)));
        row.extend([0, 1].map(|index| number(figure(index, |it| it.counted.timeouts as f64), 0)));
        table.push(row);
    }
    println!("\n{title}\n{}", table.text(&Style::PLAIN));
    for (name, ratios) in ["ours→kernel", "kernel→ours"].into_iter().zip(ratios) {
        let behind = ratios.iter().filter(|ratio| **ratio < BEHIND).count();
        let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        println!("{name}: geometric mean {mean:.2}, {behind} of {} behind", ratios.len());
    }
    Ok(())
}

fn number(figure: f64, places: usize) -> tables::Cell {
    tables::Cell::text(format!("{figure:.places$}"))
}

/// All rounds of all cells, so many at once.
fn rounds(cells: &[Cell], pairs: usize, at_once: usize) -> io::Result<Vec<Vec<Round>>> {
    let done: Mutex<Vec<Vec<Round>>> = Mutex::new(cells.iter().map(|_| Vec::new()).collect());
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    // Round by round: what the machine does besides meets all cells alike.
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let (seed, place) = (number / cells.len(), number % cells.len());
                    if seed >= pairs {
                        return;
                    }
                    match round(&cells[place], seed as u64 + 1) {
                        Ok(round) => done.lock().expect("nobody panicked")[place].push(round),
                        Err(error) => {
                            next.store(pairs * cells.len(), Ordering::Relaxed);
                            let error = io::Error::new(error.kind(), format!("{}: {error}", cells[place]));
                            *failure.lock().expect("nobody panicked") = Some(error);
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner().expect("nobody panicked") {
        Some(error) => Err(error),
        None => Ok(done.into_inner().expect("nobody panicked")),
    }
}

fn round(cell: &Cell, seed: u64) -> io::Result<Round> {
    let mut outcomes = Vec::new();
    for pairing in Pairing::ALL {
        outcomes.push(run(&cell.path, cell.amount, cell.control, pairing, seed)?);
    }
    Ok(outcomes.try_into().expect("one for each"))
}
