//! A run, from its first event to its last, with what both hosts were at each.
//!
//! A run is short (a lesson moves a megabyte at the most), so it is run whole, once; a moment of it is looked up.

mod advance;
mod wire_hands;

use crate::deed::{self, Deed, DeedError};
use crate::program::Place;
use crate::setup::{HostSetup, Setup, SetupError};
use advance::Advance;
use sim::{Chance, HostId, Lane, Loss, Queue, QueueLimit, World};
use stack::ListedConnection;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tcp::Instant;

/// Addresses for documentation (RFC 5737), and a port as a client takes one.
pub(crate) const ENDS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 10), 51_234),
    SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 80), 80),
];
pub(crate) const NAMES: [&str; 2] = ["client", "server"];
/// A run, whole.
pub struct Run {
    pub(crate) setup: Setup,
    pub(crate) world: World,
    pub(crate) hosts: [HostId; 2],
    pub(crate) events: Vec<Event>,
    /// There would be more events.
    pub(crate) is_cut: bool,
    /// What no host has sent, by the number among the world's frames: forged, or another one's arrival.
    pub(crate) injected: BTreeMap<usize, Injected>,
    /// What was done to it.
    pub(crate) deeds: Vec<Deed>,
    /// How long TIME-WAIT is on these hosts: 2 MSL.
    pub(crate) time_wait: Duration,
}

/// Why a frame arrived that no host has put onto the wire as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Injected {
    /// By this deed, out of nowhere.
    Forged {
        /// Its place among the run's deeds.
        deed: usize,
    },
    /// It is the arrival of a frame, which was changed or held back.
    Arrival {
        /// That frame's number among the world's.
        of: usize,
    },
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
    Deed(DeedError),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Setup(error) => error.fmt(f),
            RunError::Deed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RunError {}

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
        deed::check(deeds).map_err(RunError::Deed)?;
        Ok(Advance::new(setup, programs, deeds).finish())
    }

    /// What happened, in the order of time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What was done to it.
    pub fn deeds(&self) -> &[Deed] {
        &self.deeds
    }

    /// When a frame arrives, in the order of time: several times if it was doubled, later if it was held back.
    pub(crate) fn arrivals_of(&self, frame: usize) -> Vec<Instant> {
        let let_in = self.injected.iter().filter(|(_, why)| **why == Injected::Arrival { of: frame });
        let places = std::iter::once(frame).chain(let_in.map(|(place, _)| *place));
        let records = places.filter_map(|place| self.world.frames().get(place));
        records.flat_map(|record| record.arrivals.iter().map(|arrival| arrival.at)).collect()
    }

    /// No host has sent this frame.
    pub(crate) fn is_forged(&self, frame: usize) -> bool {
        matches!(self.injected.get(&frame), Some(Injected::Forged { .. }))
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
        mss_bytes_max: host.mss_bytes.map_or(usual.mss_bytes_max, |bytes| bytes as u16),
        receive_buffer_bytes: buffer.unwrap_or(usual.receive_buffer_bytes),
        receive_buffer_bytes_initial: buffer.unwrap_or(usual.receive_buffer_bytes_initial),
        receive_buffer_bytes_max: buffer.unwrap_or(usual.receive_buffer_bytes_max),
        ..usual
    };
    stack::Config { tcp: Arc::new(tcp), ..stack::Config::default() }
}
