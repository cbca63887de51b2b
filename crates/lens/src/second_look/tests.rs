use super::*;
use crate::Segment;
use crate::story::{ACK, SYN, Story, Told};
use proptest::prelude::*;

/// A connection that agreed on SACK, captured at end 0, whose sender has told its round trip of 20 ms.
fn talking() -> Story {
    let mut story = Story::open();
    story.segments.iter_mut().for_each(|segment| {
        if segment.flags.contains(SYN) {
            segment.options.sack_permitted = true;
        }
    });
    for _ in 0..6 {
        story.send(0, ACK, 1_000);
        story.wait_ms(20).send(1, ACK, 0);
    }
    story
}

/// A lone tail goes again after each of these waits, and is acknowledged in the end. Its first repetition is returned.
fn lone_tail(story: &mut Story, waits_ms: &[u64]) -> Frame {
    let first = story.next[0];
    let acked = story.received[1];
    story.lose(0, ACK, 1_000);
    story.received[1] = acked;
    let mut again = Vec::new();
    for wait_ms in waits_ms {
        again.push(story.wait_ms(*wait_ms).again(0, first, ACK, 1_000).frame);
    }
    story.received[1] = story.next[0];
    story.wait_ms(20).send(1, ACK, 0);
    again[0]
}

/// So many segments at once, then their acknowledgment.
fn flight(story: &mut Story, segments: u32, text_bytes: u32) {
    for _ in 0..segments {
        story.send(0, ACK, text_bytes);
    }
    story.wait_ms(20).send(1, ACK, 0);
}

fn causes(told: &Told) -> Vec<(Frame, SendReason, SendReason)> {
    let causes = told.kept.corrections.iter().filter(|correction| correction.has_other_cause());
    causes.map(|correction| (correction.frame, correction.was, correction.now)).collect()
}

const TO_TIMEOUT: (SendReason, SendReason) = (SendReason::TailLossProbe, SendReason::Timeout);

#[test]
fn a_wait_that_doubles_shows_a_timeout_and_the_counts_follow() {
    let mut story = talking();
    let again = lone_tail(&mut story, &[220, 440]);
    let told = story.told();
    assert_eq!(causes(&told), [(again, TO_TIMEOUT.0, TO_TIMEOUT.1)]);
    let said = told.frame(again);
    assert_eq!((said.why.reason, said.seen_later.cause), (SendReason::Timeout, again + 1));
    assert_eq!(said.why.implied_rto_ns.map(|ns| ns / 10_000_000), Some(22));
    assert!(told.frame(again + 1).notes.contains(Notes::SHOWS_CAUSE));
    let direction = &told.connection().directions[0];
    assert_eq!((direction.retransmissions.timeout, direction.retransmissions.probe), (2, 0));
    assert_eq!((direction.timeouts_in_a_row_max, direction.stuck.timeouts), (2, 2));
}

#[test]
fn a_wait_that_begins_anew_confirms_the_probe() {
    let mut story = talking();
    let again = lone_tail(&mut story, &[220, 220]);
    let told = story.told();
    assert_eq!(causes(&told), []);
    assert_eq!(told.frame(again).why.reason, SendReason::TailLossProbe);
    assert_eq!(told.connection().directions[0].retransmissions.probe, 1);
}

#[test]
fn an_unclear_wait_decides_nothing() {
    for second_ms in [350, 660] {
        let mut story = talking();
        lone_tail(&mut story, &[220, second_ms]);
        assert_eq!(causes(&story.told()), [], "{second_ms} ms");
    }
}

#[test]
fn a_sender_that_is_seen_not_to_probe_did_not_probe_before() {
    let mut story = talking();
    let first = lone_tail(&mut story, &[220]);
    flight(&mut story, 1, 500);
    let second = lone_tail(&mut story, &[220, 440]);
    let told = story.told();
    assert_eq!(causes(&told).iter().map(|(frame, ..)| *frame).collect::<Vec<_>>(), [second, first]);
    assert_eq!(told.connection().directions[0].retransmissions.probe, 0);
    assert_eq!(told.connection().directions[0].timeouts_in_a_row_max, 2, "the earlier one was alone");
}

#[test]
fn a_sender_that_is_seen_to_probe_leaves_its_probes_as_they_are() {
    let mut story = talking();
    lone_tail(&mut story, &[220]);
    flight(&mut story, 1, 500);
    lone_tail(&mut story, &[220, 220]);
    let told = story.told();
    assert_eq!(causes(&told), []);
    assert_eq!(told.connection().directions[0].retransmissions.probe, 2);
}

#[test]
fn a_window_of_two_segments_shows_a_timeout() {
    let mut story = talking();
    flight(&mut story, 6, 1_460);
    let again = lone_tail(&mut story, &[220]);
    flight(&mut story, 2, 1_460);
    flight(&mut story, 2, 1_460);
    assert_eq!(causes(&story.told()), [(again, TO_TIMEOUT.0, TO_TIMEOUT.1)]);
}

#[test]
fn a_larger_window_or_less_to_say_shows_none() {
    for (name, segments, text_bytes, pause_ms) in [
        ("six at once", 6, 1_460, 0),
        ("three at once", 3, 1_460, 0),
        ("one", 1, 1_460, 0),
        ("two small ones", 2, 300, 0),
        ("what its program says later", 2, 1_460, 200),
    ] {
        let mut story = talking();
        flight(&mut story, 6, 1_460);
        lone_tail(&mut story, &[220]);
        flight(&mut story, segments, text_bytes);
        story.wait_ms(pause_ms);
        flight(&mut story, 2, 1_460);
        assert_eq!(causes(&story.told()), [], "{name}");
    }
}

#[test]
fn a_window_of_two_segments_shows_nothing_when_recoveries_made_it_small() {
    let mut story = talking();
    flight(&mut story, 6, 1_460);
    for _ in 0..4 {
        lone_tail(&mut story, &[220, 220]);
        flight(&mut story, 1, 500);
    }
    flight(&mut story, 6, 1_460);
    lone_tail(&mut story, &[220]);
    flight(&mut story, 2, 1_460);
    flight(&mut story, 2, 1_460);
    assert_eq!(causes(&story.told()), []);
}

#[test]
fn an_answer_to_the_other_end_is_no_sign_of_a_small_window() {
    let mut story = talking();
    flight(&mut story, 6, 1_460);
    lone_tail(&mut story, &[220]);
    flight(&mut story, 2, 1_460);
    story.send(1, ACK, 100);
    flight(&mut story, 2, 1_460);
    assert_eq!(causes(&story.told()), []);
}

#[test]
fn what_a_dsack_shows_to_be_needless_is_marked_where_it_was_sent() {
    let mut story = talking();
    let first = story.next[0];
    story.send(0, ACK, 1_000);
    let again = story.wait_ms(220).again(0, first, ACK, 1_000).frame;
    let next = story.next[0];
    let shows = story.wait_ms(20).sack(1, next, first, next).frame;
    let told = story.told();
    let [needless] = told.kept.corrections[..] else { panic!("{:?}", told.kept.corrections) };
    assert_eq!((needless.frame, needless.at_frame, needless.is_needless), (again, shows, true));
    assert!(needless.evidence.contains(Evidence::DSACK) && !needless.has_other_cause());
    let said = told.frame(again);
    assert!(said.notes.contains(Notes::NEEDLESS));
    assert_eq!((said.seen_later.needless, said.seen_later.cause), (shows, 0));
}

#[test]
fn an_early_timeout_is_needless_by_the_echo_of_the_original() {
    let mut story = Story::with_timestamps().opened();
    let first = story.next[0];
    let echo = {
        let original = story.send(0, ACK, 1_000);
        original.options.timestamps.expect("it has them").value
    };
    let again = story.wait_ms(300).again(0, first, ACK, 1_000).frame;
    let answer = story.wait_ms(5).send(1, ACK, 0);
    answer.options.timestamps.as_mut().expect("it has them").echo = echo;
    let told = story.told();
    let [needless] = told.kept.corrections[..] else { panic!("{:?}", told.kept.corrections) };
    assert_eq!((needless.frame, needless.is_needless), (again, true));
    assert!(needless.evidence.contains(Evidence::TIMESTAMPS));
}

#[test]
fn of_two_repetitions_the_one_that_arrived_last_was_needless() {
    // the first repetition arrives, and its acknowledgment is on its way when the second one is sent
    let mut story = talking();
    let first = story.next[0];
    story.lose(0, ACK, 1_000);
    story.wait_ms(220).again(0, first, ACK, 1_000);
    let second = story.wait_ms(220).again(0, first, ACK, 1_000).frame;
    story.received[1] = story.next[0];
    story.wait_ms(5).send(1, ACK, 0);
    let next = story.next[0];
    story.wait_ms(20).sack(1, next, first, next);
    let needless: Vec<Frame> = story.told().kept.corrections.iter().map(|said| said.frame).collect();
    assert_eq!(needless, [second]);
}

#[test]
fn one_dsack_after_the_echo_said_so_shows_nothing_more() {
    let mut story = Story::with_timestamps().opened();
    let first = story.next[0];
    let echo = story.send(0, ACK, 1_000).options.timestamps.expect("it has them").value;
    let again = story.wait_ms(300).again(0, first, ACK, 1_000).frame;
    story.wait_ms(5).send(1, ACK, 0).options.timestamps.as_mut().expect("it has them").echo = echo;
    let next = story.next[0];
    story.wait_ms(20).sack(1, next, first, next);
    let told = story.told();
    assert_eq!(told.kept.corrections.len(), 1);
    assert_eq!(told.kept.corrections[0].frame, again);
    assert_eq!(told.connection().directions[0].retransmissions.spurious, 1);
}

/// One step of a hostile sender: what it sends, and when.
fn steps() -> impl Strategy<Value = Vec<(u8, u16, u16)>> {
    prop::collection::vec((0..6_u8, 0..700_u16, 0..3_u16), 1..200)
}

proptest! {
    #[test]
    fn a_correction_speaks_of_a_frame_that_was_told_once_and_later(steps in steps()) {
        let mut story = talking();
        let mut tails = vec![story.next[0]];
        for (what, wait_ms, which) in steps {
            story.wait_ms(u64::from(wait_ms));
            let tail = tails[tails.len().saturating_sub(1 + usize::from(which))];
            match what {
                0 => {
                    tails.push(story.next[0]);
                    let acked = story.received[1];
                    story.lose(0, ACK, 1_000);
                    story.received[1] = acked;
                }
                1 | 2 => _ = story.again(0, tail, ACK, 1_000),
                3 => {
                    story.received[1] = story.next[0];
                    story.send(1, ACK, 0);
                }
                4 => _ = story.sack(1, story.next[0], tail, tail.wrapping_add(1_000)),
                _ => _ = story.send(0, ACK, 1_460),
            }
        }
        let told = story.told();
        let mut seen = std::collections::BTreeSet::new();
        for correction in &told.kept.corrections {
            prop_assert!(correction.frame < correction.at_frame);
            prop_assert!(seen.insert((correction.frame, correction.is_needless)), "twice: {correction:?}");
            let said = told.frame(correction.frame);
            prop_assert!(said.why.reason.is_retransmission());
            prop_assert_eq!(said.from, correction.from);
        }
        let causes = |reason| {
            let of_it = |said: &&(Segment, Analysis)| said.1.why.reason == reason;
            told.kept.segments.iter().filter(|said| said.1.from == Side::A).filter(of_it).count() as u32
        };
        let counts = told.connection().directions[0].retransmissions;
        prop_assert_eq!(counts.timeout, causes(SendReason::Timeout), "the counts follow");
        prop_assert_eq!(counts.probe, causes(SendReason::TailLossProbe));
    }
}

#[test]
fn the_memory_of_questions_is_bounded_and_holds_no_list() {
    assert!(size_of::<SecondLook>() <= 512, "{}", size_of::<SecondLook>());
    let mut look = SecondLook::default();
    for frame in 1..1_000 {
        look.ask(LoneTail {
            frame,
            seq: Seq::new(frame),
            time_ns: u64::from(frame),
            waited_ns: 200_000_000,
            rto_ns: 220_000_000,
            told: SendReason::TailLossProbe,
            again_before: 0,
        });
    }
    look.on_habit(false);
    let mut frames: Vec<Frame> = look.take_decided().map(|decided| decided.frame).collect();
    frames.sort_unstable();
    assert_eq!(frames, [996, 997, 998, 999]);
    assert!(!look.has_decided());
}
