//! What goes in and out of a connection: segments, events, errors.

use crate::SendReason;
use crate::trace::SegmentFacts;
use core::fmt;
use wire::ip::Ecn;
use wire::tcp::Header;
use wire::{Payload, Seq};

/// An arriving segment, or super-segment (several in one, merged by the device or the peer's offload).
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// The header.
    pub header: Header,
    /// The text.
    pub payload: Payload,
    /// The ECN field of the packet that it came in. All segments that were merged into one had the same.
    pub ecn: Ecn,
    /// Zero for one segment; else the size of those that were merged into it, as far as the device tells.
    pub segment_bytes: u16,
}

impl Segment {
    /// How many segments arrived in one: 1, unless they were merged and the device says how large they were.
    pub fn segments(&self) -> u32 {
        if self.segment_bytes == 0 { 1 } else { self.text_bytes().div_ceil(self.segment_bytes.into()).max(1) }
    }

    /// SEG.LEN: the text and, one each, SYN and FIN (RFC 9293 §3.4).
    pub fn len_in_sequence_space(&self) -> u32 {
        sequence_length(&self.header, self.text_bytes())
    }

    /// How many bytes of text there are. More than 2^31 cannot arrive in one frame; the number saturates.
    pub fn text_bytes(&self) -> u32 {
        u32::try_from(self.payload.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn facts(&self, shift: u8) -> SegmentFacts {
        let Header { seq, ack, flags, window, .. } = self.header;
        let shift = if flags.syn() { 0 } else { shift };
        SegmentFacts {
            seq,
            ack,
            flags,
            len_bytes: self.text_bytes(),
            window_bytes: u32::from(window) << shift,
        }
    }
}

/// SEG.LEN of a header followed by `text_bytes` of text, modulo 2^32 (RFC 9293 §3.4).
pub(crate) fn sequence_length(header: &Header, text_bytes: u32) -> u32 {
    text_bytes.wrapping_add(u32::from(header.flags.syn())).wrapping_add(u32::from(header.flags.fin()))
}

/// A segment or super-segment to be sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Transmit {
    /// The header; the ports are left zero for the host to fill in.
    pub header: Header,
    /// The text.
    pub payload: Payload,
    /// Zero for one segment; else the size to cut the text by. Every piece has the flags and options of the header, but
    /// FIN and PSH only the last, CWR only the first (RFC 3168 §6.1.2).
    pub segment_bytes: u16,
    /// The ECN field of the packet, and of each piece.
    pub ecn: Ecn,
    /// Why it is sent.
    pub why: SendReason,
}

impl Transmit {
    /// Nothing yet: to be filled in by [`Connection::transmit_into`](crate::Connection::transmit_into).
    #[inline]
    pub fn empty() -> Self {
        Transmit {
            header: Header::default(),
            payload: Payload::new(),
            segment_bytes: 0,
            ecn: Ecn::NotCapable,
            why: SendReason::ImmediateAck,
        }
    }
}

/// What arrives if the path changes nothing.
impl From<Transmit> for Segment {
    fn from(transmit: Transmit) -> Self {
        let Transmit { header, payload, segment_bytes, ecn, .. } = transmit;
        Segment { header, payload, ecn, segment_bytes }
    }
}

/// The path to the peer as the host knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// The largest IP packet the path carries, in bytes.
    pub mtu_bytes: u32,
    /// Bytes of IP header in front of the TCP header: 20 for IPv4, 40 for IPv6.
    pub ip_header_bytes: u8,
}

impl Path {
    /// The largest TCP segment without options that fits: the MSS of this path (RFC 9293 §3.7.1).
    pub(crate) fn mss_bytes(self) -> u16 {
        let bytes = self.mtu_bytes.saturating_sub(u32::from(self.ip_header_bytes) + 20);
        // RFC 2675 §5.1 would give jumbograms a meaning of their own for 65,535; nobody sends them.
        u16::try_from(bytes).unwrap_or(u16::MAX).max(1)
    }

    /// The MSS to assume of a peer that announces none (RFC 9293 §3.7.1, MUST-15).
    pub(crate) fn mss_bytes_by_default(self) -> u16 {
        if self.ip_header_bytes == 20 { 536 } else { 1_220 }
    }
}

/// What a connection is born with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    /// The initial send sequence number (RFC 6528).
    pub iss: Seq,
    /// Added to the timestamp clock, so that it says nothing about the host (RFC 7323 §5.4).
    pub timestamp_offset: u32,
    /// The path.
    pub path: Path,
}

/// What ICMP said about a packet that we sent (RFC 9293 §3.9.2.2, RFC 5927).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathEvent {
    /// Kills a connection that is not established; otherwise remembered only (RFC 5927 §5.2).
    HardError {
        /// What it means for the application.
        error: Error,
        /// The sequence number in the quoted packet.
        seq: Seq,
    },
    /// Remembered, told when the connection is given up (MUST-56).
    SoftError {
        /// What it means for the application.
        error: Error,
        /// The sequence number in the quoted packet.
        seq: Seq,
    },
    /// The packet was too big for the path (RFC 1191, RFC 8201).
    PacketTooBig {
        /// The MTU of the next hop in bytes.
        mtu_bytes: u32,
        /// The sequence number in the quoted packet.
        seq: Seq,
    },
}

/// What an application should be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// `connect` returns: the SYN-ACK has arrived, the second step of the handshake.
    Connected,
    /// `accept` returns: the acknowledgment of our SYN-ACK has arrived, the third step.
    Accepted,
    /// There are bytes to read.
    Readable,
    /// There is room to write again.
    Writable,
    /// The peer announced urgent data (RFC 6093).
    Urgent,
    /// The peer has no more data to send; reading ends after what is queued.
    PeerFinished,
    /// Retransmissions have reached R1 (RFC 9293 §3.8.3, MUST-20, SHLD-9): the data does not get
    /// through. The host should doubt the path; the connection goes on trying until R2.
    PathDoubted,
    /// The peer has acknowledged our FIN, and with it everything that was written. In LAST-ACK this is
    /// [`Event::Closed`].
    Finished,
    /// The connection died.
    Failed(Error),
    /// CLOSED: nothing more will happen.
    Closed,
}

/// An enumeration and the list of its variants.
macro_rules! listed {
    ($(#[$attribute:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident,)+ }) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),+];
        }
    };
}

pub(crate) use listed;

listed! {
    /// Why a connection died.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Error {
        /// The peer answered our SYN with a reset: nobody listens there.
        Refused,
        /// The peer reset the connection.
        Reset,
        /// The peer does not answer any more (R2, user timeout, keep-alive).
        TimedOut,
        /// The application aborted it.
        Aborted,
        /// No route leads to the peer's host.
        HostUnreachable,
        /// No route leads to the peer's network.
        NetworkUnreachable,
        /// The peer's host refuses this port.
        PortUnreachable,
        /// The peer's host does not speak TCP.
        ProtocolUnreachable,
        /// The route that the sender asked for does not work.
        SourceRouteFailed,
        /// The peer's host is not known where it should be.
        HostUnknown,
        /// The sender's host is cut off.
        HostIsolated,
        /// The path to the peer has more hops than our packets may take.
        HopsExceeded,
        /// Somebody on the path forbids connections to the peer's network.
        NetworkProhibited,
        /// Somebody on the path forbids the connection.
        Prohibited,
        /// The peer's host, or a router, could not make sense of our packet's header.
        ParameterProblem,
        /// The peer's host does not know the protocol that follows its IPv6 header.
        NextHeaderUnknown,
        /// This host had no memory for the connection any more: it held much and got nowhere.
        OutOfMemory,
    }
}

impl Error {
    /// The name of the error that Linux gives its applications (`tcp_reset`, `icmp_err_convert`,
    /// `icmpv6_err_convert`): the one table for every layer that speaks as kernels do.
    ///
    /// ```
    /// assert_eq!(synfin_tcp::Error::NetworkProhibited.errno(), "ENETUNREACH"); // ICMP 3/9
    /// assert_eq!(synfin_tcp::Error::Prohibited.errno(), "EHOSTUNREACH"); // ICMP 3/10, 3/13
    /// ```
    pub const fn errno(self) -> &'static str {
        match self {
            Error::Refused | Error::PortUnreachable => "ECONNREFUSED",
            Error::Reset => "ECONNRESET",
            Error::TimedOut => "ETIMEDOUT",
            Error::Aborted => "ECONNABORTED",
            Error::ProtocolUnreachable => "ENOPROTOOPT",
            Error::SourceRouteFailed => "EOPNOTSUPP",
            Error::HostUnknown => "EHOSTDOWN",
            Error::HostIsolated => "ENONET",
            Error::HostUnreachable | Error::HopsExceeded | Error::Prohibited => "EHOSTUNREACH",
            Error::NetworkUnreachable | Error::NetworkProhibited => "ENETUNREACH",
            Error::ParameterProblem | Error::NextHeaderUnknown => "EPROTO",
            Error::OutOfMemory => "ENOBUFS",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Refused => "the peer refused the connection: nobody listens on that port",
            Error::Reset => "the peer reset the connection",
            Error::TimedOut => "the peer stopped answering",
            Error::Aborted => "the connection was aborted on this side",
            Error::HostUnreachable => "no route leads to the peer's host",
            Error::NetworkUnreachable => "no route leads to the peer's network",
            Error::PortUnreachable => "the peer's host does not accept TCP on that port",
            Error::ProtocolUnreachable => "the peer's host does not speak TCP",
            Error::SourceRouteFailed => "the source route to the peer's host failed",
            Error::HostUnknown => "the peer's host is not known where it should be",
            Error::HostIsolated => "a router says that this host is cut off",
            Error::HopsExceeded => "the path to the peer's host is longer than packets may go",
            Error::NetworkProhibited => "a router on the path forbids connections to the peer's network",
            Error::Prohibited => "a router on the path forbids the connection",
            Error::ParameterProblem => "a header of ours made no sense to a host on the path",
            Error::OutOfMemory => {
                "this host's memory was used up, and the connection held much and moved nothing; read and acknowledge sooner, or raise the budget"
            }
            Error::NextHeaderUnknown => "the peer's host does not know what follows its IPv6 header",
        })
    }
}

impl core::error::Error for Error {}

/// Why nothing was read.
///
/// There are no others: what can newly go wrong with a connection is an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadError {
    /// Nothing has arrived yet.
    WouldBlock,
    /// There is no connection yet, or none any more.
    NotConnected,
    /// The connection died.
    Failed(Error),
}

/// Why nothing was written.
///
/// There are no others: what can newly go wrong with a connection is an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteError {
    /// The send buffer is full.
    WouldBlock,
    /// There is no connection.
    NotConnected,
    /// We have already said that there is no more to come (`EPIPE`).
    Finished,
    /// The connection died.
    Failed(Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::WouldBlock => f.write_str("nothing has arrived yet"),
            ReadError::NotConnected => f.write_str("there is no connection to read from"),
            ReadError::Failed(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ReadError {}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::WouldBlock => f.write_str("the send buffer is full"),
            WriteError::NotConnected => f.write_str("there is no connection to write to"),
            WriteError::Finished => f.write_str("this end has said that it has no more to send"),
            WriteError::Failed(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WriteError {}
