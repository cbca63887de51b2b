//! When a sender is said to have kept something back itself, and when not.

use crate::story::{ACK, SYN, Story};
use crate::{Direction, LimitedTime};

/// A transfer with a round trip of 20 ms, captured where it is sent.
struct Transfer {
    story: Story,
    /// Ends of what is in flight, the oldest first, and when their acknowledgments come.
    flight: std::collections::VecDeque<(u32, u64)>,
}

const RTT_NS: u64 = 20_000_000;
const MSS: u32 = 1_460;

impl Transfer {
    fn new() -> Transfer {
        Transfer { story: Story::open(), flight: Default::default() }
    }

    fn text_at(&mut self, ns: u64) {
        self.story.ns = ns - 10_000; // each segment of a story comes 10 µs after the one before
        let end = self.story.lose(0, ACK, MSS).end().number();
        self.flight.push_back((end, ns + RTT_NS));
    }

    /// The acknowledgment of what is out longest comes.
    fn ack(&mut self) -> u64 {
        let (end, ns) = self.flight.pop_front().expect("something is in flight");
        self.story.received[1] = end;
        self.story.ns = ns - 10_000;
        self.story.send(1, ACK, 0);
        ns
    }

    /// Begins with `segments`, a millisecond apart: then nothing queues.
    fn began(mut self, segments: u64) -> Transfer {
        let from_ns = self.story.ns + 1_000_000;
        for number in 0..segments {
            self.text_at(from_ns + number * 1_000_000);
        }
        self
    }

    /// For so many acknowledgments: each is followed at once by one segment.
    fn kept_level(mut self, acks: u32) -> Transfer {
        for _ in 0..acks {
            let ns = self.ack();
            self.text_at(ns + 20_000);
        }
        self
    }

    fn sender(&self) -> Direction {
        self.story.told().connection().directions[0].clone()
    }
}

fn ms(ns: u64) -> u64 {
    ns / 1_000_000
}

#[test]
fn a_level_flight_in_step_with_acknowledgments_is_the_senders_own() {
    let sender = Transfer::new().began(10).kept_level(300).sender();
    let own = &sender.own_limit;
    assert_eq!(own.plateau_bytes, 10 * MSS, "{own:?}");
    assert!(own.plateau_rounds >= 25, "{own:?}");
    assert_eq!(own.spans.len(), 1, "{own:?}");
    let LimitedTime { sender_ns, network_ns, receiver_ns, .. } = sender.limited;
    assert!(sender_ns > 10 * network_ns && receiver_ns == 0, "{:?}", sender.limited);
    assert_eq!(own.plateau_ns, sender_ns);
}

#[test]
fn few_rounds_show_nothing() {
    let sender = Transfer::new().began(10).kept_level(60).sender();
    assert_eq!((sender.limited.sender_ns, sender.own_limit.spans.len()), (0, 0));
}

#[test]
fn a_flight_that_grows_is_a_congestion_window() {
    let mut transfer = Transfer::new().began(10);
    for round in 0..30u64 {
        transfer = transfer.kept_level(10 + round as u32);
        let ns = transfer.story.ns + 30_000;
        transfer.text_at(ns);
    }
    assert_eq!(transfer.sender().limited.sender_ns, 0);
}

#[test]
fn an_application_with_a_clock_of_its_own_does_not_keep_step() {
    // one segment each 2 ms, which is as much in flight at any time; acknowledgments come half way between
    let mut transfer = Transfer::new();
    let from_ns = transfer.story.ns + 1_000_000;
    for number in 0..300u64 {
        let ns = from_ns + number * 1_900_000;
        while transfer.flight.front().is_some_and(|(_, ack_ns)| *ack_ns <= ns) {
            transfer.ack();
        }
        transfer.text_at(ns);
    }
    let sender = transfer.sender();
    assert_eq!(sender.limited.sender_ns, 0, "{:?}", sender.own_limit);
}

#[test]
fn a_window_that_is_nearly_full_may_be_what_holds_it() {
    let mut transfer = Transfer::new();
    transfer.story.window[1] = 20_000;
    let sender = transfer.began(10).kept_level(300).sender();
    assert_eq!(sender.limited.sender_ns, 0);
}

#[test]
fn after_a_loss_a_congestion_window_may_stay_level() {
    let mut transfer = Transfer::new().began(10);
    // the oldest is lost, and goes again after three duplicates
    let oldest = transfer.story.received[1];
    for number in 2..6 {
        transfer.story.wait_ms(1).sack(1, oldest, oldest + MSS, oldest + number * MSS);
    }
    let seq = oldest;
    transfer.story.again(0, seq, ACK, MSS);
    transfer.story.wait_ms(20);
    let sender = transfer.kept_level(300).sender();
    assert!(sender.retransmissions.total() > 0);
    assert_eq!(sender.limited.sender_ns, 0);
}

#[test]
fn a_queue_that_stands_shows_that_the_path_is_full() {
    let mut transfer = Transfer::new().began(10).kept_level(3);
    // all that is out takes twice as long from now on
    for (_, ns) in &mut transfer.flight {
        *ns += RTT_NS;
    }
    for _ in 0..300 {
        let ns = transfer.ack();
        transfer.text_at(ns + 20_000);
        transfer.flight.back_mut().expect("just sent").1 += RTT_NS;
    }
    assert_eq!(transfer.sender().limited.sender_ns, 0);
}

#[test]
fn credit_of_the_other_application_is_not_the_senders_buffer() {
    let mut transfer = Transfer::new().began(10);
    for count in 0..300 {
        let ns = transfer.ack();
        if count % 10 == 0 {
            transfer.story.send(1, ACK, 20);
        }
        transfer.text_at(ns + 40_000);
    }
    assert_eq!(transfer.sender().limited.sender_ns, 0);
}

/// Small segments one at a time: each goes `behind_ns` after the acknowledgment of the one before.
fn one_at_a_time(text_bytes: u32, behind_ns: u64) -> Story {
    let mut story = Story::open();
    for _ in 0..5 {
        story.send(0, ACK, text_bytes);
        story.wait_ms(60).send(1, ACK, 0);
        story.ns += behind_ns;
    }
    story
}

#[test]
fn a_small_segment_that_goes_with_the_acknowledgment_was_held_by_nagles_rule() {
    let told = one_at_a_time(100, 0).told();
    let sender = &told.connection().directions[0];
    assert_eq!((sender.own_limit.nagle_segments, ms(sender.limited.sender_ns)), (4, 240));
    assert_eq!(ms(sender.limited.network_ns), 0);
}

#[test]
fn what_comes_later_than_the_acknowledgment_was_the_applications_wait() {
    for story in [one_at_a_time(100, 5_000_000), one_at_a_time(1_460, 0)] {
        let told = story.told();
        assert_eq!(told.connection().directions[0].limited.sender_ns, 0);
    }
}

#[test]
fn an_answer_is_no_acknowledgment_that_was_waited_for() {
    let mut story = Story::open();
    for _ in 0..5 {
        story.send(0, ACK, 100);
        story.wait_ms(60).send(1, ACK, 200);
    }
    let told = story.told();
    assert_eq!(told.connection().directions[0].limited.sender_ns, 0);
}

#[test]
fn at_the_receiver_nothing_is_known_of_the_senders_steps() {
    // each text is acknowledged at once, and the next comes some time later
    let mut story = Story::new();
    story.send(0, SYN, 0);
    story.send(1, SYN | ACK, 0);
    story.wait_ms(40).send(0, ACK, 0);
    for _ in 0..300 {
        story.wait_ms(4).send(0, ACK, 1_400);
        story.send(1, ACK, 0);
    }
    let told = story.told();
    assert_eq!(told.connection().directions[0].limited.sender_ns, 0);
}

#[test]
fn the_shares_are_all_of_the_time() {
    for story in [Transfer::new().began(10).kept_level(300).story, one_at_a_time(100, 0)] {
        let told = story.told();
        let sender = &told.connection().directions[0];
        assert_eq!(sender.limited.total_ns(), sender.sending_ns);
    }
}
