//! IPv6 extension headers, skipped up to the transport (RFC 8200 §4, RFC 4302 §2 for AH).
//!
//! The walk is bounded. It reports what a host must answer with an ICMPv6 parameter problem.

use super::HEADER_BYTES;
use crate::error::{Error, take};
use crate::ip::protocol;

/// The most extension headers in one packet. RFC 8200 §4.1 lists six, each once, destination options twice;
/// more only cost the receiver time (RFC 8504 §5.3 allows a limit).
const HEADERS_MAX: usize = 10;
/// The most options read in one hop-by-hop or destination header (RFC 8504 §5.3 suggests 8).
const OPTIONS_MAX: usize = 16;

/// The fragment header (RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// The same in all fragments of one packet.
    pub identification: u32,
    /// Where this fragment's data belongs in the fragmentable part, in bytes: a multiple of 8.
    pub offset_bytes: u16,
    /// Not the last fragment.
    pub more: bool,
    /// What the fragmentable part starts with.
    pub next_header: u8,
}

impl Fragment {
    /// The header's length in bytes.
    pub const BYTES: usize = 8;

    /// Writes the header to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`Fragment::BYTES`].
    pub fn emit(&self, into: &mut [u8]) {
        into[0] = self.next_header;
        into[1] = 0;
        let offset = (self.offset_bytes & !7) | u16::from(self.more);
        into[2..4].copy_from_slice(&offset.to_be_bytes());
        into[4..8].copy_from_slice(&self.identification.to_be_bytes());
    }

    fn parse(bytes: &[u8; 8]) -> Fragment {
        let offset = u16::from_be_bytes([bytes[2], bytes[3]]);
        Fragment {
            identification: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            offset_bytes: offset & !7,
            more: offset & 1 != 0,
            next_header: bytes[0],
        }
    }

    /// Whether it is the only fragment there is (RFC 6946).
    pub const fn is_atomic(&self) -> bool {
        self.offset_bytes == 0 && !self.more
    }
}

/// What is wrong with the extension headers of a packet, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// Where, in bytes from the start of the IPv6 header: the pointer of the ICMPv6 message.
    pub pointer: u32,
}

/// What an extension header makes a node do instead of delivering the packet (RFC 8200 §4, §4.2, §4.4).
///
/// There are no others in RFC 8200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// Discard and send a parameter problem with code 0: a routing type we do not forward.
    RoutingType,
    /// Discard and send a parameter problem with code 1: a hop-by-hop header that is not the first.
    NextHeader,
    /// Discard silently: an option marked 01.
    OptionSilently,
    /// Discard and send a parameter problem with code 2, even for a multicast packet: an option marked 10.
    Option,
    /// Discard and send a parameter problem with code 2 unless the packet was multicast: an option marked 11.
    OptionUnlessMulticast,
}

/// What the walk found after the extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Upper {
    /// The first header that is not an extension header; for a fragment other than the first, the header
    /// that the fragmentable part starts with.
    pub protocol: u8,
    /// Where it starts, in bytes from the start of the IPv6 header.
    pub offset_bytes: usize,
    /// Where the byte is that names the protocol: the pointer of a parameter problem with code 1 if the
    /// host does not know the protocol.
    pub named_at_bytes: usize,
    /// The fragment header, if there was one; of several the first that does not stand for the whole packet.
    pub fragment: Option<Fragment>,
    /// Where that header starts; the offsets of fragments count from its end (RFC 8200 §4.5). Zero without one.
    pub fragment_at_bytes: usize,
    /// Where the byte is that names it. Zero without one.
    pub fragment_named_at_bytes: usize,
    /// The first problem that was found.
    pub problem: Option<Problem>,
}

/// Skips the extension headers of a packet that starts with its IPv6 header.
///
/// Stops after the fragment header of a fragment other than the first, because no header follows it.
///
/// # Errors
/// [`Error::Truncated`] if an extension header is not all there, [`Error::TooManyHeaders`].
///
/// ```
/// use synfin_wire::ipv6;
/// let mut packet = [0; 48];
/// ipv6::Header { next_header: 60, ..ipv6::Header::default() }.emit(&mut packet);
/// packet[40..48].copy_from_slice(&[6, 0, 1, 4, 0, 0, 0, 0]); // destination options: padding, then TCP
/// let upper = ipv6::walk(&packet)?;
/// assert_eq!((upper.protocol, upper.offset_bytes, upper.problem), (6, 48, None));
/// # Ok::<(), synfin_wire::Error>(())
/// ```
pub fn walk(packet: &[u8]) -> Result<Upper, Error> {
    let fixed = take::<HEADER_BYTES>(packet, 0)?;
    let mut upper = Upper {
        protocol: fixed[6],
        offset_bytes: HEADER_BYTES,
        named_at_bytes: 6,
        fragment: None,
        fragment_at_bytes: 0,
        fragment_named_at_bytes: 0,
        problem: None,
    };
    for count in 0..HEADERS_MAX {
        let at = upper.offset_bytes;
        let header_bytes = match upper.protocol {
            protocol::HOP_BY_HOP | protocol::DESTINATION_OPTIONS => {
                if upper.protocol == protocol::HOP_BY_HOP && count > 0 {
                    upper.record_problem(ProblemKind::NextHeader, upper.named_at_bytes);
                }
                let len = 8 * (1 + usize::from(take::<2>(packet, at)?[1]));
                let options = packet.get(at + 2..at + len).ok_or(missing(packet, at + len))?;
                upper.check_options(options, at + 2);
                len
            }
            protocol::ROUTING => {
                let [_, len, _, segments_left] = *take::<4>(packet, at)?;
                if segments_left != 0 {
                    upper.record_problem(ProblemKind::RoutingType, at + 2);
                }
                8 * (1 + usize::from(len))
            }
            protocol::AUTHENTICATION => 4 * (2 + usize::from(take::<2>(packet, at)?[1])),
            protocol::FRAGMENT => {
                let fragment = Fragment::parse(take::<8>(packet, at)?);
                if upper.fragment.is_none_or(|outer| outer.is_atomic()) {
                    upper.fragment = Some(fragment);
                    upper.fragment_at_bytes = at;
                    upper.fragment_named_at_bytes = upper.named_at_bytes;
                }
                if fragment.offset_bytes != 0 {
                    upper.advance(fragment.next_header, Fragment::BYTES);
                    return Ok(upper);
                }
                Fragment::BYTES
            }
            _ => return Ok(upper),
        };
        if at + header_bytes > packet.len() {
            return Err(missing(packet, at + header_bytes));
        }
        upper.advance(packet[at], header_bytes);
    }
    Err(Error::TooManyHeaders)
}

impl Upper {
    fn advance(&mut self, next: u8, header_bytes: usize) {
        self.named_at_bytes = self.offset_bytes;
        self.offset_bytes += header_bytes;
        self.protocol = next;
    }

    fn record_problem(&mut self, kind: ProblemKind, at: usize) {
        // Fits 32 bits: at most ten headers of 2,048 bytes.
        self.problem.get_or_insert(Problem { kind, pointer: at as u32 });
    }

    /// Looks for an option that we do not know and that must not be skipped (RFC 8200 §4.2).
    fn check_options(&mut self, mut options: &[u8], mut at: usize) {
        for _ in 0..OPTIONS_MAX {
            let used = match *options {
                [] => return,
                [0, ..] => 1, // Pad1
                [kind, len, ..] => {
                    match kind >> 6 {
                        _ if matches!(kind, 1 | 5) => {} // PadN, router alert
                        0 => {}
                        1 => self.record_problem(ProblemKind::OptionSilently, at),
                        2 => self.record_problem(ProblemKind::Option, at),
                        _ => self.record_problem(ProblemKind::OptionUnlessMulticast, at),
                    }
                    2 + usize::from(len)
                }
                [_] => return,
            };
            options = options.get(used..).unwrap_or_default();
            at += used;
        }
    }
}

fn missing(packet: &[u8], needed_bytes: usize) -> Error {
    Error::Truncated { needed_bytes, available_bytes: packet.len() }
}
