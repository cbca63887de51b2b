//! Bits that flip on the way.

use crate::headers::packet_at;
use crate::random::{Dice, scaled};
use bytes::Bytes;
use wire::ip::protocol;
use wire::segmentation::{self, Layout};
use wire::{Checksum, Frame, Medium, Payload};

/// The frame with one bit of its packet flipped, its checksum to be verified. Damage outside of an IP packet is found by
/// the check sequence of the link.
pub(crate) fn corrupted(mut frame: Frame, medium: Medium, draw: u64) -> Frame {
    let Some(packet_at) = packet_at(&frame, medium) else { return frame };
    segmentation::complete_checksum(&mut frame, medium);
    frame.offload.checksum = Checksum::Complete;
    let packet_bits = frame.len().saturating_sub(packet_at) as u64 * 8;
    flip(&mut frame, packet_at as u64 * 8 + scaled(draw, packet_bits));
    frame
}

/// Flips the bit at this place, counted from the start of the frame.
fn flip(frame: &mut Frame, bit: u64) {
    let (byte, mask) = ((bit / 8) as usize, 1 << (bit % 8));
    let head = frame.head.as_mut_slice();
    if let Some(byte) = head.get_mut(byte) {
        *byte ^= mask;
        return;
    }
    let byte = byte - head.len();
    let mut text = frame.payload.to_vec();
    text[byte] ^= mask;
    frame.payload = Payload::from(Bytes::from(text));
}

/// The TCP segment with bits flipped that its checksum does not miss; `None` for anything else.
pub(crate) fn corrupted_unseen(frame: &Frame, medium: Medium, dice: &mut Dice) -> Option<Frame> {
    let head = frame.head.as_slice();
    let layout = Layout::of(head, medium).filter(|layout| layout.protocol == protocol::TCP)?;
    let mut frame = frame.clone();
    let header_bits = (layout.text_at - layout.transport_at) as u64 * 8;
    // Headers are short and texts are long: half of the time it is the header.
    let in_text = !frame.payload.is_empty() && dice.below(2) == 0;
    let bit = if in_text {
        layout.text_at as u64 * 8 + dice.below(frame.payload.len() as u64 * 8)
    } else {
        layout.transport_at as u64 * 8 + dice.below(header_bits)
    };
    flip(&mut frame, bit);
    frame.offload.checksum = Checksum::Trusted;
    segmentation::complete_checksum(&mut frame, medium);
    frame.offload.checksum = Checksum::Complete;
    Some(frame)
}
