//! Ladders of two real connections: the picture shows what the engine's traces say.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use synfin_report::Style;
use synfin_report::ladder::{Arrival, End, FrameArrival, Ladder, Options, Recorder, Side, Step};
use tcp::state::State;
use tcp::{Birth, Config, Connection, Instant, Path, Segment, SegmentFacts, Tracing};
use wire::Seq;

const DELAY: Duration = Duration::from_millis(10);

/// Two connections, a link with a delay of 10 ms that loses chosen segments, and a recorder.
struct World {
    ends: [Connection; 2],
    recorder: Recorder,
    under_way: VecDeque<(Instant, Side, usize, Segment)>,
    /// Frames sent so far: the number of the next.
    frames: usize,
    now: Instant,
    /// Data segments from the left end to lose, by their number from 1.
    lose: Vec<usize>,
    data_sent: usize,
}

fn facts(segment: &Segment) -> SegmentFacts {
    SegmentFacts {
        seq: segment.header.seq,
        ack: segment.header.ack,
        flags: segment.header.flags,
        len_bytes: segment.text_bytes(),
        window_bytes: 0,
    }
}

fn birth(iss: u32) -> Birth {
    Birth { iss: Seq::new(iss), timestamp_offset: 0, path: Path { mtu_bytes: 1_500, ip_header_bytes: 20 } }
}

fn end(name: &str, state: State) -> End {
    End { name: name.into(), state: Some(state), ..End::default() }
}

impl World {
    fn new(right: fn(Instant, Birth, Arc<Config>) -> Connection, right_state: State) -> World {
        let now = Instant::ZERO;
        // What is written is queued at once.
        let config = Arc::new(Config { send_buffer_bytes_initial: 0, ..Config::default() });
        let mut ends = [
            Connection::connect(now, birth(4_225_926_656), Arc::clone(&config)),
            right(now, birth(3_022_381_253), config),
        ];
        for end in &mut ends {
            end.set_tracing(Tracing::On);
        }
        let mut recorder = Recorder::new(end("client", State::Closed), end("server", right_state));
        // The first state changes happen before tracing begins.
        recorder.record(
            now,
            Side::Left,
            &tcp::Trace::StateChanged { row: row(State::Closed, State::SynSent) },
            None,
        );
        if right_state == State::Closed {
            recorder.record(
                now,
                Side::Right,
                &tcp::Trace::StateChanged { row: row(State::Closed, State::SynSent) },
                None,
            );
        }
        World { ends, recorder, under_way: VecDeque::new(), frames: 0, now, lose: Vec::new(), data_sent: 0 }
    }

    /// Records the traces of an end; `cause` is the arrival that it processed, if any.
    fn record_traces(&mut self, side: Side, cause: Option<FrameArrival>) {
        while let Some(trace) = self.ends[side.index()].poll_trace() {
            self.recorder.record(self.now, side, &trace, cause);
        }
    }

    fn drain(&mut self) {
        for side in [Side::Left, Side::Right] {
            while let Some(sent) = self.ends[side.index()].poll_transmit(self.now, 0) {
                let why = sent.why;
                let segment = Segment::from(sent);
                let facts = facts(&segment);
                self.record_traces(side, None);
                let frame = self.frames;
                self.frames += 1;
                self.recorder.departs(self.now, side, frame, facts, Some(why));
                self.data_sent += usize::from(side == Side::Left && facts.len_bytes > 0);
                if side == Side::Left && facts.len_bytes > 0 && self.lose.contains(&self.data_sent) {
                    self.recorder.lost(frame);
                } else {
                    self.under_way.push_back((self.now + DELAY, side.other(), frame, segment));
                }
            }
            self.record_traces(side, None);
            while self.ends[side.index()].poll_event().is_some() {}
        }
    }

    fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..100_000 {
            self.drain();
            let arrival = self.under_way.front().map(|(at, ..)| *at);
            let timer = self.ends.iter().filter_map(Connection::poll_timeout).min();
            let Some(next) = arrival.into_iter().chain(timer).min().filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            if arrival == Some(next)
                && let Some((_, to, frame, segment)) = self.under_way.pop_front()
            {
                let arrived = FrameArrival { frame, arrival: 0 };
                self.recorder.arrives(self.now, to, arrived, facts(&segment));
                self.ends[to.index()].handle_segment(self.now, segment);
                self.record_traces(to, Some(arrived));
            } else {
                self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
            }
        }
        panic!("the connections never become idle");
    }

    fn write(&mut self, side: Side, bytes: usize) {
        let written = self.ends[side.index()].write(self.now, &vec![b'x'; bytes]);
        assert_eq!(written, Ok(bytes));
    }

    fn read(&mut self, side: Side) {
        let mut buffer = vec![0; 1 << 20];
        while self.ends[side.index()].read(&mut buffer).is_ok_and(|count| count > 0) {}
    }
}

fn row(from: State, to: State) -> u8 {
    let row = tcp::state::ROWS.iter().find(|row| (row.from, row.to) == (from, to));
    row.expect("the table has such a row").index()
}

/// The states that each end shows, in the order of time; a receiver changes when the segment arrives.
fn states(ladder: &Ladder) -> [Vec<State>; 2] {
    let mut moves: Vec<(Instant, Side, State)> = Vec::new();
    for step in &ladder.steps {
        match step {
            Step::Segment(segment) => {
                let arrives = match segment.arrival {
                    Arrival::Delivered { at } => at,
                    _ => segment.at,
                };
                for (side, at) in [(segment.from, segment.at), (segment.from.other(), arrives)] {
                    moves.extend(segment.states[side.index()].map(|state| (at, side, state)));
                }
            }
            Step::Moved { at, side, to, .. } => moves.push((*at, *side, *to)),
            _ => {}
        }
    }
    moves.sort_by_key(|(at, ..)| *at);
    let mut shown = [0, 1].map(|side| vec![ladder.ends[side].state.expect("the first state is known")]);
    for (_, side, state) in moves {
        let shown = &mut shown[side.index()];
        if shown.last() != Some(&state) {
            shown.push(state);
        }
    }
    shown
}

fn arrivals(ladder: &Ladder) -> Vec<Arrival> {
    ladder
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Segment(segment) => Some(segment.arrival),
            _ => None,
        })
        .collect()
}

#[test]
fn a_connection_from_syn_to_fin() {
    use State::{
        CloseWait, Closed, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
    };
    let mut world = World::new(Connection::listen, Listen);
    world.run_for(Duration::from_millis(30));
    world.write(Side::Left, 2_374);
    world.run_for(Duration::from_millis(100));
    world.read(Side::Right);
    world.write(Side::Right, 537);
    world.ends[1].close(world.now);
    world.run_for(Duration::from_millis(100));
    world.read(Side::Left);
    world.ends[0].close(world.now);
    world.run_for(Duration::from_secs(300));
    let ladder = world.recorder.finish();
    let text = ladder.text(&Options::default(), &Style::PLAIN);
    let [client, server] = states(&ladder);
    assert_eq!(client, [Closed, SynSent, Established, CloseWait, LastAck, Closed], "{text}");
    assert_eq!(server, [Listen, SynReceived, Established, FinWait1, FinWait2, TimeWait, Closed], "{text}");
    assert!(arrivals(&ladder).iter().all(|arrival| matches!(arrival, Arrival::Delivered { .. })), "{text}");
    assert_eq!(ladder.story().sent_bytes, [2_374, 537]);
    assert!(text.contains("client opened, server closed first"), "{text}");
}

#[test]
fn both_open_at_once() {
    use State::{Closed, Established, SynReceived, SynSent};
    let mut world = World::new(Connection::connect, Closed);
    world.run_for(Duration::from_millis(200));
    let ladder = world.recorder.finish();
    let text = ladder.text(&Options::default(), &Style::PLAIN);
    assert_eq!(states(&ladder), [0, 1].map(|_| vec![Closed, SynSent, SynReceived, Established]), "{text}");
    assert!(text.contains("both opened at once"), "{text}");
}

#[test]
fn losses_are_shown_where_they_happened() {
    let mut world = World::new(Connection::listen, State::Listen);
    world.run_for(Duration::from_millis(30));
    world.lose = vec![6, 7, 30];
    world.write(Side::Left, 60_000);
    world.run_for(Duration::from_secs(5));
    let ladder = world.recorder.finish();
    let text = ladder.text(&Options { fold_over: Some(6), ..Options::default() }, &Style::PLAIN);
    let story = ladder.story();
    assert_eq!(story.sent_bytes[0], 60_000, "{text}");
    assert_eq!(story.lost, [3, 0], "{text}");
    assert!(story.retransmitted[0] >= 3, "{text}");
    assert!(!arrivals(&ladder).contains(&Arrival::Stray), "{text}");
}
