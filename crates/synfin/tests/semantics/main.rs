//! What sockets promise, judged over the kernel's loopback and over two of our stacks by the same words.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
#[macro_use]
mod common;
mod carrying;
mod closing;
mod connecting;
mod datagrams;
mod differences;
mod ending;
mod families;
mod listening;
mod messages;
mod options;
mod reading;
mod resets;
mod threads;
mod timeouts;
mod writing;

use std::io::ErrorKind;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(40);
/// Far beyond what anything here takes: a test that hits it has hung.
const LONG: Duration = Duration::from_secs(20);

/// Judged over both, all files together.
#[test]
fn at_least_a_hundred_and_fifty_behaviours_are_judged() {
    let themes = [
        ("carrying", carrying::BEHAVIOURS),
        ("closing", closing::BEHAVIOURS),
        ("connecting", connecting::BEHAVIOURS),
        ("datagrams", datagrams::BEHAVIOURS),
        ("ending", ending::BEHAVIOURS),
        ("families", families::BEHAVIOURS),
        ("listening", listening::BEHAVIOURS),
        ("messages", messages::BEHAVIOURS),
        ("options", options::BEHAVIOURS),
        ("reading", reading::BEHAVIOURS),
        ("resets", resets::BEHAVIOURS),
        ("threads", threads::BEHAVIOURS),
        ("timeouts", timeouts::BEHAVIOURS),
        ("writing", writing::BEHAVIOURS),
    ];
    for (theme, behaviours) in themes {
        println!("{theme}: {}", behaviours.len());
    }
    let mut names: Vec<_> = themes.iter().flat_map(|(_, behaviours)| *behaviours).collect();
    println!("{} behaviours of std::net are judged over the kernel and over ours", names.len());
    assert!(names.len() >= 150, "{}", names.len());
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two behaviours have one name");
}

/// The kind of the error that something must have ended in.
#[track_caller]
fn kind_of<T>(outcome: std::io::Result<T>) -> ErrorKind {
    outcome.err().expect("an error").kind()
}
