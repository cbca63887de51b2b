//! From a packet of a capture file to the segment that the lens takes.
//!
//! Only this file knows the room `capture`. A segment whose header was cut behind the window keeps what
//! can be read of it; one that was cut before is not one.

use crate::{Frame, Segment, Whole};
use capture::{Decoded, Fragment, Record};
use std::net::SocketAddr;
use tcp::Instant;
use wire::Seq;
use wire::tcp::{Flags, Options, RawOptions, SackBlock, Timestamps};

/// The option kinds of SACK (RFC 2018 §3) and MPTCP (RFC 8684 §9.1).
const SACK: u8 = 5;
const MPTCP: u8 = 30;

impl Segment {
    /// The segment of a captured packet; `None` when too little of a quoted one is there.
    ///
    /// Take `decoded` from [`capture::Decoder::decode`] of the same record.
    pub fn of_packet(record: &Record<'_>, decoded: &Decoded<'_>) -> Option<Segment> {
        let (inner, quoted) = match decoded {
            Decoded::Tcp(segment) => (segment, false),
            Decoded::Quoted { segment, .. } => (segment, true),
        };
        let tcp = inner.tcp;
        let mut segment = Segment {
            frame: Frame::try_from(record.number).unwrap_or(Frame::MAX),
            time: Instant::from_nanos(record.time_ns),
            source: SocketAddr::new(inner.ip.src, be16(tcp, 0)?),
            destination: SocketAddr::new(inner.ip.dst, be16(tcp, 2)?),
            seq: Seq::new(be32(tcp, 4)?),
            frame_bytes: record.wire_bytes,
            ip_bytes: if inner.ip.total_bytes > 0 { inner.ip.total_bytes } else { record.wire_bytes },
            ip_id: inner.ip.id.map(|id| id as u16),
            ttl: inner.ip.ttl,
            ecn: inner.ip.ecn(),
            interface: record.interface.0,
            text_bytes: inner.payload_wire_bytes(),
            ..Segment::default()
        };
        if quoted {
            segment.whole = Whole::QuotedInIcmp;
        }
        let Some(fixed) = tcp.first_chunk::<16>() else { return quoted.then_some(segment) };
        segment.ack = Seq::new(u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]));
        segment.flags = Flags::from_bits(u16::from_be_bytes([fixed[12], fixed[13]]));
        segment.window = u16::from_be_bytes([fixed[14], fixed[15]]);
        segment.urgent = be16(tcp, 18).unwrap_or(0);
        let header_bytes = inner.header_bytes();
        let there = tcp.len().min(header_bytes);
        if there > 20 {
            (segment.options, segment.mptcp_subtypes) = options(&tcp[20..there]);
        }
        if there < header_bytes && !quoted {
            segment.whole = Whole::OptionsCut;
            if there > 20 {
                sack_of_cut(&tcp[20..there], &mut segment.options);
            }
        }
        if inner.fragment == Fragment::First && !quoted {
            segment.whole = Whole::Fragment;
        }
        Some(segment)
    }
}

/// The options, and which MPTCP operations are among them.
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
    let subtypes = if bytes.contains(&MPTCP) { mptcp_subtypes(bytes) } else { 0 };
    (Options::parse(bytes), subtypes)
}

/// The blocks that are whole of a SACK option whose end was cut off.
fn sack_of_cut(bytes: &[u8], options: &mut Options) {
    let cut = RawOptions::new(bytes).find_map(Result::err).filter(|option| option.kind == SACK);
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
        .filter(|option| option.kind == MPTCP)
        .filter_map(|option| option.data.first())
        .fold(0, |subtypes, first| subtypes | 1 << (first >> 4))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
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
