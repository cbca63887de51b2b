//! What a link does to what crosses it: the settings.
//!
//! A link joins two hosts; each direction is a [`Lane`] with its own rate, delay, queue and faults. A
//! frame meets them in this order: middlebox, path MTU, outage, queue, rate, then on the wire loss,
//! corruption, duplication, and the time it takes. How it happens is in `lane.rs`, `queue.rs`, `loss.rs`,
//! `middlebox.rs` and `regroup.rs`. Links carry IP packets; whether hosts see Ethernet says [`Ends`].

mod lane;
mod loss;
mod middlebox;
mod queue;
mod regroup;
mod too_big;

pub(crate) use lane::{Launch, Mishap, Moving, Running};

use crate::random::Chance;
use std::ops::Range;
use std::time::Duration;
use tcp::Instant;

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

/// One direction of a link. The default delivers everything at once.
///
/// Fields are added in minor versions: write `Lane { delay, ..Lane::default() }`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Lane {
    /// Bits per second, IP headers included; `None`: no limit, and no queue.
    pub rate_bits_per_s: Option<u64>,
    /// How long every frame takes once it is on the wire.
    pub delay: Duration,
    /// How much longer it takes at most, evenly distributed.
    pub jitter: Duration,
    /// Whether jitter lets frames overtake each other.
    pub order: Order,
    /// Where frames wait for their turn.
    pub queue: Queue,
    /// What the wire loses.
    pub loss: Loss,
    /// How often a frame is held back by [`Lane::reorder_by`] and overtaken.
    pub reorder: Chance,
    /// How long such a frame is held back.
    pub reorder_by: Duration,
    /// How often a frame arrives twice.
    pub duplicate: Chance,
    /// How often one bit of a frame is flipped.
    pub corrupt: Chance,
    /// How often a TCP segment is damaged so that its checksum is right all the same.
    pub corrupt_unseen: Chance,
    /// When nothing enters the wire at all.
    pub outages: Vec<Range<Instant>>,
    /// A narrower place on the path.
    pub path_mtu: Option<PathMtu>,
    /// Somebody on the path who meddles with TCP options.
    pub middlebox: Option<Middlebox>,
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

/// Whether frames stay in order.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// A frame waits for those sent before it, as on a real wire.
    #[default]
    Kept,
    /// Jitter reorders frames that are close together, as netem's does.
    ByArrival,
}

/// Where frames wait for their turn on a link with a rate.
///
/// Fields are added in minor versions: write `Queue { limit, ..Queue::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// How much may wait; what comes beyond is lost.
    pub limit: QueueLimit,
    /// Who is thrown away before the queue is full.
    pub discipline: Discipline,
    /// When ECN-capable packets are marked (RFC 3168).
    pub marking: Marking,
}

impl Default for Queue {
    /// 1,000 packets, drop-tail: the default of Linux's interfaces.
    fn default() -> Self {
        Queue { limit: QueueLimit::Packets(1_000), discipline: Discipline::DropTail, marking: Marking::Never }
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueLimit {
    /// IP bytes.
    Bytes(u64),
    /// Frames.
    Packets(usize),
}

/// Who is thrown away before a queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discipline {
    /// Nobody.
    DropTail,
    /// Controlled delay (RFC 8289): who has waited longer than `target` for longer than `interval`.
    CoDel {
        /// The delay that is good (RFC 8289 §4.4: 5 ms).
        target: Duration,
        /// About the longest round-trip time (RFC 8289 §4.3: 100 ms).
        interval: Duration,
    },
}

impl Discipline {
    /// CoDel with the RFC's values.
    pub const CODEL: Discipline =
        Discipline::CoDel { target: Duration::from_millis(5), interval: Duration::from_millis(100) };
}

/// When a packet is marked "congestion experienced", if its sender is ECN-capable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Marking {
    /// Not at all.
    Never,
    /// Where CoDel would throw it away.
    InsteadOfDropping,
    /// While more than so many bytes wait (RFC 8257 §3.1).
    AboveBytes(u64),
}

/// What the wire loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Loss {
    /// Nothing.
    #[default]
    Nothing,
    /// Each frame by itself.
    Random(Chance),
    /// In bursts: a good and a bad state with chances of their own (Gilbert 1960, Elliott 1963).
    GilbertElliott {
        /// From good to bad, asked once per frame.
        to_bad: Chance,
        /// From bad to good.
        to_good: Chance,
        /// Loss in the good state.
        in_good: Chance,
        /// Loss in the bad state.
        in_bad: Chance,
    },
}

impl Loss {
    /// `percent` of all frames, in bursts of `mean_frames` (one at least) on average: the good state loses
    /// nothing, the bad one everything.
    ///
    /// ```
    /// use synfin_sim::{Chance, Loss};
    /// let wireless = Loss::in_bursts(1.0, 4.0);
    /// assert!(matches!(wireless, Loss::GilbertElliott { to_good, .. } if to_good == Chance::percent(25.0)));
    /// ```
    pub fn in_bursts(percent: f64, mean_frames: f64) -> Loss {
        let to_good = 1.0 / mean_frames.max(1.0);
        // Of all frames, to_bad / (to_bad + to_good) meet the bad state.
        let share = (percent / 100.0).min(0.999);
        let to_bad = (to_good * share / (1.0 - share)).min(1.0);
        Loss::GilbertElliott {
            to_bad: Chance::percent(to_bad * 100.0),
            to_good: Chance::percent(to_good * 100.0),
            in_good: Chance::NEVER,
            in_bad: Chance::ALWAYS,
        }
    }
}

/// A narrower place on the path than the link's MTU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathMtu {
    /// The largest packet that goes through, in bytes.
    pub mtu_bytes: u32,
    /// What the sender of a larger one hears.
    pub answer: TooBigAnswer,
}

/// What the sender of a packet that is too big hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TooBigAnswer {
    /// ICMP says so (RFC 1191, RFC 8201).
    Icmp,
    /// Nothing: a black hole (RFC 2923).
    Silence,
}

/// Somebody on the path who meddles with TCP segments; checksums are mended.
///
/// Fields are added in minor versions: write `Middlebox { touches, ..Middlebox::default() }`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Middlebox {
    /// Options of these kinds become no-operations.
    pub strips: Vec<u8>,
    /// Which segments it touches.
    pub touches: Touches,
    /// Lowers the Maximum Segment Size option to this.
    pub mss_bytes_max: Option<u16>,
    /// Rewrites the shift of the Window Scale option to this.
    pub window_scale: Option<u8>,
    /// Rewrites sequence numbers, as firewalls that do not trust a host's initial ones; of every segment.
    pub numbers: Option<Renumbering>,
    /// Rewrites ports, as a translator of addresses; of every segment.
    pub ports: Option<PortMapping>,
    /// Cuts segments into pieces of at most this much text.
    pub split_to_bytes: Option<u16>,
    /// Makes one of segments that wait behind one another (on a lane with a rate), while the packet is no longer.
    pub merge_to_bytes: Option<u16>,
}

/// What a middlebox does to the sequence numbers of one direction. The other direction does the opposite:
/// [`Renumbering::pair`] gives both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Renumbering {
    /// Added to the sequence number.
    pub seq_added: u32,
    /// Taken from the acknowledgment number.
    pub ack_subtracted: u32,
    /// Whether it knows of SACK.
    pub sack: SackNumbers,
}

impl Renumbering {
    /// For the forward and the backward lane: what the first host sends has `forward` added to its numbers, what the
    /// second one sends `backward`.
    ///
    /// ```
    /// use synfin_sim::{Renumbering, SackNumbers};
    /// let [there, back] = Renumbering::pair(1_000, 5, SackNumbers::Rewritten);
    /// assert_eq!((there.seq_added, back.ack_subtracted), (1_000, 1_000));
    /// ```
    pub const fn pair(forward: u32, backward: u32, sack: SackNumbers) -> [Renumbering; 2] {
        [
            Renumbering { seq_added: forward, ack_subtracted: backward, sack },
            Renumbering { seq_added: backward, ack_subtracted: forward, sack },
        ]
    }
}

/// Whether a middlebox that rewrites numbers knows of SACK.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SackNumbers {
    /// The blocks are rewritten too.
    #[default]
    Rewritten,
    /// The blocks are left, and so say nothing true.
    Left,
}

/// What a translator does to the ports of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PortMapping {
    /// Added to the source port.
    pub source_added: u16,
    /// Taken from the destination port.
    pub destination_subtracted: u16,
}

impl PortMapping {
    /// For the forward and the backward lane: the first host's port seems higher by `added` to the second.
    pub const fn pair(added: u16) -> [PortMapping; 2] {
        [
            PortMapping { source_added: added, destination_subtracted: 0 },
            PortMapping { source_added: 0, destination_subtracted: added },
        ]
    }
}

/// Which segments a middlebox touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Touches {
    /// All.
    #[default]
    All,
    /// Those with SYN.
    Syns,
    /// Those without SYN: agreed options vanish afterwards.
    AllButSyns,
}
