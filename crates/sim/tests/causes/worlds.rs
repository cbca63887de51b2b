//! The kinds of worlds: paths with faults, programs that talk, senders of every kind.

use stack::{Config, ConnectOptions, SocketId};
use std::time::Duration;
use synfin_sim::apps::{Bulk, Reading, Sink, pattern};
use synfin_sim::{
    At, Chance, Dice, HostId, Lane, LinkConfig, Loss, Order, PathMtu, Queue, QueueLimit, Recording,
    Recurring, Spike, TooBigAnswer, World,
};
use tcp::{CongestionControl, Instant, MtuProbing};

const MS: Duration = Duration::from_millis(1);

/// A kind of world.
pub(crate) struct Worlds {
    pub(crate) name: &'static str,
    pub(crate) seeds: u64,
    pub(crate) plan: fn(&mut Dice) -> Plan,
    /// So many of a thousand reasons are alike at least, seen where it is sent and where it arrives.
    ///
    /// What keeps them from 995, where it is sent: a program that writes just when a probe of the tail is due; what a
    /// pacer lets out on a path that reorders; the first lone tail of a sender that does not probe; without SACK a second
    /// recovery over what the first had sent again. Where it arrives, besides: what was lost before, as these hosts do not
    /// number their packets; and after a timeout how much had been on its way. In figures: `docs/causes.md`, "Worlds".
    pub(crate) sender_permille: u32,
    pub(crate) receiver_permille: u32,
}

/// One world.
pub(crate) struct Plan {
    /// There and back.
    lanes: [Lane; 2],
    talk: Talk,
    reading: Reading,
    tcp: tcp::Config,
    is_v6: bool,
}

/// What the sender says.
enum Talk {
    /// So many bytes, as fast as they go.
    Bulk(u64),
    /// Pieces of up to so many bytes, with pauses of up to so long between.
    Pieces { count: u64, bytes_max: u64, pause_max: Duration },
}

/// A world that was lived.
pub(crate) struct Lived {
    pub(crate) world: World,
    pub(crate) sender: HostId,
    pub(crate) receiver: HostId,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            lanes: [Lane::default(), Lane::default()],
            talk: Talk::Bulk(1_000_000),
            reading: Reading::Eager,
            tcp: tcp::Config::default(),
            is_v6: false,
        }
    }
}

pub(crate) fn lived(worlds: &Worlds, seed: u64) -> Lived {
    let plan = (worlds.plan)(&mut Dice::for_purpose(seed, 8));
    let mut world = World::new(seed);
    world.record(Recording::EVERYTHING);
    let config = Config { tcp: plan.tcp.into(), ..Config::default() };
    let [here, there] = if plan.is_v6 { ["fd00::1", "fd00::2"] } else { ["10.0.0.1", "10.0.0.2"] };
    let sender = world.add_host("sender", config.clone(), &[here]);
    let receiver = world.add_host("receiver", config, &[there]);
    let mut link = LinkConfig::symmetric(Lane::default());
    [link.forward, link.backward] = plan.lanes;
    world.link(sender, receiver, link);
    world.start(receiver, Sink::reading(9, plan.reading));
    let options = ConnectOptions::new((there.parse::<std::net::IpAddr>().expect("an address"), 9).into());
    match plan.talk {
        Talk::Bulk(bytes) => world.start(sender, Bulk::new(options, bytes)),
        Talk::Pieces { count, bytes_max, pause_max } => {
            world.start(sender, pieces(options, count, bytes_max, pause_max));
        }
    }
    world.run_for(Duration::from_secs(300));
    Lived { world, sender, receiver }
}

/// Writes a piece, pauses, writes the next; finishes.
fn pieces(
    options: ConnectOptions,
    count: u64,
    bytes_max: u64,
    pause_max: Duration,
) -> impl FnMut(&mut At<'_>) {
    let mut socket: Option<SocketId> = None;
    let (mut left, mut piece, mut written, mut due) = (count, Vec::new(), 0, None);
    move |at: &mut At<'_>| {
        let socket = *socket.get_or_insert_with(|| at.connect_with(options.clone()));
        while left > 0 {
            if let Some(due) = due.filter(|due| *due > at.now()) {
                return at.wake_at(due);
            }
            if piece.is_empty() {
                piece = pattern(0, 1 + at.dice().below(bytes_max) as usize);
            }
            match at.write(socket, &piece[written..]) {
                Ok(some) if some > 0 => written += some,
                _ => return,
            }
            if written == piece.len() {
                (left, written) = (left - 1, 0);
                piece.clear();
                let pause_us = at.dice().below(pause_max.as_micros() as u64);
                due = Some(at.now() + Duration::from_micros(pause_us));
            }
        }
        at.finish(socket);
        at.leave();
    }
}

fn lossy(permille: u32) -> Loss {
    Loss::Random(Chance::per_million(permille * 1_000))
}

/// A path of any delay and rate, that keeps the order.
fn path(dice: &mut Dice) -> Lane {
    Lane {
        delay: (1 + dice.below(60) as u32) * MS,
        rate_bits_per_s: Some(1_000_000 * (1 + dice.below(50))),
        queue: Queue { limit: QueueLimit::Bytes(30_000 + dice.below(200_000)), ..Queue::default() },
        order: Order::Kept,
        jitter: MS / 2,
        ..Lane::default()
    }
}

/// The same with loss of what is sent.
fn losing(dice: &mut Dice, permille: u32) -> [Lane; 2] {
    let lane = path(dice);
    [Lane { loss: lossy(permille), ..lane.clone() }, lane]
}

fn again_and_again(first_ms: u64, lasts: Duration, every: Duration) -> Recurring {
    Recurring { first: Instant::from_millis(first_ms), lasts, every: Some(every) }
}

fn default_tcp() -> tcp::Config {
    tcp::Config::default()
}

pub(crate) const WORLDS: &[Worlds] = &[
    Worlds {
        name: "1 % loss",
        seeds: 30,
        plan: |dice| Plan { lanes: losing(dice, 10), talk: Talk::Bulk(2_000_000), ..Plan::default() },
        sender_permille: 998,
        receiver_permille: 998,
    },
    Worlds {
        name: "10 % loss",
        seeds: 30,
        plan: |dice| Plan { lanes: losing(dice, 100), talk: Talk::Bulk(300_000), ..Plan::default() },
        sender_permille: 995,
        receiver_permille: 953,
    },
    Worlds {
        name: "15 % loss, in pieces",
        seeds: 30,
        plan: |dice| Plan {
            lanes: losing(dice, 150),
            talk: Talk::Pieces { count: 40, bytes_max: 6_000, pause_max: 400 * MS },
            ..Plan::default()
        },
        sender_permille: 970,
        receiver_permille: 733,
    },
    Worlds {
        name: "loss in bursts",
        seeds: 30,
        plan: |dice| {
            let lane = path(dice);
            let loss = Loss::in_bursts(2.0, 5.0);
            Plan {
                lanes: [Lane { loss, ..lane.clone() }, lane],
                talk: Talk::Bulk(1_000_000),
                ..Plan::default()
            }
        },
        sender_permille: 995,
        receiver_permille: 990,
    },
    Worlds {
        name: "full queues",
        seeds: 20,
        plan: |dice| {
            let limit = QueueLimit::Bytes(15_000 + dice.below(60_000));
            let lane = Lane { queue: Queue { limit, ..Queue::default() }, ..path(dice) };
            Plan { lanes: [lane.clone(), lane], talk: Talk::Bulk(4_000_000), ..Plan::default() }
        },
        sender_permille: 998,
        receiver_permille: 997,
    },
    Worlds {
        name: "lost acknowledgments",
        seeds: 30,
        plan: |dice| {
            let [forward, backward] = losing(dice, 10);
            let lanes = [forward, Lane { loss: lossy(200), ..backward }];
            Plan { lanes, talk: Talk::Bulk(1_000_000), ..Plan::default() }
        },
        sender_permille: 996,
        receiver_permille: 995,
    },
    Worlds {
        name: "reordering and duplicates",
        seeds: 30,
        plan: |dice| {
            let [forward, backward] = losing(dice, 10);
            let reorder_by = forward.delay / 2;
            let [reorder, duplicate] = [2.0, 1.0].map(Chance::percent);
            let forward = Lane { reorder, reorder_by, duplicate, ..forward };
            Plan { lanes: [forward, backward], ..Plan::default() }
        },
        sender_permille: 964,
        receiver_permille: 987,
    },
    Worlds {
        name: "blackouts",
        seeds: 30,
        plan: |dice| {
            let [forward, backward] = losing(dice, 5);
            let lasts = (50 + dice.below(900) as u32) * MS;
            let flaps = vec![again_and_again(300, lasts, 3_000 * MS)];
            let lanes = [Lane { flaps: flaps.clone(), ..forward }, Lane { flaps, ..backward }];
            Plan { lanes, talk: Talk::Bulk(2_000_000), ..Plan::default() }
        },
        sender_permille: 995,
        receiver_permille: 850,
    },
    Worlds {
        name: "delay spikes",
        seeds: 30,
        plan: |dice| {
            let [forward, backward] = losing(dice, 3);
            let by = (200 + dice.below(800) as u32) * MS;
            let spikes = vec![Spike { when: again_and_again(400, 100 * MS, 2_500 * MS), by }];
            Plan {
                lanes: [Lane { spikes, ..forward }, backward],
                talk: Talk::Bulk(2_000_000),
                ..Plan::default()
            }
        },
        sender_permille: 995,
        receiver_permille: 900,
    },
    Worlds {
        name: "pieces with pauses, over IPv6",
        seeds: 30,
        plan: |dice| Plan {
            lanes: losing(dice, 50),
            talk: Talk::Pieces { count: 60, bytes_max: 20_000, pause_max: 800 * MS },
            is_v6: true,
            ..Plan::default()
        },
        sender_permille: 988,
        receiver_permille: 897,
    },
    Worlds {
        name: "without SACK",
        seeds: 30,
        plan: |dice| Plan {
            lanes: losing(dice, 30),
            talk: Talk::Bulk(500_000),
            tcp: tcp::Config { sack: false, ..default_tcp() },
            ..Plan::default()
        },
        sender_permille: 980,
        receiver_permille: 970,
    },
    Worlds {
        name: "without timestamps",
        seeds: 30,
        plan: |dice| Plan {
            lanes: losing(dice, 30),
            talk: Talk::Bulk(500_000),
            tcp: tcp::Config { timestamps: false, ..default_tcp() },
            ..Plan::default()
        },
        sender_permille: 998,
        receiver_permille: 988,
    },
    Worlds {
        name: "without SACK and timestamps",
        seeds: 30,
        plan: |dice| Plan {
            lanes: losing(dice, 30),
            talk: Talk::Bulk(500_000),
            tcp: tcp::Config { sack: false, timestamps: false, ..default_tcp() },
            ..Plan::default()
        },
        sender_permille: 990,
        receiver_permille: 960,
    },
    Worlds {
        name: "without tail-loss probes",
        seeds: 30,
        plan: |dice| Plan {
            lanes: losing(dice, 50),
            talk: Talk::Pieces { count: 60, bytes_max: 20_000, pause_max: 400 * MS },
            tcp: tcp::Config { tail_loss_probes: false, ..default_tcp() },
            ..Plan::default()
        },
        sender_permille: 968,
        receiver_permille: 921,
    },
    Worlds {
        name: "NewReno",
        seeds: 20,
        plan: |dice| Plan {
            lanes: losing(dice, 20),
            talk: Talk::Bulk(1_000_000),
            tcp: tcp::Config { congestion: CongestionControl::NewReno, ..default_tcp() },
            ..Plan::default()
        },
        sender_permille: 995,
        receiver_permille: 998,
    },
    Worlds {
        name: "BBR",
        seeds: 20,
        plan: |dice| Plan {
            lanes: losing(dice, 20),
            talk: Talk::Bulk(2_000_000),
            tcp: tcp::Config { congestion: CongestionControl::Bbr, ..default_tcp() },
            ..Plan::default()
        },
        sender_permille: 996,
        receiver_permille: 996,
    },
    Worlds {
        name: "a slow reader",
        seeds: 20,
        plan: |dice| Plan {
            lanes: losing(dice, 20),
            talk: Talk::Bulk(600_000),
            reading: Reading::Sipping { bytes_max: 30_000, pause: (100 + dice.below(600) as u32) * MS },
            ..Plan::default()
        },
        sender_permille: 998,
        receiver_permille: 977,
    },
    Worlds {
        name: "a narrow path",
        seeds: 20,
        plan: |dice| {
            let [forward, backward] = losing(dice, 5);
            let answer = if dice.below(2) == 0 { TooBigAnswer::Silence } else { TooBigAnswer::Icmp };
            let path_mtu = Some(PathMtu { mtu_bytes: 1_300 + dice.below(150) as u32, answer });
            Plan {
                lanes: [Lane { path_mtu, ..forward }, backward],
                talk: Talk::Bulk(1_000_000),
                tcp: tcp::Config { mtu_probing: MtuProbing::OnBlackHole, ..default_tcp() },
                ..Plan::default()
            }
        },
        sender_permille: 998,
        receiver_permille: 682,
    },
];
