//! A middlebox at work: options of a passing segment are stripped or rewritten, its checksum is mended.
//!
//! The mending is incremental (RFC 1624), so that a segment damaged before stays damaged.

use super::{Middlebox, Touches};
use wire::checksum;
use wire::ip::protocol;
use wire::segmentation::Layout;
use wire::tcp::kind;
use wire::{Checksum, Frame, Medium};

impl Middlebox {
    /// Meddles with a frame that has its headers in its head; leaves everything but TCP alone.
    pub(crate) fn meddle(&self, frame: &mut Frame) {
        let head = frame.head.as_mut_slice();
        let Some(layout) = Layout::of(head, Medium::Ip).filter(|layout| layout.protocol == protocol::TCP)
        else {
            return;
        };
        let tcp = &mut head[layout.transport_at..layout.text_at];
        let is_syn = tcp[13] & 0x02 != 0;
        let is_touched = match self.touches {
            Touches::All => true,
            Touches::Syns => is_syn,
            Touches::AllButSyns => !is_syn,
        };
        if !is_touched {
            return;
        }
        let before = tcp.to_vec();
        self.rewrite(&mut tcp[20..]);
        if frame.offload.checksum != Checksum::Complete {
            return;
        }
        let mut sum = u16::from_be_bytes([before[16], before[17]]);
        for (old, new) in before[20..].chunks_exact(2).zip(tcp[20..].chunks_exact(2)) {
            sum = checksum::updated(
                sum,
                u16::from_be_bytes([old[0], old[1]]),
                u16::from_be_bytes([new[0], new[1]]),
            );
        }
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    }

    /// Walks the options; an impossible length ends the walk.
    fn rewrite(&self, options: &mut [u8]) {
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
            if self.strips.contains(&option[0]) {
                option.fill(kind::NOP);
            } else if let ([kind::MSS, 4, a, b], Some(max)) = (&mut *option, self.mss_bytes_max) {
                [*a, *b] = u16::from_be_bytes([*a, *b]).min(max).to_be_bytes();
            } else if let ([kind::WINDOW_SCALE, 3, shift], Some(new)) = (&mut *option, self.window_scale) {
                *shift = new;
            }
            at += len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::tcp::{Flags, Header, OptionLayout, Options, Timestamps};
    use wire::{ipv4, segmentation};

    fn syn() -> Frame {
        let options = Options {
            mss: Some(1_460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some(Timestamps { value: 1, echo: 2 }),
            ..Options::default()
        };
        let tcp = Header { flags: Flags::SYN, options, ..Header::default() };
        let tcp_bytes = tcp.len_bytes(OptionLayout::Linux);
        let mut frame = Frame::default();
        ipv4::Header {
            protocol: protocol::TCP,
            ttl: 64,
            total_bytes: (20 + tcp_bytes) as u16,
            ..ipv4::Header::default()
        }
        .emit(frame.head.grow(20));
        tcp.emit(frame.head.grow(tcp_bytes), OptionLayout::Linux);
        frame.offload.checksum = Checksum::Trusted;
        segmentation::complete_checksum(&mut frame, Medium::Ip);
        frame
    }

    fn options(frame: &Frame) -> Options {
        Header::parse(&frame.head.as_slice()[20..]).unwrap().0.options
    }

    #[test]
    fn options_are_stripped_and_rewritten_and_the_checksum_is_right() {
        let mut frame = syn();
        frame.offload.checksum = Checksum::Complete;
        let middlebox = Middlebox {
            strips: vec![kind::TIMESTAMPS, kind::SACK_PERMITTED],
            mss_bytes_max: Some(1_300),
            window_scale: Some(2),
            ..Middlebox::default()
        };
        middlebox.meddle(&mut frame);
        let seen = options(&frame);
        assert_eq!((seen.mss, seen.window_scale), (Some(1_300), Some(2)));
        assert_eq!((seen.sack_permitted, seen.timestamps), (false, None));
        assert_eq!(segmentation::checksum_is_good(&frame, Medium::Ip), Some(true));
    }

    #[test]
    fn segments_it_does_not_touch_are_left_alone() {
        let mut frame = syn();
        let middlebox =
            Middlebox { strips: vec![kind::MSS], touches: Touches::AllButSyns, ..Middlebox::default() };
        middlebox.meddle(&mut frame);
        assert_eq!(frame.to_vec(), syn().to_vec());
    }
}
