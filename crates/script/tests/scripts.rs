//! Plays `tests/scripts/`, every script over IPv4 and IPv6 unless it says which.

use script::{IpVersion, Outcome, RunOptions, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts")
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|why| panic!("{}: {why}", directory.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            into.push(path);
        }
    }
}

fn versions(text: &str) -> &'static [Option<IpVersion>] {
    if text.contains("--ip_version") {
        &[None]
    } else {
        &[Some(IpVersion::V4), Some(IpVersion::V6), Some(IpVersion::V4MappedV6)]
    }
}

fn known_failures() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("KNOWN-FAILURES")).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once("  "))
        .map(|(name, why)| (name.to_owned(), why.to_owned()))
        .collect()
}

/// What is wrong with a script, if anything.
fn play(path: &Path, known: &BTreeMap<String, String>) -> Result<usize, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(root()).unwrap().display().to_string();
    let mut runs = 0;
    for ip_version in versions(&text) {
        let directory = path.parent().map(Path::to_owned);
        let options =
            RunOptions { file: name.clone(), directory, ip_version: *ip_version, ..RunOptions::default() };
        let expected_to_fail = known.get(&name);
        match (run(&text, &options), expected_to_fail) {
            (Outcome::Passed, None) | (Outcome::Failed(_), Some(_)) => runs += 1,
            (Outcome::Passed, Some(why)) => {
                return Err(format!("{name} passes now; take it out of KNOWN-FAILURES ({why})"));
            }
            (Outcome::Failed(failure), None) => return Err(format!("over {ip_version:?}: {failure}")),
            (Outcome::Skipped(reason), _)
                if reason.contains("python3") && std::env::var_os("CI").is_none() =>
            {
                eprintln!("skipped: {name} {reason}");
            }
            (Outcome::Skipped(reason), _) => return Err(format!("{name} was skipped: {reason}")),
        }
    }
    Ok(runs)
}

#[test]
fn every_script_passes() {
    let mut paths = Vec::new();
    collect(&root(), &mut paths);
    paths.sort();
    assert!(paths.len() >= 70, "the scripts are there: {}", paths.len());
    let known = known_failures();
    for name in known.keys() {
        assert!(root().join(name).exists(), "KNOWN-FAILURES names {name}, which is not there");
    }
    let (next, failures, runs) = (AtomicUsize::new(0), Mutex::new(Vec::new()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match play(path, &known) {
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
        paths.len(),
        failures.join("\n\n")
    );
    println!("{} scripts, {} runs", paths.len(), runs.into_inner());
}

/// Every arrow of the state diagram is taken by some script. Those of a listener are not: it is no
/// connection in this stack; and a connection in TIME-WAIT that a new SYN reopens makes way for another one.
#[test]
fn every_row_of_the_state_table_is_taken() {
    let mut paths = Vec::new();
    collect(&root(), &mut paths);
    let mut taken = std::collections::BTreeSet::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let options = RunOptions { tracing: tcp::Tracing::On, ..RunOptions::default() };
        taken.extend(script::run_recorded(&text, &options).rows);
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
