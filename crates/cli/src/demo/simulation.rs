//! One run of the demo: the world, its two hosts, and the ladder that is drawn from the world's log.

use super::Close;
use super::programs::{self, Plan};
use report::ladder::{End, Ladder};
use report::words::{self, Label, Language};
use sim::{Chance, HostId, Lane, LinkConfig, Loss, Recording, World};
use stack::IsnPolicy;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tcp::State;
use wire::tcp::{Flags, Header, Options};
use wire::{Frame, Seq};

/// The article's numbers.
const CLIENT_ISN: Seq = Seq::new(4_225_926_656);
const SERVER_ISN: Seq = Seq::new(3_022_381_253);
/// Addresses for documentation (RFC 5737).
const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 10), 51_234);
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 80), 80);
/// A bound for the virtual time of a connection. With loss it may take minutes; none takes an hour.
const TIME_MAX: Duration = Duration::from_secs(3_600);

/// The shortest delay of an overtaken segment, and the shortest wait for an old SYN, on links without delay.
const STEP_MIN: Duration = Duration::from_millis(1);
/// The shortest pause of the server: longer than a delayed acknowledgment, which is drawn by itself then.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// One-way delays after which request and answer have passed on a link without loss: then both may close.
const EXCHANGE_DELAYS: u32 = 8;
/// How much older than the client's ISN that of the old SYN is: some five minutes of a clock that ticks every
/// 4 microseconds (RFC 9293 §3.4.1).
const OLD_SYN_AGE: u32 = 81_340_000;

/// What an old duplicate SYN teaches (RFC 9293 §3.5).
const fn moral(language: Language) -> &'static str {
    match language {
        Language::Chinese => MORAL_IN_CHINESE,
        _ => MORAL,
    }
}

const MORAL_IN_CHINESE: &str = "结论：如果只有两次握手，这个失效的旧 SYN 就会打开一个谁也没有请求的连接；\
                                它等不到第三次握手，所以 accept 不会因它而返回。";
const MORAL: &str = "The moral: with two steps the old SYN would have opened a connection that nobody asked for; \
                     its third step never comes, so accept does not return for it.";

/// The settings of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) close: Close,
    pub(crate) delay: Duration,
    pub(crate) loss_percent: f64,
    pub(crate) reorder_percent: f64,
    pub(crate) seed: u64,
    pub(crate) stale_syn: bool,
    /// Of the names and the moral in the ladder.
    pub(crate) language: Language,
}

/// A finished run.
pub(crate) struct Simulation {
    pub(crate) world: World,
    pub(crate) client: HostId,
    pub(crate) ladder: Ladder,
}

/// Runs the connection to its end, including TIME-WAIT.
pub(crate) fn simulate(settings: &Settings) -> Simulation {
    let mut world = World::new(settings.seed);
    world.record(Recording::EVERYTHING);
    // No quick ACKs: the acknowledgment of the request waits for the server's answer and travels with it.
    let tcp = tcp::Config { quick_ack_segments: 0, ..tcp::Config::default() };
    let config = stack::Config { tcp: Arc::new(tcp), ..stack::Config::default() };
    let client = world.add_host("client", config.clone(), &[&CLIENT.ip().to_string()]);
    let server = world.add_host("server", config, &[&SERVER.ip().to_string()]);
    let lane = Lane {
        delay: settings.delay,
        loss: match settings.loss_percent {
            0.0 => Loss::Nothing,
            percent => Loss::Random(Chance::percent(percent)),
        },
        reorder: Chance::percent(settings.reorder_percent),
        reorder_by: settings.delay.max(STEP_MIN),
        ..Lane::default()
    };
    let link = world.link(client, server, LinkConfig::symmetric(lane));

    // Long enough for an old SYN to be answered and refused before the client sends its own.
    let stale_syn_wait = (settings.delay * 4).max(STEP_MIN);
    let start = if settings.stale_syn { world.now() + stale_syn_wait } else { world.now() };
    let pause = (settings.delay * 3).max(PAUSE_MIN);
    let both_at = start + settings.delay * EXCHANGE_DELAYS + PAUSE_MIN;
    let plan = Plan { close: settings.close, pause, both_at };
    let from = SocketAddr::V4(CLIENT);
    let to = SocketAddr::V4(SERVER);
    world.start(server, programs::server(plan, to, IsnPolicy::Fixed(SERVER_ISN)));
    if settings.stale_syn {
        world.inject(server, link, old_duplicate_syn());
    }
    world.start(client, programs::client(plan, start, from, to, IsnPolicy::Fixed(CLIENT_ISN)));
    // Until then no connection exists, which would look like the end.
    world.run_until(start + Duration::from_secs(1));
    run_to_the_end(&mut world, client, server);
    let mut ladder = draw(&world, client, settings.language);
    if settings.stale_syn {
        ladder.closing.push(moral(settings.language).to_owned());
    }
    Simulation { world, client, ladder }
}

/// Runs until neither host has a connection, or [`TIME_MAX`] has passed.
fn run_to_the_end(world: &mut World, client: HostId, server: HostId) {
    let over = |world: &mut World| [client, server].iter().all(|host| world.host(*host).usage().flows == 0);
    world.wait_until(TIME_MAX, over);
}

/// A SYN of an earlier connection between the same ends, minutes late.
fn old_duplicate_syn() -> Frame {
    let header = Header {
        source_port: CLIENT.port(),
        destination_port: SERVER.port(),
        seq: CLIENT_ISN - OLD_SYN_AGE,
        flags: Flags::SYN,
        window: 65_535,
        options: Options { mss: Some(1_460), ..Options::default() },
        ..Header::default()
    };
    packet(&header)
}

/// The segment as an IPv4 packet of the client, with correct checksums.
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

/// The ladder: what both programs logged, and what became of each frame.
fn draw(world: &World, client: HostId, language: Language) -> Ladder {
    let end = |name, address: SocketAddrV4, state, isn| End {
        name: words::label(name, language).to_owned(),
        address: address.to_string(),
        state: Some(state),
        isn: Some(isn),
    };
    let ends = [
        end(Label::Client, CLIENT, State::Closed, CLIENT_ISN),
        end(Label::Server, SERVER, State::Listen, SERVER_ISN),
    ];
    let injected = |_: usize| "an old SYN of an earlier connection".to_owned();
    lab::ladder(world, client, ends, &lab::Drawing { injected: &injected, ..lab::Drawing::default() })
}
