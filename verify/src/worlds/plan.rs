//! What one seed says: the applications, the faults, and how to make both smaller.

use crate::worlds::actor::Life;
use crate::worlds::beside::Beside;
use crate::worlds::dimensions;
use crate::worlds::evil::Evil;
use sim::{
    Chance, Dice, Discipline, Ends, Lane, LinkConfig, Loss, Marking, Middlebox, Order, PathMtu, Queue,
    QueueLimit, Recurring, Spike, SuperSegments, TooBigAnswer, Touches,
};
use std::time::Duration;
use tcp::{Config, Error, Instant, Nagle};
use wire::tcp::kind;

/// One life of a small world.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) link: LinkConfig,
    /// When the faults end.
    pub(crate) faults_end: Instant,
    pub(crate) configs: [Config; 2],
    pub(crate) talks: Vec<Talk>,
    /// What others do beside.
    pub(crate) evil: Evil,
}

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) family: Family,
    pub(crate) opening: Opening,
    pub(crate) opens_at: Duration,
    /// The client's and the server's application.
    pub(crate) ends: [Conduct; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Listening,
    /// Both connect at about the same time.
    Simultaneous,
    /// The client of that connection connects once more, after one of the hosts has started anew: from the same port if
    /// it was the client.
    Again {
        of: usize,
    },
}

impl Talk {
    /// The connection that takes the place of this one, the `of`th, after a host has started anew.
    fn again(&self, of: usize, opens_at: Duration, dice: &mut Dice) -> Option<Talk> {
        let ends = [conduct(dice, 10_000), conduct(dice, 10_000)]
            .map(|end| Conduct { ending: Ending::Finish, ..end });
        let opening = Opening::Again { of };
        (self.opening == Opening::Listening).then_some(Talk { opening, opens_at, ends, ..self.clone() })
    }
}

/// What an application does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conduct {
    pub(crate) bytes: u64,
    pub(crate) chunk_max: u64,
    pub(crate) write_pause: Duration,
    pub(crate) read_max: usize,
    pub(crate) read_pause: Duration,
    /// Reads nothing for so long after the opening.
    pub(crate) stall: Duration,
    pub(crate) ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Half-closes after the last byte, reads to the end, closes.
    Finish,
    /// Reads to the end first, then finishes.
    FinishLast,
    /// Closes both directions after the last byte written.
    Close,
    /// Throws the connection away after so many bytes written.
    Abort(u64),
}

pub(crate) fn pick<T: Copy>(dice: &mut Dice, from: &[T]) -> T {
    from[dice.below(from.len() as u64) as usize]
}

pub(crate) fn ms(dice: &mut Dice, bound: u64) -> Duration {
    Duration::from_micros(dice.below(bound * 1_000 + 1))
}

pub(crate) fn sometimes(dice: &mut Dice, percent: f64) -> bool {
    dice.happens(Chance::percent(percent))
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Plan {
        let mut dice = Dice::for_purpose(seed, 99);
        let faults_end = Instant::from_millis(1_000 + dice.below(30_000));
        let mut link = LinkConfig {
            forward: lane(&mut dice, faults_end),
            backward: lane(&mut dice, faults_end),
            mtu_bytes: pick(&mut dice, &[1_500, 1_500, 1_280, 9_000, 1_400]),
            super_segments: if sometimes(&mut dice, 20.0) {
                SuperSegments::Whole
            } else {
                SuperSegments::Cut
            },
            ends: Ends::Ip,
        };
        if sometimes(&mut dice, 15.0) {
            let middlebox = middlebox(&mut dice);
            (link.forward.middlebox, link.backward.middlebox) = (Some(middlebox.clone()), Some(middlebox));
        }
        let configs = [config(&mut dice), config(&mut dice)];
        let talks = match pick(&mut dice, &[1, 1, 1, 1, 2, 3, 12]) {
            1 => vec![talk(&mut dice, 150_000)],
            many => (0..many).map(|_| talk(&mut dice, 20_000)).collect(),
        };
        Plan { seed, link, faults_end, configs, talks, evil: Evil::default() }
    }

    /// The same faults, and others who do evil.
    pub(crate) fn evil(seed: u64) -> Plan {
        let mut plan = Plan::of(seed);
        let mut dice = Dice::for_purpose(seed, 98);
        dimensions::add(&mut dice, &mut plan);
        plan.evil = Evil::of(&mut dice, &plan);
        if plan.evil.floods() {
            // Repeated SYN-ACKs to nobody come at one moment; a queue of a few packets would lose the honest one each
            // time.
            plan.link.backward.queue.limit = QueueLimit::Packets(1_000);
        }
        if let Some(rebirth) = &plan.evil.rebirth {
            let at = Duration::from_micros(rebirth.at.as_micros());
            for of in 0..plan.talks.len() {
                let opens_at = at + ms(&mut dice, 3_000);
                let again = plan.talks[of].again(of, opens_at, &mut dice);
                plan.talks.extend(again);
            }
        }
        plan.evil.beside = Beside::of(&mut Dice::for_purpose(seed, 97), &plan);
        plan
    }

    /// A plan in which every frame arrives in order, once and in time, or not at all: what is lost one way was lost,
    /// and what goes the other way, acknowledgments above all, arrives.
    pub(crate) fn in_order(seed: u64) -> Plan {
        let mut plan = Plan::of(seed);
        for lane in [&mut plan.link.forward, &mut plan.link.backward] {
            (lane.jitter, lane.order, lane.reorder) = (Duration::ZERO, Order::Kept, Chance::NEVER);
            (lane.duplicate, lane.rate_bits_per_s) = (Chance::NEVER, None);
            lane.spikes.clear();
        }
        let answers = if seed.is_multiple_of(2) { &mut plan.link.backward } else { &mut plan.link.forward };
        (answers.loss, answers.corrupt, answers.path_mtu) = (Loss::Nothing, Chance::NEVER, None);
        answers.outages.clear();
        for config in &mut plan.configs {
            config.delayed_ack = config.delayed_ack.min(Duration::from_millis(40));
        }
        plan
    }

    /// Whether what `side` sends and its acknowledgments arrive in order, once and in time, or were lost before they
    /// arrived: then no retransmission is in vain.
    pub(crate) fn keeps_order(&self, side: usize) -> bool {
        if !self.evil.is_nothing() {
            return false;
        }
        let lanes = [&self.link.forward, &self.link.backward];
        let is_steady = |lane: &Lane| {
            lane.jitter.is_zero()
                && lane.reorder == Chance::NEVER
                && lane.duplicate == Chance::NEVER
                && lane.rate_bits_per_s.is_none()
                && lane.spikes.is_empty()
        };
        let answers = lanes[1 - side];
        let all_answered = answers.loss == Loss::Nothing
            && answers.corrupt == Chance::NEVER
            && answers.path_mtu.is_none()
            && answers.outages.is_empty();
        // A timeout may come before an acknowledgment that is kept back.
        let in_time = self.configs.iter().all(|config| config.delayed_ack <= Duration::from_millis(40));
        lanes.into_iter().all(is_steady) && all_answered && in_time
    }

    /// Whether damage gets through: then bytes and numbers may be anything.
    pub(crate) fn is_damaged(&self) -> bool {
        [&self.link.forward, &self.link.backward].iter().any(|lane| lane.corrupt_unseen != Chance::NEVER)
    }

    /// Whether a connection that was meant to end well may end as its two ends did.
    pub(crate) fn excuses(&self, talk: usize, lives: &[Life; 2]) -> bool {
        // Who is impatient gives up, if need be after its application has left; the other end then hears a reset, or
        // nothing if that is lost.
        let is_over_time = |side: usize| {
            let (mine, other) = (&lives[side], &lives[1 - side]);
            let is_own = mine.failed.is_some_and(|why| !matches!(why, Error::Reset | Error::Refused));
            self.is_impatient(talk, side) && (is_own || other.failed.is_some() || other.over_at.is_none())
        };
        self.breaks(talk) || self.is_spoiled_cookie(lives) || is_over_time(0) || is_over_time(1)
    }

    /// Whether an end of a connection may wait for ever: its peer is gone, and it has nothing to send.
    pub(crate) fn may_wait(&self, talk: usize, lives: &[Life; 2]) -> bool {
        self.breaks(talk)
            || self.is_spoiled_cookie(lives)
            || self.is_impatient(talk, 0)
            || self.is_impatient(talk, 1)
    }

    /// Of a cookie the server keeps nothing: when the third step is lost and the client has nothing to say, only one of
    /// them knows of the connection (RFC 4987 §3.6). And when a middlebox takes the timestamp away from the third step
    /// alone, only the client knows of the options that came back in it; the server reads a scaled window as it is,
    /// which may be a few bytes for ever.
    fn is_spoiled_cookie(&self, lives: &[Life; 2]) -> bool {
        let is_lost = lives.iter().any(|life| life.iss.is_none());
        let is_misread = lives[0].has_timestamps != lives[1].has_timestamps;
        self.evil.makes_cookies() && (is_lost || is_misread)
    }

    /// How long the smallest buffers of a connection take for its bytes when nothing is lost: one of them a round trip, or
    /// half of it, because what was written in two parts stays two parts (Nagle), and room is told by the half.
    pub(crate) fn takes(&self, talk: usize) -> Duration {
        let lanes = [&self.link.forward, &self.link.backward];
        let delay = |side: usize| self.evil.longest_delay(side).max(lanes[side].delay);
        let ack_delay = [0, 1].map(|side| self.config_of(talk, side).delayed_ack).into_iter().max();
        let round = delay(0) + delay(1) + ack_delay.unwrap_or_default();
        let rounds = |side: usize| {
            let send = u64::from(self.config_of(talk, side).send_buffer_bytes);
            let receive = u64::from(self.config_of(talk, 1 - side).receive_buffer_bytes);
            self.talks[talk].ends[side].bytes / (send.min(receive) / 2).max(1)
        };
        round * u32::try_from(rounds(0) + rounds(1)).unwrap_or(u32::MAX)
    }

    /// Whether a server may pass over a SYN of the reborn client of a connection in silence: it challenges only so many in a
    /// second (RFC 5961 §7), and the one that it did challenge may be lost.
    pub(crate) fn may_withhold_challenges(&self, talk: usize) -> bool {
        let Opening::Again { of } = self.talks[talk].opening else { return false };
        self.configs[1].challenge_acks.answers <= 1 || self.evil.is_forged(of)
    }

    /// Whether what was done to a connection may end it, whatever its ends say.
    pub(crate) fn breaks(&self, talk: usize) -> bool {
        self.is_damaged() || self.evil.breaks(self, talk)
    }

    fn is_impatient(&self, talk: usize, side: usize) -> bool {
        dimensions::is_impatient(self.config_of(talk, side))
    }

    /// The options of one end of a connection.
    pub(crate) fn config_of(&self, talk: usize, side: usize) -> &Config {
        let is_again = matches!(self.talks[talk].opening, Opening::Again { .. });
        match &self.evil.rebirth {
            Some(rebirth) if is_again && rebirth.side == side => &rebirth.config,
            _ => &self.configs[side],
        }
    }

    /// Smaller plans, each a little.
    pub(crate) fn smaller(&self) -> Vec<Plan> {
        let mut out = Vec::new();
        let mut with = |change: &dyn Fn(&mut Plan)| {
            let mut plan = self.clone();
            change(&mut plan);
            out.push(plan);
        };
        for drop in 0..self.talks.len() {
            if self.talks.len() > 1 {
                with(&|plan| drop_talk(plan, drop));
            }
        }
        for side in [0, 1] {
            with(&|plan| {
                let lane = lane_of(plan, side);
                *lane = Lane { middlebox: lane.middlebox.clone(), ..Lane::default() };
            });
            with(&|plan| lane_of(plan, side).loss = Loss::Nothing);
            with(&|plan| lane_of(plan, side).duplicate = Chance::NEVER);
            with(&|plan| lane_of(plan, side).corrupt = Chance::NEVER);
            with(&|plan| lane_of(plan, side).corrupt_unseen = Chance::NEVER);
            with(&|plan| lane_of(plan, side).reorder = Chance::NEVER);
            with(&|plan| lane_of(plan, side).jitter = Duration::ZERO);
            with(&|plan| lane_of(plan, side).outages.clear());
            with(&|plan| lane_of(plan, side).spikes.clear());
            with(&|plan| lane_of(plan, side).rate_bits_per_s = None);
            with(&|plan| lane_of(plan, side).path_mtu = None);
            with(&|plan| plan.configs[side] = dimensions::plain(&plan.configs[side]));
            for talk in 0..self.talks.len() {
                let end =
                    |plan: &mut Plan, change: &dyn Fn(&mut Conduct)| change(&mut plan.talks[talk].ends[side]);
                with(&|plan| end(plan, &|end| end.bytes /= 2));
                with(&|plan| end(plan, &|end| end.bytes = 0));
                with(&|plan| end(plan, &|end| end.write_pause = Duration::ZERO));
                with(&|plan| end(plan, &|end| end.read_pause = Duration::ZERO));
                with(&|plan| end(plan, &|end| end.stall = Duration::ZERO));
                with(&|plan| end(plan, &|end| (end.chunk_max, end.read_max) = (65_536, 65_536)));
            }
        }
        // Options that vanish one way only break connections; that is not ours to mend.
        with(&|plan| (plan.link.forward.middlebox, plan.link.backward.middlebox) = (None, None));
        with(&|plan| plan.link.super_segments = SuperSegments::Cut);
        with(&|plan| plan.link.mtu_bytes = 1_500);
        with(&|plan| plan.link.ends = Ends::Ip);
        with(&|plan| plan.faults_end = Instant::from_millis(plan.faults_end.as_millis() / 2));
        for evil in self.evil.smaller() {
            with(&|plan| {
                plan.evil = evil.clone();
                if plan.evil.rebirth.is_none() {
                    plan.talks.retain(|talk| !matches!(talk.opening, Opening::Again { .. }));
                }
            });
        }
        out
    }

    /// How much there is to simplify: what [`Plan::smaller`] lowers.
    pub(crate) fn weight(&self) -> u64 {
        let lanes = [&self.link.forward, &self.link.backward];
        let faults: u64 = lanes.iter().map(|lane| faults(lane)).sum();
        let ends = self.talks.iter().flat_map(|talk| talk.ends.iter());
        let work: u64 = ends
            .map(|end| {
                end.bytes
                    + u64::from(end.write_pause + end.read_pause + end.stall > Duration::ZERO)
                    + u64::from(end.chunk_max != 65_536)
            })
            .sum();
        let configs =
            self.configs.iter().filter(|config| **config != dimensions::plain(config)).count() as u64;
        let link = u64::from(self.link.mtu_bytes != 1_500)
            + u64::from(self.link.super_segments == SuperSegments::Whole)
            + u64::from(self.link.ends == Ends::Ethernet);
        1_000_000 * self.talks.len() as u64
            + work
            + 1_000 * (faults + configs + link)
            + self.faults_end.as_millis() / 1_000
            + self.evil.weight()
    }
}

impl core::fmt::Display for Plan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (plain, calm) = (Config::default(), Lane::default());
        let lanes = [("forward", &self.link.forward), ("backward", &self.link.backward)];
        for (name, lane) in lanes.into_iter().filter(|(_, lane)| **lane != calm) {
            writeln!(f, "  {name}: {lane:?}")?;
        }
        let LinkConfig { mtu_bytes, super_segments, ends, .. } = self.link;
        writeln!(
            f,
            "  mtu {mtu_bytes}, super-segments {super_segments:?}, ends {ends:?}, faults until {:?}",
            self.faults_end
        )?;
        for (side, config) in self.configs.iter().enumerate().filter(|(_, config)| **config != plain) {
            writeln!(f, "  config of {}: {config:?}", ["client", "server"][side])?;
        }
        self.talks.iter().try_for_each(|talk| writeln!(f, "  {talk:?}"))?;
        if let Some(max) = self.evil.half_open_max {
            writeln!(f, "  half-open at most {max}")?;
        }
        if let Some(bytes) = self.evil.memory_bytes {
            writeln!(f, "  memory of {bytes} bytes")?;
        }
        if let Some(rebirth) = &self.evil.rebirth {
            writeln!(f, "  {rebirth:?}")?;
        }
        if let Some(beside) = &self.evil.beside {
            writeln!(f, "  {beside:?}")?;
        }
        self.evil.deeds.iter().try_for_each(|deed| writeln!(f, "  {deed:?}"))
    }
}

fn drop_talk(plan: &mut Plan, index: usize) {
    plan.talks.remove(index);
    plan.evil.drop_talk(index);
    plan.talks.retain(|talk| talk.opening != Opening::Again { of: index });
    for talk in &mut plan.talks {
        if let Opening::Again { of } = &mut talk.opening
            && *of > index
        {
            *of -= 1;
        }
    }
}

fn lane_of(plan: &mut Plan, side: usize) -> &mut Lane {
    if side == 0 { &mut plan.link.forward } else { &mut plan.link.backward }
}

fn faults(lane: &Lane) -> u64 {
    let plain = Lane::default();
    u64::from(lane.loss != plain.loss)
        + u64::from(lane.duplicate != plain.duplicate)
        + u64::from(lane.corrupt != plain.corrupt)
        + u64::from(lane.corrupt_unseen != plain.corrupt_unseen)
        + u64::from(lane.reorder != plain.reorder)
        + u64::from(lane.jitter != plain.jitter)
        + u64::from(lane.delay != plain.delay)
        + (lane.outages.len() + lane.flaps.len() + lane.spikes.len()) as u64
        + u64::from(lane.rate_bits_per_s.is_some())
        + u64::from(lane.path_mtu.is_some())
        + u64::from(lane.middlebox.is_some())
}

fn lane(dice: &mut Dice, faults_end: Instant) -> Lane {
    let chance = |dice: &mut Dice, max: f64| {
        Chance::per_million((max * 10_000.0 * dice.below(1_000) as f64 / 1_000.0) as u32)
    };
    let loss = match dice.below(4) {
        0 => Loss::Nothing,
        1 => Loss::Random(chance(dice, 3.0)),
        2 => Loss::Random(chance(dice, 25.0)),
        _ => Loss::GilbertElliott {
            to_bad: chance(dice, 5.0),
            to_good: Chance::percent(10.0),
            in_good: chance(dice, 1.0),
            in_bad: chance(dice, 80.0),
        },
    };
    let limit = match dice.below(3) {
        0 => QueueLimit::Packets(3 + dice.below(10) as usize),
        1 => QueueLimit::Bytes(20_000 + dice.below(80_000)),
        _ => QueueLimit::Packets(1_000),
    };
    let discipline = match dice.below(10) {
        0..3 => Discipline::CODEL,
        3..5 => Discipline::dual_pi2(),
        _ => Discipline::DropTail,
    };
    let marking = pick(dice, &[Marking::Never, Marking::InsteadOfDropping, Marking::AboveBytes(10_000)]);
    let outages = if sometimes(dice, 15.0) {
        let from = Instant::from_micros(dice.below(faults_end.as_micros()));
        let long = ms(dice, 4_000);
        vec![from..(from + long).min(faults_end)]
    } else {
        Vec::new()
    };
    let rate = pick(dice, &[None, None, Some(1_000_000), Some(10_000_000), Some(100_000_000)]);
    let path_mtu = sometimes(dice, 10.0)
        .then(|| PathMtu { mtu_bytes: 1_280 + dice.below(200) as u32, answer: TooBigAnswer::Icmp });
    let delay = ms(dice, 60);
    // Dice of its own, so that the seeds keep their worlds otherwise.
    let mut dice_of_spikes = Dice::new(delay.as_nanos() as u64 ^ faults_end.as_nanos().rotate_left(32));
    let spikes = if sometimes(&mut dice_of_spikes, 10.0) {
        let first = Instant::from_micros(dice_of_spikes.below(faults_end.as_micros()));
        let lasts = ms(&mut dice_of_spikes, 1_000).min(faults_end.since(first));
        vec![Spike { when: Recurring { first, lasts, every: None }, by: ms(&mut dice_of_spikes, 2_000) }]
    } else {
        Vec::new()
    };
    Lane {
        rate_bits_per_s: rate,
        delay,
        jitter: if sometimes(dice, 50.0) { ms(dice, 20) } else { Duration::ZERO },
        order: pick(dice, &[Order::Kept, Order::ByArrival]),
        queue: Queue { limit, discipline, marking },
        loss,
        reorder: if sometimes(dice, 40.0) { chance(dice, 20.0) } else { Chance::NEVER },
        reorder_by: ms(dice, 60),
        duplicate: if sometimes(dice, 40.0) { chance(dice, 10.0) } else { Chance::NEVER },
        corrupt_unseen: Chance::NEVER,
        corrupt: if sometimes(dice, 30.0) { chance(dice, 5.0) } else { Chance::NEVER },
        outages,
        flaps: Vec::new(),
        spikes,
        path_mtu,
        middlebox: None,
    }
}

fn middlebox(dice: &mut Dice) -> Middlebox {
    let kinds = [kind::WINDOW_SCALE, kind::TIMESTAMPS, kind::SACK_PERMITTED, kind::MSS];
    let strips = kinds.into_iter().filter(|_| sometimes(dice, 40.0)).collect();
    let mss_bytes_max = sometimes(dice, 40.0).then(|| 500 + dice.below(900) as u16);
    Middlebox { strips, touches: Touches::Syns, mss_bytes_max, ..Middlebox::default() }
}

pub(crate) fn config(dice: &mut Dice) -> Config {
    let buffers = [3_000, 20_000, 65_535, 200_000, 4 << 20];
    Config {
        timestamps: sometimes(dice, 70.0),
        sack: sometimes(dice, 70.0),
        window_scaling: sometimes(dice, 70.0),
        receive_buffer_bytes: pick(dice, &buffers),
        send_buffer_bytes: pick(dice, &buffers),
        mss_bytes_max: pick(dice, &[u16::MAX, u16::MAX, 536, 1_000, 88]),
        nagle: pick(dice, &[Nagle::Minshall, Nagle::Rfc896, Nagle::Off]),
        delayed_ack: pick(dice, &[Duration::from_millis(40), Duration::from_millis(500), Duration::ZERO]),
        quick_ack_segments: pick(dice, &[16, 0]),
        slow_start_after_idle: sometimes(dice, 50.0),
        initial_window_segments: pick(dice, &[10, 10, 1, 3]),
        ..Config::default()
    }
}

fn talk(dice: &mut Dice, bytes_max: u64) -> Talk {
    let family = pick(dice, &[Family::V4, Family::V6]);
    let opening =
        pick(dice, &[Opening::Listening, Opening::Listening, Opening::Listening, Opening::Simultaneous]);
    let opens_at = ms(dice, 500);
    let mut ends = [conduct(dice, bytes_max), conduct(dice, bytes_max)];
    if ends.iter().all(|end| end.ending == Ending::FinishLast) {
        // Each would wait for the other for ever.
        ends[0].ending = Ending::Finish;
    }
    Talk { family, opening, opens_at, ends }
}

fn conduct(dice: &mut Dice, bytes_max: u64) -> Conduct {
    let bytes = match dice.below(4) {
        0 => 0,
        1 => dice.below(2_000),
        _ => dice.below(bytes_max),
    };
    let ending = match dice.below(10) {
        0..=4 => Ending::Finish,
        5 | 6 => Ending::FinishLast,
        7 | 8 => Ending::Close,
        _ => Ending::Abort(dice.below(bytes + 1)),
    };
    Conduct {
        bytes,
        chunk_max: pick(dice, &[65_536, 9_000, 1_460, 50]).max(bytes / 400),
        write_pause: if sometimes(dice, 40.0) { ms(dice, 20) } else { Duration::ZERO },
        read_max: (pick(dice, &[65_536, 9_000, 700]) as usize).max(bytes_max as usize / 400),
        read_pause: if sometimes(dice, 40.0) { ms(dice, 20) } else { Duration::ZERO },
        stall: if sometimes(dice, 20.0) { ms(dice, 8_000) } else { Duration::ZERO },
        ending,
    }
}
