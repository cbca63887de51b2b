//! A finding as a value: what it is, of whom, by which frames and numbers. Sentences are *not* here; they are made from
//! these values where people read them.

use super::FindingId;
use crate::{Confidence, Connection, Frame, Seen, Side};
use std::net::{IpAddr, SocketAddr};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
    Info,
    /// It costs time, or breaks a SHOULD.
    Warning,
    /// Data or the connection was lost, or a MUST was broken.
    Problem,
}

impl Severity {
    /// In lower case, for JSON and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Problem => "problem",
        }
    }
}

/// The frames that show a finding, the first of them if there are many.
pub type Evidenced = Vec<Frame>;

/// Of whom a finding speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FindingSubject {
    /// A connection: the end that opened it, as far as that is known, and the other.
    Connection {
        /// Its number.
        stream: u32,
        /// Its ends.
        ends: [SocketAddr; 2],
    },
    /// One end of a connection.
    End {
        /// The connection's number.
        stream: u32,
        /// The end.
        address: SocketAddr,
        /// The end that it talks to.
        peer: SocketAddr,
    },
}

impl FindingSubject {
    /// The connection's number.
    pub const fn stream(&self) -> u32 {
        match self {
            FindingSubject::Connection { stream, .. } | FindingSubject::End { stream, .. } => *stream,
        }
    }

    /// The end that it speaks of, and its peer; of a connection the end that was opened to, and the opener.
    pub const fn address_and_peer(&self) -> [SocketAddr; 2] {
        match self {
            FindingSubject::Connection { ends, .. } => [ends[1], ends[0]],
            FindingSubject::End { address, peer, .. } => [*address, *peer],
        }
    }

    /// The host that it speaks of.
    pub const fn host(&self) -> IpAddr {
        self.address_and_peer()[0].ip()
    }
}

/// Something that a person should know.
///
/// ```
/// # use synfin_lens::{Config, Kept, Lens, Segment};
/// # let mut lens = Lens::new(Config::default());
/// let mut kept = Kept::default();
/// # lens.finish(&mut kept);
/// for finding in &kept.findings {
///     println!("{} {} {:?}", finding.severity.name(), finding.id.name(), finding.numbers);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing it is.
    pub id: FindingId,
    /// Of whom it speaks.
    pub subject: FindingSubject,
    /// The frames that show it.
    pub frames: Evidenced,
    /// Numbers by name; the end of the name is the unit: `lost_segments`, `waited_us`.
    pub numbers: Vec<(&'static str, u64)>,
    /// What else is known, by name: `host-answers`. The variants of one kind differ by these.
    pub signs: Vec<&'static str>,
    /// Who else said it: the router of an ICMP error.
    pub said_by: Option<IpAddr>,
    /// How much it matters.
    pub severity: Severity,
    /// How sure it is; never less than [`Confidence::LIKELY`].
    pub confidence: Confidence,
    /// The document and section, where a rule is broken or explains it: `9293#3.6`.
    pub section: Option<&'static str>,
}

impl Finding {
    /// The connection's number.
    pub const fn stream(&self) -> u32 {
        self.subject.stream()
    }

    /// The number of this name.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.numbers.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
    }

    /// Whether this sign is among its signs.
    pub fn has(&self, sign: &str) -> bool {
        self.signs.contains(&sign)
    }
}

/// A finding before the gate.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) finding: Finding,
    /// The end that did not do what was awaited of it, since when it was awaited, and how long that may take.
    pub(super) awaited: Option<Awaited>,
    /// Its segment's numbers were outside the window.
    pub(super) is_outside: bool,
}

/// Something that did not come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited {
    pub(super) of: Side,
    pub(super) since_ns: u64,
    pub(super) patience_ns: u64,
}

impl Draft {
    fn new(id: FindingId, severity: Severity, subject: FindingSubject) -> Draft {
        let finding = Finding {
            id,
            subject,
            frames: Vec::new(),
            numbers: Vec::new(),
            signs: Vec::new(),
            said_by: None,
            severity,
            confidence: Confidence::HIGH,
            section: None,
        };
        Draft { finding, awaited: None, is_outside: false }
    }

    /// Of the connection as a whole.
    pub(super) fn of(id: FindingId, severity: Severity, connection: &Connection) -> Draft {
        let from = connection.originator();
        let ends = [connection.address(from), connection.address(from.other())];
        Draft::new(id, severity, FindingSubject::Connection { stream: connection.stream, ends })
    }

    /// Of one end.
    pub(super) fn of_end(id: FindingId, severity: Severity, connection: &Connection, side: Side) -> Draft {
        let (address, peer) = (connection.address(side), connection.address(side.other()));
        Draft::new(id, severity, FindingSubject::End { stream: connection.stream, address, peer })
    }

    pub(super) fn by(mut self, frames: impl IntoIterator<Item = Frame>) -> Draft {
        for frame in frames {
            if frame != 0 && !self.finding.frames.contains(&frame) {
                self.finding.frames.push(frame);
            }
        }
        self
    }

    pub(super) fn see(mut self, section: &'static str) -> Draft {
        self.finding.section = Some(section);
        self
    }

    pub(super) fn number(mut self, name: &'static str, number: impl Into<u64>) -> Draft {
        self.finding.numbers.push((name, number.into()));
        self
    }

    pub(super) fn said_by(mut self, router: IpAddr) -> Draft {
        self.finding.said_by = Some(router);
        self
    }

    pub(super) fn sign(mut self, sign: &'static str) -> Draft {
        self.finding.signs.push(sign);
        self
    }

    pub(super) fn sign_if(self, holds: bool, sign: &'static str) -> Draft {
        if holds { self.sign(sign) } else { self }
    }

    pub(super) fn sure(mut self, confidence: Confidence) -> Draft {
        self.finding.confidence = confidence;
        self
    }

    /// `of` was awaited since then, and may take so long.
    pub(super) fn awaits(mut self, of: Side, since_ns: u64, patience_ns: u64) -> Draft {
        self.awaited = Some(Awaited { of, since_ns, patience_ns });
        self
    }

    pub(super) fn outside_if(mut self, is_outside: bool) -> Draft {
        self.is_outside = is_outside;
        self
    }
}

pub(super) fn frames_of(seen: Seen) -> [Frame; 2] {
    [seen.first_frame, seen.last_frame]
}
