//! Rate samples: over the longer of two intervals, and marked when the application was the limit.

use super::*;

const MS: u64 = 1_000_000;

fn at_ms(millis: u64) -> Instant {
    Instant::from_nanos(millis * MS)
}

/// `bytes_per_s` of the latest sample, and whether the application was the limit.
fn latest(rate: &DeliveryRate) -> Option<(u64, bool)> {
    rate.latest().map(|sample| (sample.bytes_per_s, sample.is_app_limited))
}

#[test]
fn a_steady_flow_shows_its_rate() {
    let mut rate = DeliveryRate::default();
    // A segment each millisecond, delivered ten milliseconds later.
    let stamps: alloc::vec::Vec<Stamp> = (0..40).map(|index| rate_step(&mut rate, index)).collect();
    assert_eq!(stamps.len(), 40);
    assert_eq!(latest(&rate), Some((1_000_000, false)));
}

fn rate_step(rate: &mut DeliveryRate, index: u64) -> Stamp {
    let in_flight = (index.min(10) * 1_000) as u32;
    if let Some(sent) = index.checked_sub(10) {
        rate.on_delivered(at_ms(index), 1_000);
        // What left ten milliseconds ago carries what had been delivered then.
        let delivered = (sent.saturating_sub(9) * 1_000) as u32;
        let (delivered_at, first_sent_at) =
            if sent < 10 { (at_ms(0), at_ms(0)) } else { (at_ms(sent), at_ms(sent - 10)) };
        rate.sample(Stamp { delivered, delivered_at, first_sent_at, ..Stamp::default() }, at_ms(sent), MS);
    }
    rate.on_sent(at_ms(index), in_flight, 1_000)
}

#[test]
fn acknowledgments_that_come_together_do_not_show_more_than_was_sent() {
    let mut rate = DeliveryRate::default();
    // Ten segments over 90 ms; all acknowledgments arrive together, 10 ms after the last.
    let mut last = Stamp::default();
    for index in 0..10 {
        last = rate.on_sent(at_ms(10 * index), index as u32 * 1_000, 1_000);
    }
    rate.on_delivered(at_ms(100), 10_000);
    rate.sample(last, at_ms(90), MS);
    assert_eq!(latest(&rate), Some((100_000, false)), "10,000 bytes over the 100 ms since the first left");
}

#[test]
fn what_was_sent_together_and_delivered_slowly_shows_the_delivery() {
    let mut rate = DeliveryRate::default();
    let stamps = [0, 1_000, 2_000, 3_000].map(|in_flight| rate.on_sent(at_ms(0), in_flight, 1_000));
    for (index, stamp) in stamps.into_iter().enumerate() {
        let now = at_ms(20 + 10 * index as u64);
        rate.on_delivered(now, 1_000);
        rate.sample(stamp, at_ms(0), MS);
    }
    assert_eq!(latest(&rate), Some((80_000, false)), "4,000 bytes in 50 ms");
}

#[test]
fn a_sample_over_less_than_the_shortest_round_trip_is_refused() {
    let mut rate = DeliveryRate::default();
    let stamp = rate.on_sent(at_ms(0), 0, 1_000);
    rate.on_delivered(at_ms(9), 1_000);
    rate.sample(stamp, at_ms(0), 10 * MS);
    assert_eq!(latest(&rate), None);
    rate.sample(stamp, at_ms(0), 9 * MS);
    assert_eq!(latest(&rate), Some((111_111, false)));
    let mut at_once = DeliveryRate::default();
    let stamp = at_once.on_sent(at_ms(0), 0, 1_000);
    at_once.on_delivered(at_ms(0), 1_000);
    at_once.sample(stamp, at_ms(0), 0);
    assert_eq!(latest(&at_once), None, "no time, no rate");
}

#[test]
fn the_mark_covers_what_is_in_flight_when_the_data_runs_out_and_ends_behind_it() {
    let mut rate = DeliveryRate::default();
    let first = rate.on_sent(at_ms(0), 0, 1_000);
    assert!(!first.is_app_limited);
    rate.on_app_limited(1_000);
    let second = rate.on_sent(at_ms(1), 1_000, 1_000);
    assert!(second.is_app_limited, "it was sent after the application had run dry");
    rate.on_delivered(at_ms(10), 1_000);
    rate.sample(first, at_ms(0), 0);
    let third = rate.on_sent(at_ms(11), 1_000, 1_000);
    assert!(third.is_app_limited, "what was in flight is delivered, and not yet more");
    rate.on_delivered(at_ms(12), 1_000);
    rate.sample(second, at_ms(1), 0);
    assert_eq!(latest(&rate).map(|(_, limited)| limited), Some(true));
    let fourth = rate.on_sent(at_ms(13), 1_000, 1_000);
    assert!(!fourth.is_app_limited);
}

#[test]
fn a_flight_that_begins_anew_forgets_the_pause() {
    let mut rate = DeliveryRate::default();
    let stamp = rate.on_sent(at_ms(0), 0, 1_000);
    rate.on_delivered(at_ms(10), 1_000);
    rate.sample(stamp, at_ms(0), 0);
    // A second of silence: nothing in flight.
    let stamp = rate.on_sent(at_ms(1_000), 0, 1_000);
    rate.on_delivered(at_ms(1_010), 1_000);
    rate.sample(stamp, at_ms(1_000), 0);
    assert_eq!(latest(&rate), Some((100_000, false)));
}

#[test]
fn the_counters_wrap() {
    let mut rate = DeliveryRate { delivered: u32::MAX - 500, ..DeliveryRate::default() };
    rate.on_app_limited(1_000);
    let stamp = rate.on_sent(at_ms(0), 0, 1_000);
    rate.on_delivered(at_ms(10), 2_000);
    rate.sample(stamp, at_ms(0), 0);
    assert_eq!(latest(&rate), Some((200_000, true)));
    assert!(!rate.on_sent(at_ms(11), 0, 1_000).is_app_limited);
}
