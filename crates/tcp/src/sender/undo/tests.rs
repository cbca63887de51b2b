//! Which episodes are undone, and which are not.

use super::*;
use crate::CongestionControl;

fn episode() -> Episode {
    Episode::new(Congestion::new(CongestionControl::NewReno, 10_000, Seq::new(1)))
}

fn seq(number: u32) -> Seq {
    Seq::new(number)
}

fn block(left: u32, right: u32) -> SackBlock {
    SackBlock { left: seq(left), right: seq(right) }
}

/// One segment at SND.UNA went again at 500 ms.
fn resent() -> Episode {
    let mut episode = episode();
    episode.on_resent(seq(1_000), seq(2_000), seq(1_000), 500);
    episode
}

#[test]
fn an_echo_older_than_the_first_retransmission_undoes() {
    // RFC 3522 §3.2, step (3).
    assert!(resent().on_advance(seq(2_000), Some(499)));
    assert!(resent().on_advance(seq(1_001), Some(400)), "a part of it tells, too");
}

#[test]
fn an_echo_of_the_retransmission_ends_the_matter() {
    for echo in [500, 501] {
        let mut episode = resent();
        assert!(!episode.on_advance(seq(2_000), Some(echo)), "{echo}");
        assert!(!episode.on_advance(seq(3_000), Some(100)), "only the first acknowledgment is asked");
        assert!(!episode.on_duplicate(block(1_000, 2_000)), "the retransmission was needed");
        assert!(!episode.awaits_report());
    }
}

#[test]
fn the_echo_is_compared_on_a_circle() {
    let mut episode = episode();
    episode.on_resent(seq(1_000), seq(2_000), seq(1_000), 5);
    assert!(episode.on_advance(seq(2_000), Some(u32::MAX - 5)));
}

#[test]
fn without_timestamps_or_news_nothing_is_undone() {
    assert!(!resent().on_advance(seq(2_000), None));
    let mut episode = resent();
    assert!(!episode.on_advance(seq(1_000), Some(1)), "what it acknowledges lies before");
    assert!(episode.on_advance(seq(2_000), Some(1)), "and that was not the answer yet");
}

#[test]
fn only_the_first_retransmission_at_snd_una_is_compared() {
    let mut episode = episode();
    // A hole beyond SND.UNA goes first; then the segment at SND.UNA, twice.
    episode.on_resent(seq(5_000), seq(6_000), seq(1_000), 100);
    episode.on_resent(seq(1_000), seq(2_000), seq(1_000), 500);
    episode.on_resent(seq(1_000), seq(2_000), seq(1_000), 900);
    assert!(!episode.on_advance(seq(2_000), Some(700)), "it answers the first retransmission");
}

#[test]
fn a_report_of_every_retransmission_undoes() {
    // RFC 3708 §2: when all were in vain, and not before.
    let mut episode = episode();
    episode.on_resent(seq(1_000), seq(2_000), seq(1_000), 500);
    episode.on_resent(seq(4_000), seq(7_000), seq(1_000), 500);
    assert!(!episode.on_duplicate(block(1_000, 2_000)));
    assert!(!episode.on_duplicate(block(4_000, 5_500)));
    assert!(!episode.on_duplicate(block(4_000, 5_000)), "the same again says nothing new of the rest");
    assert!(episode.on_duplicate(block(5_500, 7_000)));
}

#[test]
fn one_retransmission_that_was_needed_keeps_the_reduction() {
    let mut episode = episode();
    episode.on_resent(seq(1_000), seq(2_000), seq(1_000), 500);
    episode.on_resent(seq(4_000), seq(5_000), seq(1_000), 500);
    for _ in 0..10 {
        assert!(!episode.on_duplicate(block(1_000, 2_000)), "reported often, but only this one");
    }
}

#[test]
fn duplicates_that_the_network_made_undo_nothing() {
    let mut episode = resent();
    assert!(!episode.has_resent(block(2_000, 3_000)));
    assert!(!episode.on_duplicate(block(2_000, 3_000)));
    assert!(!episode.on_duplicate(block(0, 1_000)));
    assert!(episode.has_resent(block(1_500, 3_000)));
}

#[test]
fn more_than_are_remembered_were_hardly_in_vain() {
    let mut episode = episode();
    for index in 0..40 {
        episode.on_resent(seq(index * 100), seq(index * 100 + 100), seq(0), 500);
    }
    assert!(episode.resent.len() <= RESENT_MAX);
    for index in 0..40 {
        assert!(!episode.on_duplicate(block(index * 100, index * 100 + 100)));
    }
    assert!(!episode.awaits_report());
}

#[test]
fn a_report_is_waited_for_until_the_next_flight() {
    let mut episode = resent();
    assert!(episode.awaits_report() && episode.awaits_report());
    episode.on_next_flight();
    assert!(!episode.awaits_report(), "it follows within a round trip, or not at all");
    assert!(!self::episode().awaits_report(), "nothing was sent again");
}
