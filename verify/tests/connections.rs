//! Two real connections: every interleaving with so many faults. `SYNFIN_FAULTS=1` allows that many more.

use stateright::{Checker, Model};
use std::time::Instant;
use synfin_verify::connections::{Opening, Reading, Script, Two};

fn explore(script: Script, faults_max: u8, depth_max: usize) {
    let began = Instant::now();
    let more = std::env::var("SYNFIN_FAULTS").ok().and_then(|more| more.parse().ok());
    let faults_max = faults_max + more.unwrap_or(0);
    let model = Two { script, faults_max };
    let checker = model.checker().threads(2).target_max_depth(depth_max).spawn_bfs().join();
    checker.assert_properties();
    assert!(checker.max_depth() < depth_max, "the depth did not cut anything off: the search is complete");
    println!(
        "{script:?}, {faults_max} faults: {} unique states, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64()
    );
}

const PLAIN: Script =
    Script { bytes: [100, 60], receive_buffer_bytes: 96, reading: Reading::Eager, opening: Opening::Plain };

#[test]
fn a_few_segments_both_ways_with_two_faults() {
    explore(PLAIN, 2, 60);
}

#[test]
fn windows_close_and_open() {
    explore(Script { bytes: [120, 0], reading: Reading::Whenever, ..PLAIN }, 2, 60);
}

#[test]
fn a_ghost_of_a_syn_is_under_way() {
    explore(Script { bytes: [10, 10], opening: Opening::WithGhost, ..PLAIN }, 3, 60);
}

#[test]
fn both_open_at_once() {
    explore(Script { bytes: [10, 10], opening: Opening::Simultaneous, ..PLAIN }, 2, 60);
}

#[test]
fn one_segment_with_three_faults() {
    explore(Script { bytes: [40, 0], ..PLAIN }, 3, 60);
}
