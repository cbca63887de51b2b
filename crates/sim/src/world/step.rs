//! How the world goes on: the next event, what it does to a host, and what leaves that host again.
//!
//! A host is drained after everything that happens to it: frames onto its links, programs called until
//! nothing changes, its next timer onto the agenda. What is *not* here: making the world and looking at it.

use super::event::{Coming, What};
use super::node::Program;
use super::seat::Seat;
use super::station;
use super::{CALLS_AT_ONCE_MAX, EVENTS_AT_ONCE_MAX, HEARD_MAX, World};
use crate::application::At;
use crate::device::Device;
use crate::fate::Sent;
use crate::ids::{HostId, LinkId};
use crate::link::Ends;
use crate::record::{Arrival, Crossing, Ended, Entry, FrameArrival, FrameRecord, Happening, Lost, Origin};
use netem::{Fate, Launch, Mishap, Moving};
use socket::Core;
use stack::InterfaceId;
use std::cell::OnceCell;
use std::sync::{Arc, MutexGuard};
use tcp::{Instant, Trace};
use wire::Frame;

impl World {
    pub(super) fn step_before(&mut self, until: Instant) -> bool {
        self.flush();
        let Some(horizon) = self.look_ahead(until) else {
            self.flush();
            return true;
        };
        let Some((at, what)) = self.agenda.pop_until(horizon) else {
            self.set_now(horizon.max(self.now));
            return horizon < until;
        };
        if at > self.now {
            self.set_now(at);
            self.at_once = 0;
        }
        self.at_once += 1;
        assert!(
            self.at_once < EVENTS_AT_ONCE_MAX,
            "seed {}: two million events at {:?} and time stands still: something runs in circles",
            self.seed,
            self.now
        );
        self.tally.events += 1;
        match what {
            What::Arrives { link, side, frame, record, coming } => {
                let Some(frame) = self.pass(link, side, frame, record, coming) else { return true };
                match coming {
                    Coming::Whole => self.tell_end(link, 1 - side, &frame, Ended::Whole),
                    Coming::Damaged => self.tell_end(link, 1 - side, &frame, Ended::Damaged),
                    Coming::Untold => {}
                }
                self.arrive(link, side, *frame, record);
            }
            What::Transmitted { link, side } => {
                let mut launches = std::mem::take(&mut self.launches);
                self.links[link].lanes[side].transmitted(self.now, &mut launches);
                self.carry_out(link, side, &mut launches);
                self.launches = launches;
            }
            What::Timer { node } => {
                if self.nodes[node].armed == Some(at) {
                    self.nodes[node].armed = None;
                    self.tally.timers += 1;
                    let seat = Arc::clone(&self.nodes[node].seat);
                    let mut core = seat.core();
                    core.host_mut().handle_timeout(self.now);
                    self.drain_from(node, &seat, core);
                }
            }
            What::Wake { node } => self.drain(node),
        }
        true
    }

    /// Hosts that a test has touched are drained.
    pub(super) fn flush(&mut self) {
        while self.commons.take_touched() {
            for node in 0..self.nodes.len() {
                if self.nodes[node].seat.take_touched() {
                    self.drain(node);
                }
            }
        }
    }

    pub(super) fn arrive(&mut self, link: usize, side: usize, frame: Frame, record: Option<usize>) {
        let wire = &self.links[link];
        let (node, interface) = (wire.ends[side].0, wire.interfaces[side]);
        if let Some(trail) = &mut self.trail {
            trail.hears(self.now, HostId(node), wire.ends[1 - side], &frame);
        }
        let arrived = record.and_then(|number| {
            let record = self.frames.get_mut(number)?;
            record.arrivals.push(Arrival { at: self.now, frame: frame.clone() });
            Some(FrameArrival { frame: number, arrival: record.arrivals.len() - 1 })
        });
        if let Some(arrived) = arrived {
            self.note(HostId(node), Happening::Arrived(arrived), Some(arrived));
        }
        let frame = match self.links[link].config.ends {
            Ends::Ip => frame,
            Ends::Ethernet => {
                station::arrives(frame, [station::address(link, 1 - side), station::address(link, side)])
            }
        };
        let seat = Arc::clone(&self.nodes[node].seat);
        let mut core = seat.core();
        core.host_mut().handle_frame(self.now, interface, frame);
        // What the frame itself did; what programs do about it is theirs.
        self.listen_to(node, &mut core, arrived);
        self.nodes[node].handed_in = arrived;
        self.drain_from(node, &seat, core);
        self.nodes[node].handed_in = None;
    }

    /// Keeps an entry of the log, if there is room; returns its place.
    pub(super) fn note(
        &mut self,
        host: HostId,
        what: Happening,
        cause: Option<FrameArrival>,
    ) -> Option<usize> {
        (self.log.len() < self.recording.entries_max).then(|| {
            self.log.push(Entry { at: self.now, host, what, cause });
            self.log.len() - 1
        })
    }

    /// Keeps a frame, if frames are recorded; returns its number.
    pub(super) fn record_frame(
        &mut self,
        link: usize,
        from: HostId,
        to: HostId,
        origin: Origin,
        frame: &Frame,
    ) -> Option<usize> {
        (self.frames.len() < self.recording.frames_max).then(|| {
            self.frames.push(FrameRecord {
                sent_at: self.now,
                link: LinkId(link),
                from,
                to,
                origin,
                frame: frame.clone(),
                arrivals: Vec::new(),
                lost: None,
                held_back: false,
                marked: false,
                corrupted: false,
            });
            self.frames.len() - 1
        })
    }

    /// Takes away what a host wants to send and say, and calls its programs, until nothing changes.
    pub(super) fn drain(&mut self, node: usize) {
        let seat = Arc::clone(&self.nodes[node].seat);
        self.drain_from(node, &seat, seat.core());
    }

    /// The same with the host in hand.
    fn drain_from<'a>(&mut self, node: usize, seat: &'a Seat, mut core: MutexGuard<'a, Core>) {
        for _ in 0..CALLS_AT_ONCE_MAX {
            while let Some((interface, frame)) = core.host_mut().poll_transmit(self.now) {
                // That a segment was sent stands in the log before what the link did with it.
                self.listen_to(node, &mut core, None);
                let sending = self.nodes[node].sending_of_last_frame(core.host());
                self.transmit(node, interface, frame, sending);
            }
            self.listen_to(node, &mut core, None);
            // Programs are called, and tasks are woken, without the lock.
            let (wakeups, due) = (core.take_wakeups(), core.host_mut().poll_timeout());
            drop(core);
            wakeups.wake();
            if !self.call_programs(node) {
                self.nodes[node].sendings.clear();
                return self.arm(node, due);
            }
            self.grant();
            core = seat.core();
        }
        panic!("seed {}: the programs of {} run in circles", self.seed, self.nodes[node].name);
    }

    /// Collects a host's traces, which `cause` brought about, and its events.
    pub(super) fn listen_to(&mut self, node: usize, core: &mut Core, cause: Option<FrameArrival>) {
        let host = HostId(node);
        let at_node = &mut self.nodes[node];
        while let Some(record) = core.host_mut().poll_trace() {
            let entry = Entry { at: record.at, host, what: Happening::Traced(record), cause };
            if let Some(observer) = &mut at_node.observer {
                observer(&entry);
            }
            if self.log.len() < self.recording.entries_max {
                if let Trace::Sent { .. } = record.trace {
                    at_node.sendings.push((record.number, self.log.len()));
                }
                self.log.push(entry);
            }
        }
        while let Some(event) = core.hear(self.now) {
            if at_node.heard.len() < HEARD_MAX {
                at_node.heard.push(event);
            }
        }
    }

    /// Calls the programs if there is news or their time has come; returns whether any was called.
    pub(super) fn call_programs(&mut self, node: usize) -> bool {
        let now = self.now;
        let at_node = &mut self.nodes[node];
        let is_due = |program: &Program| program.wake.is_some_and(|wake| wake <= now);
        let is_news = !at_node.heard.is_empty() && !at_node.programs.is_empty();
        if !is_news && !at_node.programs.iter().any(is_due) {
            return false;
        }
        let mut programs = std::mem::take(&mut at_node.programs);
        let events = std::mem::take(&mut at_node.heard);
        for program in &mut programs {
            let Some(application) = program
                .application
                .as_mut()
                .filter(|_| is_news || program.wake.is_some_and(|wake| wake <= now))
            else {
                continue;
            };
            let mut at = At {
                now,
                id: HostId(node),
                seat: &at_node.seat,
                core: OnceCell::new(),
                events: &events,
                dice: &mut at_node.dice,
                log: &mut self.log,
                entries_max: self.recording.entries_max,
                trail: &mut self.trail,
                cause: at_node.handed_in,
                wake: program.wake.filter(|wake| *wake > now),
                is_over: false,
            };
            application.poll(&mut at);
            self.tally.calls += 1;
            let (wake, is_over) = (at.wake, at.is_over);
            drop(at);
            program.looked_to = program.looked_to.map(|_| now);
            if is_over {
                program.application = None;
            }
            if wake != program.wake
                && let Some(wake) = wake
            {
                self.agenda.push(wake.max(now), What::Wake { node });
            }
            program.wake = wake;
        }
        programs.retain(|program| program.application.is_some());
        // Programs cannot start programs: nothing was added meanwhile.
        at_node.programs = programs;
        true
    }

    /// Puts a host's next timer on the agenda.
    fn arm(&mut self, node: usize, due: Option<Instant>) {
        if due != self.nodes[node].armed {
            self.nodes[node].armed = due;
            if let Some(due) = due {
                // What is due already is due now; `armed` must say when the event comes.
                let at = due.max(self.now);
                self.nodes[node].armed = Some(at);
                self.agenda.push(at, What::Timer { node });
            }
        }
    }

    /// A host puts a frame onto a link.
    pub(super) fn transmit(
        &mut self,
        node: usize,
        interface: InterfaceId,
        frame: Frame,
        sending: Option<usize>,
    ) {
        let Some((link, side)) = self.nodes[node].links.get(interface.index()).copied() else { return };
        self.tally.frames += 1;
        let frame = match self.links[link].config.ends {
            Ends::Ip => frame,
            Ends::Ethernet => match station::leaves(frame, station::address(link, 1 - side)) {
                Some(frame) => frame,
                None => return self.lose(link, side, None, Lost::NoStation),
            },
        };
        let (from, to) = (HostId(node), self.links[link].ends[1 - side]);
        let sent = Sent { at: self.now, link: LinkId(link), from, to, frame: &frame };
        let fate = self.fate.as_mut().map_or(Fate::Deliver, |fate| fate(&sent));
        let origin = Origin::Host { sending };
        if let Some(trail) = &mut self.trail {
            trail.sends(self.now, from, to, &frame);
        }
        let record = self.record_frame(link, from, to, origin, &frame);
        if let Some(frame) = record {
            self.note(from, Happening::Departed { frame }, None);
        }
        if self.links[link].devices[side] == Device::Fails {
            self.tell_end(link, side, &frame, Ended::Lost(Lost::Device));
            return self.lose(link, side, record, Lost::Device);
        }
        let mut launches = std::mem::take(&mut self.launches);
        let moving = Moving { frame, token: record, fate };
        self.links[link].lanes[side].enter(self.now, moving, &mut launches);
        self.carry_out(link, side, &mut launches);
        self.launches = launches;
    }

    /// Puts on the agenda what a lane asks for.
    pub(super) fn carry_out(&mut self, link: usize, side: usize, launches: &mut Vec<Launch<Option<usize>>>) {
        for launch in launches.drain(..) {
            match launch {
                Launch::Deliver { at, moving, mishap } => {
                    let Moving { frame, token: record, .. } = moving;
                    if let Some(record) = record.and_then(|record| self.frames.get_mut(record)) {
                        record.held_back |= mishap.held_back;
                        record.marked |= mishap.marked;
                        record.corrupted |= mishap.corrupted;
                    }
                    let coming = match mishap {
                        Mishap { copy: true, .. } => Coming::Untold,
                        Mishap { corrupted: true, .. } => Coming::Damaged,
                        _ => Coming::Whole,
                    };
                    let frame = Box::new(frame);
                    let arrives = What::Arrives { link, side: 1 - side, frame, record, coming };
                    self.agenda.push_on_lane(2 * link + side, at, arrives);
                }
                Launch::Lost { moving, why } => {
                    let why = Lost::from(why);
                    self.tell_end(link, side, &moving.frame, Ended::Lost(why));
                    self.lose(link, side, moving.token, why);
                }
                Launch::BusyUntil(at) => self.agenda.push(at, What::Transmitted { link, side }),
                Launch::Answer { at, frame } => {
                    let frame = Box::new(frame);
                    let coming = Coming::Untold;
                    self.agenda.push(at, What::Arrives { link, side, frame, record: None, coming });
                }
            }
        }
    }

    /// Tells who watches frames what became of one that this end of the link sent.
    pub(super) fn tell_end(&mut self, link: usize, side: usize, frame: &Frame, ended: Ended) {
        let Some(observer) = &mut self.frame_observer else { return };
        let [from, to] = [side, 1 - side].map(|side| self.links[link].ends[side]);
        observer(&Crossing { at: self.now, link: LinkId(link), from, to, frame, ended });
    }

    pub(super) fn lose(&mut self, link: usize, side: usize, record: Option<usize>, why: Lost) {
        self.lost[why as usize] += 1;
        let Some(frame) = record else { return };
        self.frames[frame].lost = Some(why);
        self.note(self.links[link].ends[side], Happening::Lost { frame, why }, None);
    }
}
