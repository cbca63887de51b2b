//! A plan is lived: the world is made, its programs start, and what must hold is asked.

use crate::caught;
use crate::worlds::actor::{Actor, Life};
use crate::worlds::beside::{Beside, Company};
use crate::worlds::dimensions::COOKIES_KEEP_EVERYTHING;
use crate::worlds::plan::{Ending, Family, Opening, Plan};
use crate::worlds::progress::Progress;
use crate::worlds::watch::Watch;
use sim::apps::Shared;
use sim::{At, Ends, Fate, HostId, Lane, LinkConfig, LinkId, Recording, TooBigAnswer, Touches, World};
use stack::{Config, ConnectOptions, Host, ListenOptions, MemoryBudget, SocketId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;

pub(crate) const SERVER_PORT: u16 = 80;
const CLIENT_PORTS: u16 = 20_000;
const AGAIN_PORTS: u16 = 25_000;
const SIMULTANEOUS_PORTS: u16 = 30_000;
/// Room for a flood, so that only [`crate::worlds::evil::Evil::half_open_max`] makes cookies of it.
const BACKLOG: usize = 16_384;
/// What a neighbour that does not answer may hold: an entry, and SYN-ACKs that wait for it.
const NEIGHBOUR_BYTES_MAX: usize = 1_024;
/// How long a program waits when its host has no memory for a connection.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// After the last fault, beside what small buffers take: timeouts backed off to a minute each, and the work. Without
/// timestamps, through a queue of seven packets, in segments of 88 bytes, every window may end in such a timeout (seed
/// 35987: seven minutes).
const DONE_WITHIN: Duration = Duration::from_secs(3_600);
/// And then: an orphan's FIN-WAIT-2, then TIME-WAIT, each a minute, restarted once; or R2 towards one that is gone.
const GONE_WITHIN: Duration = Duration::from_secs(1_500);

/// A world in which a plan is lived.
pub(crate) struct Trial {
    pub(crate) world: World,
    pub(crate) hosts: [HostId; 2],
    pub(crate) lives: Vec<[Shared<Life>; 2]>,
    pub(crate) watch: Rc<RefCell<Watch>>,
    /// The third host, if there is one.
    pub(crate) company: Option<Company>,
    /// A host was short of memory before it started anew.
    short_before: bool,
}

/// The client's and the server's address.
pub(crate) fn addresses(family: Family) -> [IpAddr; 2] {
    let texts = match family {
        Family::V4 => ["10.0.0.1", "10.0.0.2"],
        Family::V6 => ["fd00::1", "fd00::2"],
    };
    texts.map(|text| text.parse().expect("an address"))
}

/// Both ends of a connection.
pub(crate) fn ends(plan: &Plan, talk: usize) -> [SocketAddr; 2] {
    let addresses = addresses(plan.talks[talk].family);
    let ports = match plan.talks[talk].opening {
        Opening::Listening => [CLIENT_PORTS + talk as u16, SERVER_PORT],
        Opening::Simultaneous => [SIMULTANEOUS_PORTS + talk as u16; 2],
        Opening::Again { of } if plan.evil.rebirth.as_ref().is_some_and(|rebirth| rebirth.side == 0) => {
            [CLIENT_PORTS + of as u16, SERVER_PORT]
        }
        Opening::Again { of } => [AGAIN_PORTS + of as u16, SERVER_PORT],
    };
    [0, 1].map(|side| SocketAddr::new(addresses[side], ports[side]))
}

impl Trial {
    pub(crate) fn new(plan: &Plan, recording: Recording) -> Trial {
        let mut world = World::new(plan.seed);
        world.record(recording);
        let config = |side: usize| stack_config(plan, &plan.configs[side]);
        let client = world.add_host("client", config(0), &["10.0.0.1", "fd00::1"]);
        let server = world.add_host("server", config(1), &["10.0.0.2", "fd00::2"]);
        let link = plan.link.clone();
        let watch = Rc::new(RefCell::new(Watch {
            mtu_bytes: link.mtu_bytes,
            forged: plan.evil.outlives_resets(),
            // A cookie's options come back in the timestamp, if nobody takes it away.
            is_blind: plan.is_damaged() || plan.evil.makes_cookies() && strips_all_but_syns(&link),
            added: numbers_added(&link),
            makes_cookies: plan.evil.makes_cookies(),
            is_ethernet: link.ends == Ends::Ethernet,
            ..Watch::default()
        }));
        if let Some(middlebox) = &link.forward.middlebox {
            let strips = |kind| middlebox.strips.contains(&kind);
            watch.borrow_mut().scaling_stripped = strips(wire::tcp::kind::WINDOW_SCALE);
            watch.borrow_mut().mss_stripped = strips(wire::tcp::kind::MSS);
        }
        let first = world.link(client, server, link);
        let join = |beside: &Beside| Company::join(&mut world, plan, beside, [client, server], first);
        let company = plan.evil.beside.as_ref().map(join);
        let lives: Vec<[Shared<Life>; 2]> = plan.talks.iter().map(|_| Default::default()).collect();
        let mut trial = Trial { world, hosts: [client, server], lives, watch, company, short_before: false };
        trial.set_watch(plan);
        trial.start_programs(plan);
        trial
    }

    fn set_watch(&mut self, plan: &Plan) {
        let first_lives = (0..plan.talks.len()).filter(|talk| !is_again(plan, *talk));
        self.watch.borrow_mut().talks = first_lives.map(|talk| (ends(plan, talk)[0].port(), talk)).collect();
        let (watch, client) = (self.watch.clone(), self.hosts[0]);
        let is_beside = self.company.as_ref().map(Company::observer);
        self.world.set_fate(move |sent| {
            if is_beside.as_ref().is_some_and(|is_beside| is_beside(sent)) {
                return Fate::Deliver;
            }
            let mut watch = watch.borrow_mut();
            let side = usize::from(sent.from != client);
            // Answers to strangers and fragments of answers are nobody's connection.
            if let Some(talk) = talk_of(&watch.talks, sent, side) {
                watch.sees(sent.frame, side);
                watch.check_text(sent.frame, talk, side);
            }
            Fate::Deliver
        });
    }

    fn actor(&self, plan: &Plan, talk: usize, side: usize) -> Actor {
        Actor::new(talk, side, plan.talks[talk].ends[side], self.lives[talk][side].clone())
    }

    fn start_programs(&mut self, plan: &Plan) {
        let first_lives: Vec<usize> = (0..plan.talks.len()).filter(|talk| !is_again(plan, *talk)).collect();
        for talk in &first_lives {
            self.start_client(plan, *talk);
            if plan.talks[*talk].opening == Opening::Simultaneous {
                let ([there, here], opens_at) = (ends(plan, *talk), plan.talks[*talk].opens_at);
                let options = ConnectOptions { local: Some(here), ..ConnectOptions::new(there) };
                self.world.start(self.hosts[1], connecting(self.actor(plan, *talk, 1), options, opens_at));
            }
        }
        let is_served = |talk: &usize| plan.talks[*talk].opening != Opening::Simultaneous;
        self.start_server(plan, (0..plan.talks.len()).filter(is_served).collect());
    }

    /// The program of the client of a connection.
    pub(crate) fn start_client(&mut self, plan: &Plan, talk: usize) {
        let ([here, there], opens_at) = (ends(plan, talk), plan.talks[talk].opens_at);
        let options = ConnectOptions { local: Some(here), ..ConnectOptions::new(there) };
        self.world.start(self.hosts[0], connecting(self.actor(plan, talk, 0), options, opens_at));
    }

    /// The program that listens for the clients of these connections.
    pub(crate) fn start_server(&mut self, plan: &Plan, talks: Vec<usize>) {
        // A connection is known by the number with which its client opened it, not by a port that may have had another.
        let mut serving: Vec<(Shared<Life>, Actor)> =
            talks.into_iter().map(|talk| (self.lives[talk][0].clone(), self.actor(plan, talk, 1))).collect();
        let added = numbers_added(&plan.link)[0];
        let (mut listener, mut open) = (None, BTreeMap::<SocketId, Actor>::new());
        self.world.start(self.hosts[1], move |at: &mut At<'_>| {
            let listener = *listener.get_or_insert_with(|| {
                at.listen_with(ListenOptions::new(SocketAddr::from(([0u16; 8], SERVER_PORT)), BACKLOG))
            });
            while let Some(accepted) = at.accept(listener) {
                let irs = at.tcp(accepted.id).map(|tcp| tcp.snapshot().irs);
                let is_of = |(client, _): &(Shared<Life>, Actor)| {
                    client.borrow().iss.is_some_and(|iss| Some(iss + added) == irs)
                };
                match serving.iter().position(is_of) {
                    Some(place) => drop(open.insert(accepted.id, serving.swap_remove(place).1)),
                    // A duplicate that came late, or whose client is no more.
                    None => at.close(accepted.id),
                }
            }
            open.iter_mut().for_each(|(socket, actor)| actor.act(at, *socket));
            open.retain(|_, actor| !actor.is_over());
        });
    }

    /// Lives it; says what went wrong.
    pub(crate) fn run(&mut self, plan: &Plan) -> Result<(), String> {
        let mut progress = Progress::new(&mut self.world, plan);
        let moments = plan.evil.moments(plan.faults_end);
        let mut rebirth = plan.evil.rebirth.as_ref();
        for (at, deed, time) in moments {
            if let Some(now) = rebirth.take_if(|rebirth| rebirth.at <= at) {
                self.begin_again(plan, now)?;
            }
            self.run_until(plan, at)?;
            self.act(plan, &plan.evil.deeds[deed], time)?;
        }
        if let Some(now) = rebirth {
            self.begin_again(plan, now)?;
        }
        self.run_until(plan, plan.faults_end)?;
        self.check_bounds(plan)?;
        self.world.change_link(self.link(), |now| {
            now.forward = calm(&now.forward, &plan.link.forward);
            now.backward = calm(&now.backward, &plan.link.backward);
        });
        let lives = self.lives.clone();
        let over =
            |lives: &[[Shared<Life>; 2]]| lives.iter().flatten().all(|life| life.borrow().over_at.is_some());
        // A server never hears of a connection that the client threw away before it was open.
        let (link, hosts, company) = (self.link(), self.hosts, &self.company);
        let mut stall = None;
        let slowest = (0..plan.talks.len()).map(|talk| plan.takes(talk)).max().unwrap_or_default();
        let done_within = DONE_WITHIN + slowest;
        self.world.wait_until(done_within, |world| {
            if progress.is_due(world.now()) {
                stall = progress.look_at_all(world, link, hosts, &lives, plan).err();
            }
            stall.is_some() || over(&lives) && company.as_ref().is_none_or(Company::is_over)
        });
        if let Some(stall) = stall {
            return Err(stall);
        }
        self.check_bounds(plan)?;
        self.check_lives(plan)?;
        if let Some(company) = &self.company {
            company.check()?;
        }
        self.abort_the_forgotten();
        let frames_before = self.world.tally().frames;
        self.world.run_for(GONE_WITHIN);
        for host in self.world.hosts() {
            let usage = self.world.host(host).usage();
            let left = usage.connections
                + usage.half_open
                + usage.time_waits
                + usage.flows
                + usage.timers
                + usage.reassemblies;
            if left > 0 {
                return Err(format!("{} still holds {usage:?}", self.world.name(host)));
            }
        }
        let afterwards = self.world.tally().frames - frames_before;
        // What was queued when the applications left still goes out, or is refused segment by segment.
        let queued: u64 =
            plan.talks.iter().flat_map(|talk| talk.ends.iter()).map(|end| 25 + end.bytes / 20).sum();
        let queued = queued + work_beside(plan);
        // Who sent a SYN and is nobody is answered a few times more, and asked for three times each.
        let answers = if plan.link.ends == Ends::Ethernet { 24 } else { 8 };
        if afterwards > queued + answers * plan.evil.frames() {
            return Err(format!("{afterwards} frames after everything was over"));
        }
        self.check_effort(plan)?;
        self.company.as_ref().map_or(Ok(()), |company| company.check_left(&mut self.world))
    }

    /// Lives up to this time; devices change meanwhile.
    pub(crate) fn run_until(&mut self, plan: &Plan, at: Instant) -> Result<(), String> {
        while let Some((switch_at, device)) =
            self.company.as_mut().and_then(|company| company.next_switch(at))
        {
            self.live_until(plan, switch_at)?;
            if let Some(company) = &self.company {
                company.switch(&mut self.world, device);
            }
        }
        self.live_until(plan, at)
    }

    /// Lives up to this time; where memory is small, or a third host waits for its beats, it is looked at again and
    /// again.
    fn live_until(&mut self, plan: &Plan, at: Instant) -> Result<(), String> {
        if plan.evil.memory_bytes.is_none() && self.company.is_none() {
            self.world.run_until(at);
            return Ok(());
        }
        let (hosts, mut wrong, mut looks) = (self.hosts, None, 0u32);
        let company = &mut self.company;
        self.world.wait_until(at.since(self.world.now()), |world| {
            looks += 1;
            if looks.is_multiple_of(16) {
                wrong = hosts.iter().find_map(|host| check_memory(plan, &world.host(*host)).err());
            }
            if let Some(company) = company {
                wrong = wrong.take().or(company.look(world.now()).err());
            }
            wrong.is_some()
        });
        wrong.map_or(Ok(()), Err)
    }

    /// Whether a host had so little memory that it had to end connections or to lose what arrived.
    fn was_short(&self) -> bool {
        let is_short = |host: HostId| {
            let host = self.world.host(host);
            let counters = host.counters();
            // Pressure makes cookies.
            let cookies = if COOKIES_KEEP_EVERYTHING { 0 } else { counters.memory_pressures };
            counters.memory_highs + counters.memory_fulls + counters.orphans_ended + cookies > 0
        };
        self.short_before || self.hosts.into_iter().any(is_short)
    }

    /// A host is about to forget, what it counted too.
    pub(crate) fn remember(&mut self) {
        self.short_before = self.was_short();
    }

    /// Who still waits for a peer that is gone is told to stop.
    fn abort_the_forgotten(&mut self) {
        let ends = self.lives.iter().flat_map(|lives| lives.iter().zip(self.hosts));
        let beside = self.company.iter().flat_map(Company::ends);
        for (life, host) in ends.chain(beside) {
            let life = life.borrow();
            if let (Some(socket), None) = (life.socket, life.over_at) {
                self.world.at(host).abort(socket);
                self.world.at(host).close(socket);
            }
        }
    }

    pub(crate) fn link(&self) -> LinkId {
        self.world.links().next().expect("there is one link")
    }

    /// Memory within bounds, nothing forbidden on the wire.
    fn check_bounds(&mut self, plan: &Plan) -> Result<(), String> {
        if let Some(violation) = self.watch.borrow().violations.first() {
            return Err(violation.clone());
        }
        for (index, lives) in self.lives.iter().enumerate() {
            for (side, life) in lives.iter().enumerate() {
                let Some(socket) = life.borrow().socket else { continue };
                let host = self.world.host(self.hosts[side]);
                let Some(tcp) = host.tcp(socket) else { continue };
                let info = tcp.info(self.world.now());
                let config = plan.config_of(index, side);
                let held = info.unread_bytes + info.held_bytes;
                // A buffer smaller than a segment takes one segment.
                let receive_max = config.receive_buffer_bytes + 65_536;
                if held > receive_max || tcp.unacknowledged_bytes() > config.send_buffer_bytes as usize {
                    return Err(format!("connection {index}, side {side}: out of bounds: {info:?}"));
                }
            }
        }
        Ok(())
    }

    fn check_lives(&self, plan: &Plan) -> Result<(), String> {
        let was_short = self.was_short();
        for (index, talk) in plan.talks.iter().enumerate() {
            let lives = [0, 1].map(|side| self.lives[index][side].borrow().clone());
            let endings = talk.ends.map(|end| end.ending);
            let gracious = |ending| matches!(ending, Ending::Finish | Ending::FinishLast);
            let is_clean = endings.into_iter().all(gracious);
            for side in [0, 1] {
                let (life, end) = (&lives[side], &talk.ends[side]);
                let say = |what: String| {
                    format!("connection {index}, {}: {what}: {lives:?}", ["client", "server"][side])
                };
                let is_excused = || was_short || plan.excuses(index, &lives);
                if plan.keeps_order(side) && life.undone > 0 {
                    return Err(say("took back a reduction although nothing was late".into()));
                }
                if let Some(wrong) = life.wrong.as_ref().filter(|_| !plan.is_damaged()) {
                    return Err(say(wrong.clone()));
                }
                if life.read > lives[1 - side].written && !plan.is_damaged() {
                    return Err(say("read more than was written".into()));
                }
                // The peer's reset may be lost, and who has nothing to send never asks again.
                let may_wait = was_short || plan.may_wait(index, &lives);
                if life.over_at.is_none() && !may_reset(endings[1 - side]) && !may_wait {
                    return Err(say("not over although all faults are".into()));
                }
                if is_clean
                    && (life.failed.is_some()
                        || life.read != talk.ends[1 - side].bytes
                        || life.written != end.bytes)
                    && !is_excused()
                {
                    return Err(say("a clean close did not deliver everything".into()));
                }
                // Closing with nothing to read from the peer is a clean close too.
                let heard_out =
                    talk.ends[1 - side].ending == Ending::Close && end.bytes == 0 && gracious(end.ending);
                let is_cut = life.failed.is_some() || life.read != talk.ends[1 - side].bytes;
                if heard_out && is_cut && !is_excused() {
                    return Err(say("close lost what was written before it".into()));
                }
                if life.failed == Some(tcp::Error::TimedOut) && !is_excused() {
                    return Err(say("gave up although the faults ended in time".into()));
                }
            }
        }
        Ok(())
    }

    /// No timer storm: what was done is in proportion to what there was to do.
    fn check_effort(&self, plan: &Plan) -> Result<(), String> {
        let tally = self.world.tally();
        let work: u64 = plan
            .talks
            .iter()
            .flat_map(|talk| talk.ends.iter())
            .map(|end| end.bytes / 40 + end.bytes / end.chunk_max.max(1) + 200)
            .sum();
        let work = work + plan.evil.frames() + work_beside(plan);
        if tally.frames > 30 * work || tally.timers > 60 * work + 2 * tally.frames {
            return Err(format!("too much effort for work of {work}: {tally:?}"));
        }
        Ok(())
    }
}

fn may_reset(ending: Ending) -> bool {
    matches!(ending, Ending::Abort(_) | Ending::Close)
}

/// The lane once the faults are over: the path stays what it is. What swallowed packets without a word is a fault.
fn calm(lane: &Lane, at_first: &Lane) -> Lane {
    let is_hole = lane.path_mtu.is_some_and(|path| path.answer == TooBigAnswer::Silence);
    Lane {
        rate_bits_per_s: lane.rate_bits_per_s,
        delay: lane.delay,
        queue: lane.queue,
        path_mtu: if is_hole { at_first.path_mtu } else { lane.path_mtu },
        middlebox: lane.middlebox.clone(),
        ..Lane::default()
    }
}

/// What the path adds to the numbers of what each side sends.
fn numbers_added(link: &LinkConfig) -> [u32; 2] {
    [&link.forward, &link.backward].map(|lane| {
        let numbers = lane.middlebox.as_ref().and_then(|middlebox| middlebox.numbers);
        numbers.map_or(0, |numbers| numbers.seq_added)
    })
}

fn strips_all_but_syns(link: &LinkConfig) -> bool {
    link.forward.middlebox.as_ref().is_some_and(|middlebox| middlebox.touches == Touches::AllButSyns)
}

/// A host whose connections have these options.
pub(crate) fn stack_config(plan: &Plan, tcp: &tcp::Config) -> Config {
    let plain = Config::default();
    Config {
        tcp: Arc::new(tcp.clone()),
        half_open_max: plan.evil.half_open_max.unwrap_or(plain.half_open_max),
        memory: plan.evil.memory_bytes.map_or(plain.memory, MemoryBudget::of),
        ..plain
    }
}

/// A host holds no more than its budget, and what one frame or one write adds to it. Neighbours have a bound of their
/// own.
pub(crate) fn check_memory(plan: &Plan, host: &Host) -> Result<(), String> {
    let (usage, budget) = (host.usage(), host.config().memory);
    let neighbours = if plan.link.ends == Ends::Ethernet { host.config().neighbours_max } else { 0 };
    let beside = 2 * 65_536 + neighbours * NEIGHBOUR_BYTES_MAX;
    if usage.held_bytes > budget.max_bytes + budget.max_bytes / 20 + beside {
        return Err(format!("holds more than its budget of {}: {usage:?}", budget.max_bytes));
    }
    Ok(())
}

pub(crate) fn is_again(plan: &Plan, talk: usize) -> bool {
    matches!(plan.talks[talk].opening, Opening::Again { .. })
}

fn talk_of(talks: &BTreeMap<u16, usize>, sent: &sim::Sent<'_>, side: usize) -> Option<usize> {
    let (header, _) = sent.tcp()?;
    let ports = [header.source_port, header.destination_port];
    talks.get(&ports[side]).copied()
}

fn work_beside(plan: &Plan) -> u64 {
    plan.evil.beside.as_ref().map_or(0, |beside| beside.work(plan))
}

/// A program that connects and then acts.
pub(crate) fn connecting(
    mut actor: Actor,
    options: ConnectOptions,
    opens_at: Duration,
) -> impl FnMut(&mut At<'_>) {
    let mut socket = None;
    move |at: &mut At<'_>| {
        let opens_at = Instant::ZERO + opens_at;
        if at.now() < opens_at {
            return at.wake_at(opens_at);
        }
        let now = at.now();
        socket = socket.or_else(|| match at.host().tcp_connect_with(now, options.clone()) {
            Ok(socket) => Some(socket),
            Err(stack::Error::OutOfMemory) => None,
            Err(why) => panic!("cannot connect to {}: {why}", options.remote),
        });
        let Some(socket) = socket else { return at.wake_after(RETRY_AFTER) };
        actor.act(at, socket);
        if actor.is_over() {
            at.leave();
        }
    }
}

/// Lives a plan and says what went wrong, a panic included.
pub(crate) fn trial(plan: &Plan) -> Result<Tallied, String> {
    let lived = caught(|| {
        let mut trial = Trial::new(plan, Recording::NOTHING);
        trial.run(plan).map(|()| Tallied {
            events: trial.world.tally().events,
            virtual_s: trial.world.now().as_millis() / 1_000,
            segments: trial.watch.borrow().segments,
        })
    });
    lived.unwrap_or_else(Err)
}

/// How much a world had to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tallied {
    /// Events of every kind.
    pub events: u64,
    /// Virtual time, in seconds.
    pub virtual_s: u64,
    /// Segments of the plan's connections.
    pub segments: u64,
}

impl core::ops::AddAssign for Tallied {
    fn add_assign(&mut self, other: Tallied) {
        self.events += other.events;
        self.virtual_s += other.virtual_s;
        self.segments += other.segments;
    }
}
