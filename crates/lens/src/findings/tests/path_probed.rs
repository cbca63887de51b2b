//! Probes of a larger path MTU, and what looks like them.

use super::found;
use crate::story::{ACK, Story};
use crate::{Confidence, Severity};
use tcp::SendReason::{NewData, PathMtu, PathProbe};
use wire::tcp::Flags;

/// A flow of full segments of this size: twelve are acknowledged, twelve more are in flight.
fn flow(text_bytes: u32) -> Story {
    let mut story = Story::open();
    full(&mut story, text_bytes, 12);
    story.wait_ms(20).send(1, ACK, 0);
    full(&mut story, text_bytes, 12);
    story
}

fn full(story: &mut Story, text_bytes: u32, count: u32) {
    for _ in 0..count {
        story.send(0, ACK, text_bytes);
    }
}

/// The segment after this is a probe; behind it the flow goes on with small segments.
fn probed(text_bytes: u32, probe_bytes: u32) -> Story {
    let mut story = flow(text_bytes);
    story.lose(0, ACK, probe_bytes);
    full(&mut story, text_bytes, 4);
    story
}

/// What is said of the larger segment, the 29th.
fn reason(story: &Story) -> tcp::SendReason {
    story.told().frame(29).why.reason
}

#[test]
fn one_larger_segment_amid_a_flow_is_a_probe() {
    let mut story = probed(1_000, 1_400);
    let told = story.told();
    let why = told.frame(29).why;
    assert_eq!(
        (why.reason, why.confidence),
        (PathProbe, Confidence::LIKELY),
        "the size alone does not prove it"
    );
    assert_eq!((why.candidates[0], why.path_probe_bytes), (Some(NewData), Some(1_440)));
    story.wait_ms(20).send(1, ACK, 0);
    let finding = found(&story, "path-probed");
    let numbers = ["arrived_probes", "arrived_max_bytes", "lost_probes"].map(|name| finding.number(name));
    assert_eq!(numbers, [Some(1), Some(1_440), Some(0)]);
    assert_eq!((finding.severity, finding.frames), (Severity::Info, vec![29]));
}

/// A probe that is lost: SACK reports what is behind it, and its text goes again in segments of this size.
fn lost(resent_bytes: u32) -> Story {
    let mut story = probed(1_000, 1_400);
    let probe = story.segments[28].seq.number();
    let end = story.next[0];
    story.received[1] = probe;
    story.wait_ms(20).send(1, ACK, 0);
    for n in 1..4 {
        story.sack(1, probe, probe + 1_400, probe + 1_400 + n * 1_000);
    }
    story.again(0, probe, ACK, resent_bytes);
    if resent_bytes < 1_400 {
        story.again(0, probe + resent_bytes, ACK, 1_400 - resent_bytes);
    }
    story.received[1] = end;
    story.wait_ms(20).send(1, ACK, 0);
    story
}

#[test]
fn a_lost_probe_is_no_loss() {
    let story = lost(1_000);
    let told = story.told();
    let again: Vec<_> = told.kept.segments.iter().filter(|(_, said)| said.why.reason == PathMtu).collect();
    assert_eq!(again.len(), 2, "both pieces");
    assert!(again.iter().all(|(_, said)| said.why.path_probe_bytes == Some(1_440)));
    let direction = &told.connection().directions[0];
    assert_eq!((direction.retransmissions.path_mtu, direction.retransmissions.total()), (2, 2));
    assert_eq!((direction.path_probes.lost, direction.path_probes.lost_bytes_min), (1, 1_440));
    let finding = found(&story, "path-probed");
    let numbers = ["arrived_probes", "lost_probes", "lost_min_bytes"].map(|name| finding.number(name));
    assert_eq!(numbers, [Some(0), Some(1), Some(1_440)]);
}

#[test]
fn what_goes_again_as_large_as_it_was_is_a_loss() {
    let told = lost(1_400).told();
    assert_eq!(told.connection().directions[0].retransmissions.path_mtu, 0);
    assert_eq!(told.connection().directions[0].path_probes.lost, 0);
}

#[test]
fn who_sends_larger_segments_from_then_on_does_not_probe() {
    // the route has changed, or what was believed of it was forgotten
    let mut story = flow(1_000);
    full(&mut story, 1_400, 5);
    story.wait_ms(20).send(1, ACK, 0);
    full(&mut story, 1_400, 5);
    let told = story.told();
    let called = told.kept.segments.iter().filter(|(_, said)| said.why.reason == PathProbe).count();
    assert_eq!(called, 1, "at first it looks the same, so it is called likely; the next ones refute it");
    assert_eq!(told.finding("path-probed"), None);
}

#[test]
fn super_segments_are_no_probes() {
    for several in [2_000, 1_460 * 3] {
        let mut story = flow(1_000);
        story.send(0, ACK, several);
        full(&mut story, 1_000, 4);
        assert_eq!(reason(&story), NewData, "{several}");
        // and whoever sends them here shows sizes that say nothing
        story.send(0, ACK, 1_300);
        full(&mut story, 1_000, 4);
        story.wait_ms(20).send(1, ACK, 0);
        assert_eq!(story.told().finding("path-probed"), None, "{several}");
    }
}

#[test]
fn writes_of_an_application_are_no_probes() {
    // each write of 600 bytes is pushed
    let mut story = Story::open();
    for _ in 0..24 {
        story.send(0, ACK | Flags::PSH, 600);
    }
    story.send(1, ACK, 0);
    story.send(0, ACK | Flags::PSH, 600);
    story.send(0, ACK, 900);
    story.send(0, ACK | Flags::PSH, 600);
    assert_eq!(story.told().frame(30).why.reason, NewData);
    // the last of a flow, pushed
    let mut story = flow(1_000);
    story.send(0, ACK | Flags::PSH, 1_400);
    assert_eq!(reason(&story), NewData);
}

#[test]
fn a_larger_segment_with_fewer_options_is_no_probe() {
    // packets of one size: the option of the first ones took the place of text
    let mut story = Story::open();
    for _ in 0..24 {
        let segment = story.send(0, ACK, 1_000);
        segment.ip_bytes = 1_052;
    }
    story.send(1, ACK, 0);
    story.send(0, ACK, 1_000).ip_bytes = 1_052;
    story.send(0, ACK, 1_012).ip_bytes = 1_052;
    story.send(0, ACK, 1_000).ip_bytes = 1_052;
    assert_eq!(story.told().frame(30).why.reason, NewData);
}

#[test]
fn few_segments_show_no_size() {
    let mut story = Story::open();
    full(&mut story, 1_000, 7);
    story.send(0, ACK, 1_400);
    full(&mut story, 1_000, 2);
    assert_eq!(story.told().frame(11).why.reason, NewData);
}
