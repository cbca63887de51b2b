//! Where the lens puts what it finds, while it reads.
//!
//! A consumer that prints takes each value as it comes; one that draws keeps the segments of the
//! streams it wants. Nothing is kept by the lens itself beyond the open connections.

use crate::{Analysis, Connection, Correction, Finding, FindingGroup, Segment};

/// What takes the lens's words.
///
/// ```
/// struct Count(u64);
/// impl synfin_lens::Sink for Count {
///     fn segment(&mut self, _segment: &synfin_lens::Segment, analysis: &synfin_lens::Analysis) {
///         self.0 += u64::from(!analysis.verdicts.is_empty());
///     }
/// }
/// ```
pub trait Sink {
    /// A segment was taken.
    fn segment(&mut self, segment: &Segment, analysis: &Analysis) {
        let _ = (segment, analysis);
    }

    /// The segment that was just taken shows more of an earlier one than was told then: another cause, or that it was
    /// needless.
    fn corrected(&mut self, correction: &Correction) {
        let _ = correction;
    }

    /// A connection will not be heard of again: the capture is over, another one took its addresses
    /// and ports, or memory was needed.
    fn connection(&mut self, connection: &Connection) {
        let _ = connection;
    }

    /// Something that a person should know; those of a connection follow it.
    fn finding(&mut self, finding: &Finding) {
        let _ = finding;
    }

    /// Findings of one kind and host together, when the capture is over; the most serious first.
    fn group(&mut self, group: &FindingGroup) {
        let _ = group;
    }

    /// The lens had to forget something, or the capture as a whole is odd.
    fn notice(&mut self, notice: &Notice) {
        let _ = notice;
    }
}

/// What the lens could not do within its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A connection was summed up early, to keep memory bounded; its later segments, if any, count as
    /// a new one.
    Evicted {
        /// Its number.
        stream: u32,
        /// How many were evicted up to now.
        total: u64,
    },
    /// So many segments are in flight that no further ones are remembered, from this frame on: round
    /// trips and the references of retransmissions are missing for some.
    InFlightLeftOut {
        /// The first frame for which that holds.
        frame: crate::Frame,
    },
    /// Findings of one kind were left out beyond the bound.
    FindingsLeftOut {
        /// The kind.
        kind: &'static str,
        /// How many were left out.
        count: u64,
    },
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Notice::Evicted { stream, total } => write!(
                f,
                "connection {stream} was summed up early to keep memory bounded ({total} up to now); raise the limit of connections to follow all"
            ),
            Notice::InFlightLeftOut { frame } => write!(
                f,
                "from frame {frame} on some segments in flight are not remembered, to keep memory bounded; is one direction missing?"
            ),
            Notice::FindingsLeftOut { kind, count } => {
                write!(f, "{count} more findings of the kind {kind} were left out")
            }
        }
    }
}

/// Takes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl Sink for Discard {}

/// Keeps everything but segments, and the segments of chosen streams.
///
/// ```
/// let kept = synfin_lens::Kept { keep_segments: synfin_lens::KeepSegments::Stream(3), ..synfin_lens::Kept::default() };
/// assert!(kept.connections.is_empty());
/// ```
///
/// Fields are added in minor versions: write `Kept { keep_segments, ..Kept::default() }`.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Whose segments are kept.
    pub keep_segments: KeepSegments,
    /// At most so many, so that one connection cannot fill the memory; 0 for no limit.
    pub segments_max: usize,
    /// The segments, in the order of capture, with what was seen of them later.
    pub segments: Vec<(Segment, Analysis)>,
    /// What was corrected of them, in the order of the frames that show it.
    pub corrections: Vec<Correction>,
    /// At most so many connections, not counting the one whose segments are kept; 0 for no limit.
    pub connections_max: usize,
    /// The connections, in the order in which they ended; at the end those that are open, by number.
    pub connections: Vec<Connection>,
    /// How many ended when there were as many as that.
    pub connections_left_out: u64,
    /// The findings.
    pub findings: Vec<Finding>,
    /// All findings by kind and host.
    pub groups: Vec<FindingGroup>,
    /// The notices.
    pub notices: Vec<Notice>,
}

/// Whose segments [`Kept`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeepSegments {
    /// Nobody's.
    #[default]
    None,
    /// Those of one stream.
    Stream(u32),
    /// All.
    All,
}

/// Segments are kept in the order of time, and their frames are nearly in order: one is this far from its place at most
/// (see [`crate::TimeOrder`]).
const MISPLACED_MAX: usize = 1_024;

impl Kept {
    /// Where the segment is that is corrected, if it was kept.
    fn place_of(&self, correction: &Correction) -> Option<usize> {
        let near = self.segments.partition_point(|(segment, _)| segment.frame < correction.frame);
        let first = near.saturating_sub(MISPLACED_MAX);
        let last = near.saturating_add(MISPLACED_MAX).min(self.segments.len());
        let is_it = |(segment, said): &(Segment, Analysis)| {
            segment.frame == correction.frame
                && said.stream == correction.stream
                && said.from == correction.from
        };
        // nearly always it is where the search ends
        let right = self.segments[near..last].iter().position(is_it).map(|at| near + at);
        right.or_else(|| self.segments[first..near].iter().rposition(is_it).map(|at| first + at))
    }
}

impl Sink for Kept {
    fn segment(&mut self, segment: &Segment, analysis: &Analysis) {
        let wanted = match self.keep_segments {
            KeepSegments::None => false,
            KeepSegments::Stream(stream) => stream == analysis.stream,
            KeepSegments::All => true,
        };
        if wanted && (self.segments_max == 0 || self.segments.len() < self.segments_max) {
            self.segments.push((*segment, *analysis));
        }
    }

    fn corrected(&mut self, correction: &Correction) {
        if let Some((_, said)) = self.place_of(correction).map(|place| &mut self.segments[place]) {
            correction.apply(said);
            self.corrections.push(*correction);
        }
    }

    fn connection(&mut self, connection: &Connection) {
        let is_chosen = self.keep_segments == KeepSegments::Stream(connection.stream);
        if is_chosen || self.connections_max == 0 || self.connections.len() < self.connections_max {
            self.connections.push(connection.clone());
        } else {
            self.connections_left_out += 1;
        }
    }

    fn finding(&mut self, finding: &Finding) {
        self.findings.push(finding.clone());
    }

    fn group(&mut self, group: &FindingGroup) {
        self.groups.push(group.clone());
    }

    fn notice(&mut self, notice: &Notice) {
        self.notices.push(notice.clone());
    }
}
