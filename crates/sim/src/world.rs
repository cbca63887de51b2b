//! The world: hosts, links, programs, and a time that jumps from event to event.
//!
//! What happens next is the earliest event of a heap; of two at the same time the one scheduled first.
//! After each event the host it concerns is drained: its frames go onto its links, its programs are
//! called until nothing changes, its next timer is put on the heap. Nothing reads a clock; every random
//! value comes from the seed, by purpose, so that one link's luck does not depend on another's traffic.

mod ahead;
#[cfg_attr(not(feature = "runtime"), expect(dead_code, reason = "programs with sockets ask for more"))]
mod commons;
mod event;
mod looking;
mod node;
mod passing;
mod power;
#[cfg_attr(not(feature = "runtime"), expect(dead_code, reason = "programs with sockets ask for more"))]
mod seat;
mod station;
mod step;

use crate::application::{Application, At};
use crate::device::Device;
use crate::fate::{Arriving, Sent};
use crate::ids::{HostId, LinkId};
use crate::link::{Ends, LinkConfig, SuperSegments};
use crate::record::{Crossing, Entry, FrameRecord, Lost, Origin, Recording};
use crate::trail::Trail;
pub(crate) use commons::Commons;
#[cfg(feature = "runtime")]
pub(crate) use commons::Wish;
use event::Agenda;
use netem::{Dice, Fate, Launch, Running};
use node::{Node, Program};
use passing::Passing;
pub(crate) use seat::Seat;
use socket::Core;
use stack::{Cidr, Event, Host, Interface, InterfaceId, SocketId, Tracing};
use std::cell::OnceCell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;
use wire::{Frame, LinkCapabilities, Medium, TransmitChecksum};

/// Super-segments of this much text fit into an IP packet with any headers.
const SUPER_SEGMENT_BYTES_MAX: u32 = 65_000;
/// Events at one moment after which something must be running in circles.
const EVENTS_AT_ONCE_MAX: u64 = 2_000_000;
/// Calls of the programs of one host at one moment after which they must be running in circles.
const CALLS_AT_ONCE_MAX: u32 = 100_000;
/// Events kept for a host without programs.
const HEARD_MAX: usize = 65_536;

/// Hosts, links and programs in virtual time.
///
/// ```
/// use synfin_sim::{LinkConfig, World};
/// use std::time::Duration;
///
/// let mut world = World::new(7);
/// let client = world.add_host("client", stack::Config::default(), &["10.0.0.1", "fd00::1"]);
/// let server = world.add_host("server", stack::Config::default(), &["10.0.0.2", "fd00::2"]);
/// world.link(client, server, LinkConfig::delay(Duration::from_millis(20)));
///
/// let listener = world.at(server).listen(80);
/// let stream = world.at(client).connect("[fd00::2]:80");
/// world.run_for(Duration::from_millis(60));
/// let accepted = world.at(server).accept(listener).expect("the third step has arrived");
/// assert_eq!(world.at(client).state(stream), tcp::State::Established);
/// assert_eq!(world.at(server).state(accepted.id), tcp::State::Established);
/// world.run_for(Duration::from_secs(3_600));
/// assert_eq!(world.now().as_millis(), 3_600_060);
/// ```
pub struct World {
    seed: u64,
    now: Instant,
    /// What the programs of all hosts share.
    commons: Arc<Commons>,
    /// Whether a program has a clock of its own.
    has_clocks: bool,
    agenda: Agenda,
    nodes: Vec<Node>,
    links: Vec<Wire>,
    fate: Option<FateHook>,
    arrival: Option<ArrivalHook>,
    recording: Recording,
    frames: Vec<FrameRecord>,
    log: Vec<Entry>,
    trail: Option<Trail>,
    frame_observer: Option<FrameObserver>,
    launches: Vec<Launch<Option<usize>>>,
    tally: Tally,
    lost: [u64; Lost::ALL.len()],
    /// How many events there were at this moment.
    at_once: u64,
}

/// What [`World::set_fate`] sets.
type FateHook = Box<dyn FnMut(&Sent<'_>) -> Fate>;
/// What [`World::set_arrival`] sets.
type ArrivalHook = Box<dyn FnMut(&Arriving<'_>) -> Option<Frame>>;
/// What [`World::observe`] sets.
type Observer = Box<dyn FnMut(&Entry)>;
/// What [`World::observe_frames`] sets.
type FrameObserver = Box<dyn FnMut(&Crossing<'_>)>;

/// How much a world had to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Events of every kind.
    pub events: u64,
    /// Frames that hosts sent.
    pub frames: u64,
    /// Times a host's timer was due.
    pub timers: u64,
    /// Calls of programs.
    pub calls: u64,
}

/// A link at work.
struct Wire {
    ends: [HostId; 2],
    /// By sender: the first host's, the second host's. Beside each frame goes its place among the records, if it is
    /// recorded.
    lanes: [Running<Option<usize>>; 2],
    /// What becomes of what each end sends.
    passing: [Passing; 2],
    interfaces: [InterfaceId; 2],
    devices: [Device; 2],
    config: LinkConfig,
}

/// What a purpose's dice are for: numbers that keep them apart.
mod purpose {
    pub(super) const SECRET: u64 = 1 << 32;
    pub(super) const PROGRAMS: u64 = 2 << 32;
    pub(super) const LANE: u64 = 3 << 32;
}

impl World {
    /// An empty world at time zero.
    pub fn new(seed: u64) -> Self {
        World {
            seed,
            now: Instant::ZERO,
            commons: Commons::new(),
            has_clocks: false,
            agenda: Agenda::default(),
            nodes: Vec::new(),
            links: Vec::new(),
            fate: None,
            arrival: None,
            recording: Recording::NOTHING,
            frames: Vec::new(),
            log: Vec::new(),
            trail: None,
            frame_observer: None,
            launches: Vec::new(),
            tally: Tally::default(),
            lost: [0; Lost::ALL.len()],
            at_once: 0,
        }
    }

    // The world is made.

    /// Adds a host with these addresses, written as text without prefix length. Its secret comes from the
    /// seed.
    ///
    /// # Panics
    /// If a text is no address.
    pub fn add_host(&mut self, name: &str, config: stack::Config, addresses: &[&str]) -> HostId {
        let id = HostId(self.nodes.len());
        let parse =
            |text: &&str| text.parse::<IpAddr>().unwrap_or_else(|_| panic!("{text:?} is no IP address"));
        let host = Host::new(config, secret(self.seed, id, 0));
        let dice = Dice::for_purpose(self.seed, purpose::PROGRAMS + id.0 as u64);
        let addresses: Vec<IpAddr> = addresses.iter().map(parse).collect();
        self.commons.name(id, name, addresses.clone());
        self.nodes.push(Node::new(name, Seat::new(id, Core::new(host), &self.commons), addresses, dice));
        self.set_tracing();
        id
    }

    /// Joins two hosts. Each gets an interface with all its addresses, a route to each address of the
    /// other, and, with its first link, a default route.
    ///
    /// # Panics
    /// If both are the same host.
    pub fn link(&mut self, first: HostId, second: HostId, config: LinkConfig) -> LinkId {
        assert!(first != second, "a link joins two hosts");
        let id = LinkId(self.links.len());
        let interfaces = [(first, second), (second, first)].map(|(here, there)| {
            let end = (id.0, usize::from(here == second));
            let interface = self.attach(here, there, end, &config);
            self.nodes[here.0].links.push(end);
            interface
        });
        let lane = |side: u64, lane| {
            let dice = Dice::for_purpose(self.seed, purpose::LANE + 2 * id.0 as u64 + side);
            Running::new(lane, dice, Medium::Ip)
        };
        let lanes = [lane(0, config.forward.clone()), lane(1, config.backward.clone())];
        let (passing, devices) = (Default::default(), [Device::default(); 2]);
        self.links.push(Wire { ends: [first, second], lanes, passing, interfaces, devices, config });
        self.measure(id);
        id
    }

    /// Gives a host its interface to another one, and the routes that go with it.
    fn attach(
        &mut self,
        here: HostId,
        there: HostId,
        (link, side): (usize, usize),
        config: &LinkConfig,
    ) -> InterfaceId {
        let (name, peers) = (self.nodes[there.0].name.clone(), self.nodes[there.0].addresses.clone());
        let node = &self.nodes[here.0];
        let mut core = node.core();
        let host = core.host_mut();
        let interface = host.add_interface(Interface {
            name,
            capabilities: capabilities(config),
            hardware: (config.ends == Ends::Ethernet).then(|| station::address(link, side)),
            addresses: node.addresses.iter().copied().map(Cidr::host).collect(),
        });
        peers.into_iter().for_each(|peer| host.add_route(Cidr::host(peer), None, interface));
        if interface.index() == 0 {
            let everywhere =
                ["0.0.0.0/0", "::/0"].map(|all| all.parse::<Cidr>().expect("two well-formed routes"));
            everywhere.into_iter().for_each(|all| host.add_route(all, None, interface));
        }
        interface
    }

    /// Changes what a link does from now on; its MTU and what it takes stay as they were made.
    pub fn change_link(&mut self, link: LinkId, change: impl FnOnce(&mut LinkConfig)) {
        let wire = &mut self.links[link.0];
        change(&mut wire.config);
        wire.lanes[0].configure(wire.config.forward.clone());
        wire.lanes[1].configure(wire.config.backward.clone());
        self.measure(link);
    }

    /// Remembers how near the neighbours of both ends of a link are. What is held at the end of its way takes no time.
    fn measure(&mut self, link: LinkId) {
        for host in self.links[link.0].ends {
            let way = |&(link, side): &(usize, usize)| {
                let Wire { config, passing, .. } = &self.links[link];
                let delay = [config.backward.delay, config.forward.delay][side];
                if passing[1 - side].is_held() { Duration::ZERO } else { delay }
            };
            self.nodes[host.0].nearest = self.nodes[host.0].links.iter().map(way).min();
        }
    }

    /// Changes what a host's device at its end of a link does from now on; a restart of the host does not mend it.
    ///
    /// ```
    /// use synfin_sim::{Device, LinkConfig, World};
    /// use std::time::Duration;
    /// let mut world = World::new(7);
    /// let client = world.add_host("client", stack::Config::default(), &["10.0.0.1"]);
    /// let server = world.add_host("server", stack::Config::default(), &["10.0.0.2"]);
    /// let link = world.link(client, server, LinkConfig::default());
    /// world.at(server).listen(80);
    /// world.set_device(client, link, Device::Full);
    /// let stream = world.at(client).connect("10.0.0.2:80");
    /// world.run_for(Duration::from_secs(1));
    /// assert_eq!(world.tally().frames, 0, "the SYN waits");
    /// world.set_device(client, link, Device::Works);
    /// world.run_for(Duration::from_secs(1));
    /// assert_eq!(world.at(client).state(stream), tcp::State::Established);
    /// ```
    ///
    /// # Panics
    /// If the host is at neither end of the link.
    pub fn set_device(&mut self, host: HostId, link: LinkId, device: Device) {
        self.flush();
        let side = self.side_of(host, link);
        self.links[link.0].devices[side] = device;
        self.apply_device(link.0, side);
        self.nodes[host.0].seat.touch();
    }

    /// Tells a host whether its device takes frames.
    fn apply_device(&mut self, link: usize, side: usize) {
        let wire = &self.links[link];
        let (node, interface) = (&self.nodes[wire.ends[side].0], wire.interfaces[side]);
        let mut core = node.core();
        let host = core.host_mut();
        match wire.devices[side] {
            Device::Full => host.hold_interface(interface),
            Device::Works | Device::Fails => host.release_interface(interface),
        }
    }

    /// Which end of a link a host is.
    fn side_of(&self, host: HostId, link: LinkId) -> usize {
        let ends = self.links[link.0].ends;
        ends.iter().position(|end| *end == host).expect("the host is at one end of the link")
    }

    /// Starts a program on a host: it is called when time next moves.
    pub fn start(&mut self, host: HostId, application: impl Application + 'static) {
        self.has_clocks |= application.has_clock();
        let looked_to = application.has_clock().then_some(self.now);
        let program = Program { application: Some(Box::new(application)), wake: Some(self.now), looked_to };
        self.nodes[host.0].programs.push(program);
        self.nodes[host.0].seat.touch();
    }

    /// Decides what becomes of each frame, beside what the links do.
    pub fn set_fate(&mut self, fate: impl FnMut(&Sent<'_>) -> Fate + 'static) {
        self.fate = Some(Box::new(fate));
    }

    /// Decides of each recorded frame that has come to the end of its way what arrives: the frame, another one in its place,
    /// or nothing. What does not arrive counts as under way, because whoever took it may let it in later
    /// ([`World::inject`]).
    pub fn set_arrival(&mut self, arrival: impl FnMut(&Arriving<'_>) -> Option<Frame> + 'static) {
        self.arrival = Some(Box::new(arrival));
    }

    /// Keeps frames, and what connections and programs say, from now on.
    pub fn record(&mut self, recording: Recording) {
        self.recording = recording;
        self.set_tracing();
    }

    /// Keeps what tells this run apart from another one, from now on.
    pub fn keep_trail(&mut self) {
        self.trail = Some(Trail::new());
    }

    /// What was kept of the run since [`World::keep_trail`]; nothing more is. Empty without it.
    pub fn take_trail(&mut self) -> Trail {
        self.flush();
        let mut trail = self.trail.take().unwrap_or_default();
        trail.set_names(self.nodes.iter().map(|node| node.name.clone()).collect());
        trail
    }

    /// Tells everything that connections on this host say, as it happens, and keeps none of it: for runs too long
    /// to be kept. Other hosts say nothing and cost nothing.
    pub fn observe(&mut self, host: HostId, observer: impl FnMut(&Entry) + 'static) {
        self.nodes[host.0].observer = Some(Box::new(observer));
        self.set_tracing();
    }

    /// Tells of each frame that a host sends from now on what became of it, when it is certain. The second arrival of a
    /// frame that is doubled is not told.
    pub fn observe_frames(&mut self, observer: impl FnMut(&Crossing<'_>) + 'static) {
        self.frame_observer = Some(Box::new(observer));
    }

    fn set_tracing(&mut self) {
        let is_logged = self.recording.entries_max > 0;
        for node in &mut self.nodes {
            let is_heard = is_logged || node.observer.is_some();
            node.core().host_mut().set_tracing(if is_heard { Tracing::On } else { Tracing::Off });
        }
    }

    // A test acts.

    /// A host as a program on it sees it, to act there now.
    pub fn at(&mut self, host: HostId) -> At<'_> {
        let node = &mut self.nodes[host.0];
        node.seat.touch();
        At {
            now: self.now,
            id: host,
            seat: &node.seat,
            core: OnceCell::new(),
            events: &[],
            dice: &mut node.dice,
            log: &mut self.log,
            entries_max: self.recording.entries_max,
            trail: &mut self.trail,
            cause: None,
            wake: None,
            is_over: false,
        }
    }

    /// What a host without programs has told since this was last asked.
    pub fn take_events(&mut self, host: HostId) -> Vec<(SocketId, Event)> {
        self.flush();
        std::mem::take(&mut self.nodes[host.0].heard)
    }

    /// Lets a frame, an IP packet (at Ethernet ends also an ARP frame), arrive at a host out of nowhere, by its
    /// interface on this link. It is recorded as [`Origin::Injected`](crate::Origin::Injected).
    ///
    /// # Panics
    /// If the host is at neither end of the link.
    pub fn inject(&mut self, host: HostId, link: LinkId, frame: Frame) {
        self.flush();
        let side = self.side_of(host, link);
        let from = self.links[link.0].ends[1 - side];
        let record = self.record_frame(link.0, from, host, Origin::Injected, &frame);
        self.arrive(link.0, side, frame, record);
    }

    // Time passes.

    /// The next event happens, or, before programs with clocks of their own, some time passes; returns whether there
    /// was anything to happen.
    pub fn step(&mut self) -> bool {
        self.step_before(Instant::FAR_FUTURE)
    }

    /// Everything happens up to this time, which it is afterwards.
    ///
    /// # Panics
    /// If something runs in circles without time passing.
    pub fn run_until(&mut self, until: Instant) {
        while self.step_before(until) {}
        self.set_now(self.now.max(until));
    }

    /// Everything of this much time happens.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Events happen until `enough` says so, for at most this time; returns whether it was said.
    pub fn wait_until(&mut self, within: Duration, mut enough: impl FnMut(&mut World) -> bool) -> bool {
        let until = self.now + within;
        loop {
            self.flush();
            if enough(self) {
                return true;
            }
            if !self.step_before(until) {
                self.set_now(self.now.max(until));
                return enough(self);
            }
        }
    }

    fn set_now(&mut self, now: Instant) {
        self.now = now;
        self.commons.set_now(now);
    }
}

/// What keys the tables and numbers of a host in one of its lives.
fn secret(seed: u64, host: HostId, life: u32) -> [u8; 32] {
    let purpose = purpose::SECRET + host.0 as u64 + (u64::from(life) << 16);
    let mut dice = Dice::for_purpose(seed, purpose);
    let mut secret = [0; 32];
    secret.chunks_exact_mut(8).for_each(|part| part.copy_from_slice(&dice.roll().to_le_bytes()));
    secret
}

fn capabilities(config: &LinkConfig) -> LinkCapabilities {
    let (super_segment_bytes_max, transmit_checksum) = match config.super_segments {
        SuperSegments::Cut => (0, TransmitChecksum::Full),
        SuperSegments::Whole => (SUPER_SEGMENT_BYTES_MAX, TransmitChecksum::None),
    };
    let medium = match config.ends {
        Ends::Ip => Medium::Ip,
        Ends::Ethernet => Medium::Ethernet,
    };
    LinkCapabilities { medium, mtu_bytes: config.mtu_bytes, super_segment_bytes_max, transmit_checksum }
}

impl core::fmt::Debug for World {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("hosts", &self.nodes.len())
            .field("tally", &self.tally)
            .finish_non_exhaustive()
    }
}
