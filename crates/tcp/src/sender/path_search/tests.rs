use super::{Course, PathSearch, Probe};
use crate::{Config, Habits, Instant};
use alloc::vec::Vec;
use core::time::Duration;
use wire::Seq;

const START: Instant = Instant::from_millis(1_000);

fn course(now: Instant, segments: u32, segments_again: u32) -> Course {
    Course { now, rto_us: 200_000, segments, segments_again }
}

/// A search between a base size and a ceiling.
fn search(low: u32, high: u32) -> PathSearch {
    let mut search = PathSearch::new(low, 52);
    search.raise_ceiling(high);
    search
}

/// Looks for the largest size of a path that carries `path` bytes; the sizes that were probed, until the search rests.
fn sizes(search: &mut PathSearch, path: u32, config: &Config) -> Vec<u32> {
    let (mut tried, mut now, mut seq) = (Vec::new(), START, Seq::new(u32::MAX - 3_000));
    while let Some(size_bytes) = search.next_size(now, config) {
        tried.push(size_bytes);
        assert!(tried.len() < 60, "it never ends: {tried:?}");
        search.on_sent(Probe { start: seq, end: seq + size_bytes, size_bytes });
        if size_bytes <= path {
            assert_eq!(search.on_acked(seq + size_bytes, &course(now, 0, 0), config), Some(size_bytes));
            assert_eq!(search.take_news(), Some(size_bytes));
            // The trial goes well.
            for period in 1..=3 {
                now += Duration::from_millis(200);
                search.on_acked(seq + size_bytes, &course(now, period * 20, 0), config);
            }
        } else {
            assert_eq!(search.on_lost(now, 1_000, config), Some(size_bytes));
            assert_eq!(search.next_size(now, config), None, "the next one waits");
            now = now.plus_micros(1_000);
        }
        seq += size_bytes;
    }
    tried
}

#[test]
fn the_largest_is_tried_first_then_common_sizes_then_halves() {
    let config = Config::default();
    assert_eq!(sizes(&mut search(1_076, 1_500), 1_500, &config), [1_500], "nothing else is needed");
    let mut narrow = search(1_076, 1_500);
    let tried = sizes(&mut narrow, 1_300, &config);
    assert_eq!(tried[..7], [1_500, 1_500, 1_500, 1_280, 1_400, 1_400, 1_400]);
    assert_eq!(tried[7..10], [1_340; 3], "halves of what is left");
    let (low, high) = narrow.range_bytes();
    assert!((1_293..=1_300).contains(&low) && high < low + 8, "{low} to {high}: {tried:?}");
}

#[test]
fn linux_halves_and_loses_one() {
    let config = Config { habits: Habits::Linux, ..Config::default() };
    let tried = sizes(&mut search(1_064, 1_500), 1_400, &config);
    assert_eq!(tried, [1_282, 1_391, 1_445, 1_417, 1_403, 1_396]);
}

#[test]
fn a_search_that_has_ended_begins_again_after_the_interval_and_not_before_five_minutes() {
    for (interval_s, rests_s) in [(600, 600), (7, 300)] {
        let config = Config { mtu_probe_interval: Duration::from_secs(interval_s), ..Config::default() };
        let mut search = search(1_280, 1_500);
        search.lower(START, 1_400, &config);
        assert_eq!(search.range_bytes(), (1_400, 1_400));
        assert_eq!(search.next_size(START + Duration::from_secs(rests_s - 1), &config), None);
        assert_eq!(search.next_size(START + Duration::from_secs(rests_s), &config), Some(1_500));
        assert!(!search.is_over());
    }
}

#[test]
fn what_seemed_to_vanish_is_tried_once_and_then_smaller() {
    let config = Config::default();
    let mut search = PathSearch::new(1_500, 52);
    search.suspect_black_hole(1_076, &config);
    assert_eq!(sizes(&mut search, 1_280, &config)[..3], [1_500, 1_280, 1_400]);
}

#[test]
fn a_router_that_names_a_size_shortens_the_search() {
    let config = Config::default();
    let mut search = search(1_076, 1_500);
    let seq = Seq::new(5);
    let size_bytes = search.next_size(START, &config).expect("something to find");
    search.on_sent(Probe { start: seq, end: seq + 1_448, size_bytes });
    for (seq, mtu_bytes) in [(seq + 1, 1_333), (seq, 1_075), (seq, 1_500), (seq, 9_000)] {
        assert_eq!(search.on_too_big(seq, mtu_bytes), None, "{seq} {mtu_bytes}: not about this probe");
    }
    assert_eq!(search.on_too_big(seq, 1_333), Some(1_500));
    assert_eq!(search.next_size(START, &config), Some(1_333));
}

#[test]
fn a_larger_size_that_loses_more_is_given_up() {
    let config = Config::default();
    let mut search = search(1_280, 9_000);
    let seq = Seq::new(5);
    search.on_sent(Probe { start: seq, end: seq + 1_448, size_bytes: 1_500 });
    search.on_acked(seq + 1_448, &course(START, 100, 5), &config);
    assert_eq!((search.take_news(), search.take_news()), (Some(1_500), None));
    let (mut now, mut sent, mut again) = (START, 100, 5);
    for period in 1..=3 {
        assert_eq!(search.next_size(now, &config), None, "it is not verified yet");
        // Too soon, then too few.
        search.on_acked(seq + 1_448, &course(now, sent + 50, again + 50), &config);
        now += Duration::from_millis(200);
        search.on_acked(seq + 1_448, &course(now, sent + 9, again + 9), &config);
        (sent, again) = (sent + 40, again + 5);
        assert_eq!(search.take_news(), None, "period {period}");
        search.on_acked(seq + 1_448, &course(now, sent, again), &config);
    }
    assert_eq!(search.take_news(), Some(1_280));
    assert_eq!(search.range_bytes(), (1_280, 1_499));
}

#[test]
fn a_claim_is_forgotten_when_what_it_quotes_arrives() {
    let config = Config::default();
    let mut search = PathSearch::new(1_500, 52);
    let seq = Seq::new(u32::MAX - 5);
    search.keep_claim(seq, 600);
    search.on_acked(seq, &course(START, 0, 0), &config);
    assert!(!search.is_over());
    search.on_acked(seq + 1, &course(START, 0, 0), &config);
    assert_eq!(search.take_claim(), None);
    assert!(search.is_over(), "nothing has to be kept");
    search.keep_claim(seq, 600);
    assert_eq!((search.take_claim(), search.take_claim()), (Some(600), None));
}
