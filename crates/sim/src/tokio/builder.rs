//! What a simulation is like.

use super::lanes::{both, fails, is_repaired, takes_at_least, takes_at_most};
use super::sim::Sim;
use crate::link::LinkConfig;
use crate::record::Recording;
use crate::world::World;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The first second of the year 2000: when a world begins for its programs, unless they are told otherwise.
const EPOCH: Duration = Duration::from_secs(946_684_800);

/// Describes a [`Sim`].
///
/// ```
/// use synfin_sim::tokio::Builder;
/// use std::time::Duration;
/// let mut builder = Builder::new();
/// builder.rng_seed(7).simulation_duration(Duration::from_secs(60)).loss_percent(1.0);
/// let sim = builder.build();
/// assert_eq!(sim.world().seed(), 7);
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) seed: u64,
    pub(super) duration: Duration,
    pub(super) tick: Duration,
    /// When the world begins, since 1970.
    pub(super) epoch: Duration,
    /// Which addresses hosts have; without it, both.
    pub(super) ip_version: Option<IpVersion>,
    pub(super) link: LinkConfig,
    pub(super) stack: stack::Config,
    pub(super) recording: Recording,
}

impl Default for Builder {
    /// Seed 0; it begins with the year 2000 and ends after 10 s, in steps of 1 ms; hosts have an IPv4 and an IPv6
    /// address; each pair of hosts is joined by a link that takes 10 ms each way and loses nothing; nothing is
    /// recorded.
    fn default() -> Self {
        Builder {
            seed: 0,
            duration: Duration::from_secs(10),
            tick: Duration::from_millis(1),
            epoch: EPOCH,
            ip_version: None,
            link: LinkConfig::delay(Duration::from_millis(10)),
            stack: stack::Config::default(),
            recording: Recording::NOTHING,
        }
    }
}

impl Builder {
    /// See [`Builder::default`].
    pub fn new() -> Self {
        Builder::default()
    }

    /// Where all chance comes from.
    pub fn rng_seed(&mut self, seed: u64) -> &mut Self {
        self.seed = seed;
        self
    }

    /// How long a simulation goes on before [`Sim::run`] gives it up.
    pub fn simulation_duration(&mut self, duration: Duration) -> &mut Self {
        self.duration = duration;
        self
    }

    /// How much time passes in one [`Sim::step`]. Nothing else depends on it.
    pub fn tick_duration(&mut self, tick: Duration) -> &mut Self {
        self.tick = tick;
        self
    }

    /// When the world begins, for programs that ask [`since_epoch`](super::since_epoch).
    ///
    /// # Panics
    /// If it is before 1970.
    pub fn epoch(&mut self, epoch: SystemTime) -> &mut Self {
        self.epoch = epoch.duration_since(UNIX_EPOCH).expect("a world begins after 1970");
        self
    }

    /// Hosts have addresses of this version alone.
    pub fn ip_version(&mut self, version: IpVersion) -> &mut Self {
        self.ip_version = Some(version);
        self
    }

    /// The ports of sockets that ask for none. [`Builder::stack`] sets them anew, with everything else.
    pub fn ephemeral_ports(&mut self, ports: RangeInclusive<u16>) -> &mut Self {
        self.stack.ephemeral_ports = ports;
        self
    }

    /// The least time that a frame takes from host to host.
    pub fn min_message_latency(&mut self, latency: Duration) -> &mut Self {
        both(&mut self.link, |lane| takes_at_least(lane, latency));
        self
    }

    /// The longest time that a frame takes from host to host. Frames between two hosts stay in order.
    pub fn max_message_latency(&mut self, latency: Duration) -> &mut Self {
        both(&mut self.link, |lane| takes_at_most(lane, latency));
        self
    }

    /// How many of a hundred frames are lost, each by itself.
    pub fn loss_percent(&mut self, percent: f64) -> &mut Self {
        both(&mut self.link, |lane| lane.loss = crate::Loss::Random(crate::Chance::percent(percent)));
        self
    }

    /// How often, from 0 to 1, a frame finds that its way fails: it is lost, and so is what follows until a frame finds
    /// that the way is repaired ([`Builder::repair_rate`]). What is under way already arrives, and so does what comes
    /// the other way. It takes the place of [`Builder::loss_percent`].
    pub fn fail_rate(&mut self, rate: f64) -> &mut Self {
        both(&mut self.link, |lane| fails(lane, rate));
        self
    }

    /// How often, from 0 to 1, a frame finds that its way works again, and arrives: the first, unless this is set.
    pub fn repair_rate(&mut self, rate: f64) -> &mut Self {
        both(&mut self.link, |lane| is_repaired(lane, rate));
        self
    }

    /// What the link between each two hosts is like, in everything.
    pub fn link(&mut self, link: LinkConfig) -> &mut Self {
        self.link = link;
        self
    }

    /// What each host's stack is like.
    pub fn stack(&mut self, config: stack::Config) -> &mut Self {
        self.stack = config;
        self
    }

    /// What is kept of the run: for [`Sim::write_pcap`], for [`World::log`].
    pub fn record(&mut self, recording: Recording) -> &mut Self {
        self.recording = recording;
        self
    }

    /// A simulation without hosts.
    pub fn build<'a>(&self) -> Sim<'a> {
        let mut world = World::new(self.seed);
        world.record(self.recording);
        Sim::new(world, self.clone())
    }
}

/// Which addresses hosts have.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}
