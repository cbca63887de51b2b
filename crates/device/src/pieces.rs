//! Frames for links that take one at a time and cut nothing.

use std::collections::VecDeque;
use std::io;
use wire::{Frame, Medium, TransmitChecksum, segmentation};

/// Cuts frames from the front and sends their pieces, until there are none or `send` has no room. What is left of a
/// frame that was sent in part stays in front, so that no piece goes twice.
pub(crate) fn transmit_pieces(
    frames: &mut VecDeque<Frame>,
    medium: Medium,
    mut send: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<usize> {
    let mut taken = 0;
    while let Some(frame) = frames.pop_front() {
        let mut pieces = segmentation::cut(frame, medium, TransmitChecksum::Full);
        while let Some(piece) = pieces.next() {
            match send(&piece.to_vec()) {
                Ok(()) => {}
                Err(error) if is_full(&error) => {
                    let left: Vec<Frame> = std::iter::once(piece).chain(pieces).collect();
                    left.into_iter().rev().for_each(|piece| frames.push_front(piece));
                    return Ok(taken);
                }
                Err(error) => return Err(error),
            }
        }
        taken += 1;
    }
    Ok(taken)
}

/// Whether a system call failed because there is no room now.
pub(crate) fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS)
}

#[cfg(test)]
mod tests;
