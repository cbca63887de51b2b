//! A loaded sender in every life with so many faults. `SYNFIN_FAULTS=1` allows that many more: minutes instead of
//! seconds, with `cargo test --release -p synfin-verify --test flights -- --nocapture`.

use std::time::Instant;
use synfin_verify::flights::{Found, Transfer, explore};
use tcp::Config;

fn all_lives(transfer: &Transfer, faults_max: usize) -> Found {
    let began = Instant::now();
    let more = std::env::var("SYNFIN_FAULTS").ok().and_then(|more| more.parse().ok());
    let faults_max = faults_max + more.unwrap_or(0_usize);
    let found = explore(transfer, faults_max).unwrap_or_else(|told| panic!("{told}"));
    println!(
        "{} segments, {faults_max} faults: {found:?}, {:.1} s",
        transfer.segments,
        began.elapsed().as_secs_f64()
    );
    assert!(found.with_timeout > 0, "some lives have timeouts");
    found
}

/// Everything leaves at once: bursts that are spread are the pacer's business.
fn unpaced() -> Config {
    Config { pacing: false, ..Config::default() }
}

#[test]
fn six_segments_with_sack_and_timestamps() {
    let transfer = Transfer { segments: 6, super_segment_bytes_max: 0, config: unpaced() };
    let found = all_lives(&transfer, 2);
    assert!(found.with_undo > 0 && found.with_reports > 0, "{found:?}");
}

#[test]
fn six_segments_with_sack_without_timestamps() {
    let config = Config { timestamps: false, ..unpaced() };
    let transfer = Transfer { segments: 6, super_segment_bytes_max: 0, config };
    let found = all_lives(&transfer, 2);
    assert!(found.with_undo > 0 && found.with_reports > 0, "{found:?}");
}

#[test]
fn six_segments_without_sack() {
    let config = Config { sack: false, timestamps: false, ..unpaced() };
    let transfer = Transfer { segments: 6, super_segment_bytes_max: 0, config: config.clone() };
    let found = all_lives(&transfer, 2);
    assert!(found.with_reports == 0, "{found:?}");
    // New data for F-RTO to ask with.
    let config = Config { initial_window_segments: 4, ..config };
    let found = all_lives(&Transfer { segments: 12, super_segment_bytes_max: 0, config }, 2);
    assert!(found.with_undo > 0, "{found:?}");
}

#[test]
fn super_segments_and_more_than_one_window() {
    let transfer = Transfer {
        segments: 12,
        super_segment_bytes_max: 65_535,
        config: Config { initial_window_segments: 4, ..unpaced() },
    };
    let found = all_lives(&transfer, 2);
    assert!(found.with_reports > 0, "{found:?}");
}

#[test]
fn a_paced_sender() {
    let transfer = Transfer { segments: 8, super_segment_bytes_max: 0, config: Config::default() };
    let found = all_lives(&transfer, 2);
    assert!(found.with_reports > 0, "{found:?}");
}
