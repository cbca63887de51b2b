//! From a packet of a capture file to the segment that the lens takes.
//!
//! Only this file knows the room `capture`, and takes from it what filters look at too. A segment whose header was cut behind the window keeps what
//! can be read of it; one that was cut before is not one.

use crate::{Analysis, Frame, IcmpError, Packet, Segment, Subject, Whole};
use capture::{Decoded, Fragment, LinkType, Record};
use std::net::SocketAddr;
use tcp::Instant;
use wire::Seq;
use wire::tcp::kind;
use wire::tcp::{Flags, Options, RawOptions, SackBlock, Timestamps};

/// The subtype of MPTCP that opens a connection, and the bytes of its data with a key in it (RFC 8684 §3.1).
const MP_CAPABLE: u8 = 0;
const MP_CAPABLE_WITH_KEY: usize = 10;

impl Segment {
    /// The segment of a captured packet; `None` when too little of a quoted one is there.
    ///
    /// Take `decoded` from [`capture::Decoder::decode`] of the same record.
    #[inline]
    pub fn of_packet(record: &Record<'_>, decoded: &Decoded<'_>) -> Option<Segment> {
        // nearly every packet: a segment whose header is there to the end
        if let Decoded::Tcp(inner) = decoded
            && let Some(fixed) = inner.tcp.first_chunk::<20>()
            && inner.tcp.len() >= inner.header_bytes()
            && inner.fragment != Fragment::First
        {
            let (options, mptcp_subtypes) =
                options(inner.tcp.get(20..inner.header_bytes()).unwrap_or_default());
            return Some(segment(record, inner, fixed, options, mptcp_subtypes, Whole::Yes));
        }
        incomplete(record, decoded)
    }
}

impl<'a> Subject<'a> {
    /// A segment of a captured packet as a filter sees it; `origin` is when the capture began.
    pub fn of_packet(
        record: &'a Record<'_>,
        decoded: &'a Decoded<'_>,
        segment: &'a Segment,
        analysis: &'a Analysis,
        origin: Instant,
    ) -> Subject<'a> {
        let inner = decoded.segment();
        let packet = Packet {
            frame: record.bytes,
            is_ethernet: record.link_type == LinkType::ETHERNET,
            vlans: inner.vlans.ids(),
            tcp: inner.tcp,
            traffic_class: inner.ip.traffic_class,
            dont_fragment: inner.ip.dont_fragment,
        };
        Subject { segment, analysis, packet, origin }
    }
}

/// A segment that an ICMP error quotes, or of which fragmentation or the capture left a part.
#[cold]
fn incomplete(record: &Record<'_>, decoded: &Decoded<'_>) -> Option<Segment> {
    let (inner, icmp) = match decoded {
        Decoded::Tcp(segment) => (segment, None),
        Decoded::Quoted { segment, error } => {
            let error = IcmpError::new(error.from, error.kind, error.code, error.mtu_bytes);
            (segment, Some(error))
        }
    };
    let quoted = icmp.is_some();
    let tcp = inner.tcp;
    let to_window = tcp.len() >= 16;
    if tcp.len() < 8 || !(to_window || quoted) {
        return None;
    }
    // fields that are there in part are not there
    let whole_bytes = if to_window { tcp.len().min(20) & !3 } else { 8 };
    let mut fixed = [0; 20];
    fixed[..whole_bytes].copy_from_slice(&tcp[..whole_bytes]);
    let (header_bytes, mut read, mut subtypes) = (inner.header_bytes(), Options::default(), 0);
    let there = tcp.len().min(header_bytes);
    let is_cut = to_window && there < header_bytes && !quoted;
    if there > 20 {
        (read, subtypes) = options(&tcp[20..there]);
        if is_cut {
            sack_of_cut(&tcp[20..there], &mut read);
        }
    }
    let whole = match (quoted, inner.fragment) {
        (true, _) => Whole::QuotedInIcmp,
        (false, Fragment::First) => Whole::Fragment,
        (false, _) if is_cut => Whole::OptionsCut,
        (false, _) => Whole::Yes,
    };
    let segment = segment(record, inner, &fixed, read, subtypes, whole);
    let window = if to_window { segment.window } else { Segment::default().window };
    Some(Segment { window, icmp, ..segment })
}

#[inline]
fn segment(
    record: &Record<'_>,
    inner: &capture::Segment<'_>,
    fixed: &[u8; 20],
    options: Options,
    mptcp_subtypes: u16,
    whole: Whole,
) -> Segment {
    let half = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let word = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    Segment {
        frame: Frame::try_from(record.number).unwrap_or(Frame::MAX),
        time: Instant::from_nanos(record.time_ns),
        source: SocketAddr::new(inner.ip.src, half(0)),
        destination: SocketAddr::new(inner.ip.dst, half(2)),
        seq: Seq::new(word(4)),
        ack: Seq::new(word(8)),
        flags: Flags::from_bits(half(12)),
        window: half(14),
        urgent: half(18),
        options,
        mptcp_subtypes,
        text_bytes: inner.payload_wire_bytes(),
        frame_bytes: record.wire_bytes,
        ip_bytes: if inner.ip.total_bytes > 0 { inner.ip.total_bytes } else { record.wire_bytes },
        ip_id: inner.ip.id.map(|id| id as u16),
        ttl: inner.ip.ttl,
        ecn: inner.ip.ecn(),
        interface: record.interface.0,
        whole,
        repeats: inner.repeats.map_or(0, |record| Frame::try_from(record.get()).unwrap_or(Frame::MAX)),
        icmp: None,
    }
}

/// The options, and which MPTCP operations are among them.
#[inline]
fn options(bytes: &[u8]) -> (Options, u16) {
    // what nearly all segments carry: two NOPs and the timestamps (RFC 7323 appendix A)
    if let [1, 1, 8, 10, stamps @ ..] = bytes
        && let Some(&[a, b, c, d, e, f, g, h]) = stamps.first_chunk::<8>()
        && stamps.len() == 8
    {
        let timestamps =
            Timestamps { value: u32::from_be_bytes([a, b, c, d]), echo: u32::from_be_bytes([e, f, g, h]) };
        return (Options { timestamps: Some(timestamps), ..Options::default() }, 0);
    }
    other_options(bytes)
}

#[inline(never)]
fn other_options(bytes: &[u8]) -> (Options, u16) {
    let subtypes = if bytes.contains(&kind::MULTIPATH) { mptcp_subtypes(bytes) } else { 0 };
    (Options::parse(bytes), subtypes)
}

/// The blocks that are whole of a SACK option whose end was cut off.
fn sack_of_cut(bytes: &[u8], options: &mut Options) {
    let cut = RawOptions::new(bytes).find_map(Result::err).filter(|option| option.kind == kind::SACK);
    let Some(blocks) = cut.and_then(|option| bytes.get(option.offset_bytes + 2..)) else { return };
    for block in blocks.chunks_exact(8) {
        if let (Some(left), Some(right)) = (be32(block, 0), be32(block, 4)) {
            options.sack.push(SackBlock { left: Seq::new(left), right: Seq::new(right) });
        }
    }
}

fn mptcp_subtypes(bytes: &[u8]) -> u16 {
    RawOptions::new(bytes)
        .flatten()
        .filter(|option| option.kind == kind::MULTIPATH)
        .filter_map(|option| Some((option.data.first()? >> 4, option.data.len())))
        .filter(|(subtype, len)| *subtype != MP_CAPABLE || *len >= MP_CAPABLE_WITH_KEY)
        .fold(0, |subtypes, (subtype, _)| subtypes | 1 << subtype)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_sack_option_that_was_cut_the_whole_blocks_are_kept() {
        let bytes = [1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 20, 0, 0];
        let mut options = Options::default();
        sack_of_cut(&bytes, &mut options);
        assert_eq!(options.sack.as_slice(), [SackBlock { left: Seq::new(1), right: Seq::new(9) }]);
    }
}
