//! ICMP errors: what routers and hosts say became of a segment. An event of its own, not something that an end sent.
//!
//! The error quotes the beginning of the segment (RFC 792, RFC 4443 §3): addresses, ports and the sequence number, by
//! which the connection and the direction are found. Whether an error is genuine (RFC 5927) cannot be seen from it
//! alone; whether its number is within what was in flight is kept for those who want to judge.

use crate::{Frame, Segment, Side};
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use tcp::Instant;
use wire::Seq;

/// The errors of one connection that are kept: the first, which say what went wrong, and the latest. A router repeats
/// itself for every packet.
const KEPT_MAX: usize = 4;

/// What an ICMP error says, and who.
///
/// ```
/// use synfin_lens::IcmpError;
/// let error = IcmpError::new("10.0.1.1".parse().expect("an address"), 3, 4, Some(1_400));
/// assert_eq!(error.to_string(), "ICMP 10.0.1.1: fragmentation needed, MTU 1400");
/// assert!(error.is_too_big() && !error.is_unreachable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IcmpError {
    /// The router or host that reports.
    pub from: IpAddr,
    /// The ICMP type.
    pub kind: u8,
    /// The ICMP code.
    pub code: u8,
    mtu_bytes: Option<NonZeroU32>,
}

impl IcmpError {
    /// An error by its type and code; `mtu_bytes` is that of the next hop, if the error gives one.
    pub fn new(from: IpAddr, kind: u8, code: u8, mtu_bytes: Option<u32>) -> IcmpError {
        IcmpError { from, kind, code, mtu_bytes: mtu_bytes.and_then(NonZeroU32::new) }
    }

    /// The MTU of the next hop in bytes (RFC 1191 §4, RFC 4443 §3.2). Old routers do not give it.
    pub fn mtu_bytes(&self) -> Option<u32> {
        self.mtu_bytes.map(NonZeroU32::get)
    }

    /// What it says, as a phrase: `port unreachable`.
    pub fn name(&self) -> &'static str {
        let name = match self.from {
            IpAddr::V4(_) => wire::icmp::v4_error_name(self.kind, self.code),
            IpAddr::V6(_) => wire::icmp::v6_error_name(self.kind, self.code),
        };
        name.unwrap_or("error")
    }

    /// The packet does not fit through the path, and a smaller one may.
    pub fn is_too_big(&self) -> bool {
        match self.from {
            IpAddr::V4(_) => (self.kind, self.code) == (3, 4),
            IpAddr::V6(_) => self.kind == 2,
        }
    }

    /// The packet cannot be delivered, whatever its size: unreachable, prohibited, or out of hops.
    pub fn is_unreachable(&self) -> bool {
        match self.from {
            IpAddr::V4(_) => matches!((self.kind, self.code), (3, code) if code != 4) || self.kind == 11,
            IpAddr::V6(_) => matches!(self.kind, 1 | 3),
        }
    }
}

/// `ICMP 10.0.1.1: fragmentation needed, MTU 1400`.
impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.from.is_ipv4() { "ICMP" } else { "ICMPv6" };
        write!(f, "{protocol} {}: {}", self.from, self.name())?;
        match self.mtu_bytes {
            Some(mtu_bytes) => write!(f, ", MTU {mtu_bytes}"),
            None => Ok(()),
        }
    }
}

/// An ICMP error about a segment of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IcmpEvent {
    /// What it says.
    pub error: IcmpError,
    /// Its frame.
    pub frame: Frame,
    /// When it was captured.
    pub time: Instant,
    /// The end whose segment it quotes: the error goes to it.
    pub about: Side,
    /// The sequence number of the quoted segment, as it stands in its header.
    pub seq: Seq,
    /// Bytes of the quoted packet by its IP header.
    pub ip_bytes: u32,
    /// The quoted segment had SYN set; `None` where the quotation ends before the flags, as the shortest do.
    pub quotes_syn: Option<bool>,
}

impl IcmpEvent {
    pub(crate) fn of(segment: &Segment, error: IcmpError, about: Side) -> IcmpEvent {
        let has_flags = segment.flags.bits() != 0;
        IcmpEvent {
            error,
            frame: segment.frame,
            time: segment.time,
            about,
            seq: segment.seq,
            ip_bytes: segment.ip_bytes,
            quotes_syn: has_flags.then(|| segment.flags.syn()),
        }
    }
}

/// The errors that one connection had.
#[derive(Clone, Debug, Default)]
pub(crate) struct IcmpHeard {
    pub(crate) count: u32,
    /// The first, and in the last place the latest.
    pub(crate) kept: Vec<IcmpEvent>,
    /// The smallest MTU that was told about packets of each end.
    pub(crate) mtu_bytes_min: [Option<u32>; 2],
}

impl IcmpHeard {
    pub(crate) fn hear(&mut self, event: IcmpEvent) {
        self.count = self.count.saturating_add(1);
        match self.kept.get_mut(KEPT_MAX - 1) {
            Some(latest) => *latest = event,
            None => self.kept.push(event),
        }
        if let Some(mtu_bytes) = event.error.mtu_bytes() {
            let least = &mut self.mtu_bytes_min[event.about.index()];
            *least = Some(least.map_or(mtu_bytes, |least| least.min(mtu_bytes)));
        }
    }
}
