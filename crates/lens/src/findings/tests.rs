mod ecn;
mod fast_open;
mod path_probed;
mod truth;

use crate::story::{ACK, FIN, RST, SYN, Story};
use crate::{Finding, Severity};

/// The finding of this kind, which must be there.
pub(super) fn found(story: &Story, kind: &str) -> Finding {
    let told = story.told();
    let kinds: Vec<_> = told.kept.findings.iter().map(|finding| finding.id).collect();
    told.finding(kind).unwrap_or_else(|| panic!("no {kind} among {kinds:?}")).clone()
}

#[test]
fn a_clean_connection_has_no_findings() {
    let mut story = Story::open();
    story.send(0, ACK, 100);
    story.send(1, ACK, 0);
    story.send(0, FIN | ACK, 0);
    story.send(1, FIN | ACK, 0);
    story.send(0, ACK, 0);
    assert_eq!(story.told().kept.findings, []);
}

#[test]
fn a_fin_that_is_never_acknowledged() {
    let mut story = Story::open();
    let fin = story.next[0];
    story.lose(0, FIN | ACK, 0);
    for n in 0..5 {
        story.wait_ms(200 << n).again(0, fin, FIN | ACK, 0);
    }
    let finding = found(&story, "fin-unacknowledged");
    assert_eq!(finding.number("sent_again_times"), Some(5));
    assert_eq!((finding.severity, finding.frames), (Severity::Problem, vec![4, 5, 9]));
}

#[test]
fn a_window_that_was_closed() {
    let mut story = Story::open();
    story.send(0, ACK, 100);
    story.send(1, ACK, 0).window = 0;
    story.wait_ms(4_200).send(1, ACK, 0);
    let finding = found(&story, "zero-window");
    assert_eq!((finding.number("closed_us"), finding.number("times")), (Some(4_200_010), Some(1)));
    assert_eq!(finding.section, Some("9293#3.8.6.1"));
}

#[test]
fn syns_without_an_answer() {
    let mut story = Story::new();
    let isn = story.next[0];
    story.send(0, SYN, 0);
    story.wait_ms(1_000).again(0, isn, SYN, 0);
    story.wait_ms(2_000).again(0, isn, SYN, 0);
    let finding = found(&story, "syn-unanswered");
    assert_eq!((finding.number("syns"), finding.number("tried_us")), (Some(3), Some(3_000_020)));
}

#[test]
fn a_late_handshake() {
    let mut story = Story::new();
    let isn = story.next[0];
    story.send(0, SYN, 0);
    story.wait_ms(1_000).again(0, isn, SYN, 0);
    story.send(1, SYN | ACK, 0);
    story.send(0, ACK, 0);
    assert_eq!(found(&story, "syn-retransmitted").number("answered_after_us"), Some(1_000_020));
}

#[test]
fn a_reset_while_data_is_under_way() {
    let mut story = Story::open();
    story.lose(0, ACK, 700);
    story.send(0, RST | ACK, 0);
    let finding = found(&story, "reset");
    assert_eq!(finding.number("unacknowledged_bytes"), Some(700));
    assert_eq!(finding.severity, Severity::Problem);
}

#[test]
fn an_end_that_forgot_the_connection() {
    let mut story = Story::open();
    story.send(0, ACK, 10);
    story.segments.drain(..3);
    let mut rst = story.segments[0];
    (rst.source, rst.destination) = (rst.destination, rst.source);
    rst.seq = rst.ack;
    rst.ack = wire::Seq::new(0);
    rst.flags = RST;
    rst.text_bytes = 0;
    rst.frame = 5;
    story.segments.push(rst);
    assert_eq!(found(&story, "half-open").subject.address_and_peer()[0], story.ends[1]);
}

#[test]
fn large_segments_that_never_pass() {
    let mut story = Story::open();
    story.send(0, ACK, 200);
    story.wait_ms(20).send(1, ACK, 0);
    let large = story.next[0];
    story.lose(0, ACK, 1_460);
    for n in 0..4 {
        story.wait_ms(300 << n).again(0, large, ACK, 1_460);
    }
    let finding = found(&story, "mtu-black-hole");
    assert_eq!((finding.number("text_bytes"), finding.number("sent_times")), (Some(1_460), Some(5)));
}

#[test]
fn small_writes_that_wait_for_delayed_acknowledgments() {
    let mut story = Story::open();
    for _ in 0..3 {
        story.send(0, ACK, 60);
        story.wait_ms(40).send(1, ACK, 0);
        story.send(0, ACK, 60);
        story.wait_ms(1).send(1, ACK, 60);
        story.wait_ms(500).send(0, ACK, 0);
    }
    assert_eq!(found(&story, "nagle-delayed-ack").number("times"), Some(3));
}

#[test]
fn one_direction_only() {
    let mut story = Story::open();
    story.send(0, ACK, 60);
    story.send(0, ACK, 60);
    let client = story.ends[0];
    story.segments.retain(|segment| segment.source == client);
    found(&story, "one-sided");
}

#[test]
fn losses_repaired_by_the_timer() {
    let mut story = Story::open();
    for _ in 0..4 {
        let first = story.next[0];
        story.lose(0, ACK, 500);
        story.wait_ms(300).again(0, first, ACK, 500);
        story.received[1] = story.next[0];
        story.wait_ms(20).send(1, ACK, 0);
    }
    found(&story, "loss");
    found(&story, "timeout-recovery");
}

#[test]
fn a_window_that_shrinks_and_a_scale_that_cannot_be() {
    let mut story = Story::open();
    story.segments[0].options.window_scale = Some(15);
    story.send(1, ACK, 0);
    story.send(1, ACK, 0).window = 1_000;
    let kinds: Vec<_> = story.told().kept.findings.iter().map(|finding| finding.signs.clone()).collect();
    assert!(kinds.contains(&vec!["scale-too-large"]) && kinds.contains(&vec!["window-shrank"]), "{kinds:?}");
}

#[test]
fn an_overtaken_acknowledgment_does_not_shrink_the_window() {
    let mut story = Story::with_timestamps().opened();
    story.send(1, ACK, 0);
    let overtaken = *story.send(1, ACK, 0);
    story.wait_ms(5).send(1, ACK, 0);
    story.wait_ms(5).send(1, ACK, 0).window = 1_000;
    let late = story.segments.last_mut().expect("just sent");
    late.options.timestamps = overtaken.options.timestamps;
    assert_eq!(story.told().kept.findings, []);
}

#[test]
fn a_challenged_syn() {
    let mut story = Story::open();
    story.send(0, ACK, 10);
    story.send(1, ACK, 0);
    // a SYN of another connection would split the stream; a SYN,ACK of the known number does not
    let (seq, ack) = (story.next[0] + 50, story.received[0]);
    let syn = story.again(0, seq, RST | ACK, 0);
    syn.ack = wire::Seq::new(ack);
    story.send(1, ACK, 0);
    assert_eq!(found(&story, "challenge-ack").number("challenges"), Some(1));
}

#[test]
fn an_idle_connection_and_its_keep_alives() {
    let mut story = Story::open();
    story.send(0, ACK, 10);
    story.send(1, ACK, 0);
    let before = story.next[0] - 1;
    for _ in 0..3 {
        story.wait_ms(60_000).again(0, before, ACK, 0);
    }
    assert_eq!(found(&story, "keep-alive-unanswered").number("unanswered_keep_alives"), Some(3));
}

#[test]
fn an_old_syn_is_why_there_are_three_steps() {
    // The SYN was captured nowhere near its sender, who refuses the answer; then it opens in earnest.
    let mut story = Story::new();
    story.next[0] = 1_001;
    story.received[1] = 1_001;
    story.send(1, SYN | ACK, 0);
    story.send(0, RST, 0);
    (story.next, story.received) = ([70_000, 90_000], [90_000, 70_000]);
    story.wait_ms(60).opened_again();
    let finding = found(&story, "answer-refused");
    assert!(!finding.has("had-asked"));
    assert_eq!((finding.severity, finding.frames), (Severity::Info, vec![1, 2]));
    let reuse = found(&story, "port-reuse");
    assert_eq!(reuse.severity, Severity::Info, "neither end lingers: {reuse:?}");
}

#[test]
fn a_port_scan_asks_and_refuses_the_answer() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    story.wait_ms(20).send(1, SYN | ACK, 0);
    story.send(0, RST, 0);
    let finding = found(&story, "answer-refused");
    assert!(finding.has("had-asked"), "{finding:?}");
    assert_eq!(story.told().kept.findings.len(), 1);
}
