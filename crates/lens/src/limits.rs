//! Every bound of the lens and every time that it takes for a sign, with the reason, in one place.
//!
//! What a standard fixes (the largest window scale) stands where it is used, with its section; what a user may set
//! stands in [`crate::Config`].

// How much is remembered.

/// Segments whose connections are fetched together: enough to wait for memory once instead of often, few
/// enough that the first is still in the cache when the last has come.
pub(crate) const AHEAD: usize = 16;
/// Connections to a piece of memory: less than two megabytes, of which only what is used counts.
pub(crate) const CHUNK: usize = 1_024;
/// An empty list of segments in flight gives memory back when it has room for more than this, and keeps the second
/// number: one burst shall not hold memory for the connection's life.
pub(crate) const UNACKED_ROOM_MAX: usize = 64;
pub(crate) const UNACKED_ROOM_KEPT: usize = 16;
/// Segments in flight stand in one row over so many bytes at most: the largest window, so that their order is never in
/// doubt.
pub(crate) const ROW_BYTES_MAX: u32 = WINDOW_BYTES_MAX;
/// Packets of a sender remembered to recognise the same one captured again. Two taps differ by a few packets.
pub(crate) const PRINTS: usize = 3;
/// Arrivals of one end awaiting confirmation. SYN, ACK of SYN, FIN, ACK of FIN and RST can all be under way.
pub(crate) const ARRIVALS_MAX: usize = 5;
/// Steps remembered per end. The longest way through the diagram takes seven, and a start that was
/// inferred three more; a peer that makes more (by resets that are taken back) overwrites the last.
pub(crate) const STEPS_MAX: usize = 10;

// How long something takes.

/// Longer than any segment travels, but for paths to the moon: after it a RST that was not obeyed
/// was ignored. Two round trips, and at least this.
pub(crate) const TRAVEL_NS_MIN: u64 = 1_000_000_000;
/// No path takes longer; a capture whose clock jumps shall not count as one.
pub(crate) const RTT_NS_MAX: u64 = 600_000_000_000;
/// Longer round trips do not enter a sender's estimate of its timeout: four and a half minutes.
pub(crate) const RTT_US_MAX: u32 = u32::MAX / 16;
/// A retransmission timeout is longer than the round trip by this at least, as on Linux.
pub(crate) const RTO_VARIANCE_US_MIN: u32 = 200_000;
/// The retransmission timeout before anything was measured (RFC 6298 §2.1).
pub(crate) const RTO_NS_INITIAL: u64 = 1_000_000_000;
/// The same packet comes again within this time, unless a router holds it: then the TTL differs.
pub(crate) const TWICE_US: u32 = 50_000;
/// Without an IP identification only text is compared, and within this time: nobody retransmits so soon.
pub(crate) const TWICE_WITHOUT_ID_US: u32 = 1_000;
/// An acknowledgment that waited at least so long was delayed on purpose (RFC 9293 §3.8.6.3); half a second is allowed,
/// 40 ms are usual.
pub(crate) const ACK_WAITED_NS_MIN: u64 = 30_000_000;
/// Answers that take at least so long come from afar: a host by itself answers sooner.
pub(crate) const FAR_NS_MIN: u64 = 1_000_000;
/// What a sender does at once on an acknowledgment comes within this time.
pub(crate) const AT_ONCE_NS: u64 = 2_000_000;

/// Round trips over which no more than the same amount was in flight, before that is a limit of the sender's own: in
/// these a congestion window grows by four segments at least, where nothing was lost (RFC 9438 §4.3).
pub(crate) const OWN_ROUNDS_MIN: u32 = 8;
/// Stretches of time remembered in which a sender kept something back itself: a transfer has one or two. Totals have no
/// bound.
pub(crate) const OWN_SPANS_MAX: usize = 64;

/// An end that said nothing for so long, and then answers as one that knows of no connection, was restarted, or
/// forgotten by a box on the path: both take longer than an application that throws a connection away in use.
pub(crate) const FORGOTTEN_NS_MIN: u64 = 10_000_000_000;

/// A capture is near an end when the way to it and back is less than this part of the round trip.
pub(crate) const NEAR_PART: u64 = 8;

// How large something is.

/// Text of this size does not fit through every path; see the finding on MTU black holes.
pub(crate) const LARGE_BYTES: u32 = 1_150;
/// Less text than this in one segment is small where no MSS is known: Nagle's rule may hold it back.
pub(crate) const SMALL_BYTES: u32 = 1_000;
/// The largest text of a segment where no MSS was captured: links have packets of 9,000 bytes at most.
pub(crate) const MSS_BYTES_MAX: u16 = 9_000;
/// The text of a segment on Ethernet: what is taken where no MSS was captured.
pub(crate) const MSS_BYTES_ETHERNET: u32 = 1_460;
/// The MSS of an end that says nothing (RFC 9293 §3.7.1), and the least that counts as a full segment.
pub(crate) const MSS_BYTES_DEFAULT: u32 = 536;
/// Less than two segments may be read and not offered again yet (RFC 9293 §3.8.6.2.2, with the larger steps of the BSDs).
pub(crate) const UNREAD_BYTES_MIN: u32 = 2 * MSS_BYTES_ETHERNET;
/// Some stacks lose a few bytes of the window that they offered, without meaning it.
pub(crate) const WINDOW_LOSS_BYTES: u32 = MSS_BYTES_DEFAULT;
/// The largest window there is (RFC 7323 §2.3): one that shrank by more was another connection's.
pub(crate) const WINDOW_BYTES_MAX: u32 = 1 << 30;
/// The largest window without a scale.
pub(crate) const UNSCALED_BYTES_MAX: u32 = 65_535;

// Wireshark's own (4.4); others would be other verdicts.

/// A gap this short between the highest segment and one below it is reordering, while no
/// round-trip time is known.
pub(crate) const REORDERING_NS: u64 = 3_000_000;
/// How soon after the last acknowledgment a fast retransmission comes.
pub(crate) const FAST_RETRANSMISSION_NS: u64 = 20_000_000;
/// More bytes in flight than this are a mistake.
pub(crate) const IN_FLIGHT_BYTES_MAX: u32 = 2_000_000_000;

// Of tables.

/// Places of the table of connections when it is made: a few pages. It doubles when three quarters of them are taken.
pub(crate) const TABLE_PLACES: usize = 1_024;
