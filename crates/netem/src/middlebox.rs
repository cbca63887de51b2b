//! A middlebox at work: numbers, ports, options, control bits and the ECN field of what passes are rewritten, and some
//! segments do not pass.
//!
//! Checksums are mended incrementally (RFC 1624), so that a segment damaged before stays damaged. What is *not* here:
//! cutting and joining segments (`regroup.rs`).

mod ecn_field;
mod numbers;

pub use ecn_field::EcnRewrite;
pub use numbers::{PortMapping, Renumbering, SackNumbers};

use wire::ip::protocol;
use wire::segmentation::Layout;
use wire::tcp::{Flags, kind};
use wire::{Checksum, Frame, Medium, checksum};

/// Somebody on the path who meddles with packets; checksums are mended.
///
/// Fields are added in minor versions: write `Middlebox { touches, ..Middlebox::default() }`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Middlebox {
    /// Options of these kinds become no-operations.
    pub strips: Vec<u8>,
    /// Which segments it touches; it touches what is not TCP (for which only [`Middlebox::ecn`] has a meaning) if it
    /// touches all.
    pub touches: Touches,
    /// Lowers the Maximum Segment Size option to this.
    pub mss_bytes_max: Option<u16>,
    /// Rewrites the shift of the Window Scale option to this.
    pub window_scale: Option<u8>,
    /// Clears these control bits, as those do who take AE, CWR and ECE for reserved ones.
    pub clears: Flags,
    /// What it makes of the ECN field.
    pub ecn: EcnRewrite,
    /// Which segments that open a connection it drops.
    pub drops: SynFilter,
    /// Rewrites sequence numbers, as firewalls that do not trust a host's initial ones; of every segment.
    pub numbers: Option<Renumbering>,
    /// Rewrites ports, as a translator of addresses; of every segment.
    pub ports: Option<PortMapping>,
    /// Cuts segments into pieces of at most this much text.
    pub split_to_bytes: Option<u16>,
    /// Makes one of segments that wait behind one another (on a lane with a rate), while the packet is no longer.
    pub merge_to_bytes: Option<u16>,
}

/// Which segments a middlebox touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Touches {
    /// All.
    #[default]
    All,
    /// Those with SYN.
    Syns,
    /// Those without SYN: agreed options vanish afterwards.
    AllButSyns,
}

/// Which segments with SYN a firewall drops, as those do that know nothing newer than they are; by default none.
///
/// Fields are added in minor versions: write `SynFilter { options, ..SynFilter::default() }`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SynFilter {
    /// Those with an option of one of these kinds.
    pub options: Vec<u8>,
    /// Those with one of these control bits.
    pub flags: Flags,
    /// Those with text.
    pub text: SynText,
}

/// What becomes of a segment with SYN and text (RFC 7413).
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SynText {
    /// It passes.
    #[default]
    Passes,
    /// It is dropped.
    Dropped,
}

/// Whether a frame passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    Yes,
    No,
}

impl Middlebox {
    /// Meddles with a frame that has its headers in its head.
    pub(crate) fn meddle(&self, frame: &mut Frame, medium: Medium) -> Passes {
        let layout = Layout::of(frame.head.as_slice(), medium);
        let Some(layout) = layout.filter(|layout| layout.protocol == protocol::TCP) else {
            if self.touches == Touches::All {
                self.ecn.rewrite(frame, medium);
            }
            return Passes::Yes;
        };
        let text_bytes = frame.payload.len();
        let tcp = &mut frame.head.as_mut_slice()[layout.transport_at..layout.text_at];
        let is_syn = flags_of(tcp).syn();
        if is_syn && self.drops.catches(tcp, text_bytes) {
            return Passes::No;
        }
        let is_touched = match self.touches {
            Touches::All => true,
            Touches::Syns => is_syn,
            Touches::AllButSyns => !is_syn,
        };
        let before = tcp.to_vec();
        if let Some(ports) = self.ports {
            ports.rewrite(tcp);
        }
        if let Some(numbers) = self.numbers {
            numbers.rewrite(tcp);
        }
        if is_touched {
            clear(tcp, self.clears);
            self.rewrite(&mut tcp[20..]);
        }
        if frame.offload.checksum == Checksum::Complete && *tcp != before {
            mend_checksum(&before, tcp);
        }
        if is_touched {
            self.ecn.rewrite(frame, medium);
        }
        Passes::Yes
    }

    fn rewrite(&self, options: &mut [u8]) {
        for_each_option(options, |option| {
            if self.strips.contains(&option[0]) {
                option.fill(kind::NOP);
            } else if let ([kind::MSS, 4, a, b], Some(max)) = (&mut *option, self.mss_bytes_max) {
                [*a, *b] = u16::from_be_bytes([*a, *b]).min(max).to_be_bytes();
            } else if let ([kind::WINDOW_SCALE, 3, shift], Some(new)) = (&mut *option, self.window_scale) {
                *shift = new;
            }
        });
    }
}

impl SynFilter {
    fn catches(&self, tcp: &mut [u8], text_bytes: usize) -> bool {
        let mut has_option = false;
        for_each_option(&mut tcp[20..], |option| has_option |= self.options.contains(&option[0]));
        let has_text = self.text == SynText::Dropped && text_bytes > 0;
        has_option || has_text || flags_of(tcp).intersects(self.flags)
    }
}

fn flags_of(tcp: &[u8]) -> Flags {
    Flags::from_bits(u16::from_be_bytes([tcp[12], tcp[13]]))
}

fn clear(tcp: &mut [u8], flags: Flags) {
    let kept = u16::from_be_bytes([tcp[12], tcp[13]]) & !flags.bits();
    tcp[12..14].copy_from_slice(&kept.to_be_bytes());
}

/// Adds what has changed since `before` to the checksum of a header.
fn mend_checksum(before: &[u8], tcp: &mut [u8]) {
    let mut sum = u16::from_be_bytes([before[16], before[17]]);
    for (old, new) in before.chunks_exact(2).zip(tcp.chunks_exact(2)) {
        let [old, new] = [old, new].map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        sum = checksum::updated(sum, old, new);
    }
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
}

/// Every option of a header but the paddings; an impossible length ends the walk.
fn for_each_option(options: &mut [u8], mut each: impl FnMut(&mut [u8])) {
    let mut at = 0;
    while at < options.len() && options[at] != kind::END {
        if options[at] == kind::NOP {
            at += 1;
            continue;
        }
        let len = options.get(at + 1).map_or(0, |len| usize::from(*len));
        let Some(option) = options.get_mut(at..at + len).filter(|option| option.len() >= 2) else {
            return;
        };
        each(option);
        at += len;
    }
}

fn add_u16(field: &mut [u8], added: u16) {
    let sum = u16::from_be_bytes([field[0], field[1]]).wrapping_add(added);
    field.copy_from_slice(&sum.to_be_bytes());
}

fn add_u32(field: &mut [u8], added: u32) {
    let sum = u32::from_be_bytes([field[0], field[1], field[2], field[3]]).wrapping_add(added);
    field.copy_from_slice(&sum.to_be_bytes());
}

#[cfg(test)]
mod tests;
