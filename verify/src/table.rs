//! The state diagram with two ends and an adversarial network, explored completely.
//!
//! Ends move by [`tcp::state::lookup`] alone. Sequence numbers are small: an incarnation and a position (the SYN is
//! 0, the FIN is 1), which is all that opening and closing need. The network is a *set* of segments: any of them may
//! arrive at any time, again and again, or never; so loss, repetition and reordering have no bound and the number of
//! states still is finite. Timers may fire whenever something is unacknowledged; TIME-WAIT ends once the
//! network has forgotten everything, which is what 2 MSL means.

mod arrives;
mod model;

pub use arrives::{End, rows_never_taken};
pub use model::{Act, Scene, Table, World};

use std::fmt;

/// A place in a stream: which incarnation of the connection, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number {
    /// Which initial sequence number it counts from.
    pub incarnation: u8,
    /// 0 before the SYN, 1 behind it, 2 behind the FIN.
    pub position: u8,
}

impl Number {
    /// The number this far on.
    #[must_use]
    pub fn plus(self, positions: u8) -> Number {
        Number { position: self.position + positions, ..self }
    }
}

/// A segment without text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Segment {
    /// The end it is for.
    pub to: usize,
    /// SEG.SEQ.
    pub seq: Number,
    /// SEG.ACK, if the ACK bit is set.
    pub ack: Option<Number>,
    /// What else it says.
    pub kind: Kind,
}

/// The control bits beside ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// None.
    Plain,
    /// SYN.
    Syn,
    /// FIN.
    Fin,
    /// RST.
    Rst,
}

impl Segment {
    /// SEG.LEN.
    pub fn len(&self) -> u8 {
        u8::from(matches!(self.kind, Kind::Syn | Kind::Fin))
    }

    /// Whether it takes no sequence space.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Number { incarnation, position } = self.seq;
        write!(f, "{:?} to {} seq {incarnation}:{position}", self.kind, self.to)?;
        match self.ack {
            Some(Number { incarnation, position }) => write!(f, " ack {incarnation}:{position}"),
            None => Ok(()),
        }
    }
}
