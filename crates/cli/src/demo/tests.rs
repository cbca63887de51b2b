//! The demo's ladder compared with the world's records: it shows every delivery and every loss, and no other.

use super::Close;
use super::simulation::{Settings, Simulation, simulate};
use report::Style;
use report::ladder::{Arrival, NoteKind, NoteText, Options, Remark, Segment, Side, Step};
use report::words::Language;
use sim::{Direction, HostId, Lost, Vantage, captured};
use std::time::Duration;
use tcp::Instant;

const SEEDS: u64 = 2_000;
const CLOSES: [Close; 4] = [Close::Server, Close::Client, Close::Both, Close::Half];

/// The demo's options: every way to close, with and without an old SYN, for each seed. Loss, reordering and
/// delay change from seed to seed, so that all combinations occur.
fn settings_of_seed(seed: u64) -> impl Iterator<Item = Settings> {
    let of = |values: &[f64], divisor: u64| values[(seed / divisor) as usize % values.len()];
    let loss_percent = of(&[20.0, 0.0, 5.0, 50.0], 1);
    let reorder_percent = of(&[0.0, 10.0, 50.0], 4);
    // Some are at or above the first retransmission timeout, so that equal segments are under way together.
    let delay = Duration::from_secs_f64(of(&[0.02, 0.501, 0.0, 0.000_5, 0.5, 0.2, 3.0], 12));
    CLOSES.into_iter().flat_map(move |close| {
        let settings = Settings {
            close,
            delay,
            loss_percent,
            reorder_percent,
            seed,
            stale_syn: false,
            language: Language::English,
        };
        [settings, Settings { stale_syn: true, ..settings }]
    })
}

/// A segment as it passed one end: when, its numbers, its control bits, its text.
type Passed = (Instant, u32, u32, u8, u32);

fn segments(simulation: &Simulation) -> impl Iterator<Item = &Segment> {
    simulation.ladder.steps.iter().filter_map(|step| match step {
        Step::Segment(segment) => Some(segment),
        _ => None,
    })
}

fn passed(at: Instant, segment: &Segment) -> Passed {
    let facts = &segment.facts;
    (at, facts.seq.number(), facts.ack.number(), facts.flags.bits() as u8, facts.len_bytes)
}

/// What the ladder says passed this end, in this direction.
fn drawn(simulation: &Simulation, side: Side, direction: Direction) -> Vec<Passed> {
    let at = |segment: &Segment| match (direction, segment.arrival) {
        (Direction::Outbound, Arrival::Stray) => None,
        (Direction::Outbound, _) => (segment.from == side).then_some(segment.at),
        (Direction::Inbound, _) if segment.from == side => None,
        (Direction::Inbound, Arrival::Stray) => Some(segment.at),
        (Direction::Inbound, Arrival::Delivered { at }) => Some(at),
        (Direction::Inbound, _) => None,
    };
    let mut drawn: Vec<Passed> =
        segments(simulation).filter_map(|segment| Some(passed(at(segment)?, segment))).collect();
    drawn.sort_unstable();
    drawn
}

/// What a capture at this host holds, in this direction.
fn in_capture(simulation: &Simulation, host: HostId, direction: Direction) -> Vec<Passed> {
    let mut seen: Vec<Passed> = captured(simulation.world.frames(), Vantage::At(host))
        .into_iter()
        .filter(|seen| seen.direction == direction)
        .map(|seen| {
            let (header, text_bytes) =
                simulation.world.frames()[seen.number].tcp().expect("the demo sends nothing but TCP");
            let (seq, ack) = (header.seq.number(), header.ack.number());
            (seen.at, seq, ack, header.flags.bits() as u8, text_bytes as u32)
        })
        .collect();
    seen.sort_unstable();
    seen
}

fn check(settings: &Settings, simulation: &Simulation) {
    let world = &simulation.world;
    let text = || simulation.ladder.text(&Options::default(), &Style::PLAIN);
    for host in world.hosts() {
        let side = if host == simulation.client { Side::Left } else { Side::Right };
        for direction in [Direction::Outbound, Direction::Inbound] {
            let drawn = drawn(simulation, side, direction);
            let seen = in_capture(simulation, host, direction);
            assert!(drawn == seen, "{settings:?}: {side:?} {direction:?}\n{drawn:?}\n{seen:?}\n{}", text());
        }
        let of_host = world.frames().iter().filter(|frame| frame.from == host);
        let lost: Vec<Passed> = of_host
            .filter(|frame| frame.lost.is_some())
            .filter_map(|frame| {
                let (header, text_bytes) = frame.tcp()?;
                let (seq, ack) = (header.seq.number(), header.ack.number());
                Some((frame.sent_at, seq, ack, header.flags.bits() as u8, text_bytes as u32))
            })
            .collect();
        let crossed_out = segments(simulation)
            .filter(|segment| segment.from == side && segment.arrival == Arrival::Lost)
            .map(|segment| passed(segment.at, segment));
        assert_eq!(crossed_out.collect::<Vec<_>>(), lost, "{settings:?}: lost from {side:?}\n{}", text());
        assert_eq!(simulation.ladder.story().lost[side.index()], lost.len() as u64, "{settings:?}");
    }
    let lost: u64 = Lost::ALL.into_iter().map(|why| world.lost(why)).sum();
    assert_eq!(simulation.ladder.story().lost.iter().sum::<u64>(), lost, "{settings:?}");
    // A server that closes at a given moment may not have answered by then, if a segment came late.
    if settings.loss_percent == 0.0 && (settings.close != Close::Both || settings.reorder_percent == 0.0) {
        assert_eq!(simulation.ladder.story().sent_bytes, [2_374, 537], "{settings:?}\n{}", text());
    }
    let silent = segments(simulation).find(|segment| segment.remarks.contains(&Remark::ThrownAway));
    assert!(silent.is_none(), "{settings:?}: {silent:?}\n{}", text());
    check_calls(settings, simulation);
}

/// Each call that returns stands under the segment that it waited for.
fn check_calls(settings: &Settings, simulation: &Simulation) {
    for (place, step) in simulation.ladder.steps.iter().enumerate() {
        let Step::Note { at, side, kind, text, cause } = step else { continue };
        if *kind == NoteKind::Undo {
            continue;
        }
        let NoteText::Said(text) = text else {
            assert_eq!(*cause, None, "{settings:?}: {text:?} is no call");
            continue;
        };
        let Some(call) = ["connect returns", "accept returns"].iter().position(|call| text.starts_with(call))
        else {
            assert_eq!(*cause, None, "{settings:?}: {text}");
            continue;
        };
        let Some(Step::Segment(segment)) = cause.and_then(|cause| simulation.ladder.steps.get(cause)) else {
            panic!("{settings:?}: {text} at step {place} without a cause");
        };
        assert_eq!(
            (segment.arrival, segment.from),
            (Arrival::Delivered { at: *at }, side.other()),
            "{settings:?}"
        );
        let flags = segment.facts.flags;
        assert!(flags.ack() && flags.syn() == (call == 0), "{settings:?}: {text} after {flags}");
        assert_eq!(
            text.contains("with data"),
            call == 1 && segment.facts.len_bytes > 0,
            "{settings:?}: {text}"
        );
    }
}

#[test]
fn the_ladder_shows_what_the_capture_holds_and_what_the_world_lost() {
    // Two threads share the seeds: the worlds know nothing of each other.
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                for seed in (half..SEEDS).step_by(2) {
                    settings_of_seed(seed).for_each(|settings| check(&settings, &simulate(&settings)));
                }
            });
        }
    });
}

#[test]
fn neither_ends_clock_runs_backwards_on_the_page() {
    for settings in (0..84).flat_map(settings_of_seed) {
        let text = simulate(&settings).ladder.text(&Options::default(), &Style::PLAIN);
        let head = text.lines().nth(2).expect("titles");
        let ends: Vec<usize> = head
            .match_indices("seconds")
            .map(|(at, title)| head[..at].chars().count() + title.len())
            .collect();
        assert_eq!(ends.len(), 2, "{text}");
        let mut clocks = [0.0; 2];
        let mut times = 0;
        let rows = text.lines().skip(4).take_while(|line| !line.is_empty());
        for line in rows {
            for (clock, end) in clocks.iter_mut().zip(&ends) {
                let before: String = line.chars().take(*end).collect();
                let Some(Ok(time)) = before.rsplit(' ').next().map(str::parse::<f64>) else { continue };
                assert!(time >= *clock, "{settings:?}: {line}\n{text}");
                *clock = time;
                times += 1;
            }
        }
        assert!(times > 10, "{text}");
    }
}
