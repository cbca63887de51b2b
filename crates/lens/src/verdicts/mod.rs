//! Wireshark's verdicts on a segment, compatible by name and condition with release 4.4.
//!
//! People filter by these names and compare counts with them, so they are kept exactly, also where
//! they are wrong about SACK or reordering; what really happened is said by [`crate::Why`]. What is
//! *not* here: the states of the ends, and anything that Wireshark does not say.

mod completeness;
mod delivery;
mod remembered;
mod row;
mod scaling;
mod sequence;
mod settled;
mod special;
mod unacked;
mod zero;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod walked;

pub use completeness::Completeness;
pub(crate) use delivery::Delivery;
pub(crate) use remembered::Remembered;
pub(crate) use scaling::{InferredScale, Scale};
pub(crate) use sequence::{Judged, Known, begin, judge};
pub(crate) use special::{note_handshake_options, reports_duplicate, special_verdicts};
pub(crate) use zero::AsWireshark;

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of verdicts.
///
/// ```
/// use synfin_lens::Verdicts;
/// let both = Verdicts::RETRANSMISSION | Verdicts::FAST_RETRANSMISSION;
/// assert_eq!(both.to_string(), "retransmission,fast_retransmission");
/// assert!(both.contains(Verdicts::RETRANSMISSION));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Verdicts(u32);

/// How serious Wireshark deems a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum VerdictSeverity {
    /// Ordinary life of a connection.
    Chat,
    /// Worth a look.
    Note,
    /// Something went wrong.
    Warn,
}

macro_rules! verdicts {
    ($($bit:literal $constant:ident $name:literal $severity:ident $doc:literal;)+) => {
        impl Verdicts {
            $(#[doc = $doc] pub const $constant: Verdicts = Verdicts(1 << $bit);)+
        }
        /// Every verdict with its short name and severity, in the order in which names are printed.
        const TABLE: &[(Verdicts, &str, VerdictSeverity)] =
            &[$((Verdicts::$constant, $name, VerdictSeverity::$severity)),+];
    };
}

verdicts! {
    0 REUSED_PORTS "reused_ports" Note "A new connection between the same addresses and ports.";
    1 LOST_SEGMENT "lost_segment" Warn "Previous segment not captured: the sequence number jumped forward.";
    2 ACK_LOST_SEGMENT "ack_lost_segment" Warn "Acknowledges a segment that was not captured.";
    3 OUT_OF_ORDER "out_of_order" Warn "Came after later data, and soon.";
    4 RETRANSMISSION "retransmission" Note "Carries again what was sent; also set with the next two.";
    5 FAST_RETRANSMISSION "fast_retransmission" Note "A retransmission that answers duplicate ACKs.";
    6 SPURIOUS_RETRANSMISSION "spurious_retransmission" Note "Carries only what was acknowledged already.";
    7 DUPLICATE_ACK "duplicate_ack" Note "Repeats the acknowledgment before it.";
    8 KEEP_ALIVE "keep_alive" Note "Probes an idle peer with the byte before the next.";
    9 KEEP_ALIVE_ACK "keep_alive_ack" Note "Answers a keep-alive.";
    10 WINDOW_UPDATE "window_update" Chat "Changes nothing but the window.";
    11 WINDOW_FULL "window_full" Warn "Fills the peer's receive window to the last byte.";
    12 ZERO_WINDOW "zero_window" Warn "Says that its sender can take no more.";
    13 ZERO_WINDOW_PROBE "zero_window_probe" Note "One byte into a closed window.";
    14 ZERO_WINDOW_PROBE_ACK "zero_window_probe_ack" Note "Answers a window probe: still closed.";
    15 TFO_SYN "tfo_syn" Note "A SYN with a Fast Open cookie.";
    16 TFO_ACK "tfo_ack" Note "A SYN,ACK that takes the data of the SYN.";
    17 TFO_IGNORED "tfo_ignored" Note "A SYN,ACK that does not take the data of a SYN with a cookie.";
    18 DSACK "dsack" Warn "Reports a segment that arrived twice (RFC 2883).";
    19 PARTIAL_ACK "partial_ack" Note "Acknowledges part of a captured segment.";
}

impl Verdicts {
    /// No verdict.
    pub const NONE: Verdicts = Verdicts(0);

    /// What `tcp.analysis.flags` stands for: everything but what options alone show.
    pub const FLAGS: Verdicts = Verdicts((1 << 15) - 1);

    /// What tells of probes of an idle peer or a closed window, and of the answers to them.
    pub(crate) const PROBES: Verdicts = Verdicts(
        Verdicts::KEEP_ALIVE.0
            | Verdicts::KEEP_ALIVE_ACK.0
            | Verdicts::ZERO_WINDOW_PROBE.0
            | Verdicts::ZERO_WINDOW_PROBE_ACK.0,
    );

    /// The set as bits, by the order of the names.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` are in it.
    pub const fn contains(self, other: Verdicts) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in it.
    pub const fn intersects(self, other: Verdicts) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// This set without `other`.
    #[must_use]
    pub const fn without(self, other: Verdicts) -> Verdicts {
        Verdicts(self.0 & !other.0)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Verdicts> {
        TABLE.iter().map(|row| row.0)
    }

    /// The single verdicts in it.
    pub fn iter(self) -> impl Iterator<Item = Verdicts> {
        TABLE.iter().map(|row| row.0).filter(move |verdict| self.contains(*verdict))
    }

    /// Wireshark's short names: what follows `tcp.analysis.` in a filter.
    ///
    /// ```
    /// let names: Vec<_> = synfin_lens::Verdicts::ZERO_WINDOW.names().collect();
    /// assert_eq!(names, ["zero_window"]);
    /// ```
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        TABLE.iter().filter(move |row| self.contains(row.0)).map(|row| row.1)
    }

    /// The short names of all verdicts.
    pub(crate) fn all_names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.1)
    }

    /// The verdict of this short name.
    pub fn from_name(name: &str) -> Option<Verdicts> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The most serious severity in it, `None` when it is empty.
    pub fn severity(self) -> Option<VerdictSeverity> {
        TABLE.iter().filter(|row| self.contains(row.0)).map(|row| row.2).max()
    }
}

impl BitOr for Verdicts {
    type Output = Verdicts;
    fn bitor(self, other: Verdicts) -> Verdicts {
        Verdicts(self.0 | other.0)
    }
}

impl BitOrAssign for Verdicts {
    fn bitor_assign(&mut self, other: Verdicts) {
        self.0 |= other.0;
    }
}

impl fmt::Display for Verdicts {
    /// The short names with commas between, as the reference lists write them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}
