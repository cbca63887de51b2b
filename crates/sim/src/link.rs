//! A link between two hosts: two lanes of `netem`, and what the hosts see of them.
//!
//! What a lane does to what crosses it is in `netem`. Links carry IP packets; whether hosts see Ethernet says [`Ends`].

use netem::Lane;
use std::time::Duration;

/// A link between two hosts.
///
/// ```
/// use synfin_sim::{Chance, Lane, LinkConfig, Loss};
/// use std::time::Duration;
/// let satellite = LinkConfig::symmetric(Lane {
///     rate_bits_per_s: Some(10_000_000),
///     delay: Duration::from_millis(300),
///     loss: Loss::Random(Chance::percent(1.0)),
///     ..Lane::default()
/// });
/// assert_eq!(satellite.forward, satellite.backward);
/// ```
///
/// Fields are added in minor versions: write `LinkConfig { mtu_bytes, ..LinkConfig::default() }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// From the first host to the second.
    pub forward: Lane,
    /// From the second host to the first.
    pub backward: Lane,
    /// The largest IP packet that both ends send, in bytes.
    pub mtu_bytes: u32,
    /// Whether super-segments cross whole, as on a link with segmentation offload.
    pub super_segments: SuperSegments,
    /// Whether the hosts must resolve each other's link address.
    pub ends: Ends,
}

impl Default for LinkConfig {
    fn default() -> Self {
        LinkConfig::symmetric(Lane::default())
    }
}

impl LinkConfig {
    /// The same in both directions; MTU 1,500 bytes, super-segments are cut.
    pub fn symmetric(lane: Lane) -> Self {
        LinkConfig {
            forward: lane.clone(),
            backward: lane,
            mtu_bytes: 1_500,
            super_segments: SuperSegments::default(),
            ends: Ends::default(),
        }
    }

    /// A link that does nothing but take `delay` in each direction.
    pub fn delay(delay: Duration) -> Self {
        LinkConfig::symmetric(Lane { delay, ..Lane::default() })
    }
}

/// What a link takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SuperSegments {
    /// Single segments only.
    #[default]
    Cut,
    /// Super-segments too, each as one frame: lost, held back or doubled as a whole.
    Whole,
}

/// What the hosts at the ends of a link see of it.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ends {
    /// IP packets, as on a TUN device.
    #[default]
    Ip,
    /// Ethernet frames: the hosts resolve addresses by ARP and neighbour discovery. The link still carries IP packets,
    /// and so do records and hooks; ARP crosses as whole frames.
    Ethernet,
}

/// What becomes of frames on their way over a link, whatever else it does: [`crate::World::set_passage`].
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Passage {
    /// They arrive.
    #[default]
    Open,
    /// They are lost, those under way too.
    Cut,
    /// They wait at the end of their way, and arrive in their order when it is open again.
    Held,
}
