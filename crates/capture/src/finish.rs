//! Finishing a captured frame: the work that its sender left to the link.
//!
//! A frame captured on a link with offload has a partial checksum, or none, and may be a
//! super-segment. A reader of the file would report a bad checksum. [`Finish`] says what the
//! writer completes in its copy; the frame on the link is never changed. [`wire::segmentation`] does
//! the work, for TCP and UDP over IPv4 and IPv6; other packets are written unchanged.

use crate::LinkType;
use wire::{Checksum, Frame, Medium, TransmitChecksum, segmentation};

/// Whether missing checksums are computed in the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Checksums {
    /// The bytes as they crossed the link, with or without a complete checksum.
    AsTheyAre,
    /// The checksum is computed if it was left to the link.
    #[default]
    Completed,
}

/// How a super-segment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SuperSegments {
    /// As one long packet, as a capture on a host with segmentation offload shows it.
    #[default]
    Whole,
    /// As the packets into which the link would cut it.
    Cut,
}

/// What to complete in the copy of a frame before it is written.
///
/// Fields are added in minor versions: write `Finish { checksums, ..Finish::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Finish {
    /// What happens to checksums.
    pub checksums: Checksums,
    /// What happens to super-segments.
    pub super_segments: SuperSegments,
}

impl Finish {
    /// The frames to write for `frame`.
    pub(crate) fn apply(self, frame: &Frame, link_type: LinkType) -> impl Iterator<Item = Frame> + use<> {
        let mut whole = frame.clone();
        let mut cut = None;
        if let Some(medium) = medium(link_type) {
            let is_super_segment = frame.offload.segment_bytes != 0;
            if self.super_segments == SuperSegments::Cut && is_super_segment {
                let checksum = match (self.checksums, frame.offload.checksum) {
                    (Checksums::Completed, _) | (_, Checksum::Complete) => TransmitChecksum::Full,
                    (Checksums::AsTheyAre, Checksum::Partial { .. }) => TransmitChecksum::Partial,
                    (Checksums::AsTheyAre, Checksum::Trusted) => TransmitChecksum::None,
                };
                cut = Some(segmentation::cut(frame.clone(), medium, checksum));
            } else if self.checksums == Checksums::Completed {
                segmentation::complete_checksum(&mut whole, medium);
            }
        }
        let whole = if cut.is_none() { Some(whole) } else { None };
        cut.into_iter().flatten().chain(whole)
    }
}

fn medium(link_type: LinkType) -> Option<Medium> {
    match link_type {
        LinkType::ETHERNET => Some(Medium::Ethernet),
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => Some(Medium::Ip),
        _ => None,
    }
}
