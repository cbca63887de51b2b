//! What a capture file holds besides the packets' bytes: about the section, an interface, a packet.

use crate::LinkType;

/// Where and with what the file was captured: the options of a pcapng section header. Empty strings are
/// left out.
///
/// Fields are added in minor versions: write `Section { application, ..Section::default() }`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section<'a> {
    /// The machine.
    pub hardware: &'a str,
    /// The operating system.
    pub os: &'a str,
    /// The program that writes the file.
    pub application: &'a str,
    /// A comment on the capture as a whole.
    pub comment: &'a str,
}

/// One place where packets were captured. Empty strings are left out.
///
/// ```
/// use synfin_capture::{Interface, LinkType};
/// let interface = Interface { name: "client", ..Interface::new(LinkType::RAW) };
/// assert_eq!(interface.snap_bytes, 0);
/// ```
///
/// Fields are added in minor versions: write `Interface { name, ..Interface::new(link_type) }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface<'a> {
    /// With which protocol each packet begins.
    pub link_type: LinkType,
    /// The name, as programs show it.
    pub name: &'a str,
    /// A longer description.
    pub description: &'a str,
    /// The most bytes that were captured of a packet; zero: no limit.
    pub snap_bytes: u32,
}

impl Interface<'_> {
    /// An interface without a name, whose packets are captured whole.
    pub const fn new(link_type: LinkType) -> Self {
        Interface { link_type, name: "", description: "", snap_bytes: 0 }
    }
}

/// An interface of a file, counted from zero over the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct InterfaceId(pub u32);

/// The direction of a packet, as seen from the capturing host.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the host.
    Inbound,
    /// From the host.
    Outbound,
}

/// What is known of a packet besides its bytes.
///
/// ```
/// use synfin_capture::{Direction, InterfaceId, PacketInfo};
/// let info = PacketInfo {
///     direction: Some(Direction::Outbound),
///     comments: &["the third step of the handshake"],
///     ..PacketInfo::new(InterfaceId(0), 1_700_000_000_000_000_000)
/// };
/// assert_eq!(info.wire_bytes, None);
/// ```
///
/// Fields are added in minor versions: write `PacketInfo { direction, ..PacketInfo::new(interface, time_ns) }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketInfo<'a> {
    /// The interface on which it was captured.
    pub interface: InterfaceId,
    /// When it was captured, in nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
    /// Its direction, if known. Classic pcap cannot store it.
    pub direction: Option<Direction>,
    /// Its length on the wire, if the bytes given are only its beginning.
    pub wire_bytes: Option<u32>,
    /// Comments on the packet. Classic pcap cannot store them.
    pub comments: &'a [&'a str],
}

impl PacketInfo<'_> {
    /// A packet captured whole, without a direction or comments.
    pub const fn new(interface: InterfaceId, time_ns: u64) -> Self {
        PacketInfo { interface, time_ns, direction: None, wire_bytes: None, comments: &[] }
    }
}
