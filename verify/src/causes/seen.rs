//! A capture as the lens reads it: each segment, and what the lens says of it.
//!
//! Whether a segment repeats bytes that its sender had sent before is found out here without the lens, by the highest byte
//! up to then: so that the lens is not asked which of its own claims to check.

use capture::{Decoder, Reader};
use lens::{Config, KeepSegments, Kept, Lens, Order, Segment};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::Path;
use tcp::SendReason;
use wire::Seq;

/// A captured segment.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its number in the capture, from 1.
    pub frame: u32,
    /// When it was captured, in nanoseconds.
    pub time_ns: u64,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// Its first sequence number.
    pub seq: Seq,
    /// The sequence number after it.
    pub end: Seq,
    /// The identification of its packet, of IPv4.
    pub ip_id: Option<u16>,
    /// Its sender's timestamp.
    pub timestamp: Option<u32>,
    /// It takes sequence space of which some was captured before.
    pub is_again: bool,
    /// What the lens said when it read the segment.
    pub said_first: Said,
    /// What it says in the end, with what it saw later.
    pub said: Said,
    /// It saw later that the segment was needless.
    pub is_needless: bool,
    /// How sure it is, in percent.
    pub confidence: u8,
}

impl Seen {
    /// The connection and direction that it belongs to.
    pub fn flow(&self) -> (SocketAddr, SocketAddr) {
        (self.from, self.to)
    }
}

/// What the lens says of a segment, as coarsely as it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Said {
    /// The retransmission timer ran out.
    Timeout,
    /// Lost, says the timer that ran out for what came before.
    AfterTimeout,
    /// A probe of the tail with old data.
    Probe,
    /// An acknowledgment showed a loss.
    Recovery,
    /// RACK's reordering timer ran out.
    ReorderTimer,
    /// It was too big for the path.
    PathMtu,
    /// It was overtaken on its way.
    Reordered,
    /// The same packet came twice.
    Copy,
    /// It is not sent again: a SYN or FIN, data for the first time, a probe of a window or of the peer.
    First(&'static str),
}

impl Said {
    /// What the lens says with this reason and order.
    pub fn of(reason: SendReason, order: Order) -> Said {
        match (order, reason) {
            (Order::CapturedTwice { .. }, _) => Said::Copy,
            (Order::Reordered, _) => Said::Reordered,
            (_, SendReason::Timeout) => Said::Timeout,
            (_, SendReason::AfterTimeout) => Said::AfterTimeout,
            (_, SendReason::TailLossProbe) => Said::Probe,
            (_, SendReason::FastRetransmit | SendReason::RecoveryRetransmit | SendReason::SackRecovery) => {
                Said::Recovery
            }
            (_, SendReason::ReorderTimeout) => Said::ReorderTimer,
            (_, SendReason::PathMtu) => Said::PathMtu,
            (_, reason) => Said::First(reason.name()),
        }
    }

    /// It says that the segment was sent again.
    pub fn is_again(self) -> bool {
        !matches!(self, Said::Reordered | Said::Copy | Said::First(_))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Said::Timeout => "timeout",
            Said::AfterTimeout => "after timeout",
            Said::Probe => "tail-loss probe",
            Said::Recovery => "recovery",
            Said::ReorderTimer => "reordering timer",
            Said::PathMtu => "path MTU",
            Said::Reordered => "overtaken",
            Said::Copy => "a copy",
            Said::First(reason) => reason,
        })
    }
}

/// Reads a capture file, and asks the lens of each segment.
///
/// # Errors
/// If the file cannot be read.
pub fn read(path: &Path) -> io::Result<Vec<Seen>> {
    explain(File::open(path)?)
}

/// The same for a capture that is anywhere.
///
/// # Errors
/// If it is no capture.
pub fn explain(capture: impl Read) -> io::Result<Vec<Seen>> {
    let mut lens = Lens::new(Config::default());
    let mut kept = Kept { keep_segments: KeepSegments::All, ..Kept::default() };
    let mut reader = Reader::new(capture).map_err(|error| io::Error::other(error.to_string()))?;
    let mut decoder = Decoder::new();
    while let Some(record) = reader.next() {
        // The last record of a capture that was ended may be cut.
        let Ok(record) = record else { break };
        if let Ok(decoded) = decoder.decode(&record)
            && let Some(segment) = Segment::of_packet(&record, &decoded)
        {
            lens.take(&segment, &mut kept);
        }
    }
    lens.finish(&mut kept);
    let mut highest = BTreeMap::new();
    let seen = kept.segments.iter().filter(|(segment, _)| segment.whole != lens::Whole::QuotedInIcmp);
    let mut seen: Vec<Seen> = seen.map(|(segment, analysis)| one(segment, analysis, &mut highest)).collect();
    for correction in kept.corrections.iter().filter(|correction| correction.has_other_cause()) {
        let at = seen.partition_point(|seen| seen.frame < correction.frame);
        if let Some(seen) = seen.get_mut(at).filter(|seen| seen.frame == correction.frame) {
            seen.said_first = Said::of(correction.was, Order::InOrder);
        }
    }
    Ok(seen)
}

/// Where the sequence numbers of a direction begin, and the highest up to now.
type Highest = BTreeMap<(SocketAddr, SocketAddr), (Option<Seq>, Seq)>;

fn one(segment: &Segment, analysis: &lens::Analysis, highest: &mut Highest) -> Seen {
    let (seq, end) = (segment.seq, segment.end());
    let is_syn = segment.flags.syn();
    let flow = (segment.source, segment.destination);
    let known = highest.get(&flow).copied();
    // Another first number is another connection between the same ports.
    let known = known.filter(|(first, _)| !is_syn || *first == Some(seq));
    let takes_space = segment.sequence_bytes() > 0;
    let is_again = takes_space && known.is_some_and(|(_, high)| seq.before(high));
    if takes_space || known.is_none() {
        let first = if is_syn { Some(seq) } else { known.and_then(|(first, _)| first) };
        let high = known.map_or(end, |(_, high)| Seq::latest(high, end));
        highest.insert(flow, (first, high));
    }
    Seen {
        frame: segment.frame,
        time_ns: segment.time.as_nanos(),
        from: segment.source,
        to: segment.destination,
        seq,
        end,
        ip_id: segment.ip_id,
        timestamp: segment.options.timestamps.map(|stamps| stamps.value),
        is_again,
        said_first: Said::of(analysis.why.reason, analysis.why.order),
        said: Said::of(analysis.why.reason, analysis.why.order),
        is_needless: analysis.seen_later.needless != 0,
        confidence: analysis.why.confidence.percent(),
    }
}
