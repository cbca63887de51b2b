//! What the verdicts remember of one direction.

use super::unacked::Unacked;
use super::zero::Zero;
use super::{InferredScale, Scale, Verdicts};
use crate::Frame;
use wire::Seq;
use wire::tcp::{SackBlock, SackBlocks};

/// One direction: the segments that one end sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remembered {
    /// The highest sequence number after a segment.
    pub(crate) next_seq: Option<Seq>,
    pub(crate) next_seq_time_ns: u64,
    pub(crate) next_seq_frame: Frame,
    /// The highest number that can be acknowledged without having been missed.
    pub(crate) acknowledgeable: Option<Seq>,
    /// The acknowledgment of the latest segment.
    pub(crate) last_ack: Option<Seq>,
    pub(crate) last_ack_time_ns: u64,
    pub(crate) last_new_ack_frame: Frame,
    pub(crate) duplicate_acks: u32,
    pub(crate) window: u16,
    pub(crate) scale: Scale,
    pub(crate) inferred_scale: InferredScale,
    /// It sent something: its window is known.
    pub(crate) was_heard: bool,
    /// Nothing with ACK came since its SYN, whose window is never scaled (RFC 7323 §2.2).
    pub(crate) window_is_of_syn: bool,
    /// The highest sequence number was reached by a segment without text.
    pub(crate) advanced_without_text: bool,
    /// Something was missed: the bytes in flight are not known until the other end acknowledges.
    pub(crate) in_flight_unknown: bool,
    /// The relative number 0; `None` until a segment shows it.
    pub(crate) base: Option<Seq>,
    /// See [`super::zero`].
    pub(super) zero: Zero,
    /// The verdicts of the latest segment.
    pub(crate) last_verdicts: Verdicts,
    /// The MPTCP operations that the connection had shown before the latest segment.
    pub(super) mptcp_operations: u8,
    /// The SACK blocks of the latest segment; most connections never have any.
    pub(super) sack: Option<Box<SackBlocks>>,
    pub(crate) unacked: Unacked,
}

impl Remembered {
    /// A window field of this direction, in bytes; the second value says that the scale was inferred.
    #[inline]
    pub(crate) fn window_bytes(&self, window: u16) -> (u32, bool) {
        if self.window_is_of_syn { (u32::from(window), false) } else { self.scaled(window) }
    }

    /// The same for a window that is not that of a SYN.
    #[inline]
    pub(crate) fn scaled(&self, window: u16) -> (u32, bool) {
        match self.scale {
            Scale::Unknown => (u32::from(window) << self.inferred_scale.shift(), true),
            Scale::NotUsed | Scale::Shift(_) => (u32::from(window) << self.scale.shift(), false),
        }
    }

    /// When it was heard last; 0 for never.
    pub(crate) fn last_ns(&self) -> u64 {
        self.last_ack_time_ns.max(self.next_seq_time_ns)
    }

    /// It said that it can take nothing.
    pub(crate) fn is_closed(&self) -> bool {
        self.was_heard && self.window == 0
    }

    /// A SYN with the number of its first comes again: numbers shown by an answer to it do not count (4.4).
    pub(crate) fn on_same_syn(&mut self) {
        if self.base.is_some() {
            self.next_seq = self.acknowledgeable;
        }
    }

    /// `seq` counted from the base; itself while the base is unknown.
    #[inline]
    pub(crate) fn relative(&self, seq: Seq) -> u32 {
        self.base.map_or(seq.number(), |base| seq.bytes_since(base))
    }

    /// The SACK blocks of the latest segment.
    pub(crate) fn sack(&self) -> &[SackBlock] {
        self.sack.as_ref().map_or(&[], |blocks| blocks.as_slice())
    }

    /// Remembers the SACK blocks of the latest segment.
    #[inline]
    pub(crate) fn set_sack(&mut self, blocks: &SackBlocks) {
        match &mut self.sack {
            Some(place) if place.is_empty() && blocks.is_empty() => {}
            Some(place) => **place = *blocks,
            None if blocks.is_empty() => {}
            None => self.sack = Some(Box::new(*blocks)),
        }
    }

    /// Whether one of the latest SACK blocks holds the whole range. As in Wireshark, which compares the
    /// raw numbers of the range with edges counted from `base`: it hardly ever does.
    pub(crate) fn has_sacked(&self, seq: Seq, end: Seq, base: Seq) -> bool {
        self.sack().iter().any(|block| {
            seq.number() >= block.left.bytes_since(base) && end.number() <= block.right.bytes_since(base)
        })
    }
}
