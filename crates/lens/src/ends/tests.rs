use crate::story::{ACK, FIN, RST, SYN, Story};
use crate::{Notes, Opened, Origin, ResetAcceptability, Side};
use tcp::state::State::{self, *};
use tcp::state::{Cause, ROWS};
use wire::Seq;

fn causes(story: &Story, side: usize) -> Vec<Cause> {
    let told = story.told();
    told.connection().steps[side].iter().map(|step| ROWS[usize::from(step.row)].on).collect()
}

#[test]
fn three_steps_open_and_four_close() {
    let mut story = Story::open();
    story.send(0, ACK, 100);
    story.send(1, ACK, 0);
    story.send(1, FIN | ACK, 0);
    story.send(0, ACK, 0);
    story.send(0, FIN | ACK, 0);
    story.send(1, ACK, 0);
    let expected: Vec<(State, State)> = vec![
        (SynSent, SynReceived),
        (Established, SynReceived),
        (Established, Established),
        (Established, Established),
        (Established, Established),
        (CloseWait, FinWait1),
        (CloseWait, FinWait2),
        (LastAck, TimeWait),
        (Closed, TimeWait),
    ];
    assert_eq!(story.told().states(), expected);
    use Cause::*;
    assert_eq!(causes(&story, 0), [ActiveOpen, SynAck, Fin, Close, AckOfFin]);
    assert_eq!(causes(&story, 1), [PassiveOpen, Syn, AckOfSyn, Close, AckOfFin, Fin]);
    let told = story.told();
    assert_eq!(told.connection().close.first, Some(Side::B));
    assert_eq!(told.connection().opened, Opened::By(Side::A));
}

#[test]
fn crossed_fins_lead_both_ends_through_closing() {
    let mut story = Story::open();
    story.lose(0, FIN | ACK, 0);
    story.lose(1, FIN | ACK, 0);
    story.received = [story.next[1], story.next[0]];
    story.send(0, ACK, 0);
    story.send(1, ACK, 0);
    let told = story.told();
    assert_eq!(told.states()[4..], [(Closing, Closing), (Closing, TimeWait), (TimeWait, TimeWait)]);
    assert!(told.frame(5).notes.contains(Notes::CROSSED));
    assert!(told.connection().close.is_simultaneous);
    assert!(told.finding("simultaneous-close").is_some());
    use Cause::*;
    assert_eq!(causes(&story, 1), [PassiveOpen, Syn, AckOfSyn, Close, Fin, AckOfFin]);
}

#[test]
fn simultaneous_open_goes_through_syn_received_at_both_ends() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    story.send(1, SYN, 0);
    let (seq_a, seq_b) = (story.next[0] - 1, story.next[1] - 1);
    story.again(0, seq_a, SYN | ACK, 0);
    story.again(1, seq_b, SYN | ACK, 0);
    let told = story.told();
    assert_eq!(
        told.states(),
        [
            (SynSent, SynReceived),
            (SynReceived, SynReceived),
            (SynReceived, Established),
            (Established, Established)
        ]
    );
    assert_eq!(told.connection().opened, Opened::Simultaneously);
    use Cause::*;
    assert_eq!(causes(&story, 0), [ActiveOpen, Syn, AckOfSyn]);
    assert_eq!(causes(&story, 1), [ActiveOpen, Syn, AckOfSyn]);
}

#[test]
fn a_missing_handshake_is_assumed_and_marked() {
    let mut story = Story::new();
    story.send(0, ACK, 100);
    story.send(1, ACK, 0);
    let told = story.told();
    assert_eq!(told.states()[0], (Established, Established));
    assert!(told.frame(1).sender().is_inferred && told.frame(1).receiver().is_inferred);
    assert_eq!(told.connection().opened, Opened::Unknown);
}

#[test]
fn a_syn_that_is_refused_leaves_both_ends_closed() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    story.next[1] = 0;
    story.send(1, RST | ACK, 0);
    let told = story.told();
    assert_eq!(told.states()[1], (Closed, Closed));
    assert_eq!(told.frame(2).reset, Some(ResetAcceptability::Exact));
    assert!(told.connection().handshake.refused.is_some());
    assert!(told.connection().steps[1].is_empty(), "nobody listened");
    assert!(told.finding("refused").is_some());
}

#[test]
fn a_challenge_ack_does_not_show_that_the_handshake_is_complete() {
    let mut story = Story::new();
    story.send(0, SYN, 0);
    story.send(1, SYN | ACK, 0);
    let next = story.next[0];
    story.again(0, next + 7, RST, 0);
    story.send(1, ACK, 0).ack = Seq::new(next);
    assert_eq!(
        story.told().last().sender().state,
        SynReceived,
        "it answers from where it stands (RFC 5961 §3.2)"
    );
    use Cause::*;
    assert_eq!(causes(&story, 1), [PassiveOpen, Syn]);
    // text that it sends shows that the third step came
    story.next[0] = next;
    story.send(1, ACK, 100);
    assert_eq!(story.told().last().sender().state, Established);
    assert_eq!(causes(&story, 1), [PassiveOpen, Syn, AckOfSyn]);
}

#[test]
fn a_lost_third_step_takes_the_acceptor_back() {
    let mut story = Story::open();
    let iss = story.next[1] - 1;
    story.wait_ms(1_000).again(1, iss, SYN | ACK, 0);
    story.send(0, ACK, 0);
    let told = story.told();
    assert!(told.frame(4).notes.contains(Notes::CROSSED));
    assert_eq!(told.states()[4], (Established, Established));
    use Cause::*;
    assert_eq!(causes(&story, 1), [PassiveOpen, Syn, AckOfSyn]);
}

#[test]
fn resets_are_acceptable_at_the_next_number_only() {
    for (offset, expected) in [
        (0u32, ResetAcceptability::Exact),
        (10, ResetAcceptability::InWindow),
        (1 << 20, ResetAcceptability::Outside),
        (1u32.wrapping_neg(), ResetAcceptability::Outside),
    ] {
        let mut story = Story::open();
        story.send(0, ACK, 0).window = 1_000;
        let rst = story.send(1, RST, 0);
        rst.seq = Seq::new(rst.seq.number().wrapping_add(offset));
        let told = story.told();
        assert_eq!(told.last().reset, Some(expected), "at {offset}");
        let obeyed = expected == ResetAcceptability::Exact;
        assert_eq!(told.last().receiver().state, if obeyed { Closed } else { Established });
    }
}

#[test]
fn a_reset_that_is_not_obeyed_is_seen_to_be_ignored() {
    let mut story = Story::open();
    story.send(1, RST, 0);
    story.wait_ms(5_000).send(0, ACK, 100);
    let told = story.told();
    assert_eq!(told.last().sender().state, Established);
    assert!(told.last().notes.contains(Notes::RESET_IGNORED));
    assert!(told.finding("reset-ignored").is_some());
}

#[test]
fn half_close_lets_the_other_end_go_on() {
    let mut story = Story::open();
    story.send(0, FIN | ACK, 0);
    story.send(1, ACK, 500);
    story.send(0, ACK, 0);
    story.wait_ms(20_000).send(1, FIN | ACK, 0);
    story.send(0, ACK, 0);
    let told = story.told();
    assert_eq!(
        told.states()[3..],
        [
            (FinWait1, CloseWait),
            (FinWait2, CloseWait),
            (FinWait2, CloseWait),
            (TimeWait, LastAck),
            (TimeWait, Closed)
        ]
    );
    assert!(told.connection().close.half_closed_with_data);
    assert!(told.finding("half-closed").is_some());
}

#[test]
fn a_fin_beyond_a_gap_waits_for_the_data() {
    let mut story = Story::open();
    let gap = story.next[1];
    story.next[1] += 1_000; // not captured yet
    story.lose(1, FIN | ACK, 0);
    story.send(0, ACK, 0).ack = Seq::new(gap);
    let told = story.told();
    assert_eq!(told.last().sender().state, Established, "the FIN is not next");
    story.received[0] = story.next[1];
    story.send(0, ACK, 0);
    let told = story.told();
    assert_eq!(told.last().sender().state, CloseWait);
    let inferred = told.connection().steps[0].iter().last().expect("a step");
    assert_eq!(inferred.origin, Origin::Inferred);
}

#[test]
fn text_after_a_fin_and_a_syn_inside_are_remarked() {
    let mut story = Story::open();
    story.send(0, FIN | ACK, 0);
    story.send(0, ACK, 10);
    let told = story.told();
    assert!(told.last().notes.contains(Notes::TEXT_AFTER_FIN));
    assert!(told.finding("text-after-fin").is_some());
}

#[test]
fn a_fin_sent_again_in_time_wait_changes_nothing() {
    let mut story = Story::open();
    story.send(0, FIN | ACK, 0);
    story.send(1, FIN | ACK, 0);
    story.send(0, ACK, 0);
    let fin = story.next[1] - 1;
    story.wait_ms(300).again(1, fin, FIN | ACK, 0);
    story.send(0, ACK, 0);
    let told = story.told();
    assert_eq!(told.last().sender().state, TimeWait);
    assert_eq!(told.last().receiver().state, Closed);
}

proptest::proptest! {
    /// Whatever the segments are, nothing panics, and every step continues the one before it.
    #[test]
    fn steps_always_continue_one_another(segments in proptest::collection::vec(
        (0usize..2, 0u16..0x1ff, 0u32..40, 0u32..40, 0u32..4), 1..60)) {
        let mut story = Story::new();
        for (from, flags, seq, ack, text) in segments {
            let segment = story.again(from, 1_000 + seq, wire::tcp::Flags::from_bits(flags), text);
            segment.ack = Seq::new(1_000 + ack);
        }
        let told = story.told();
        for connection in &told.kept.connections {
            for steps in &connection.steps {
                let rows: Vec<_> = steps.iter().filter_map(|step| step.row()).collect();
                for pair in rows.windows(2) {
                    proptest::prop_assert_eq!(pair[0].to, pair[1].from);
                }
            }
        }
    }
}
