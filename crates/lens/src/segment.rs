//! What the lens takes: one TCP segment as a capture shows it.
//!
//! A plain value, so that a capture file, a simulation and a test made by hand look the same to the
//! lens. Reading files and finding the TCP header under link and network headers is *not* done here;
//! that is the room `capture`.

use std::net::SocketAddr;
use tcp::Instant;
use wire::Seq;
use wire::tcp::{Flags, Options};

/// The number of a frame in its capture, from 1; the last number stands for all beyond it.
pub type Frame = u32;

/// One captured TCP segment.
///
/// ```
/// use synfin_lens::Segment;
/// let syn = Segment { flags: wire::tcp::Flags::SYN, ..Segment::default() };
/// assert_eq!(syn.sequence_bytes(), 1);
/// ```
///
/// Fields are added in minor versions: write `Segment { flags, ..Segment::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The frame's number in the capture, from 1.
    pub frame: Frame,
    /// When it was captured.
    pub time: Instant,
    /// Who sent it.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// Sequence number as it stands in the header.
    pub seq: Seq,
    /// Acknowledgment number as it stands in the header, significant or not.
    pub ack: Seq,
    /// Control bits.
    pub flags: Flags,
    /// Window as it stands in the header, not scaled.
    pub window: u16,
    /// Urgent pointer as it stands in the header.
    pub urgent: u16,
    /// Options that the stack understands.
    pub options: Options,
    /// The MPTCP operations that its options carry, one bit per subtype (RFC 8684 §3); zero for none. MP_CAPABLE counts
    /// with a key: without one, as on a SYN of version 1, it only asks.
    pub mptcp_subtypes: u16,
    /// Bytes of text by the network header, whether captured or not.
    pub text_bytes: u32,
    /// Bytes of the whole frame on the wire.
    pub frame_bytes: u32,
    /// Bytes of the IP packet by its header (the frame without the link header when it does not say).
    pub ip_bytes: u32,
    /// The identification of an IPv4 packet (RFC 791); IPv6 has none.
    pub ip_id: Option<u16>,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// The two ECN bits of the network header (RFC 3168 §5).
    pub ecn: u8,
    /// The interface of a pcapng file on which it was captured, 0 otherwise.
    pub interface: u32,
    /// How much of it is there.
    pub whole: Whole,
}

/// How a segment came to the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Whole {
    /// The header and its options are there; the text may be cut.
    #[default]
    Yes,
    /// The header was captured, but its options were cut.
    OptionsCut,
    /// A first fragment of a larger IP packet: its length says nothing about the segment.
    Fragment,
    /// Quoted in an ICMP error: it was sent earlier and is reported back.
    QuotedInIcmp,
}

impl Segment {
    /// How much of sequence space it takes: its text, one for SYN and one for FIN (RFC 9293 §3.4).
    pub fn sequence_bytes(&self) -> u32 {
        self.text_bytes.wrapping_add(u32::from(self.flags.syn())).wrapping_add(u32::from(self.flags.fin()))
    }

    /// The sequence number after its last.
    pub fn end(&self) -> Seq {
        self.seq + self.sequence_bytes()
    }

    /// It has ACK and neither text nor SYN, FIN or RST.
    pub fn is_pure_ack(&self) -> bool {
        self.text_bytes == 0
            && self.flags.ack()
            && !self.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST)
    }
}

impl Default for Segment {
    /// A bare segment between unspecified addresses, to be filled in.
    fn default() -> Self {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Segment {
            frame: 1,
            time: Instant::ZERO,
            source: nowhere,
            destination: nowhere,
            seq: Seq::new(0),
            ack: Seq::new(0),
            flags: Flags::NONE,
            window: 65_535,
            urgent: 0,
            options: Options::default(),
            mptcp_subtypes: 0,
            text_bytes: 0,
            frame_bytes: 54,
            ip_bytes: 40,
            ip_id: None,
            ttl: 64,
            ecn: 0,
            interface: 0,
            whole: Whole::Yes,
        }
    }
}
