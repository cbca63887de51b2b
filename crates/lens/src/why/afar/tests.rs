//! Captures at the receiver, made by hand: what arrives, when its sender's clock said that it left, and what it had heard.

use crate::story::{ACK, SYN, Story};
use crate::{Confidence, Why};
use tcp::Instant;
use tcp::SendReason::{self, *};
use wire::Seq;
use wire::tcp::{SackBlock, Timestamps};

/// The sender's clock is ahead by so much, in milliseconds.
const AHEAD_MS: u64 = 5_000;
/// From the sender to here.
const WAY_MS: u64 = 10;
const TEXT: u32 = 1_000;

/// A sender 20 ms away, and the capture at its receiver.
struct Far {
    story: Story,
    /// The first number of its text.
    base: u32,
    /// The clock of the capture, in milliseconds.
    now_ms: u64,
    /// The identification of its next packet; none if it does not count.
    id: Option<u16>,
}

impl Far {
    /// Opened, and so much sent and acknowledged that both clocks and the counter are known: 30 segments in 60 ms.
    fn open() -> Far {
        Far::with(true)
    }

    fn with(counts: bool) -> Far {
        let mut story = Story::with_timestamps();
        let base = story.next[0] + 1;
        let mut far = Far { base, now_ms: 1_000, id: counts.then_some(1), story: Story::with_timestamps() };
        for (from, flags, wait_ms) in [(0, SYN, 0), (1, SYN | ACK, 0), (0, ACK, 20)] {
            far.now_ms += wait_ms;
            story.send(from, flags, 0);
            far.stamp(&mut story, from, 0, 0);
        }
        far.story = story;
        for place in 0..30 {
            far.now_ms += 2;
            far.arrives(place, 0, 20).answers(place + 1, &[]);
        }
        far
    }

    /// Dates the last segment: sent by the end 0 so long ago more than the way takes, and heard of the other end what that
    /// had said `heard_ms` ago.
    fn stamp(&mut self, story: &mut Story, from: usize, late_ms: u64, heard_ms: u64) {
        let segment = story.segments.last_mut().expect("just sent");
        segment.time = Instant::from_nanos(self.now_ms * 1_000_000);
        let value = match from {
            0 => self.now_ms - WAY_MS - late_ms + AHEAD_MS,
            _ => self.now_ms,
        };
        let echo = if from == 0 { self.now_ms - heard_ms } else { 0 };
        segment.options.timestamps = Some(Timestamps { value: value as u32, echo: echo as u32 });
        segment.ip_id = match from {
            0 => self.id,
            _ => None,
        };
        if from == 0 {
            self.id = self.id.map(|id| id + 1);
        }
    }

    /// The segment of this place arrives, so late, of a sender that had last heard what was said `heard_ms` ago.
    fn arrives(&mut self, place: u32, late_ms: u64, heard_ms: u64) -> &mut Far {
        let mut story = std::mem::replace(&mut self.story, Story::new());
        story.again(0, self.base + place * TEXT, ACK, TEXT);
        story.segments.last_mut().expect("just sent").ack = Seq::new(9_001);
        self.stamp(&mut story, 0, late_ms, heard_ms);
        self.story = story;
        self
    }

    /// The receiver acknowledges what is before this place, and reports these.
    fn answers(&mut self, place: u32, pieces: &[[u32; 2]]) -> &mut Far {
        let base = self.base;
        let seq = |place: u32| Seq::new(base + place * TEXT);
        let mut story = std::mem::replace(&mut self.story, Story::new());
        let echo = story.segments.iter().rev().find_map(|sent| Some(sent.options.timestamps?.value));
        let segment = story.send(1, ACK, 0);
        (segment.ack, segment.seq) = (seq(place), Seq::new(9_001));
        for [left, right] in pieces {
            segment.options.sack.push(SackBlock { left: seq(*left), right: seq(*right) });
        }
        self.stamp(&mut story, 1, 0, 0);
        if let Some(stamps) = &mut story.segments.last_mut().expect("just sent").options.timestamps {
            stamps.echo = echo.unwrap_or(0);
        }
        self.story = story;
        self
    }

    fn waits(&mut self, ms: u64) -> &mut Far {
        self.now_ms += ms;
        self
    }

    /// So many packets are lost before they come here.
    fn loses(&mut self, packets: u16) -> &mut Far {
        self.id = self.id.map(|id| id + packets);
        self
    }

    fn why(&self) -> Why {
        self.story.told().last().why
    }

    fn reason(&self) -> SendReason {
        self.why().reason
    }
}

/// Segment 30 is lost, and so are 33 to 40; its timer runs out.
fn timeout() -> Far {
    let mut far = Far::open();
    far.waits(2).loses(1).arrives(31, 0, 20).answers(30, &[[31, 32]]);
    far.arrives(32, 0, 20).answers(30, &[[31, 33]]);
    far.loses(8).waits(260).arrives(30, 0, 260);
    far
}

#[test]
fn a_timeout_lasts_until_what_was_out_is_acknowledged() {
    let mut far = timeout();
    assert_eq!(far.reason(), Timeout);
    far.answers(33, &[]).waits(20).arrives(33, 0, 20);
    assert_eq!(
        (far.reason(), far.why().confidence),
        (AfterTimeout, Confidence::LOW.seen_afar()),
        "the counter says so alone"
    );
    far.answers(34, &[]).waits(20);
    for place in 34..41 {
        far.arrives(place, 0, 20);
        assert_eq!(far.reason(), AfterTimeout, "segment {place}");
    }
    far.answers(41, &[]).waits(20).arrives(41, 0, 20);
    assert_eq!(far.reason(), NewData, "nothing more was hidden");
}

#[test]
fn a_timeout_that_was_a_mistake_ends_when_its_sender_hears_so() {
    let mut far = Far::open();
    for place in 30..34 {
        far.arrives(place, 0, 20).answers(place + 1, &[]);
    }
    // none of these acknowledgments reached it
    far.waits(260).arrives(30, 0, 280);
    assert_eq!(far.reason(), Timeout);
    far.answers(34, &[[30, 31]]);
    // it goes on with new text, of which the first is lost
    far.waits(20).loses(1).arrives(35, 0, 20).answers(34, &[[35, 36]]);
    for place in 36..40 {
        far.arrives(place, 0, 20).answers(34, &[[35, place + 1]]);
    }
    far.waits(20).arrives(34, 0, 20);
    assert_eq!(far.reason(), SackRecovery);
}

#[test]
fn what_is_late_on_the_path_was_not_sent_by_a_timer() {
    let story = |late_ms: u64| {
        let mut far = Far::open();
        far.waits(2).loses(1);
        for place in 31..37 {
            far.arrives(place, 0, 20).answers(30, &[[31, place + 1]]);
        }
        far.waits(300).arrives(30, late_ms, 300);
        far.reason()
    };
    assert_eq!(story(280), SackRecovery, "it left at once");
    assert_eq!(story(0), Timeout, "its clock says that it waited");
}

#[test]
fn what_could_only_be_late_is_sent_again_after_a_while() {
    let story = |wait_ms: u64| {
        let mut far = Far::open();
        far.waits(2).loses(1).arrives(31, 0, 20).answers(30, &[[31, 32]]);
        far.waits(20 + wait_ms).arrives(30, 0, 20 + wait_ms);
        far.reason()
    };
    assert_eq!(story(6), ReorderTimeout);
    assert_eq!(story(0), SackRecovery);
}

#[test]
fn a_lone_segment_in_time_for_its_timer_was_sent_before_unless_a_counter_says_no() {
    let story = |counts: bool, wait_ms: u64| {
        let mut far = Far::with(counts);
        far.waits(wait_ms).arrives(30, 0, wait_ms);
        far.why()
    };
    let probe = story(false, 250);
    assert_eq!((probe.reason, probe.confidence), (TailLossProbe, Confidence::LIKELY.seen_afar()));
    assert_eq!(story(true, 250).reason, NewData, "nothing is missing");
    assert_eq!(story(false, 120).reason, NewData, "an application that pauses");
    assert_eq!(story(false, 700).reason, NewData, "and one that pauses longer");
}

#[test]
fn text_behind_a_gap_after_a_timeout_is_new() {
    let mut far = timeout();
    far.answers(33, &[]).waits(20).arrives(41, 0, 20);
    assert_eq!(far.reason(), NewData);
}

#[test]
fn a_syn_ack_right_behind_another_answers_the_syn_that_came_again() {
    let story = |gap_ms: u64| {
        let mut story = Story::with_timestamps();
        story.send(0, SYN, 0);
        let second = *story.wait_ms(1_000).segments.last().expect("a SYN");
        story.push_at(crate::Segment { frame: 2, ..second }, 0);
        for (frame, after_ms) in [(3, 10), (4, 10 + gap_ms)] {
            let mut answer = Story::with_timestamps();
            let answer = *answer.send(1, SYN | ACK, 0);
            story.push_at(crate::Segment { frame, ip_id: None, ..answer }, after_ms * 1_000_000);
        }
        story.told().last().why.reason
    };
    assert_eq!(story(60), SynAck);
    assert_eq!(story(1_000), Timeout);
}

#[test]
fn without_sack_more_than_one_for_an_acknowledgment_shows_a_timeout_before() {
    let mut far = Far::open();
    for place in (31..34).chain(35..41) {
        far.waits(2).arrives(place, 0, 20).answers(30, &[]);
    }
    far.waits(20).arrives(30, 0, 20);
    assert_eq!(far.reason(), FastRetransmit, "as far as can be seen by then");
    far.answers(34, &[]).waits(20).arrives(34, 0, 20);
    assert_eq!(far.reason(), RecoveryRetransmit);
    far.answers(41, &[]);
    for place in [35, 36, 37] {
        far.waits(1).arrives(place, 0, 20 + u64::from(place - 34));
        assert_eq!(far.reason(), AfterTimeout, "segment {place}");
    }
}
