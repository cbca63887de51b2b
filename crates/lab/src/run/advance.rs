//! A run while it advances: the world, event by event, and the deeds that are done between two events.

use super::wire_hands::{Hands, Let};
use super::{ENDS, Event, HostNow, Injected, NAMES, Run, config, lane};
use crate::calls::Call;
use crate::deed::{Deed, Forged};
use crate::forge;
use crate::program::{Failed, Place, Program};
use crate::setup::Setup;
use sim::apps::Shared;
use sim::{At, Happening, HostId, LinkConfig, LinkId, Origin, Recording, World};
use stack::IsnPolicy;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tcp::Instant;
use wire::tcp::{Flags, Header, Options};
use wire::{Frame, Seq};

/// The most events of a run. A megabyte takes some 5,000.
const EVENTS_MAX: usize = 20_000;
/// The longest virtual time of a run: user timeouts take an hour at the most.
const TIME_MAX: Duration = Duration::from_secs(7_200);
/// How much older than the client's the number of an old SYN is: five minutes of a clock that ticks every
/// 4 microseconds (RFC 9293 §3.4.1).
const OLD_SYN_AGE: u32 = 81_340_000;
/// How far from the expected number the RST of a guesser is: within every window but the smallest.
const BLIND_BYTES: u32 = 1_000;

/// A run that is not at its end.
pub(super) struct Advance {
    run: Run,
    programs: [Vec<Call>; 2],
    places: [Shared<Place>; 2],
    link: LinkId,
    hands: Rc<RefCell<Hands>>,
    /// So much of the world's log is known here.
    read: usize,
    /// Which deeds between events are done.
    done: Vec<bool>,
}

impl Advance {
    pub(super) fn new(setup: &Setup, programs: [Vec<Call>; 2], deeds: &[Deed]) -> Advance {
        let mut world = World::new(setup.seed);
        world.record(Recording::EVERYTHING);
        let hosts = [0, 1].map(|host| {
            world.add_host(NAMES[host], config(&setup.hosts[host]), &[&ENDS[host].ip().to_string()])
        });
        let link = world.link(hosts[0], hosts[1], LinkConfig::symmetric(lane(setup)));
        let hands = Rc::new(RefCell::new(Hands::new(deeds)));
        let fates = hands.clone();
        world.set_fate(move |sent| fates.borrow_mut().fate(sent));
        let arrivals = hands.clone();
        world.set_arrival(move |arriving| arrivals.borrow_mut().arrival(arriving));
        let run = Run {
            setup: setup.clone(),
            world,
            hosts,
            events: Vec::new(),
            is_cut: false,
            injected: BTreeMap::new(),
            deeds: deeds.to_vec(),
            time_wait: tcp::Config::default().time_wait,
        };
        let done = vec![false; deeds.len()];
        let mut advance = Advance { run, programs, places: Default::default(), link, hands, read: 0, done };
        // the server first, so that it listens before a SYN can come
        for host in [1, 0] {
            advance.start(host);
        }
        advance
    }

    /// Starts the program of a host, at its beginning or behind a crash.
    fn start(&mut self, host: usize) {
        let ends = [ENDS[host], ENDS[1 - host]].map(SocketAddr::V4);
        let isn = self.run.setup.hosts[host].isn.map(|isn| IsnPolicy::Fixed(Seq::new(isn)));
        let place = self.places[host].clone();
        let mut program = Program::new(self.programs[host].clone(), ends, isn, place);
        self.run.world.start(self.run.hosts[host], move |at: &mut At<'_>| program.poll(at));
    }

    pub(super) fn finish(mut self) -> Run {
        let end = Instant::ZERO + TIME_MAX;
        loop {
            self.do_deeds();
            let logged = self.read;
            let due = self.hands.borrow().next_due();
            let until = due.map_or(end, |due| due.min(end));
            let within = until.since(self.run.world.now());
            let (hands, places) = (self.hands.clone(), self.places.clone());
            let crashes = || places.iter().any(|place| place.borrow().crashes);
            let happened = self.run.world.wait_until(within, |world| {
                world.log().len() > logged || crashes() || hands.borrow().next_due() != due
            });
            if happened && self.run.world.log().len() == logged && !crashes() {
                // a frame has come to the end of its way and is kept there
                continue;
            }
            if !happened {
                let now = self.run.world.now();
                let Some(comes) = self.hands.borrow_mut().take_due(now) else {
                    self.run.is_cut = due.is_some() || self.run.world.next_at().is_some();
                    return self.run;
                };
                self.let_in(comes);
            }
            self.note();
            if self.run.events.len() >= EVENTS_MAX {
                self.run.is_cut = true;
                return self.run;
            }
        }
    }

    /// Does what is to be done after so many events.
    fn do_deeds(&mut self) {
        let count = self.run.events.len();
        for place in 0..self.run.deeds.len() {
            let deed = &self.run.deeds[place];
            let (Deed::Forge { after, .. } | Deed::Crash { after, .. }) = deed else { continue };
            if *after as usize != count || std::mem::replace(&mut self.done[place], true) {
                continue;
            }
            match deed.clone() {
                Deed::Forge { host, what, .. } => {
                    let host = usize::from(host & 1);
                    let frame = self.forged(host, &what);
                    self.inject(self.run.hosts[host], frame, Injected::Forged { deed: place });
                }
                Deed::Crash { host, .. } => {
                    let host = usize::from(host & 1);
                    self.programs[host].clear();
                    let mut place = self.places[host].borrow_mut();
                    (place.failed, place.waits) = (Some(Failed::Crash), false);
                    drop(place);
                    self.restart(host);
                }
                _ => {}
            }
        }
    }

    /// Lets a frame arrive that was changed or held back.
    fn let_in(&mut self, comes: Let) {
        self.inject(comes.to, comes.bytes, Injected::Arrival { of: comes.of });
    }

    /// A frame arrives that no host has put onto the wire as it is.
    fn inject(&mut self, to: HostId, frame: Frame, why: Injected) {
        let known = self.run.world.frames().len();
        self.run.world.inject(to, self.link, frame);
        // hosts may have sent others meanwhile, before it and in answer to it
        let new = self.run.world.frames().iter().enumerate().skip(known);
        let place = new.into_iter().find(|(_, record)| record.origin == Origin::Injected);
        if let Some((place, _)) = place {
            self.run.injected.insert(place, why);
        }
    }

    /// A host loses its power; the calls that its program has left are those of a new one.
    fn restart(&mut self, host: usize) {
        self.run.world.at(self.run.hosts[host]).say("crash");
        self.run.world.restart(self.run.hosts[host], config(&self.run.setup.hosts[host]));
        self.places[host].borrow_mut().crashes = false;
        self.start(host);
    }

    /// Notes an event, and does what it brings about: a crash, or the arrival of one that was overtaken.
    fn note(&mut self) {
        for host in [0, 1] {
            if self.places[host].borrow().crashes {
                self.restart(host);
            }
        }
        self.note_event();
        let (now, log) = (self.run.world.now(), self.run.world.log());
        let mut hands = self.hands.borrow_mut();
        for entry in &log[self.read..] {
            match entry.what {
                Happening::Departed { frame } => hands.on_departed(frame),
                Happening::Arrived(arrived) => match self.run.injected.get(&arrived.frame) {
                    Some(Injected::Arrival { of }) => hands.on_arrived(*of, now),
                    _ => hands.on_arrived(arrived.frame, now),
                },
                _ => {}
            }
        }
        self.read = log.len();
    }

    fn note_event(&mut self) {
        let at = self.run.world.now();
        let hosts = [0, 1].map(|host| HostNow {
            place: self.places[host].borrow().clone(),
            connections: self.run.world.host(self.run.hosts[host]).tcp_connections(at),
        });
        self.run.events.push(Event { at, log_end: self.run.world.log().len(), hosts });
    }

    /// A segment that the other end seems to have sent to this host now.
    fn forged(&self, host: usize, what: &Forged) -> Frame {
        let ends = [ENDS[1 - host], ENDS[host]];
        let expected = self.expected_by(host);
        let isn = self.run.setup.hosts[1 - host].isn.unwrap_or_default();
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
        let looked = self.run.world.host(self.run.hosts[host]);
        let first = looked.tcp_connections(self.run.world.now()).into_iter().next();
        let snapshot = first.and_then(|listed| looked.tcp(listed.id).map(tcp::Connection::snapshot));
        let isn = |host: usize| Seq::new(self.run.setup.hosts[host].isn.unwrap_or_default());
        snapshot.map_or((isn(1 - host), isn(host)), |snapshot| (snapshot.rcv_nxt, snapshot.snd_nxt))
    }
}
