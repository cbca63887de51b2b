//! A third host on a second link, and the device of the host in the middle, which refuses the frames of one of its two
//! links: for seconds, again and again, or for good.
//!
//! The second link does nothing but take time, nobody attacks its connections, and they have the usual options. So when
//! the first link's device refuses, it can be asked of them that they move on all the time, as if nothing were; and when
//! their own does, that they are soon over once it works again. Of what waits for a device, a host keeps no more than its
//! budget, and of connections that are over nothing but their resets.

use crate::worlds::actor::{Actor, Life};
use crate::worlds::plan::{Conduct, Ending, Plan, ms, pick, sometimes};
use crate::worlds::trial::connecting;
use crate::worlds::watch::Watch;
use sim::apps::Shared;
use sim::{At, Device, Dice, HostId, LinkConfig, LinkId, Sent, World};
use stack::{ConnectOptions, ListenOptions, SocketId};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tcp::{Config, Instant, Nagle};

/// The host at the other end of the second link.
const THIRD: &str = "10.0.0.3";
const PORT: u16 = 81;
const MIDDLE_PORTS: u16 = 35_000;
/// Its connections are numbered from here on, so that no two streams are alike.
const FIRST_TALK: usize = 1_000;
/// A byte each way in this time, all the time.
const BEAT: Duration = Duration::from_millis(50);
/// What a beat may be late beyond its way: a tail of the handshake, an acknowledgment that is kept back.
const LATE_MAX: Duration = Duration::from_millis(300);
/// When its device works again, a connection is over within this: a timeout backed off over the longest refusal, and the
/// work.
const OVER_WITHIN: Duration = Duration::from_secs(60);
/// An attempt behind a device that never works ends by its own patience: no SYN of it leaves, so none is given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Frames for a dead device that two connections leave behind: resets, and answers to what the third host repeats.
const LEFT_MAX: u64 = 60;

/// What a plan says of the third host.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    /// Which of the plan's two hosts has the second link.
    pub(crate) middle: usize,
    /// How long the second link takes each way.
    pub(crate) delay: Duration,
    /// What the middle sends to the third host, beside the beats.
    pub(crate) bytes: u64,
    pub(crate) opens_at: Duration,
    /// Whose device refuses: that of the first link or of the second.
    pub(crate) refuses: Which,
    /// And how.
    pub(crate) device: Device,
    pub(crate) times: Vec<Range<Instant>>,
    /// It never works again after the last time.
    pub(crate) is_for_good: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    First,
    Second,
}

impl Beside {
    /// What this seed says, if it says anything.
    pub(crate) fn of(dice: &mut Dice, plan: &Plan) -> Option<Beside> {
        if !sometimes(dice, 15.0) {
            return None;
        }
        let refuses = pick(dice, &[Which::First, Which::Second]);
        Some(Beside {
            middle: dice.below(2) as usize,
            delay: ms(dice, 60),
            bytes: dice.below(400_000),
            opens_at: ms(dice, 3_000),
            refuses,
            device: pick(dice, &[Device::Full, Device::Full, Device::Fails]),
            times: times(dice, plan.faults_end),
            is_for_good: refuses == Which::Second && sometimes(dice, 30.0),
        })
    }

    /// When the device changes, and to what.
    fn switches(&self) -> VecDeque<(Instant, Device)> {
        let each = |time: &Range<Instant>| [(time.start, self.device), (time.end, Device::Works)];
        let mut switches: VecDeque<_> = self.times.iter().flat_map(each).collect();
        if self.is_for_good {
            switches.pop_back();
        }
        switches
    }

    /// Whether what it asks may be asked in this plan: the middle keeps its memory, and has enough of it.
    fn is_judged(&self, plan: &Plan) -> bool {
        let forgets = plan.evil.rebirth.as_ref().is_some_and(|rebirth| rebirth.side == self.middle);
        !forgets && plan.evil.memory_bytes.is_none()
    }

    /// How much there is to do, in segments and beats.
    pub(crate) fn work(&self, plan: &Plan) -> u64 {
        2 * beats(plan) + self.bytes / 500 + 500
    }

    /// How much there is to simplify.
    pub(crate) fn weight(&self) -> u64 {
        2_000 + self.bytes / 1_000 + self.times.len() as u64
    }

    /// The same with a little less.
    pub(crate) fn smaller(&self) -> Vec<Beside> {
        let mut out = Vec::new();
        if self.bytes >= 1_000 {
            out.push(Beside { bytes: self.bytes / 2, ..self.clone() });
        }
        if self.times.len() > 1 {
            out.push(Beside { times: self.times[1..].to_vec(), ..self.clone() });
            out.push(Beside { times: self.times[..self.times.len() - 1].to_vec(), ..self.clone() });
        }
        out
    }
}

/// Once for seconds, or again and again with time to breathe between.
fn times(dice: &mut Dice, faults_end: Instant) -> Vec<Range<Instant>> {
    let mut start = Instant::ZERO + ms(dice, faults_end.as_millis().min(4_000));
    let (count, refuses, works) = match dice.below(3) {
        0 => (1, 8_000, 0),
        1 => (1 + dice.below(4), 3_000, 1_000),
        _ => (5 + dice.below(60), 200, 20),
    };
    let mut times = Vec::new();
    for _ in 0..count {
        let end = (start + ms(dice, refuses)).min(faults_end);
        if start < end {
            times.push(start..end);
        }
        start = end + Duration::from_millis(1) + ms(dice, works);
    }
    times
}

/// How often the connection beats while there are faults.
fn beats(plan: &Plan) -> u64 {
    plan.faults_end.as_millis() / BEAT.as_millis() as u64
}

/// The third host at work.
pub(crate) struct Company {
    plan: Beside,
    third: HostId,
    middle: HostId,
    link: LinkId,
    /// The link whose device refuses.
    troubled: LinkId,
    switches: VecDeque<(Instant, Device)>,
    /// Of the connection that beats and of the one that carries: the middle's end and the third host's.
    lives: [[Shared<Life>; 2]; 2],
    watch: Shared<Watch>,
    /// What each end of the connection that beats had read when it read something last, and when that was.
    heard: [(u64, Instant); 2],
    is_judged: bool,
    /// When its connections must be over.
    over_by: Instant,
}

impl Company {
    /// Adds the third host to a world, and its connections.
    pub(crate) fn join(
        world: &mut World,
        plan: &Plan,
        beside: &Beside,
        hosts: [HostId; 2],
        first: LinkId,
    ) -> Company {
        let third = world.add_host("third", stack::Config::default(), &[THIRD]);
        let middle = hosts[beside.middle];
        let link = world.link(middle, third, LinkConfig::delay(beside.delay));
        let ports = (0..2).map(|number| (MIDDLE_PORTS + number, usize::from(number)));
        let watch = Watch { mtu_bytes: 1_500, talks: ports.collect(), ..Watch::default() };
        let company = Company {
            plan: beside.clone(),
            third,
            middle,
            link,
            troubled: if beside.refuses == Which::First { first } else { link },
            switches: beside.switches(),
            lives: Default::default(),
            watch: Shared::new(watch.into()),
            heard: [(0, Instant::ZERO); 2],
            is_judged: beside.is_judged(plan),
            over_by: plan.faults_end + beside.opens_at + OVER_WITHIN,
        };
        company.start(world, plan);
        company
    }

    fn start(&self, world: &mut World, plan: &Plan) {
        let ends = [Conduct { bytes: beats(plan), chunk_max: 1, write_pause: BEAT, ..PLAIN }; 2];
        let carries = [Conduct { bytes: self.plan.bytes, ..PLAIN }, Conduct { bytes: 10_000, ..PLAIN }];
        let local = world.addresses(self.middle)[0];
        let config = Arc::new(Config {
            nagle: Nagle::Off,
            connect_timeout: Some(CONNECT_TIMEOUT),
            ..Config::default()
        });
        let mut serving = BTreeMap::new();
        for (number, (conducts, opens_at)) in
            [(ends, Duration::ZERO), (carries, self.plan.opens_at)].into_iter().enumerate()
        {
            let actor = |side: usize| {
                Actor::new(FIRST_TALK + number, side, conducts[side], self.lives[number][side].clone())
            };
            let port = MIDDLE_PORTS + number as u16;
            let remote = SocketAddr::new(THIRD.parse().expect("an address"), PORT);
            let options = ConnectOptions {
                local: Some(SocketAddr::new(local, port)),
                config: Some(config.clone()),
                ..ConnectOptions::new(remote)
            };
            world.start(self.middle, connecting(actor(0), options, opens_at));
            serving.insert(port, actor(1));
        }
        let (mut listener, mut open) = (None, BTreeMap::<SocketId, Actor>::new());
        world.start(self.third, move |at: &mut At<'_>| {
            let listener = *listener.get_or_insert_with(|| {
                at.listen_with(ListenOptions::new(SocketAddr::from(([0u16; 8], PORT)), serving.len()))
            });
            while let Some(accepted) = at.accept(listener) {
                open.extend(serving.remove(&accepted.remote.port()).map(|actor| (accepted.id, actor)));
            }
            open.iter_mut().for_each(|(socket, actor)| actor.act(at, *socket));
            open.retain(|_, actor| !actor.is_over());
        });
    }

    /// What looks at every frame of the second link; says whether it was one.
    pub(crate) fn observer(&self) -> impl Fn(&Sent<'_>) -> bool + use<> {
        let (watch, middle, link) = (self.watch.clone(), self.middle, self.link);
        move |sent| {
            if sent.link != link {
                return false;
            }
            let (mut watch, side) = (watch.borrow_mut(), usize::from(sent.from != middle));
            let port = sent.tcp().map(|(header, _)| [header.source_port, header.destination_port][side]);
            if let Some(number) = port.and_then(|port| watch.talks.get(&port).copied()) {
                watch.sees(sent.frame, side);
                watch.check_text(sent.frame, FIRST_TALK + number, side);
            }
            true
        }
    }

    /// Both ends of its connections, and whose they are.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&Shared<Life>, HostId)> {
        self.lives.iter().flat_map(|lives| lives.iter().zip([self.middle, self.third]))
    }

    /// The next change of the device, if it comes by then.
    pub(crate) fn next_switch(&mut self, by: Instant) -> Option<(Instant, Device)> {
        self.switches.front().filter(|(at, _)| *at <= by)?;
        self.switches.pop_front()
    }

    /// The device changes.
    pub(crate) fn switch(&self, world: &mut World, device: Device) {
        world.set_device(self.middle, self.troubled, device);
    }

    /// The middle has lost its memory.
    pub(crate) fn begin_again(&mut self, host: HostId, now: Instant) {
        if host == self.middle {
            self.watch.borrow_mut().is_blind = true;
            for [life, _] in &self.lives {
                life.borrow_mut().socket = None;
                life.borrow_mut().over_at.get_or_insert(now);
            }
        }
    }

    /// While the other device refuses, the beats go on.
    pub(crate) fn look(&mut self, now: Instant) -> Result<(), String> {
        if !self.is_judged || self.plan.refuses == Which::Second {
            return Ok(());
        }
        let bound = BEAT + 2 * self.plan.delay + LATE_MAX;
        for (life, (read, at)) in self.lives[0].iter().zip(&mut self.heard) {
            let life = life.borrow();
            if life.read != *read || life.peer_finished {
                (*read, *at) = (life.read, now);
            }
            if now.since(*at) > bound {
                let waited = now.since(*at);
                return Err(format!("a link beside one that refuses stands still for {waited:?}: {life:?}"));
            }
        }
        Ok(())
    }

    /// Whether there is nothing more to wait for.
    pub(crate) fn is_over(&self) -> bool {
        let over = self.lives.iter().flatten().all(|life| life.borrow().over_at.is_some());
        over || !self.is_judged || self.plan.is_for_good
    }

    /// How its connections have ended.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(violation) = self.watch.borrow().violations.first() {
            return Err(format!("beside: {violation}"));
        }
        for lives in &self.lives {
            let lives = [0, 1].map(|side| lives[side].borrow().clone());
            for (life, other) in [(&lives[0], &lives[1]), (&lives[1], &lives[0])] {
                if let Some(wrong) = &life.wrong {
                    return Err(format!("beside: {wrong}: {lives:?}"));
                }
                if self.plan.is_for_good || !self.is_judged {
                    continue;
                }
                if life.failed.is_some() || !life.peer_finished || life.read != other.written {
                    return Err(format!("beside: not everything was delivered: {lives:?}"));
                }
                if life.over_at.is_none_or(|at| at > self.over_by) {
                    return Err(format!("beside: not over by {:?}: {lives:?}", self.over_by));
                }
            }
        }
        Ok(())
    }

    /// Everything is over: what still waits for a device that never came back?
    pub(crate) fn check_left(&self, world: &mut World) -> Result<(), String> {
        let before = world.tally().frames;
        self.switch(world, Device::Works);
        world.run_for(Duration::from_secs(1));
        let left = world.tally().frames - before;
        if left > LEFT_MAX {
            return Err(format!("{left} frames waited for a device that did not work"));
        }
        Ok(())
    }
}

/// As fast as possible, and to the end.
const PLAIN: Conduct = Conduct {
    bytes: 0,
    chunk_max: 65_536,
    write_pause: Duration::ZERO,
    read_max: 65_536,
    read_pause: Duration::ZERO,
    stall: Duration::ZERO,
    ending: Ending::Finish,
};
