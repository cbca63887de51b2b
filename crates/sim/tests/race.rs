//! The example with a race finds it, and the README shows what it prints.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

#[path = "../examples/race.rs"]
#[allow(dead_code, unreachable_pub)]
mod race;

#[test]
fn a_seed_shows_the_race_and_the_readme_shows_its_ladder() {
    let (seed, payment, port) = race::find().unwrap().expect("1,000 seeds are enough");
    let (ladder, _, _) = race::explain(seed, port).unwrap();
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let steps = ladder.lines().skip_while(|line| !line.contains("frame")).take_while(|line| !line.is_empty());
    for line in std::iter::once(race::headline(seed, payment).as_str()).chain(steps) {
        assert!(readme.contains(line.trim_end()), "the README has it otherwise: {line}");
    }
}
