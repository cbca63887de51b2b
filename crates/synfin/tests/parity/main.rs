//! What tokio's sockets promise, judged over tokio's own on the kernel's loopback and over ours by the same words.
//!
//! The files in `behaviours` are compiled once for each side. All that may differ is the side's `Net`, which makes
//! sockets and knows addresses; everything else is called as it is in tokio.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
#[macro_use]
mod support;
#[cfg(feature = "tokio")]
mod ours;
mod real;

#[test]
fn at_least_two_hundred_behaviours_are_judged() {
    let themes = real::behaviours::THEMES;
    for (theme, behaviours) in themes {
        println!("{theme}: {}", behaviours.len());
    }
    let mut names: Vec<_> = themes.iter().flat_map(|(_, behaviours)| *behaviours).collect();
    println!("{} behaviours of tokio::net are judged", names.len());
    assert!(names.len() >= 200, "{}", names.len());
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "two behaviours have one name");
}
