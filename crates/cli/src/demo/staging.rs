//! The stage of the demo: the world, the two hosts, and what was seen of them.

use super::Close;
use super::programs::{self, Plan};
use report::ladder::{End, FrameArrival, Ladder, NoteKind, Recorder, Side};
use sim::{Chance, Happening, HostId, Lane, LinkConfig, Loss, Origin, Recording, World};
use stack::IsnPolicy;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tcp::{SegmentFacts, State};
use wire::tcp::{Flags, Header, Options};
use wire::{Frame, Seq};

/// The article's numbers.
const CLIENT_ISN: Seq = Seq::new(4_225_926_656);
const SERVER_ISN: Seq = Seq::new(3_022_381_253);
/// Addresses for documentation (RFC 5737).
const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 10), 51_234);
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 80), 80);
/// With loss, a connection may take minutes; it never takes longer than this.
const LONGEST: Duration = Duration::from_secs(3_600);

/// What an old duplicate SYN teaches (RFC 9293 §3.5).
const MORAL: &str = "The moral: with two steps the old SYN would have opened a connection that nobody asked for; \
                     its third step never comes, so accept does not return for it.";

/// What to perform.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Play {
    pub(crate) close: Close,
    pub(crate) delay: Duration,
    pub(crate) loss_percent: f64,
    pub(crate) reorder_percent: f64,
    pub(crate) seed: u64,
    pub(crate) stale_syn: bool,
}

/// What was seen.
pub(crate) struct Performed {
    pub(crate) world: World,
    pub(crate) client: HostId,
    pub(crate) ladder: Ladder,
}

/// Plays the connection to its end, TIME-WAIT included.
pub(crate) fn perform(play: &Play) -> Performed {
    let mut world = World::new(play.seed);
    world.record(Recording::EVERYTHING);
    // The answer of the server should be one segment of its own: acknowledgments wait as usual, but
    // nothing else hurries in a demonstration.
    let tcp = tcp::Config { quick_ack_segments: 0, ..tcp::Config::default() };
    let config = stack::Config { tcp: Arc::new(tcp), ..stack::Config::default() };
    let client = world.add_host("client", config.clone(), &[&CLIENT.ip().to_string()]);
    let server = world.add_host("server", config, &[&SERVER.ip().to_string()]);
    let lane = Lane {
        delay: play.delay,
        loss: match play.loss_percent {
            0.0 => Loss::Nothing,
            percent => Loss::Random(Chance::percent(percent)),
        },
        reorder: Chance::percent(play.reorder_percent),
        reorder_by: play.delay.max(Duration::from_millis(1)),
        ..Lane::default()
    };
    let link = world.link(client, server, LinkConfig::symmetric(lane));

    // Long enough for an old SYN to be answered and refused before the true one is sent.
    let a_while = (play.delay * 4).max(Duration::from_millis(1));
    let start = if play.stale_syn { world.now() + a_while } else { world.now() };
    let patience = (play.delay * 3).max(Duration::from_millis(100));
    let plan =
        Plan { close: play.close, patience, both_at: start + play.delay * 8 + Duration::from_millis(100) };
    let (from, to) = (SocketAddr::V4(CLIENT), SocketAddr::V4(SERVER));
    world.start(server, programs::server(plan, to, IsnPolicy::Fixed(SERVER_ISN)));
    if play.stale_syn {
        world.inject(server, link, old_duplicate_syn());
    }
    world.start(client, programs::client(plan, start, from, to, IsnPolicy::Fixed(CLIENT_ISN)));
    // Before that nothing is there, which must not be taken for the end.
    world.run_until(start + Duration::from_secs(1));
    run_to_the_end(&mut world, client, server);
    let mut ladder = draw(&world, client);
    if play.stale_syn {
        ladder.closing.push(MORAL.to_owned());
    }
    Performed { world, client, ladder }
}

/// Until both ends have come to an end, or an hour has passed.
fn run_to_the_end(world: &mut World, client: HostId, server: HostId) {
    let over = |world: &mut World| [client, server].iter().all(|host| world.host(*host).usage().flows == 0);
    world.wait_until(LONGEST, over);
}

/// A SYN of an earlier connection between the same ends, late by minutes.
fn old_duplicate_syn() -> Frame {
    let header = Header {
        source_port: CLIENT.port(),
        destination_port: SERVER.port(),
        seq: CLIENT_ISN - 81_340_000,
        flags: Flags::SYN,
        window: 65_535,
        options: Options { mss: Some(1_460), ..Options::default() },
        ..Header::default()
    };
    packet(&header)
}

/// The segment as an IPv4 packet of the client, with good checksums.
fn packet(header: &Header) -> Frame {
    use wire::ipv4;
    let layout = wire::tcp::OptionLayout::default();
    let len = header.len_bytes(layout);
    let ip = ipv4::Header {
        source: *CLIENT.ip(),
        destination: *SERVER.ip(),
        protocol: wire::ip::protocol::TCP,
        total_bytes: 20 + len as u16,
        ..ipv4::Header::default()
    };
    let mut frame = Frame::default();
    ip.emit(frame.head.grow(20));
    header.emit(frame.head.grow(len), layout);
    frame.offload.checksum = wire::Checksum::Partial { start: 20, offset: 16 };
    wire::segmentation::complete_checksum(&mut frame, wire::Medium::Ip);
    frame
}

/// What both hosts said and what became of their frames, as a ladder.
fn draw(world: &World, client: HostId) -> Ladder {
    let end = |name: &str, address: SocketAddrV4, state, isn| End {
        name: name.to_owned(),
        address: address.to_string(),
        state: Some(state),
        isn: Some(isn),
    };
    let mut recorder = Recorder::new(
        end("client", CLIENT, State::Closed, CLIENT_ISN),
        end("server", SERVER, State::Listen, SERVER_ISN),
    );
    let arrival = |sim::FrameArrival { frame, arrival }| FrameArrival { frame, arrival };
    for entry in world.log() {
        let side = if entry.host == client { Side::Left } else { Side::Right };
        let cause = entry.cause.map(arrival);
        match &entry.what {
            Happening::Traced(record) => recorder.record(entry.at, side, &record.trace, cause),
            Happening::Said(text) => {
                let step = cause.and_then(|cause| step_of(text, world.segment(cause.frame)?.0));
                let text = format!("{text}{}", step.unwrap_or_default());
                // What returns stands under what it waited for; what is called, above what it sends.
                recorder.call(entry.at, side, &text, cause.filter(|_| step.is_some()));
            }
            Happening::Departed { frame } => {
                if let Some((facts, why)) = world.segment(*frame) {
                    recorder.departs(entry.at, side, *frame, facts, why);
                }
            }
            Happening::Arrived(arrived) => {
                let Some((facts, _)) = world.segment(arrived.frame) else { continue };
                if world.frames()[arrived.frame].origin == Origin::Injected {
                    let text = "an old SYN of an earlier connection";
                    recorder.note(entry.at, side, NoteKind::Trouble, text, None);
                }
                recorder.arrives(entry.at, side, arrival(*arrived), facts);
            }
            Happening::Lost { frame, .. } => recorder.lost(*frame),
            other => recorder.note(entry.at, side, NoteKind::Trouble, &format!("{other:?}"), cause),
        }
    }
    recorder.finish()
}

/// Which step of the handshake a call waited for, as this segment shows.
fn step_of(said: &str, arrived: SegmentFacts) -> Option<&'static str> {
    match said {
        programs::CONNECT_RETURNS => Some(": second step"),
        // The ACK alone may be lost or late; whatever comes then acknowledges as well.
        programs::ACCEPT_RETURNS if arrived.len_bytes > 0 => Some(": third step, an ACK with data"),
        programs::ACCEPT_RETURNS => Some(": third step"),
        _ => None,
    }
}
