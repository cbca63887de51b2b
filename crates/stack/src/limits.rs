//! Limits that protocols set or that a host does not configure, each with its reason.
//!
//! What is *not* here: bounds that a program chooses; those are in [`Config`](crate::Config).

/// The largest IPv4 packet, and the largest that an IPv6 payload or a UDP datagram can be: their length fields
/// have 16 bits.
pub(crate) const PACKET_BYTES_MAX: usize = 65_535;

/// The smallest MTU of an IPv4 path (RFC 791 §3.2).
pub(crate) const MTU_V4_MIN: u32 = 68;
/// The smallest MTU of an IPv6 path (RFC 8200 §5).
pub(crate) const MTU_V6_MIN: u32 = 1_280;
/// The MTU of the path from the host to itself.
pub(crate) const LOOPBACK_MTU_BYTES: u32 = PACKET_BYTES_MAX as u32;

/// The MSS of an IPv4 peer whose SYN says none (RFC 9293 §3.7.1, MUST-15).
pub(crate) const MSS_V4_DEFAULT: u16 = 536;
/// The MSS of an IPv6 peer whose SYN says none (RFC 9293 §3.7.1, MUST-15).
pub(crate) const MSS_V6_DEFAULT: u16 = 1_220;

/// The largest text of one super-segment: IPv4's total length has 16 bits, less the largest headers.
pub(crate) const SUPER_SEGMENT_BYTES_MAX: u32 = PACKET_BYTES_MAX as u32 - 20 - 60;
/// How much of a connection's data is cut at a time, for a link that takes only single segments.
pub(crate) const CUT_BYTES_MAX: u32 = SUPER_SEGMENT_BYTES_MAX;

/// Packets to ourselves that arrive during one call of [`Host::poll_transmit`](crate::Host::poll_transmit). The
/// rest arrive during the next call, so that two ends inside one host cannot keep the driver busy forever.
pub(crate) const LOOPBACK_FRAMES_PER_CALL: usize = 4_096;

/// How many connections may be half open before a listener uses cookies, even if its backlog is smaller.
pub(crate) const HALF_OPEN_MIN: usize = 16;

/// How many gates a host has: each SYN to an address without listener asks them one after another.
pub(crate) const GATES_MAX: usize = 64;

/// Bytes of echo requests that wait for the program at one gate, with what each counts besides its packet: about 200
/// pings. Who sends more has no use for each answer.
pub(crate) const ECHO_BYTES_MAX: usize = 64 << 10;

/// What a queued datagram counts in addition to its bytes, so that empty datagrams are bounded too: two places in a
/// queue, for half of them may be empty, and the headers of its frame.
pub(crate) const DATAGRAM_OVERHEAD_BYTES: usize = 192;

/// The most records of departures that wait to be taken, about 20 MB. Beyond it, the oldest is dropped.
pub(crate) const DEPARTURES_MAX: usize = 65_536;
