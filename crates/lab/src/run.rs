//! A run, from its first event to its last, with what both hosts were at each.
//!
//! A run is short (a lesson moves a megabyte at the most), so it is run whole, once; a moment of it is looked up.

use crate::deed::{self, Change, Deed, Forged};
use crate::forge;
use crate::program::{Place, Program};
use crate::setup::{HostSetup, Setup, SetupError};
use sim::apps::Shared;
use sim::{
    At, Chance, Fate, HostId, Lane, LinkConfig, LinkId, Loss, Queue, QueueLimit, Recording, Sent, World,
};
use stack::{IsnPolicy, ListedConnection};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;
use wire::tcp::{Flags, Header, Options};
use wire::{Frame, Seq};

/// Addresses for documentation (RFC 5737), and a port as a client takes one.
pub(crate) const ENDS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 10), 51_234),
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 80), 80),
];
pub(crate) const NAMES: [&str; 2] = ["client", "server"];
/// The most events of a run. A megabyte takes some 5,000.
const EVENTS_MAX: usize = 20_000;
/// The longest virtual time of a run: user timeouts take an hour at the most.
const TIME_MAX: Duration = Duration::from_secs(7_200);
/// How much older than the client's the number of an old SYN is: five minutes of a clock that ticks every
/// 4 microseconds (RFC 9293 §3.4.1).
const OLD_SYN_AGE: u32 = 81_340_000;
/// How far from the expected number the RST of a guesser is: within every window but the smallest.
const BLIND_BYTES: u32 = 1_000;

/// A run, whole.
pub struct Run {
    pub(crate) setup: Setup,
    pub(crate) world: World,
    pub(crate) hosts: [HostId; 2],
    pub(crate) events: Vec<Event>,
    /// There would be more events.
    pub(crate) is_cut: bool,
}

/// One event of a run: something that can be seen has happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub at: Instant,
    /// So much of the world's log has been written by then.
    pub(crate) log_end: usize,
    /// Both hosts after it.
    pub hosts: [HostNow; 2],
}

/// A host at a moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostNow {
    /// Where its program stands.
    pub(crate) place: Place,
    /// Its connections, with windows and timers.
    pub connections: Vec<ListedConnection>,
}

/// Why there is no run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// The setup is not to be run.
    Setup(SetupError),
    /// A deed is not to be done.
    Deed(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Setup(error) => error.fmt(f),
            RunError::Deed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for RunError {}

/// Segments that were changed on their way, and when they arrive.
type OnTheirWay = Rc<RefCell<VecDeque<(Instant, HostId, Frame)>>>;

impl Run {
    /// Runs a setup to its end, with these deeds.
    ///
    /// ```
    /// let run = synfin_lab::Run::new(&synfin_lab::Setup::default(), &[])?;
    /// assert!(run.events().len() > 12, "three steps, two texts, four steps");
    /// # Ok::<(), synfin_lab::RunError>(())
    /// ```
    ///
    /// # Errors
    /// What of the setup or the deeds is wrong or too much.
    pub fn new(setup: &Setup, deeds: &[Deed]) -> Result<Run, RunError> {
        setup.check().map_err(RunError::Setup)?;
        let programs = setup.programs().map_err(RunError::Setup)?;
        deed::check(deeds).map_err(|error| RunError::Deed(error.to_string()))?;
        let mut world = World::new(setup.seed);
        world.record(Recording::EVERYTHING);
        let hosts = [0, 1].map(|host| {
            world.add_host(NAMES[host], config(&setup.hosts[host]), &[&ENDS[host].ip().to_string()])
        });
        let link = world.link(hosts[0], hosts[1], LinkConfig::symmetric(lane(setup)));
        let on_their_way = OnTheirWay::default();
        let delay = Duration::from_millis(setup.wire.delay_ms.into());
        world.set_fate(fates(deeds.to_vec(), delay, on_their_way.clone()));
        let mut places: [Shared<Place>; 2] = Default::default();
        // the server first, so that it listens before a SYN can come
        for host in [1, 0] {
            let ends = [ENDS[host], ENDS[1 - host]].map(SocketAddr::V4);
            let isn = setup.hosts[host].isn.map(|isn| IsnPolicy::Fixed(Seq::new(isn)));
            let mut program = Program::new(programs[host].clone(), ends, isn);
            places[host] = program.place.clone();
            world.start(hosts[host], move |at: &mut At<'_>| program.poll(at));
        }
        let run = Run { setup: setup.clone(), world, hosts, events: Vec::new(), is_cut: false };
        Ok(run.to_its_end(deeds, &places, link, &on_their_way))
    }

    /// What happened, in the order of time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    fn to_its_end(
        mut self,
        deeds: &[Deed],
        places: &[Shared<Place>; 2],
        link: LinkId,
        on_their_way: &OnTheirWay,
    ) -> Run {
        let end = Instant::ZERO + TIME_MAX;
        loop {
            let logged = self.world.log().len();
            let count = self.events.len();
            let forged = deeds.iter().filter_map(|deed| match deed {
                Deed::Forge { after, host, what } if *after as usize == count => Some((*host, what)),
                _ => None,
            });
            for (host, what) in forged.collect::<Vec<_>>() {
                let frame = self.forged(usize::from(host & 1), what);
                self.world.inject(self.hosts[usize::from(host & 1)], link, frame);
            }
            let due = on_their_way.borrow().iter().map(|(at, ..)| *at).min();
            let until = due.map_or(end, |due| due.min(end));
            let within = until.since(self.world.now());
            let happened = self.world.wait_until(within, |world| world.log().len() > logged);
            if !happened && due.is_some_and(|due| due <= self.world.now()) {
                self.arrive(link, on_their_way);
            } else if !happened {
                return self;
            }
            if self.world.log().len() > logged {
                self.note(places);
            }
            if self.events.len() >= EVENTS_MAX {
                self.is_cut = true;
                return self;
            }
        }
    }

    /// Lets a changed segment arrive whose time has come.
    fn arrive(&mut self, link: LinkId, on_their_way: &OnTheirWay) {
        let now = self.world.now();
        let mut waiting = on_their_way.borrow_mut();
        let Some(place) = waiting.iter().position(|(at, ..)| *at <= now) else { return };
        let (_, host, frame) = waiting.remove(place).expect("it has just been found");
        drop(waiting);
        self.world.inject(host, link, frame);
    }

    fn note(&mut self, places: &[Shared<Place>; 2]) {
        let at = self.world.now();
        let hosts = [0, 1].map(|host| HostNow {
            place: places[host].borrow().clone(),
            connections: self.world.host(self.hosts[host]).tcp_connections(at),
        });
        self.events.push(Event { at, log_end: self.world.log().len(), hosts });
    }

    /// A segment that the other end seems to have sent to this host now.
    fn forged(&self, host: usize, what: &Forged) -> Frame {
        let ends = [ENDS[1 - host], ENDS[host]];
        let expected = self.expected_by(host);
        let isn = self.setup.hosts[1 - host].isn.unwrap_or_default();
        let header = match what {
            Forged::OldSyn => Header {
                seq: Seq::new(isn) - OLD_SYN_AGE,
                flags: Flags::SYN,
                window: 65_535,
                options: Options { mss: Some(1_460), ..Options::default() },
                ..Header::default()
            },
            Forged::ExactRst => Header { seq: expected.0, flags: Flags::RST, ..Header::default() },
            Forged::BlindRst => {
                Header { seq: expected.0 + BLIND_BYTES, flags: Flags::RST, ..Header::default() }
            }
            Forged::Segment(change) => {
                let mut header = Header {
                    seq: expected.0,
                    ack: expected.1,
                    flags: Flags::ACK,
                    window: 65_535,
                    ..Header::default()
                };
                forge::apply(&mut header, change);
                header
            }
        };
        forge::segment(ends, &header)
    }

    /// The number that a host expects next, and the next that it sends.
    fn expected_by(&self, host: usize) -> (Seq, Seq) {
        let looked = self.world.host(self.hosts[host]);
        let first = looked.tcp_connections(self.world.now()).into_iter().next();
        let snapshot = first.and_then(|listed| looked.tcp(listed.id).map(tcp::Connection::snapshot));
        let isn = |host: usize| Seq::new(self.setup.hosts[host].isn.unwrap_or_default());
        snapshot.map_or((isn(1 - host), isn(host)), |snapshot| (snapshot.rcv_nxt, snapshot.snd_nxt))
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("world", &self.world)
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

/// What becomes of each frame that the hosts send.
fn fates(deeds: Vec<Deed>, delay: Duration, changed: OnTheirWay) -> impl FnMut(&Sent<'_>) -> Fate {
    let mut number = 0;
    move |sent| {
        let this = number;
        number += 1;
        let mut fate = Fate::Deliver;
        for deed in &deeds {
            match deed {
                Deed::Drop { frame } if *frame == this => return Fate::Lose,
                Deed::Change { frame, to } if *frame == this => return change(sent, to, delay, &changed),
                Deed::Delay { frame, ms } if *frame == this => {
                    fate = Fate::Late(Duration::from_millis((*ms).into()))
                }
                Deed::Double { frame } if *frame == this => fate = Fate::Double,
                Deed::Corrupt { frame } if *frame == this => fate = Fate::Corrupt,
                _ => {}
            }
        }
        fate
    }
}

/// The frame is lost, and another one arrives when it would have.
fn change(sent: &Sent<'_>, to: &Change, delay: Duration, changed: &OnTheirWay) -> Fate {
    let Some(frame) = forge::changed(sent.frame, to) else { return Fate::Deliver };
    changed.borrow_mut().push_back((sent.at + delay, sent.to, frame));
    Fate::Lose
}

fn lane(setup: &Setup) -> Lane {
    let wire = &setup.wire;
    Lane {
        delay: Duration::from_millis(wire.delay_ms.into()),
        rate_bits_per_s: wire.rate_kbit.map(|kbit| u64::from(kbit) * 1_000),
        queue: Queue { limit: QueueLimit::Packets(wire.queue_packets as usize), ..Queue::default() },
        loss: match wire.loss_permille {
            0 => Loss::Nothing,
            permille => Loss::Random(Chance::percent(f64::from(permille) / 10.0)),
        },
        ..Lane::default()
    }
}

fn config(host: &HostSetup) -> stack::Config {
    let usual = tcp::Config::default();
    let buffer = host.receive_buffer_bytes;
    let tcp = tcp::Config {
        sack: host.sack,
        timestamps: host.timestamps,
        nagle: if host.nagle { usual.nagle } else { tcp::Nagle::Off },
        quick_ack_segments: if host.quick_acks { usual.quick_ack_segments } else { 0 },
        delayed_ack: if host.quick_acks { Duration::ZERO } else { usual.delayed_ack },
        congestion: tcp::CongestionControl::named(&host.congestion).unwrap_or(usual.congestion),
        receive_buffer_bytes: buffer.unwrap_or(usual.receive_buffer_bytes),
        receive_buffer_bytes_initial: buffer.unwrap_or(usual.receive_buffer_bytes_initial),
        receive_buffer_bytes_max: buffer.unwrap_or(usual.receive_buffer_bytes_max),
        ..usual
    };
    stack::Config { tcp: Arc::new(tcp), ..stack::Config::default() }
}
