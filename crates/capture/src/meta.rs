//! What a capture file says beside the bytes: about the section, an interface, a packet.

use crate::LinkType;

/// Who captured, and on what: the options of a pcapng section header. Empty strings are left out.
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
    /// Anything a person should know about the capture as a whole.
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
    /// What the first byte of each packet is.
    pub link_type: LinkType,
    /// The name that people see.
    pub name: &'a str,
    /// A longer description.
    pub description: &'a str,
    /// The most bytes of a packet that were kept; zero: no limit.
    pub snap_bytes: u32,
}

impl Interface<'_> {
    /// An interface without a name, whose packets are kept whole.
    pub const fn new(link_type: LinkType) -> Self {
        Interface { link_type, name: "", description: "", snap_bytes: 0 }
    }
}

/// An interface of a file, counted from zero over the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct InterfaceId(pub u32);

/// Which way a packet crossed the interface, as the capturing host saw it.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Towards the host.
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
    /// Where it was captured.
    pub interface: InterfaceId,
    /// When, in nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
    /// Which way it went, if known. Classic pcap cannot say.
    pub direction: Option<Direction>,
    /// Its length on the wire if the bytes given are only its beginning.
    pub wire_bytes: Option<u32>,
    /// Comments on the packet. Classic pcap has none.
    pub comments: &'a [&'a str],
}

impl PacketInfo<'_> {
    /// A whole packet without direction and comments.
    pub const fn new(interface: InterfaceId, time_ns: u64) -> Self {
        PacketInfo { interface, time_ns, direction: None, wire_bytes: None, comments: &[] }
    }
}
