//! Openings.

use super::{Case, fresh, later, opened, silent, told};
use crate::FindingId as Id;
use crate::story::{ACK, FIN, RST, SYN, Story};

fn syns(count: u32) -> Story {
    fresh(|story| {
        let isn = story.next[0];
        story.send(0, SYN, 0);
        for n in 1..count {
            story.wait_ms(1_000 << (n - 1)).again(0, isn, SYN, 0);
        }
    })
}

/// A SYN that is sent so often, answered after a while.
fn late_answer(count: u32) -> Story {
    let mut story = syns(count);
    story.wait_ms(20).send(1, SYN | ACK, 0);
    story.send(0, ACK, 0);
    story
}

/// SYN,ACKs without a third step at first.
fn syn_acks(count: u32) -> Story {
    fresh(|story| {
        story.send(0, SYN, 0);
        let isn = story.next[1];
        story.wait_ms(20).send(1, SYN | ACK, 0);
        for n in 1..count {
            story.wait_ms(1_000 << (n - 1)).again(1, isn, SYN | ACK, 0);
        }
        story.send(0, ACK, 0);
    })
}

fn refused(port: u16) -> Story {
    fresh(|story| {
        story.ends[1].set_port(port);
        story.send(0, SYN, 0);
        let ack = story.received[1];
        let rst = story.wait_ms(1).send(1, RST | ACK, 0);
        (rst.seq, rst.ack) = (wire::Seq::new(0), wire::Seq::new(ack));
    })
}

/// The server closes first and lingers; the same port asks again with a timestamp that is older or newer by so much.
fn asks_again(stamp_ms: i64, syns: u32) -> Story {
    let mut story = Story::with_timestamps().opened();
    story.send(0, ACK, 100);
    story.send(1, FIN | ACK, 100);
    story.send(0, FIN | ACK, 0);
    story.send(1, ACK, 0);
    story.wait_ms(5_000);
    story.next[0] = 700_000;
    let isn = story.next[0];
    for n in 0..syns {
        let value = (story.ns / 1_000_000) as i64 + stamp_ms;
        let syn = if n == 0 { story.send(0, SYN, 0) } else { story.wait_ms(1_000).again(0, isn, SYN, 0) };
        syn.options.timestamps = Some(wire::tcp::Timestamps { value: value as u32, echo: 0 });
    }
    later(story, 2_000)
}

fn answered_again() -> Story {
    let mut story = asks_again(-3_600_000, 1);
    story.segments.pop();
    story.received[0] = story.next[1];
    story.wait_ms(20).send(1, SYN | ACK, 0);
    story.send(0, ACK, 0);
    story
}

/// A bulk transfer without these options of either end or one.
fn without(strip: fn(&mut crate::Segment), ends: &[usize], bytes: u32) -> Story {
    let mut story = Story::with_timestamps().opened();
    for end in ends {
        strip(&mut story.segments[*end]);
    }
    for _ in 0..bytes / 1_000 / 40 {
        (0..40).for_each(|_| _ = story.send(0, ACK, 1_000));
        story.wait_ms(20).send(1, ACK, 0);
    }
    story
}

fn no_sack(segment: &mut crate::Segment) {
    segment.options.sack_permitted = false;
}

fn no_stamps(segment: &mut crate::Segment) {
    segment.options.timestamps = None;
}

fn no_mss(segment: &mut crate::Segment) {
    segment.options.mss = None;
}

fn reused(closed: bool, after_ms: u64) -> Story {
    let mut story = Story::open();
    story.send(0, ACK, 10);
    if closed {
        story.send(0, FIN | ACK, 0);
        story.send(1, FIN | ACK, 0);
        story.send(0, ACK, 0);
    }
    story.wait_ms(after_ms);
    (story.next, story.received) = ([70_000, 90_000], [90_000, 70_000]);
    story.opened_again();
    story
}

fn two_syn_acks() -> Story {
    let mut story = syns(1);
    story.send(1, SYN | ACK, 0);
    (story.next[1], story.received[0]) = (50_000, 50_000);
    story.wait_ms(1).send(1, SYN | ACK, 0);
    story
}

fn refused_answer(had_asked: bool, waited_ms: u64) -> Story {
    fresh(|story| {
        match had_asked {
            true => _ = story.send(0, SYN, 0),
            false => (story.next[0], story.received[1]) = (1_001, 1_001),
        }
        story.wait_ms(waited_ms).send(1, SYN | ACK, 0);
        story.send(0, RST, 0);
    })
}

pub(super) fn cases() -> Vec<Case> {
    let deaf = || {
        // the same host talks, and what comes to it is not in the capture
        let mut story = opened(|story| {
            (0..4).for_each(|_| _ = story.send(0, ACK, 100));
        });
        let client = story.ends[0];
        story.segments.retain(|segment| segment.source == client);
        story.ends[0].set_port(7_777);
        story.wait_ms(10).again(0, 5_000, SYN, 0);
        later(story, 3_000)
    };
    let fast_open = fresh(|story| _ = story.send(0, SYN, 100));
    let one_sided = fresh(|story| {
        story.send(0, SYN, 0);
        story.wait_ms(20).send(0, ACK, 0);
        story.send(0, ACK, 200);
    });
    vec![
        told(Id::SynUnanswered, "three SYNs", syns(3)),
        told(Id::SynUnanswered, "one SYN and two seconds", later(syns(1), 2_000)),
        told(Id::SynUnanswered, "a SYN with text", later(fast_open, 2_000)),
        silent(Id::SynUnanswered, "the capture ends at once", syns(1)),
        silent(Id::SynUnanswered, "the capture ends soon", later(syns(1), 300)),
        silent(Id::SynUnanswered, "a reset is an answer", later(refused(81), 2_000)),
        silent(Id::SynUnanswered, "one direction was captured", later(one_sided, 2_000)),
        silent(Id::SynUnanswered, "nothing that comes to the host is captured", deaf()),
        told(Id::CaptureEnds, "with a SYN", syns(1)),
        told(Id::CaptureEnds, "half a second after a SYN", later(syns(1), 500)),
        told(
            Id::CaptureEnds,
            "with a SYN to another port",
            fresh(|story| {
                story.ends[1].set_port(443);
                story.send(0, SYN, 0);
            }),
        ),
        silent(Id::CaptureEnds, "after it was clear", later(syns(1), 2_000)),
        silent(Id::CaptureEnds, "after an answer", refused(81)),
        silent(Id::CaptureEnds, "after many SYNs", syns(4)),
        told(Id::SynIgnored, "an older stamp, once", asks_again(-3_600_000, 1)),
        told(Id::SynIgnored, "an older stamp, twice", asks_again(-3_600_000, 2)),
        told(Id::SynIgnored, "a stamp of a minute before", asks_again(-60_000, 4)),
        silent(Id::SynIgnored, "a newer stamp", asks_again(10, 2)),
        silent(Id::SynIgnored, "it is answered", answered_again()),
        silent(Id::SynIgnored, "the port was not used before", syns(3)),
        told(Id::SynRetransmitted, "twice", late_answer(2)),
        told(Id::SynRetransmitted, "three times", late_answer(3)),
        told(Id::SynRetransmitted, "five times", late_answer(5)),
        silent(Id::SynRetransmitted, "once", late_answer(1)),
        silent(Id::SynRetransmitted, "no answer", syns(3)),
        silent(Id::SynRetransmitted, "only the answer went again", syn_acks(2)),
        told(Id::SynAckRetransmitted, "twice", syn_acks(2)),
        told(Id::SynAckRetransmitted, "three times", syn_acks(3)),
        told(Id::SynAckRetransmitted, "four times", syn_acks(4)),
        silent(Id::SynAckRetransmitted, "once", syn_acks(1)),
        silent(Id::SynAckRetransmitted, "only the SYN went again", late_answer(2)),
        silent(Id::SynAckRetransmitted, "with another number", two_syn_acks()),
        told(Id::Refused, "port 81", refused(81)),
        told(Id::Refused, "port 22", refused(22)),
        told(Id::Refused, "port 8080", refused(8_080)),
        silent(Id::Refused, "no answer", syns(3)),
        silent(Id::Refused, "the answer was refused", refused_answer(true, 20)),
        silent(Id::Refused, "a reset later", opened(|story| _ = story.send(1, RST | ACK, 0))),
        told(Id::AnswerRefused, "a scan", refused_answer(true, 20)),
        told(Id::AnswerRefused, "a slow scan", refused_answer(true, 300)),
        told(Id::AnswerRefused, "nobody asked", refused_answer(false, 20)),
        silent(Id::AnswerRefused, "the SYN was refused", refused(81)),
        silent(Id::AnswerRefused, "it opened", Story::open()),
        silent(
            Id::AnswerRefused,
            "a reset after the third step",
            opened(|story| _ = story.send(0, RST | ACK, 0)),
        ),
        told(Id::PortReuse, "soon", reused(true, 50)),
        told(Id::PortReuse, "later", reused(true, 5_000)),
        told(Id::PortReuse, "without a close", reused(false, 50)),
        silent(Id::PortReuse, "a SYN again", late_answer(2)),
        silent(Id::PortReuse, "a second SYN,ACK with another number", two_syn_acks()),
        silent(Id::PortReuse, "first use", Story::open()),
        told(Id::OptionMissing, "SACK of both", without(no_sack, &[0, 1], 200_000)),
        told(Id::OptionMissing, "timestamps of one", without(no_stamps, &[1], 200_000)),
        told(Id::OptionMissing, "the MSS", without(no_mss, &[0], 0)),
        silent(Id::OptionMissing, "nothing is missing that matters", without(|_| {}, &[], 0)),
        silent(Id::OptionMissing, "SACK, of a short talk", without(no_sack, &[0, 1], 1_000)),
        silent(Id::OptionMissing, "timestamps, of a short talk", without(no_stamps, &[0, 1], 1_000)),
    ]
}
