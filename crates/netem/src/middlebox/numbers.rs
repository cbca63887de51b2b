//! Middleboxes that rewrite sequence numbers and ports, as firewalls and translators of addresses do.

use super::{add_u16, add_u32, for_each_option};
use wire::tcp::kind;

/// What a middlebox does to the sequence numbers of one direction. The other direction does the opposite:
/// [`Renumbering::pair`] gives both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Renumbering {
    /// Added to the sequence number.
    pub seq_added: u32,
    /// Taken from the acknowledgment number.
    pub ack_subtracted: u32,
    /// Whether it knows of SACK.
    pub sack: SackNumbers,
}

impl Renumbering {
    /// For the forward and the backward lane: what the first host sends has `forward` added to its numbers, what the
    /// second one sends `backward`.
    ///
    /// ```
    /// use synfin_netem::{Renumbering, SackNumbers};
    /// let [there, back] = Renumbering::pair(1_000, 5, SackNumbers::Rewritten);
    /// assert_eq!((there.seq_added, back.ack_subtracted), (1_000, 1_000));
    /// ```
    pub const fn pair(forward: u32, backward: u32, sack: SackNumbers) -> [Renumbering; 2] {
        [
            Renumbering { seq_added: forward, ack_subtracted: backward, sack },
            Renumbering { seq_added: backward, ack_subtracted: forward, sack },
        ]
    }
}

/// Whether a middlebox that rewrites numbers knows of SACK.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SackNumbers {
    /// The blocks are rewritten too.
    #[default]
    Rewritten,
    /// The blocks are left, and so say nothing true.
    Left,
}

/// What a translator does to the ports of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PortMapping {
    /// Added to the source port.
    pub source_added: u16,
    /// Taken from the destination port.
    pub destination_subtracted: u16,
}

impl PortMapping {
    /// For the forward and the backward lane: the first host's port seems higher by `added` to the second.
    pub const fn pair(added: u16) -> [PortMapping; 2] {
        [
            PortMapping { source_added: added, destination_subtracted: 0 },
            PortMapping { source_added: 0, destination_subtracted: added },
        ]
    }
}

impl Renumbering {
    pub(super) fn rewrite(self, tcp: &mut [u8]) {
        add_u32(&mut tcp[4..8], self.seq_added);
        let has_ack = tcp[13] & 0x10 != 0;
        if has_ack {
            add_u32(&mut tcp[8..12], self.ack_subtracted.wrapping_neg());
        }
        if self.sack == SackNumbers::Left {
            return;
        }
        for_each_option(&mut tcp[20..], |option| {
            if let [kind::SACK, _, edges @ ..] = option {
                edges.chunks_exact_mut(4).for_each(|edge| add_u32(edge, self.ack_subtracted.wrapping_neg()));
            }
        });
    }
}

impl PortMapping {
    pub(super) fn rewrite(self, tcp: &mut [u8]) {
        add_u16(&mut tcp[0..2], self.source_added);
        add_u16(&mut tcp[2..4], self.destination_subtracted.wrapping_neg());
    }
}
