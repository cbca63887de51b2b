//! What a simulation is like.

use super::sim::Sim;
use crate::link::{Lane, LinkConfig};
use crate::record::Recording;
use crate::world::World;
use std::time::Duration;

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
    pub(super) link: LinkConfig,
    pub(super) stack: stack::Config,
    pub(super) recording: Recording,
}

impl Default for Builder {
    /// Seed 0; it ends after 10 s, in steps of 1 ms; each pair of hosts is joined by a link that takes 10 ms each way and
    /// loses nothing; nothing is recorded.
    fn default() -> Self {
        Builder {
            seed: 0,
            duration: Duration::from_secs(10),
            tick: Duration::from_millis(1),
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

    /// The least time that a frame takes from host to host.
    pub fn min_message_latency(&mut self, latency: Duration) -> &mut Self {
        self.lanes(|lane| {
            let longest = lane.delay + lane.jitter;
            (lane.delay, lane.jitter) = (latency, longest.saturating_sub(latency));
        })
    }

    /// The longest time that a frame takes from host to host. Frames between two hosts stay in order.
    pub fn max_message_latency(&mut self, latency: Duration) -> &mut Self {
        self.lanes(|lane| {
            lane.delay = lane.delay.min(latency);
            lane.jitter = latency - lane.delay;
        })
    }

    /// How many of a hundred frames are lost, each by itself.
    pub fn loss_percent(&mut self, percent: f64) -> &mut Self {
        self.lanes(|lane| lane.loss = crate::Loss::Random(crate::Chance::percent(percent)))
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
    pub fn build(&self) -> Sim {
        let mut world = World::new(self.seed);
        world.record(self.recording);
        Sim::new(world, self.clone())
    }

    fn lanes(&mut self, change: impl Fn(&mut Lane)) -> &mut Self {
        change(&mut self.link.forward);
        change(&mut self.link.backward);
        self
    }
}
