//! Ladders as they must look, and the stories they tell.

use super::*;
use crate::snapshot;
use crate::style::{Charset, ColorChoice, Style};
use tcp::Trace;
use tcp::state::{Cause, State, lookup};
use wire::tcp::Flags;

const CLIENT_ISN: u32 = 4_225_926_656;
const SERVER_ISN: u32 = 3_022_381_253;

/// Two ends that record what they do, and a link with a delay of 10 ms.
struct World {
    recorder: Recorder,
    now_us: u64,
    /// By frame number: the sender, the segment, and how often it arrived (`usize::MAX` if it is lost).
    frames: Vec<(Side, SegmentFacts, usize)>,
    /// By side: what arrived last.
    heard: [Option<FrameArrival>; 2],
}

fn facts(seq: u32, ack: Option<u32>, flags: Flags, len_bytes: u32) -> SegmentFacts {
    let flags = if ack.is_some() { flags | Flags::ACK } else { flags };
    SegmentFacts {
        seq: Seq::new(seq),
        ack: Seq::new(ack.unwrap_or(0)),
        flags,
        len_bytes,
        window_bytes: 65_535,
    }
}

impl World {
    fn new() -> World {
        let end = |name: &str, address: &str, state| End {
            name: name.into(),
            address: address.into(),
            state: Some(state),
            isn: None,
        };
        let left = end("client", "10.0.0.1:49152", State::Closed);
        let right = end("server", "10.0.0.2:80", State::Listen);
        World { recorder: Recorder::new(left, right), now_us: 0, frames: Vec::new(), heard: [None; 2] }
    }

    fn at(&self) -> Instant {
        Instant::from_micros(self.now_us)
    }

    fn wait_us(&mut self, us: u64) -> &mut Self {
        self.now_us += us;
        self
    }

    fn sends(&mut self, side: Side, segment: SegmentFacts, why: SendReason) -> &mut Self {
        self.recorder.record(self.at(), side, &Trace::Sent { segment, why }, None);
        self.departs(side, segment, why)
    }

    /// A frame departs, without a trace of it.
    fn departs(&mut self, side: Side, segment: SegmentFacts, why: SendReason) -> &mut Self {
        self.recorder.departs(self.at(), side, self.frames.len(), segment, Some(why));
        self.frames.push((side, segment, 0));
        self
    }

    /// The oldest frame with these facts that has not arrived does so, or one that was never sent.
    fn arrives(&mut self, side: Side, segment: SegmentFacts) -> &mut Self {
        let is_it = |frame: &(Side, SegmentFacts, usize)| *frame == (side.other(), segment, 0);
        let frame = self.frames.iter().position(is_it).unwrap_or_else(|| {
            self.frames.push((side.other(), segment, 0));
            self.frames.len() - 1
        });
        self.arrives_as(side, frame)
    }

    /// The frame with this number arrives.
    fn arrives_as(&mut self, side: Side, frame: usize) -> &mut Self {
        let (_, segment, arrivals) = &mut self.frames[frame];
        let (segment, arrival) = (*segment, FrameArrival { frame, arrival: *arrivals });
        *arrivals += 1;
        self.heard[side.index()] = Some(arrival);
        self.recorder.arrives(self.at(), side, arrival, segment);
        self
    }

    fn loses(&mut self, frame: usize) -> &mut Self {
        self.recorder.lost(frame);
        self.frames[frame].2 = usize::MAX;
        self
    }

    fn takes(&mut self, side: Side, segment: SegmentFacts) -> &mut Self {
        self.arrives(side, segment);
        let heard = self.heard[side.index()];
        self.recorder.record(self.at(), side, &Trace::Taken { segment }, heard);
        self
    }

    fn refuses(&mut self, side: Side, why: tcp::Refusal) -> &mut Self {
        let heard = self.heard[side.index()].expect("something has arrived");
        let segment = self.frames[heard.frame].1;
        self.recorder.record(self.at(), side, &Trace::Refused { segment, why }, Some(heard));
        self
    }

    fn moves(&mut self, side: Side, from: State, on: Cause) -> &mut Self {
        let row = lookup(from, on).expect("the table has this row").index();
        let is_own = matches!(on, Cause::ActiveOpen | Cause::Close | Cause::Abort | Cause::TimeWaitTimeout);
        let heard = self.heard[side.index()].filter(|_| !is_own);
        self.recorder.record(self.at(), side, &Trace::StateChanged { row }, heard);
        self
    }

    /// A call that returns because of what arrived last.
    fn call(&mut self, side: Side, text: &str) -> &mut Self {
        self.recorder.call(self.at(), side, text, self.heard[side.index()]);
        self
    }

    /// `side` sends the segment, and the other end takes it 10 ms later.
    fn passes(&mut self, side: Side, segment: SegmentFacts, why: SendReason) -> &mut Self {
        self.sends(side, segment, why).wait_us(10_000).takes(side.other(), segment)
    }

    fn finish(self) -> Ladder {
        self.recorder.finish()
    }
}

/// One HTTP exchange: the client sends 2,374 bytes, the server 537 and closes first.
fn web_exchange() -> Ladder {
    use Side::{Left, Right};
    let (c, s) = (CLIENT_ISN, SERVER_ISN);
    let mut world = World::new();
    world.moves(Left, State::Closed, Cause::ActiveOpen);
    world.passes(Left, facts(c, None, Flags::SYN, 0), SendReason::Syn);
    world.moves(Right, State::Listen, Cause::Syn);
    world.passes(Right, facts(s, Some(c + 1), Flags::SYN, 0), SendReason::SynAck);
    world.moves(Left, State::SynSent, Cause::SynAck).call(Left, "connect returns");
    let ack = facts(c + 1, Some(s + 1), Flags::NONE, 0);
    let data =
        [facts(c + 1, Some(s + 1), Flags::NONE, 1_460), facts(c + 1_461, Some(s + 1), Flags::PSH, 914)];
    world.sends(Left, ack, SendReason::HandshakeAck);
    world.sends(Left, data[0], SendReason::NewData).sends(Left, data[1], SendReason::NewData);
    world.wait_us(10_000).takes(Right, ack).moves(Right, State::SynReceived, Cause::AckOfSyn);
    world.call(Right, "accept returns").takes(Right, data[0]).takes(Right, data[1]);
    world.sends(Right, facts(s + 1, Some(c + 2_375), Flags::NONE, 0), SendReason::SecondSegmentAck);
    let reply = facts(s + 1, Some(c + 2_375), Flags::PSH, 537);
    let fin = facts(s + 538, Some(c + 2_375), Flags::FIN, 0);
    world.sends(Right, reply, SendReason::NewData).moves(Right, State::Established, Cause::Close);
    world.sends(Right, fin, SendReason::Fin).wait_us(10_000);
    world.takes(Left, facts(s + 1, Some(c + 2_375), Flags::NONE, 0)).takes(Left, reply);
    world.takes(Left, fin).moves(Left, State::Established, Cause::Fin);
    world.passes(Left, facts(c + 2_375, Some(s + 539), Flags::NONE, 0), SendReason::FinAck);
    world.moves(Right, State::FinWait1, Cause::AckOfFin).moves(Left, State::CloseWait, Cause::Close);
    world.passes(Left, facts(c + 2_375, Some(s + 539), Flags::FIN, 0), SendReason::Fin);
    world.moves(Right, State::FinWait2, Cause::Fin);
    world.passes(Right, facts(s + 539, Some(c + 2_376), Flags::NONE, 0), SendReason::FinAck);
    world.moves(Left, State::LastAck, Cause::AckOfFin);
    world.wait_us(60_000_000).moves(Right, State::TimeWait, Cause::TimeWaitTimeout);
    world.finish()
}

/// Both ends open at once (RFC 9293, figure 7).
fn simultaneous_open() -> Ladder {
    use Side::{Left, Right};
    let mut world = World::new();
    world.recorder = Recorder::new(
        End { name: "a".into(), state: Some(State::Closed), ..End::default() },
        End { name: "b".into(), state: Some(State::Closed), ..End::default() },
    );
    let (a, b) = (facts(100, None, Flags::SYN, 0), facts(300, None, Flags::SYN, 0));
    world.moves(Left, State::Closed, Cause::ActiveOpen).sends(Left, a, SendReason::Syn).wait_us(1_000);
    world.moves(Right, State::Closed, Cause::ActiveOpen).sends(Right, b, SendReason::Syn).wait_us(9_000);
    world.takes(Right, a).moves(Right, State::SynSent, Cause::Syn);
    let b_again = facts(300, Some(101), Flags::SYN, 0);
    world.sends(Right, b_again, SendReason::SynAck).wait_us(1_000);
    world.takes(Left, b).moves(Left, State::SynSent, Cause::Syn);
    let a_again = facts(100, Some(301), Flags::SYN, 0);
    world.sends(Left, a_again, SendReason::SynAck).wait_us(9_000);
    world.takes(Left, b_again).moves(Left, State::SynReceived, Cause::AckOfSyn).wait_us(1_000);
    world.takes(Right, a_again).moves(Right, State::SynReceived, Cause::AckOfSyn);
    world.finish()
}

/// Loss, duplicate ACKs, a fast retransmission, a segment that is overtaken, a stray one and a reset.
fn troubled() -> Ladder {
    use Side::{Left, Right};
    let mut world = World::new();
    world.recorder = Recorder::new(
        End {
            name: "client".into(),
            state: Some(State::Established),
            isn: Some(Seq::new(0)),
            ..End::default()
        },
        End {
            name: "server".into(),
            state: Some(State::Established),
            isn: Some(Seq::new(0)),
            ..End::default()
        },
    );
    let data = |n: u32| facts(1 + n * 1_000, Some(1), Flags::NONE, 1_000);
    let ack = |n: u32| facts(1, Some(1 + n * 1_000), Flags::NONE, 0);
    for n in 0..5 {
        world.sends(Left, data(n), SendReason::NewData).wait_us(100);
    }
    world.loses(1).wait_us(9_500).takes(Right, data(0)).sends(Right, ack(1), SendReason::ImmediateAck);
    for n in 2..5 {
        world.wait_us(100).takes(Right, data(n)).sends(Right, ack(1), SendReason::DuplicateAck);
    }
    world.wait_us(9_700).takes(Left, ack(1));
    for _ in 0..3 {
        world.wait_us(100).takes(Left, ack(1));
    }
    world.sends(Left, data(1), SendReason::FastRetransmit).wait_us(50);
    world.sends(Left, data(5), SendReason::NewData).wait_us(4_000).takes(Right, data(5));
    world.sends(Right, ack(1), SendReason::DuplicateAck).wait_us(6_000).takes(Right, data(1));
    world.sends(Right, ack(6), SendReason::ImmediateAck).wait_us(4_000).takes(Left, ack(1));
    world.wait_us(6_000).takes(Left, ack(6));
    let old = facts(0u32.wrapping_sub(5_000), None, Flags::SYN, 0);
    world.arrives(Right, old).refuses(Right, tcp::Refusal::OutOfWindow);
    world.passes(Right, ack(6), SendReason::ChallengeAck);
    world.moves(Left, State::Established, Cause::Abort);
    let reset = facts(6_001, None, Flags::RST, 0);
    world.passes(Left, reset, SendReason::Reset(tcp::ResetReason::Aborted));
    world.moves(Right, State::Established, Cause::Rst);
    let heard = world.heard[Right.index()];
    world.recorder.note(world.at(), Right, NoteKind::Trouble, "read returns: connection reset", heard);
    world.finish()
}

#[test]
fn a_reduction_that_is_taken_back_says_so_under_what_showed_it() {
    use Side::{Left, Right};
    let mut world = World::new();
    let data = |n: u32| facts(1 + n * 1_000, Some(1), Flags::NONE, 1_000);
    for n in 0..2 {
        world.sends(Left, data(n), SendReason::NewData).wait_us(100);
    }
    world.wait_us(300_000).sends(Left, data(0), SendReason::Timeout).wait_us(50);
    world.takes(Right, data(0)).sends(Right, facts(1, Some(1_001), Flags::NONE, 0), SendReason::ImmediateAck);
    world.wait_us(5_000).takes(Left, facts(1, Some(1_001), Flags::NONE, 0));
    let (at, heard) = (world.at(), world.heard[Left.index()]);
    world.recorder.record(at, Left, &Trace::Undone { sign: tcp::UndoSign::Timestamp }, heard);
    let ladder = world.finish();
    let text = ladder.text(&Options::default(), &Style::default());
    let said = text.lines().position(|line| line.contains("↶ window restored: the first copy had arrived"));
    let ack = text.lines().position(|line| line.contains("ACK at once"));
    assert_eq!(said, ack.map(|line| line + 1), "{text}");
    assert!(ladder.svg(&Options::default()).contains("window restored"));
}

fn bulk() -> Ladder {
    let mut ladder = web_exchange();
    let data: Vec<Step> = (0..40u32)
        .map(|n| {
            let mut segment = match &ladder.steps[5] {
                Step::Segment(segment) => segment.clone(),
                other => panic!("expected a segment, found {other:?}"),
            };
            segment.why = Some(SendReason::NewData);
            segment.facts.seq += n * 1_460;
            segment.facts.flags = Flags::ACK;
            segment.facts.len_bytes = 1_460;
            segment.states = [None; 2];
            Step::Segment(segment)
        })
        .collect();
    ladder.steps.splice(5..7, data);
    for step in &mut ladder.steps {
        // The indices have changed, so only the times give the order.
        match step {
            Step::Segment(segment) => segment.arrives_before = None,
            Step::Note { cause, .. } => *cause = None,
            Step::Moved { .. } => {}
        }
    }
    ladder
}

#[test]
fn a_web_exchange_looks_like_this() {
    let ladder = web_exchange();
    let relative = Options::default();
    let absolute = Options { numbers: Numbers::Absolute, ..relative };
    snapshot::check("ladder/web.txt", &ladder.text(&relative, &Style::PLAIN));
    snapshot::check("ladder/web-absolute.txt", &ladder.text(&absolute, &Style::PLAIN));
    let windows = Options { windows: Windows::All, ..absolute };
    snapshot::check("ladder/web-80.txt", &ladder.text(&windows, &Style { width: 80, ..Style::PLAIN }));
    let ascii = Style { charset: Charset::Ascii, width: 100, ..Style::PLAIN };
    snapshot::check("ladder/web-ascii.txt", &ladder.text(&relative, &ascii));
    snapshot::check("ladder/web.svg", &ladder.svg(&relative));
}

#[test]
fn the_raw_numbers_stand_as_they_are_on_the_wire() {
    let text =
        web_exchange().text(&Options { numbers: Numbers::Absolute, ..Options::default() }, &Style::PLAIN);
    for numbers in [
        "SYN     Seq=4225926656 ",
        "SYN,ACK Seq=3022381253 Ack=4225926657 ",
        "ACK     Seq=4225926657 Ack=3022381254 ",
        "FIN,ACK Seq=3022381791 Ack=4225929031 ",
        "ACK     Seq=4225929031 Ack=3022381792 ",
        "FIN,ACK Seq=4225929031 Ack=3022381792 ",
        "ACK     Seq=3022381792 Ack=4225929032 ",
    ] {
        assert!(text.contains(numbers), "{numbers} is not in\n{text}");
    }
}

#[test]
fn the_story_names_who_opened_and_who_closed_first() {
    let story = web_exchange().story();
    assert_eq!(story.opened, Some(Who::One(Side::Left)));
    assert_eq!(story.closed_first, Some(Who::One(Side::Right)));
    assert_eq!(story.sent_bytes, [2_374, 537]);
    assert_eq!(story.reset, None);
}

#[test]
fn crossing_segments_depart_and_arrive() {
    let ladder = simultaneous_open();
    assert_eq!(ladder.story().opened, Some(Who::Both));
    snapshot::check("ladder/simultaneous-open.txt", &ladder.text(&Options::default(), &Style::PLAIN));
    snapshot::check("ladder/simultaneous-open.svg", &ladder.svg(&Options::default()));
}

#[test]
fn losses_and_strays_can_be_told_apart() {
    let ladder = troubled();
    let story = ladder.story();
    assert_eq!((story.lost, story.retransmitted, story.reset), ([1, 0], [1, 0], Some(Side::Left)));
    snapshot::check("ladder/troubled.txt", &ladder.text(&Options::default(), &Style::PLAIN));
    snapshot::check("ladder/troubled.svg", &ladder.svg(&Options::default()));
}

#[test]
fn runs_of_ordinary_segments_fold() {
    let ladder = bulk();
    let folded = ladder.text(&Options { fold_over: Some(6), ..Options::default() }, &Style::PLAIN);
    snapshot::check("ladder/folded.txt", &folded);
    assert!(folded.contains("data segments, "), "{folded}");
    assert!(ladder.text(&Options::default(), &Style::PLAIN).lines().count() > folded.lines().count() + 30);
}

#[test]
fn ascii_means_ascii_and_every_line_fits() {
    for ladder in [web_exchange(), simultaneous_open(), troubled(), bulk()] {
        for width in [60, 72, 80, 100, 120, 200] {
            for numbers in [Numbers::Relative, Numbers::Absolute] {
                let options = Options { numbers, fold_over: Some(8), ..Options::default() };
                let style = Style { width, charset: Charset::Ascii, color: ColorChoice::Never };
                let text = ladder.text(&options, &style);
                assert!(text.is_ascii(), "{text}");
                let longest = text.lines().map(str::len).max().unwrap_or(0);
                assert!(longest <= width.max(68), "{longest} columns of {width}\n{text}");
            }
        }
    }
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let ladder = troubled();
    let plain = ladder.text(&Options::default(), &Style::PLAIN);
    let mut colored = ladder.text(&Options::default(), &Style { color: ColorChoice::Always, ..Style::PLAIN });
    while let Some(start) = colored.find('\x1b') {
        let end = start + colored[start..].find('m').expect("an escape sequence ends") + 1;
        colored.replace_range(start..end, "");
    }
    let trimmed: Vec<&str> = colored.lines().map(str::trim_end).collect();
    assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
}

/// What happened to each segment, and the remarks on it.
fn fates(ladder: &Ladder) -> Vec<(Arrival, Vec<Remark>)> {
    let segments = ladder.steps.iter().filter_map(|step| match step {
        Step::Segment(segment) => Some(segment),
        _ => None,
    });
    segments.map(|segment| (segment.arrival, segment.remarks.clone())).collect()
}

fn delivered_us(us: u64) -> Arrival {
    Arrival::Delivered { at: Instant::from_micros(us) }
}

#[test]
fn each_piece_of_a_super_segment_is_a_row_and_one_carries_the_fin() {
    let part = |seq, flags, len| facts(seq, Some(1), flags, len);
    let pieces = [part(1, Flags::NONE, 1_460), part(1_461, Flags::NONE, 1_460), part(2_921, Flags::FIN, 80)];
    let mut world = World::new();
    world.moves(Side::Left, State::Established, Cause::Close);
    let segment = part(1, Flags::FIN, 3_000);
    world.recorder.record(world.at(), Side::Left, &Trace::Sent { segment, why: SendReason::Fin }, None);
    for piece in pieces {
        world.departs(Side::Left, piece, SendReason::Fin);
    }
    // The first two change places on the way, the last is lost.
    world.loses(2).wait_us(10).takes(Side::Right, pieces[1]).wait_us(10).takes(Side::Right, pieces[0]);
    let ladder = world.finish();
    assert_eq!(
        fates(&ladder),
        [(delivered_us(20), vec![]), (delivered_us(10), vec![]), (Arrival::Lost, vec![])]
    );
    let said = ladder.steps.iter().map(|step| match step {
        Step::Segment(segment) => (segment.why, segment.states[0]),
        other => panic!("expected a segment, found {other:?}"),
    });
    let new_data = (Some(SendReason::NewData), None);
    let fin = (Some(SendReason::Fin), Some(State::FinWait1));
    assert_eq!(said.collect::<Vec<_>>(), [new_data, new_data, fin]);
    assert_eq!((ladder.story().sent_bytes, ladder.story().lost), ([3_000, 0], [1, 0]));
}

#[test]
fn equal_segments_in_flight_are_not_confused() {
    let same = facts(7, Some(1), Flags::SYN, 0);
    let mut world = World::new();
    for _ in 0..3 {
        world.sends(Side::Left, same, SendReason::Syn);
    }
    world.loses(1).wait_us(10).arrives_as(Side::Right, 2).refuses(Side::Right, tcp::Refusal::OutOfWindow);
    world.wait_us(10).arrives_as(Side::Right, 0);
    let (segment, heard) = (same, world.heard[1]);
    world.recorder.record(world.at(), Side::Right, &Trace::Taken { segment }, heard);
    assert_eq!(
        fates(&world.finish()),
        [
            (delivered_us(20), vec![]),
            (Arrival::Lost, vec![]),
            (delivered_us(10), vec![Remark::Refused(tcp::Refusal::OutOfWindow)]),
        ]
    );
}

#[test]
fn an_arrival_without_an_answer_was_thrown_away_and_a_frame_without_an_arrival_is_in_flight() {
    let mut world = World::new();
    let data = facts(1, Some(1), Flags::NONE, 100);
    world.sends(Side::Left, data, SendReason::NewData).sends(Side::Left, data, SendReason::Timeout);
    world.wait_us(10).arrives_as(Side::Right, 0);
    assert_eq!(
        fates(&world.finish()),
        [(delivered_us(10), vec![Remark::ThrownAway]), (Arrival::InFlight, vec![])]
    );
}

#[test]
fn a_note_is_under_its_cause_and_no_clock_runs_backwards() {
    for ladder in [web_exchange(), simultaneous_open(), troubled(), bulk()] {
        let mut clocks = [Instant::ZERO; 2];
        for row in rows::rows(&ladder, &Options::default()) {
            for (clock, at) in clocks.iter_mut().zip(row.clocks) {
                assert!(at.is_none_or(|at| at >= *clock), "{ladder:?}");
                *clock = at.unwrap_or(*clock);
            }
        }
    }
    let text = web_exchange().text(&Options::default(), &Style::PLAIN);
    let lines: Vec<&str> = text.lines().collect();
    let under = |note: &str, segment: &str| {
        let at = lines.iter().position(|line| line.contains(note)).expect("a note");
        assert!(lines[at - 1].contains(segment), "{text}");
    };
    under("connect returns", "SYN,ACK Seq=0");
    under("accept returns", "completes the handshake");
}

#[test]
fn events_of_the_same_time_are_in_the_order_of_the_recording() {
    let mut world = World::new();
    let (syn, answer) = (facts(7, None, Flags::SYN, 0), facts(9, Some(8), Flags::SYN, 0));
    world.moves(Side::Left, State::Closed, Cause::ActiveOpen);
    world.sends(Side::Left, syn, SendReason::Syn);
    world.wait_us(500_000).takes(Side::Right, syn).sends(Side::Right, answer, SendReason::SynAck);
    // The timer fires at the time at which the answer arrives, but before the answer is processed.
    world.wait_us(500_000).sends(Side::Left, syn, SendReason::Timeout);
    world.takes(Side::Left, answer).moves(Side::Left, State::SynSent, Cause::SynAck);
    let text = world.finish().text(&Options::default(), &Style::PLAIN);
    assert!(text.contains("1.000    SYN-SENT     ──── SYN     Seq=0"), "{text}");
}

#[test]
fn a_reset_of_a_stale_syn_does_not_end_the_connection() {
    let mut world = World::new();
    let (stale, answer) = (facts(90, None, Flags::SYN, 0), facts(500, Some(91), Flags::SYN, 0));
    world.takes(Side::Right, stale).passes(Side::Right, answer, SendReason::SynAck);
    let reset = SendReason::Reset(tcp::ResetReason::ClosedPort);
    world.passes(Side::Left, facts(91, None, Flags::RST, 0), reset);
    world.passes(Side::Left, facts(100, None, Flags::SYN, 0), SendReason::Syn);
    world.passes(Side::Right, facts(900, Some(101), Flags::SYN, 0), SendReason::SynAck);
    let ladder = world.finish();
    assert_eq!(ladder.story().reset, None);
    assert_eq!(ladder.ends[1].isn, Some(Seq::new(900)));
    let text = ladder.text(&Options::default(), &Style::PLAIN);
    assert!(text.contains("SYN     Seq=old ") && text.contains("RST     Seq=old+1 "), "{text}");
    assert!(text.contains("Ack=old+1 "), "{text}");
    assert!(text.contains("SYN,ACK Seq=0 Ack=1 "), "{text}");
}

#[test]
fn a_second_copy_is_a_stray() {
    let mut world = World::new();
    let syn = facts(7, None, Flags::SYN, 0);
    world.passes(Side::Left, syn, SendReason::Syn).wait_us(5).arrives_as(Side::Right, 0);
    world.refuses(Side::Right, tcp::Refusal::OutOfWindow);
    assert_eq!(
        fates(&world.finish()),
        [
            (delivered_us(10_000), vec![]),
            (Arrival::Stray, vec![Remark::SecondCopy, Remark::Refused(tcp::Refusal::OutOfWindow)])
        ]
    );
}

#[test]
fn a_recording_is_bounded_and_says_so() {
    let mut recorder = Recorder::bounded(End::default(), End::default(), 3);
    for _ in 0..10 {
        recorder.call(Instant::ZERO, Side::Left, "write returns", None);
    }
    let text = recorder.finish().text(&Options::default(), &Style::PLAIN);
    assert!(text.contains("7 steps more are not drawn"), "{text}");
}

#[test]
fn an_empty_ladder_and_hostile_names_are_drawn() {
    let ladder = Ladder::between(
        End { name: "\x1b[2J<script>".into(), ..End::default() },
        End { name: "long ".repeat(100), ..End::default() },
    );
    let text = ladder.text(&Options::default(), &Style::PLAIN);
    assert!(!text.contains('\x1b'), "{text:?}");
    assert!(!ladder.svg(&Options::default()).contains("<script>"));
}

#[test]
fn text_that_comes_late_or_again_counts_once() {
    let sent = |texts: &[(u32, u32)], isn: Option<u32>| {
        let mut ladder = Ladder::between(End { isn: isn.map(Seq::new), ..End::default() }, End::default());
        for (seq, len) in texts {
            let facts = facts(*seq, Some(1), Flags::NONE, *len);
            ladder.steps.push(Step::Segment(Segment { facts, ..blank() }));
        }
        ladder.story().sent_bytes[0]
    };
    // Overtaken; a hole overfilled; the same bytes three times; across the end of the number space.
    assert_eq!(sent(&[(1, 1_000), (2_001, 1_000), (1_001, 1_000)], Some(0)), 3_000);
    assert_eq!(sent(&[(1, 100), (301, 100), (51, 300)], Some(0)), 400);
    assert_eq!(sent(&[(1, 100), (1, 100), (1, 50)], None), 100);
    assert_eq!(sent(&[(u32::MAX - 99, 100), (100, 100), (0, 100)], Some(u32::MAX - 100)), 300);
    // Bytes of an earlier connection, and the byte of a keep-alive, which has the number of the SYN.
    assert_eq!(sent(&[(1, 100), (u32::MAX - 999, 500), (0, 1)], Some(0)), 100);
    // More than the number space holds.
    let long: Vec<(u32, u32)> = (0..100u32).map(|n| (n.wrapping_mul(60_000_000) + 1, 60_000_000)).collect();
    assert_eq!(sent(&long, Some(0)), 6_000_000_000);
}

/// A segment of the left end, seen on its way.
fn blank() -> Segment {
    Segment {
        at: Instant::ZERO,
        from: Side::Left,
        facts: facts(0, None, Flags::NONE, 0),
        ace: None,
        options: None,
        arrival: Arrival::Seen,
        arrives_before: None,
        why: None,
        remarks: Vec::new(),
        states: [None; 2],
        frame: None,
    }
}
