//! A middlebox at work: numbers, ports and options of a passing segment are rewritten or stripped, its checksum is
//! mended.
//!
//! The mending is incremental (RFC 1624), so that a segment damaged before stays damaged.

use wire::checksum;
use wire::ip::protocol;
use wire::segmentation::Layout;
use wire::tcp::kind;
use wire::{Checksum, Frame, Medium};

/// Somebody on the path who meddles with TCP segments; checksums are mended.
///
/// Fields are added in minor versions: write `Middlebox { touches, ..Middlebox::default() }`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Middlebox {
    /// Options of these kinds become no-operations.
    pub strips: Vec<u8>,
    /// Which segments it touches.
    pub touches: Touches,
    /// Lowers the Maximum Segment Size option to this.
    pub mss_bytes_max: Option<u16>,
    /// Rewrites the shift of the Window Scale option to this.
    pub window_scale: Option<u8>,
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

impl Middlebox {
    /// Meddles with a frame that has its headers in its head; leaves everything but TCP alone.
    pub(crate) fn meddle(&self, frame: &mut Frame, medium: Medium) {
        let head = frame.head.as_mut_slice();
        let Some(layout) = Layout::of(head, medium).filter(|layout| layout.protocol == protocol::TCP) else {
            return;
        };
        let tcp = &mut head[layout.transport_at..layout.text_at];
        let is_syn = tcp[13] & 0x02 != 0;
        let is_touched = match self.touches {
            Touches::All => true,
            Touches::Syns => is_syn,
            Touches::AllButSyns => !is_syn,
        };
        let before = tcp.to_vec();
        if let Some(ports) = self.ports {
            add_u16(&mut tcp[0..2], ports.source_added);
            add_u16(&mut tcp[2..4], ports.destination_subtracted.wrapping_neg());
        }
        if let Some(numbers) = self.numbers {
            numbers.rewrite(tcp);
        }
        if is_touched {
            self.rewrite(&mut tcp[20..]);
        }
        if frame.offload.checksum != Checksum::Complete || *tcp == before {
            return;
        }
        let mut sum = u16::from_be_bytes([before[16], before[17]]);
        for (old, new) in before.chunks_exact(2).zip(tcp.chunks_exact(2)) {
            sum = checksum::updated(
                sum,
                u16::from_be_bytes([old[0], old[1]]),
                u16::from_be_bytes([new[0], new[1]]),
            );
        }
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
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

impl Renumbering {
    fn rewrite(self, tcp: &mut [u8]) {
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
        frame_of(Header { flags: Flags::SYN, options, ..Header::default() })
    }

    fn frame_of(tcp: Header) -> Frame {
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
        middlebox.meddle(&mut frame, Medium::Ip);
        let seen = options(&frame);
        assert_eq!((seen.mss, seen.window_scale), (Some(1_300), Some(2)));
        assert_eq!((seen.sack_permitted, seen.timestamps), (false, None));
        assert_eq!(segmentation::checksum_is_good(&frame, Medium::Ip), Some(true));
    }

    #[test]
    fn numbers_and_ports_are_rewritten_there_and_back() {
        use wire::Seq;
        use wire::tcp::{SackBlock, SackBlocks};
        let mut sack = SackBlocks::default();
        sack.push(SackBlock { left: Seq::new(u32::MAX - 5), right: Seq::new(5) });
        let options =
            Options { sack, timestamps: Some(Timestamps { value: 1, echo: 2 }), ..Options::default() };
        let sent = Header {
            source_port: 65_535,
            destination_port: 80,
            seq: Seq::new(3),
            ack: Seq::new(2),
            flags: Flags::ACK,
            options,
            ..Header::default()
        };
        for sack in [SackNumbers::Rewritten, SackNumbers::Left] {
            let [there, back] = Renumbering::pair(1 << 31, 7, sack);
            let [out, home] = PortMapping::pair(3);
            let mut frame = frame_of(sent);
            frame.offload.checksum = Checksum::Complete;
            Middlebox { numbers: Some(there), ports: Some(out), ..Middlebox::default() }
                .meddle(&mut frame, Medium::Ip);
            let seen = Header::parse(&frame.head.as_slice()[20..]).unwrap().0;
            assert_eq!((seen.source_port, seen.seq, seen.ack), (2, Seq::new(3 + (1 << 31)), Seq::new(2) - 7));
            let left = if sack == SackNumbers::Left { 5 } else { 12 };
            assert_eq!(seen.options.sack.as_slice()[0].left, Seq::new(u32::MAX - left));
            assert_eq!(segmentation::checksum_is_good(&frame, Medium::Ip), Some(true));
            // The answer, with both ends exchanged, comes back as an answer to what was sent.
            let answer = Header {
                source_port: seen.destination_port,
                destination_port: seen.source_port,
                seq: seen.ack,
                ack: seen.seq,
                ..seen
            };
            let mut frame = frame_of(answer);
            Middlebox { numbers: Some(back), ports: Some(home), ..Middlebox::default() }
                .meddle(&mut frame, Medium::Ip);
            let heard = Header::parse(&frame.head.as_slice()[20..]).unwrap().0;
            assert_eq!((heard.destination_port, heard.seq, heard.ack), (65_535, sent.ack, sent.seq));
        }
    }

    #[test]
    fn segments_it_does_not_touch_are_left_alone() {
        let mut frame = syn();
        let middlebox =
            Middlebox { strips: vec![kind::MSS], touches: Touches::AllButSyns, ..Middlebox::default() };
        middlebox.meddle(&mut frame, Medium::Ip);
        assert_eq!(frame.to_vec(), syn().to_vec());
    }
}
