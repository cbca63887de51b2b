//! Both routes say the same: every segment, connection, finding and correction.

mod talks;

use crate::{Config, KeepSegments, Kept, Lens, Segment};
use capture::{Decoder, Reader};
use proptest::prelude::*;
use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use talks::{Setting, Step, setting, step, talk};

thread_local! {
    /// No segment takes the short route.
    pub(super) static ALWAYS_LONG: Cell<bool> = const { Cell::new(false) };
    /// How many took it.
    pub(super) static SHORT: Cell<u64> = const { Cell::new(0) };
}

/// What is said of segments, and how many took the short route.
fn told(segments: &[Segment], always_long: bool) -> (String, u64) {
    let mut lens = Lens::new(Config { findings_per_kind_max: 1_000, ..Config::default() });
    ALWAYS_LONG.set(always_long);
    SHORT.set(0);
    let mut kept = Kept { keep_segments: KeepSegments::All, ..Kept::default() };
    for segment in segments {
        lens.take(segment, &mut kept);
    }
    lens.finish(&mut kept);
    ALWAYS_LONG.set(false);
    (format!("{kept:#?}"), SHORT.get())
}

/// Returns how many took the short route.
fn check(segments: &[Segment], what: &str) -> u64 {
    let ((short, taken), (long, never)) = (told(segments, false), told(segments, true));
    assert_eq!(never, 0);
    if short != long {
        let differs = short.lines().zip(long.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let around = |text: &str| {
            text.lines().skip(differs.saturating_sub(60)).take(64).collect::<Vec<_>>().join("\n")
        };
        panic!("{what}: the short route says\n{}\n\nand the long one\n{}", around(&short), around(&long));
    }
    taken
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn generated_traffic_is_the_same_by_both_routes(
        setting in setting(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        check(&talk(setting, &steps), "generated traffic");
    }
}

#[test]
fn a_plain_transfer_takes_the_short_route() {
    let say = Step::Say { from: 1, segments: 8, bytes: 1_460, lost: None, late: false, psh: true };
    let ack = Step::Ack { from: 0, behind: 0, window: 500 };
    let wait = Step::Wait { us: 20_000 };
    let lossy = Step::Say { from: 1, segments: 8, bytes: 1_460, lost: Some(2), late: false, psh: true };
    let again = Step::Again { from: 1, is_probe: false };
    let mut steps: Vec<Step> = Vec::new();
    for round in 0..40 {
        steps.extend([say.clone(), wait.clone(), ack.clone(), wait.clone()]);
        if round % 20 == 5 {
            steps.extend([
                lossy.clone(),
                wait.clone(),
                ack.clone(),
                again.clone(),
                wait.clone(),
                ack.clone(),
            ]);
        }
    }
    for (stamps, sack) in [(false, false), (true, false), (false, true), (true, true)] {
        let setting = Setting {
            has_handshake: true,
            stamps,
            sack,
            scale: Some(7),
            ids: 0,
            start: 7,
            path_us: [0, 20_000],
        };
        let segments = talk(setting, &steps);
        let taken = check(&segments, "a transfer");
        let part = taken as f64 / segments.len() as f64;
        assert!(part > 0.8, "{taken} of {} with stamps {stamps}, SACK {sack}", segments.len());
    }
}

fn captures(under: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(under) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let is_capture = path.extension().is_some_and(|end| {
            ["pcap", "pcapng", "cap", "gz"].iter().any(|known| end.eq_ignore_ascii_case(known))
        });
        match path.is_dir() {
            true => captures(&path, found),
            false if is_capture => found.push(path),
            false => {}
        }
    }
}

fn segments_of(path: &Path) -> Vec<Segment> {
    let mut segments = Vec::new();
    let Some(mut reader) = std::fs::File::open(path).ok().and_then(|file| Reader::new(file).ok()) else {
        return segments;
    };
    let mut decoder = Decoder::new();
    while let Some(Ok(record)) = reader.next() {
        if let Ok(decoded) = decoder.decode(&record) {
            segments.extend(Segment::of_packet(&record, &decoded));
        }
    }
    segments
}

/// Of the captures beside the repository, where they are.
#[test]
fn captures_are_the_same_by_both_routes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let mut paths = Vec::new();
    captures(&folder, &mut paths);
    if paths.is_empty() {
        return drop(writeln!(std::io::stderr(), "skipped: no reference captures at {}", folder.display()));
    }
    let mut taken = 0;
    for path in paths {
        taken += check(&segments_of(&path), &path.display().to_string());
    }
    assert!(taken > 100, "{taken}");
}
