//! Packets that hold several: one walk for each piece, from where the pieces begin.
//!
//! Each piece starts behind the one before it, so the work is bounded by the packet's length. Of an aggregate in an
//! aggregate only the first piece is read; no network sends such.

use super::view::View;
use super::walk::{Halt, Next, Walk};
use super::{Decoded, Layer, Vlans};

/// What the pieces are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pieces {
    /// The subframes of an A-MSDU.
    Msdus,
    /// The samples of an sFlow datagram.
    SflowSamples,
    /// The records that are left in a sample, and the samples behind it.
    SflowRecords(u32),
}

/// The pieces that were not read yet, and what was known where they began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest<'a> {
    view: View<'a>,
    pieces: Pieces,
    vlans: Vlans,
    tunnels: u8,
    within: Option<Layer>,
    layers: usize,
}

impl<'a> Walk<'a> {
    /// Enters the first piece, and remembers the others.
    pub(super) fn begin_pieces(&mut self, pieces: Pieces) -> Result<Next, Halt<'a>> {
        let at = Rest {
            view: self.view,
            pieces,
            vlans: self.vlans,
            tunnels: self.tunnels,
            within: self.within,
            layers: self.layers,
        };
        let is_outermost = self.rest.is_none();
        let (next, behind) = match pieces {
            Pieces::Msdus => self.msdu()?,
            Pieces::SflowSamples => self.sflow_sample(0)?,
            Pieces::SflowRecords(left) => self.sflow_sample(left)?,
        };
        if is_outermost {
            self.rest = behind.map(|(view, pieces)| Rest { view, pieces, ..at });
        }
        Ok(next)
    }

    /// Walks through the next piece, if there is one.
    #[inline]
    pub(super) fn next_piece(&mut self) -> Option<Result<Decoded<'a>, Halt<'a>>> {
        let rest = self.rest.take()?;
        Some(self.walk_on(rest))
    }

    #[cold]
    fn walk_on(&mut self, rest: Rest<'a>) -> Result<Decoded<'a>, Halt<'a>> {
        let fresh = Walk::new(&[], 0);
        *self = Walk {
            view: rest.view,
            vlans: rest.vlans,
            tunnels: rest.tunnels,
            within: rest.within,
            layers: rest.layers,
            direction: self.direction,
            link_frame: self.link_frame,
            repeats: self.repeats,
            is_part: self.is_part,
            ..fresh
        };
        self.begin_pieces(rest.pieces).and_then(|next| self.take_layers(next))
    }
}
