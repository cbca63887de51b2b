//! Ladders as they must look, and the stories they tell.

use super::*;
use crate::snapshot;
use crate::style::{Charset, ColorChoice, Style};
use tcp::Trace;
use tcp::state::{Cause, State, lookup};
use wire::tcp::Flags;

const CLIENT_ISN: u32 = 4_225_926_656;
const SERVER_ISN: u32 = 3_022_381_253;

/// Two ends that say what they do, over a link that takes 10 ms.
struct World {
    recorder: Recorder,
    now_us: u64,
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
        World { recorder: Recorder::new(left, right), now_us: 0 }
    }

    fn at(&self) -> Instant {
        Instant::from_micros(self.now_us)
    }

    fn wait_us(&mut self, us: u64) -> &mut Self {
        self.now_us += us;
        self
    }

    fn sends(&mut self, side: Side, segment: SegmentFacts, why: SendReason) -> &mut Self {
        self.recorder.record(self.at(), side, &Trace::Sent { segment, why });
        self
    }

    fn takes(&mut self, side: Side, segment: SegmentFacts) -> &mut Self {
        self.recorder.record(self.at(), side, &Trace::Taken { segment });
        self
    }

    fn moves(&mut self, side: Side, from: State, on: Cause) -> &mut Self {
        let row = lookup(from, on).expect("the table has this row").index();
        self.recorder.record(self.at(), side, &Trace::StateChanged { row });
        self
    }

    fn call(&mut self, side: Side, text: &str) -> &mut Self {
        self.recorder.call(self.at(), side, text);
        self
    }

    /// Sends, and takes 10 ms later.
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
    world.wait_us(9_500).takes(Right, data(0)).sends(Right, ack(1), SendReason::ImmediateAck);
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
    let why = tcp::Refusal::OutOfWindow;
    world.recorder.record(world.at(), Right, &Trace::Refused { segment: old, why });
    world.passes(Right, ack(6), SendReason::ChallengeAck);
    world.moves(Left, State::Established, Cause::Abort);
    let reset = facts(6_001, None, Flags::RST, 0);
    world.passes(Left, reset, SendReason::Reset(tcp::ResetReason::Aborted));
    world.moves(Right, State::Established, Cause::Rst);
    world.recorder.note(world.at(), Right, NoteKind::Trouble, "read returns: connection reset");
    world.finish()
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
    assert_eq!(story.opened, Some(story::Who::One(Side::Left)));
    assert_eq!(story.closed_first, Some(story::Who::One(Side::Right)));
    assert_eq!(story.sent_bytes, [2_374, 537]);
    assert_eq!(story.reset, None);
}

#[test]
fn crossing_segments_depart_and_arrive() {
    let ladder = simultaneous_open();
    assert_eq!(ladder.story().opened, Some(story::Who::Both));
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

#[test]
fn a_cut_super_segment_arrives_with_its_last_part() {
    let mut world = World::new();
    let whole = facts(1, Some(1), Flags::PSH, 3_000);
    world.sends(Side::Left, whole, SendReason::NewData);
    for (seq, len) in [(1, 1_460), (1_461, 1_460), (2_921, 80)] {
        world.wait_us(10).takes(Side::Right, facts(seq, Some(1), Flags::NONE, len));
    }
    let ladder = world.finish();
    let Step::Segment(segment) = &ladder.steps[0] else { panic!("{ladder:?}") };
    assert_eq!(ladder.steps.len(), 1);
    assert_eq!(segment.arrival, Arrival::Delivered { at: Instant::from_micros(30) });
}

#[test]
fn the_parts_of_a_cut_segment_may_be_reordered_or_lost() {
    let part = |seq, len| facts(seq, Some(1), Flags::NONE, len);
    let mut world = World::new();
    world.sends(Side::Left, facts(1, Some(1), Flags::PSH, 2_374), SendReason::NewData).wait_us(10);
    world.takes(Side::Right, part(1_449, 926)).wait_us(10).takes(Side::Right, part(1, 1_448));
    world.sends(Side::Left, facts(2_375, Some(1), Flags::PSH, 2_000), SendReason::NewData);
    world.recorder.lost(Side::Left, &part(3_823, 552));
    world.wait_us(10).takes(Side::Right, part(2_375, 1_448));
    world.sends(Side::Left, facts(4_375, Some(1), Flags::PSH, 2_000), SendReason::NewData);
    world.recorder.lost(Side::Left, &part(4_375, 1_448));
    world.recorder.lost(Side::Left, &part(5_823, 552));
    let said: Vec<(Arrival, Vec<String>)> = world
        .finish()
        .steps
        .into_iter()
        .filter_map(|step| match step {
            Step::Segment(segment) => Some((segment.arrival, segment.remarks)),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        [
            (Arrival::Delivered { at: Instant::from_micros(20) }, vec![]),
            (
                Arrival::Delivered { at: Instant::from_micros(30) },
                vec!["552 of its 2,000 bytes lost".to_owned()]
            ),
            (Arrival::Lost, vec![]),
        ]
    );
}

#[test]
fn the_reset_of_a_stale_syn_is_not_the_connections() {
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
    assert!(text.contains("SYN     Seq=-10 "), "{text}");
    assert!(text.contains("SYN,ACK Seq=0 Ack=1 "), "{text}");
}

#[test]
fn a_second_copy_is_a_stray() {
    let mut world = World::new();
    let syn = facts(7, None, Flags::SYN, 0);
    world.passes(Side::Left, syn, SendReason::Syn).wait_us(5).takes(Side::Right, syn);
    let arrivals: Vec<Arrival> = world
        .finish()
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Segment(segment) => Some(segment.arrival),
            _ => None,
        })
        .collect();
    assert_eq!(arrivals, [Arrival::Delivered { at: Instant::from_millis(10) }, Arrival::Stray]);
}

#[test]
fn a_recording_is_bounded_and_says_so() {
    let mut recorder = Recorder::bounded(End::default(), End::default(), 3);
    for _ in 0..10 {
        recorder.call(Instant::ZERO, Side::Left, "write returns");
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
