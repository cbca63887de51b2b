//! What tokio's sockets promise, judged over tokio's own on the kernel's loopback and over ours by the same words.
//!
//! The files in `behaviours` are compiled once for each side. All that may differ is the side's `Net`, which makes
//! sockets and knows addresses; everything else is called as it is in tokio.

#![allow(clippy::unwrap_used)]
// That is the point.
#![allow(clippy::duplicate_mod)]

#[path = "../common/mod.rs"]
mod common;
#[macro_use]
mod support;
#[cfg(feature = "tokio")]
mod ours;
mod real;

/// Set where ours are judged over TUN.
#[cfg(feature = "tokio")]
const OVER_TUN: &str = "SYNFIN_TEST_OVER_TUN";

/// All of ours again: the kernel's router between two TUN devices, in place of the memory.
#[cfg(all(feature = "tokio", target_os = "linux"))]
#[test]
fn ours_behave_the_same_over_tun() {
    common::namespace::in_namespace("ours_behave_the_same_over_tun", || {
        for switch in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            std::fs::write(format!("/proc/sys/net/{switch}"), "1").unwrap();
        }
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let again = again.arg("ours::behaviours").env(OVER_TUN, "1");
        assert!(again.status().unwrap().success(), "something is different over TUN");
    });
}

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
