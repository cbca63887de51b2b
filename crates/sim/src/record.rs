//! What an observer of the world sees: every frame on every link, and what every host says.
//!
//! A frame is known by its number among [`crate::World::frames`], never by what it looks like: the log says
//! of each frame which record made it, and of each record which arrival of which frame brought it about.
//!
//! Nothing is kept unless asked for ([`crate::World::record`]). [`captured`] turns the records into what a capture
//! at one point of the path would hold.

use crate::ids::{HostId, LinkId};
use stack::TraceRecord;
use tcp::{Instant, SegmentFacts};
use wire::Frame;
use wire::tcp::Header;

/// What became of one frame.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FrameRecord {
    /// When the host handed it to the link, or the test let it arrive.
    pub sent_at: Instant,
    /// Which link.
    pub link: LinkId,
    /// Who sent it, or seems to have.
    pub from: HostId,
    /// Who is at the other end.
    pub to: HostId,
    /// How it came onto the link.
    pub origin: Origin,
    /// As it was sent.
    pub frame: Frame,
    /// Its arrivals: none yet or never, one, or several if it was doubled.
    pub arrivals: Vec<Arrival>,
    /// Why it never arrives, once that is certain.
    pub lost: Option<Lost>,
    /// Whether it was held back, so that others overtook it.
    pub held_back: bool,
    /// Whether a queue marked it "congestion experienced".
    pub marked: bool,
    /// Whether a bit of it was flipped.
    pub corrupted: bool,
}

impl FrameRecord {
    /// The TCP header as it was sent, and the number of bytes of text; `None` if it is no TCP segment.
    pub fn tcp(&self) -> Option<(Header, usize)> {
        crate::fate::tcp_of(&self.frame)
    }

    /// What it says as a trace would keep it, the window as it stands in the header; `None` if it is no TCP
    /// segment.
    pub fn facts(&self) -> Option<SegmentFacts> {
        crate::fate::facts_of(&self.frame)
    }
}

/// How a frame came onto a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A host sent it.
    Host {
        /// The place in the log of the [`tcp::Trace::Sent`] that made it; super-segments that were cut made
        /// several. `None` if the log keeps none: it is not being written, it is full, or the frame carries
        /// no TCP segment.
        sending: Option<usize>,
    },
    /// A test let it arrive out of nowhere ([`crate::World::inject`]): nobody sent it.
    Injected,
}

/// One arrival of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameArrival {
    /// The frame's number among [`crate::World::frames`].
    pub frame: usize,
    /// Which of its [`FrameRecord::arrivals`]: 0 for the first.
    pub arrival: usize,
}

/// One arrival of a frame.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// As it arrived: middleboxes and noise may have changed it.
    pub frame: Frame,
}

impl Arrival {
    /// What it says, the window as it stands in the header; `None` if it is no TCP segment.
    pub fn facts(&self) -> Option<SegmentFacts> {
        crate::fate::facts_of(&self.frame)
    }
}

/// Why a frame never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lost {
    /// The wire's loss model.
    Wire,
    /// The queue was full.
    QueueFull,
    /// The queue's discipline threw it away.
    QueueManaged,
    /// The link was down.
    Outage,
    /// It did not fit through a narrow place.
    TooBig,
    /// The test said so.
    Fate,
    /// A middlebox has put its text into the segment before it, with which it arrives.
    Merged,
    /// It was for a station that is not on the link.
    NoStation,
    /// The sender's own device refused it.
    Device,
    /// The hosts are parted from each other.
    Parted,
    /// Nobody is there to receive it.
    HostDown,
    /// A middlebox let it not pass.
    Middlebox,
}

impl Lost {
    /// Every reason.
    pub const ALL: [Lost; 12] = [
        Lost::Wire,
        Lost::QueueFull,
        Lost::QueueManaged,
        Lost::Outage,
        Lost::TooBig,
        Lost::Fate,
        Lost::Merged,
        Lost::NoStation,
        Lost::Device,
        Lost::Parted,
        Lost::HostDown,
        Lost::Middlebox,
    ];

    /// In a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Lost::Wire => "lost on the wire",
            Lost::QueueFull => "the queue was full",
            Lost::QueueManaged => "dropped by the queue's discipline",
            Lost::Outage => "the link was down",
            Lost::TooBig => "too big for the path",
            Lost::Fate => "lost by the test",
            Lost::NoStation => "for a station that is not there",
            Lost::Device => "refused by the sender's device",
            Lost::Parted => "the hosts are parted",
            Lost::HostDown => "the host is down",
            Lost::Middlebox => "dropped by a middlebox",
            Lost::Merged => "merged into the segment before it",
        }
    }
}

impl From<netem::Lost> for Lost {
    /// What a lane lost. A world's lanes hold as much as there is, so nothing is too much for them.
    fn from(why: netem::Lost) -> Lost {
        match why {
            netem::Lost::QueueFull => Lost::QueueFull,
            netem::Lost::QueueManaged => Lost::QueueManaged,
            netem::Lost::Outage => Lost::Outage,
            netem::Lost::TooBig => Lost::TooBig,
            netem::Lost::Fate => Lost::Fate,
            netem::Lost::Merged => Lost::Merged,
            netem::Lost::Middlebox => Lost::Middlebox,
            _ => Lost::Wire,
        }
    }
}

/// A frame at the end of its way over a link, as [`crate::World::observe_frames`] sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Crossing<'a> {
    /// When it arrived or was lost.
    pub at: Instant,
    /// Over which link.
    pub link: LinkId,
    /// Who sent it.
    pub from: HostId,
    /// Who is at the other end.
    pub to: HostId,
    /// The frame as it is then: middleboxes and noise may have changed it.
    pub frame: &'a Frame,
    /// How it ended.
    pub ended: Ended,
}

impl Crossing<'_> {
    /// The TCP header and the number of bytes of text; `None` if it is no TCP segment.
    pub fn tcp(&self) -> Option<(Header, usize)> {
        crate::fate::tcp_of(self.frame)
    }
}

/// How a frame's way over a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// It arrived as it was sent.
    Whole,
    /// It arrived with a flipped bit.
    Damaged,
    /// It never arrives.
    Lost(Lost),
}

/// One thing that happened, as the world's log keeps it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// At which host.
    pub host: HostId,
    /// What.
    pub what: Happening,
    /// The arrival that brought it about: the connection took or refused that frame, moved because of it,
    /// or a program was called after it. `None` for what a call, a timer or an unrecorded frame did.
    pub cause: Option<FrameArrival>,
}

/// What can happen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Happening {
    /// A connection did something and said why.
    Traced(TraceRecord),
    /// An application said something: `connect returns`.
    Said(String),
    /// This host put a frame onto a link; its number among [`crate::World::frames`].
    Departed {
        /// Its number.
        frame: usize,
    },
    /// A frame arrived at this host. What the host made of it follows.
    Arrived(FrameArrival),
    /// A frame that this host sent is lost; its number among [`crate::World::frames`].
    Lost {
        /// Its number.
        frame: usize,
        /// Why.
        why: Lost,
    },
}

/// What to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Frames kept; later ones are not. Zero: none.
    pub frames_max: usize,
    /// Log entries kept; later ones are not. Zero: none, and connections do not trace.
    pub entries_max: usize,
}

impl Recording {
    /// Nothing.
    pub const NOTHING: Recording = Recording { frames_max: 0, entries_max: 0 };
    /// Frames alone, for a capture.
    pub const FRAMES: Recording = Recording { frames_max: usize::MAX, entries_max: 0 };
    /// Everything.
    pub const EVERYTHING: Recording = Recording { frames_max: usize::MAX, entries_max: usize::MAX };
}

/// Where a capture is taken.
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vantage {
    /// At one host: what it sends, as it sends it, and what reaches it.
    At(HostId),
    /// At all hosts at once, each an interface of its own.
    Everywhere,
}

/// One frame of a capture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Captured<'a> {
    /// When it passed the point of capture.
    pub at: Instant,
    /// At which host.
    pub host: HostId,
    /// Which way.
    pub direction: Direction,
    /// The frame.
    pub frame: &'a Frame,
    /// Its record's number.
    pub number: usize,
}

/// Which way a captured frame went.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Out of the host.
    Outbound,
    /// Into the host.
    Inbound,
}

/// What a capture there holds, in the order of time.
pub fn captured(records: &[FrameRecord], vantage: Vantage) -> Vec<Captured<'_>> {
    let sees = |host: HostId| match vantage {
        Vantage::At(here) => here == host,
        Vantage::Everywhere => true,
    };
    let mut out = Vec::new();
    for (number, record) in records.iter().enumerate() {
        if sees(record.from) && record.origin != Origin::Injected {
            let (at, host, frame) = (record.sent_at, record.from, &record.frame);
            out.push(Captured { at, host, direction: Direction::Outbound, frame, number });
        }
        for arrival in record.arrivals.iter().filter(|_| sees(record.to)) {
            let (at, host, frame) = (arrival.at, record.to, &arrival.frame);
            out.push(Captured { at, host, direction: Direction::Inbound, frame, number });
        }
    }
    out.sort_by_key(|captured| captured.at);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lane_lost_has_a_reason_of_its_own() {
        let reasons = netem::Lost::ALL.into_iter().filter(|why| *why != netem::Lost::Overflow);
        let mut told: Vec<Lost> = reasons.map(Lost::from).collect();
        told.sort_by_key(|why| *why as usize);
        let count = told.len();
        told.dedup();
        assert_eq!((told.len(), count), (netem::Lost::ALL.len() - 1, count));
    }
}
