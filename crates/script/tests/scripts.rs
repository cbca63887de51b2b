//! Plays `tests/scripts/`, every script over every version of IP unless it says which.

mod common;

use common::{Found, known_failures, root, scripts};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use synfin_script::{IpVersion, Outcome, RunOptions, run};

fn versions(text: &str) -> &'static [Option<IpVersion>] {
    if text.contains("--ip_version") {
        &[None]
    } else {
        &[Some(IpVersion::V4), Some(IpVersion::V6), Some(IpVersion::V4MappedV6)]
    }
}

/// What is wrong with a script, if anything.
fn play(found: &Found, known: &BTreeMap<String, String>) -> Result<usize, String> {
    let Found { name, directory, text } = found;
    let mut runs = 0;
    for ip_version in versions(text) {
        let (file, directory) = (name.clone(), Some(directory.clone()));
        let options = RunOptions { file, directory, ip_version: *ip_version, ..RunOptions::strict() };
        match (run(text, &options), known.get(name)) {
            // One that needs what we do not have yet fails as well.
            (Outcome::Passed, None) | (Outcome::Failed(_) | Outcome::Skipped(_), Some(_)) => runs += 1,
            (Outcome::Passed, Some(why)) => {
                return Err(format!("{name} passes now; take it out of KNOWN-FAILURES ({why})"));
            }
            (Outcome::Failed(failure), None) => return Err(format!("over {ip_version:?}: {failure}")),
            (Outcome::Skipped(reason), _)
                if reason.contains("python3") && std::env::var_os("CI").is_none() =>
            {
                drop(writeln!(std::io::stderr(), "skipped: {name} {reason}"));
            }
            (Outcome::Skipped(reason), _) => return Err(format!("{name} was skipped: {reason}")),
        }
    }
    Ok(runs)
}

#[test]
fn every_script_passes() {
    let (scripts, known) = (scripts(), known_failures());
    assert!(scripts.len() >= 100, "the scripts are there: {}", scripts.len());
    for name in known.keys() {
        assert!(root().join(name).exists(), "KNOWN-FAILURES names {name}, which is not there");
    }
    let (next, failures, runs) = (AtomicUsize::new(0), Mutex::new(Vec::new()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            scope.spawn(|| {
                while let Some(found) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match play(found, &known) {
                        Ok(count) => _ = runs.fetch_add(count, Ordering::Relaxed),
                        Err(why) => failures.lock().unwrap().push(why),
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {} scripts:\n\n{}",
        failures.len(),
        scripts.len(),
        failures.join("\n\n")
    );
    println!("{} scripts, {} runs", scripts.len(), runs.into_inner());
}

/// Every arrow of the state diagram is taken by some script. Those of a listener are not: it is no
/// connection in this stack; and a connection in TIME-WAIT that a new SYN reopens makes way for another one.
#[test]
fn every_row_of_the_state_table_is_taken() {
    let mut taken = BTreeSet::new();
    for found in scripts() {
        let options = RunOptions { tracing: tcp::Tracing::On, ..RunOptions::strict() };
        taken.extend(synfin_script::run_recorded(&found.text, &options).rows);
    }
    let missing: Vec<_> = tcp::state::ROWS
        .iter()
        .filter(|row| !taken.contains(&row.index()) && is_of_a_connection(row))
        .map(|row| format!("{} + {} => {}", row.from, row.on.name(), row.to))
        .collect();
    assert!(missing.is_empty(), "no script takes:\n{}", missing.join("\n"));
}

fn is_of_a_connection(row: &tcp::state::Row) -> bool {
    let listens = row.from == tcp::State::Listen || row.on == tcp::Cause::PassiveOpen;
    !listens && row.on != tcp::Cause::NewSyn
}
