//! Explains captured TCP connections: the states of both ends, why each segment was sent, what
//! Wireshark would say of it, and what a person should know.
//!
//! Give [`Lens::take`] the segments of a capture in order; it answers with an [`Analysis`] of each and
//! hands connections ([`Connection`]) and findings ([`Finding`]) to a [`Sink`]. A packet of a capture
//! file becomes a segment by [`Segment::of_packet`].
//!
//! # How to read this crate
//!
//! | you want to know | look into |
//! | --- | --- |
//! | what Wireshark calls a segment, and when | `verdicts/sequence.rs` |
//! | which state an end is in | `ends/send.rs`, `ends/arrive.rs`, over [`tcp::state::ROWS`] |
//! | why it was sent | `why/retransmission.rs`, `why/ack.rs`, `why/reset.rs` |
//! | reordered or sent again | `why/order.rs` |
//! | when a sender's timers are due; what it knows to be lost | `why/timers.rs`, `why/overtaken.rs`, `why/loss.rs` |
//! | what was lost before the capture point | `why/packet_ids.rs`, `why/lost_before.rs` |
//! | what a host was seen to do in other connections | `habits.rs` |
//! | a probe of the path's MTU, and what became of it | `why/path_probe.rs` |
//! | what the flags of ECN mean, and what was marked | `ecn/talk.rs`, `ecn/marked.rs` |
//! | what a sender waited for | `metrics/limited.rs`, `metrics/own.rs` |
//! | what a SYN with text asks, and how it is answered | `fast_open.rs` |
//! | what ICMP errors say of a segment | `icmp.rs` |
//! | what people should be told, and what that needs | `findings/id.rs`, `findings/gate.rs`; one file for each kind |
//! | which segments a display filter wants | `filter/` |
//! | segments that the file has too late | `time_order.rs` |
//! | which connection a segment is of | `lens.rs` |
//! | what the packets are that are not TCP | `contents.rs` |
//! | from a capture file to all of this | `intake.rs` |
//!
//! The lens reads no clock, no file and no socket, and never runs the engine over captured bytes: two
//! engines would invent what the capture does not show.

#![warn(missing_docs)]

mod analysis;
mod community_id;
mod config;
mod connection;
mod contents;
mod ecn;
mod ends;
mod fast_open;
mod filter;
mod findings;
mod flow;
mod from_capture;
mod habits;
mod icmp;
mod intake;
mod lens;
mod limits;
mod live;
mod metrics;
mod nanos;
mod pair;
mod second_look;
mod segment;
mod sink;
mod slots;
#[cfg(test)]
mod story;
mod time_order;
mod verdicts;
mod why;
mod zeek;

pub use analysis::{AckedFrame, Analysis, Notes, RepeatedFrame};
pub use community_id::community_id;
pub use config::Config;
pub use connection::{Close, Connection, Direction, Faults, Fin, Handshake, Moment, Opened, Reset};
pub use contents::Contents;
pub use ecn::{ChangedField, EcnMeaning, EcnTalk, Marked};
pub use ends::{EndState, Moves, Origin, ResetAcceptability, Side, Step, Steps};
pub use fast_open::{FastOpen, FastOpenWords};
pub use filter::{Filter, FilterError, Packet, Subject};
pub use findings::{Evidenced, Finding, FindingGroup, FindingId, FindingSubject, GroupHost, Needs, Severity};
pub use icmp::{IcmpError, IcmpEvent};
pub use intake::Intake;
pub use lens::Lens;
pub use live::{Offered, Seen, Stuck};
pub use metrics::{Again, Distribution, KeepAlives, LimitedTime, OwnLimit, TurnTimes, Waited};
pub use second_look::{Correction, SeenLater};
pub use segment::{Frame, Segment, Whole};
pub use sink::{Discard, KeepSegments, Kept, Notice, Sink};
pub use time_order::TimeOrder;
pub use verdicts::{Completeness, VerdictSeverity, Verdicts};
pub use why::{Confidence, Evidence, Order, PathProbes, RetransmissionCounts, Why};
pub use zeek::ConnState;

// What appears in signatures, so that programs need not name the crates below.
pub use capture;
pub use tcp;
pub use wire;

/// The size of a connection as the lens follows it, in bytes, without what lossy or large ones add.
pub const CONNECTION_BYTES: usize = size_of::<live::Live>();

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
