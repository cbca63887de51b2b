//! ICMP messages for IPv6 (RFC 4443), neighbour discovery included (RFC 4861).

use super::neighbor::{self, Options};
use super::{Echo, Start, echo_word};
use crate::checksum;
use crate::error::{Error, take};
use crate::ip::protocol;
use core::net::Ipv6Addr;

/// The most bytes of the packet to quote: the whole error stays within the minimum MTU of 1,280
/// bytes (RFC 4443 §2.4 (c)).
pub const QUOTE_BYTES_MAX: usize = 1280 - 40 - 8;

/// Codes of destination-unreachable messages.
pub mod unreachable {
    /// No route to the destination.
    pub const NO_ROUTE: u8 = 0;
    /// A filter forbids it.
    pub const PROHIBITED: u8 = 1;
    /// The host does not answer.
    pub const ADDRESS: u8 = 3;
    /// No program listens on the port.
    pub const PORT: u8 = 4;
}

/// An ICMPv6 message as a value; what it quotes or echoes is borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// Asks for the data to be sent back.
    EchoRequest(Echo<'a>),
    /// Sends the data back.
    EchoReply(Echo<'a>),
    /// The packet could not be delivered.
    Unreachable {
        /// Why; see [`mod@unreachable`].
        code: u8,
        /// The start of the packet; read it with [`Quoted`](super::Quoted).
        quoted: &'a [u8],
    },
    /// The packet is larger than the next hop's MTU.
    PacketTooBig {
        /// The MTU of the next hop.
        mtu_bytes: u32,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// The packet ran out of hops (code 0) or its fragments out of time (code 1).
    TimeExceeded {
        /// Which of the two.
        code: u8,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// A header field is wrong (code 0), or a next header (1) or an option (2) is unknown.
    ParameterProblem {
        /// Which of the three.
        code: u8,
        /// Byte of the packet that is wrong.
        pointer: u32,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// A message of neighbour discovery.
    Neighbor(neighbor::Message),
    /// Any other message.
    Other {
        /// The type field. Below 128 the message is an error, which must be passed to the upper layer;
        /// from 128 on it is informational and must be ignored (RFC 4443 §2.4).
        kind: u8,
        /// The code field.
        code: u8,
    },
}

impl<'a> Message<'a> {
    /// Reads a message. Its checksum is not verified; see [`checksum_is_good`].
    ///
    /// # Errors
    /// [`Error::Truncated`]; [`Error::Length`] for a neighbour discovery option of an impossible length.
    ///
    /// ```
    /// use synfin_wire::icmp::v6::{self, Message};
    /// let (a, b) = ("fd90::1".parse().unwrap(), "fd90::2".parse().unwrap());
    /// let error = Message::PacketTooBig { mtu_bytes: 1280, quoted: &[0x60] };
    /// let mut bytes = [0; 9];
    /// error.emit(&mut bytes, a, b);
    /// assert_eq!(Message::parse(&bytes), Ok(error));
    /// assert!(v6::checksum_is_good(&bytes, a, b));
    /// ```
    pub fn parse(message: &'a [u8]) -> Result<Message<'a>, Error> {
        let start = Start::parse(message)?;
        let quoted = &message[Start::BYTES..];
        let number = u32::from_be_bytes(start.word);
        let code = start.code;
        Ok(match start.kind {
            1 => Message::Unreachable { code, quoted },
            2 => Message::PacketTooBig { mtu_bytes: number, quoted },
            3 => Message::TimeExceeded { code, quoted },
            4 => Message::ParameterProblem { code, pointer: number, quoted },
            128 => Message::EchoRequest(start.echo(message)),
            129 => Message::EchoReply(start.echo(message)),
            133..=136 => Message::Neighbor(neighbor_message(&start, message)?),
            kind => Message::Other { kind, code },
        })
    }

    /// The message's length in bytes.
    pub fn len_bytes(&self) -> usize {
        Start::BYTES
            + match self {
                Message::Neighbor(message) => message.fixed_bytes() + message.options().len_bytes(),
                _ => self.text().len(),
            }
    }

    /// Writes the message with its checksum to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`len_bytes`](Message::len_bytes).
    pub fn emit(&self, into: &mut [u8], source: Ipv6Addr, destination: Ipv6Addr) {
        let into = &mut into[..self.len_bytes()];
        let (kind, code, word) = match *self {
            Message::EchoRequest(ref echo) => (128, 0, echo_word(echo)),
            Message::EchoReply(ref echo) => (129, 0, echo_word(echo)),
            Message::Unreachable { code, .. } => (1, code, [0; 4]),
            Message::PacketTooBig { mtu_bytes, .. } => (2, 0, mtu_bytes.to_be_bytes()),
            Message::TimeExceeded { code, .. } => (3, code, [0; 4]),
            Message::ParameterProblem { code, pointer, .. } => (4, code, pointer.to_be_bytes()),
            Message::Neighbor(ref message) => (message.kind(), 0, message.word()),
            Message::Other { kind, code } => (kind, code, [0; 4]),
        };
        Start { kind, code, word }.emit(into);
        match self {
            Message::Neighbor(message) => message.emit_body(&mut into[Start::BYTES..]),
            _ => into[Start::BYTES..].copy_from_slice(self.text()),
        }
        let mut sum = pseudo_header(into, source, destination);
        sum.add(into);
        into[2..4].copy_from_slice(&sum.checksum().to_be_bytes());
    }

    fn text(&self) -> &'a [u8] {
        match *self {
            Message::EchoRequest(echo) | Message::EchoReply(echo) => echo.data,
            Message::Unreachable { quoted, .. }
            | Message::PacketTooBig { quoted, .. }
            | Message::TimeExceeded { quoted, .. }
            | Message::ParameterProblem { quoted, .. } => quoted,
            Message::Neighbor(_) | Message::Other { .. } => &[],
        }
    }
}

/// Whether the checksum of a message between these addresses is right.
pub fn checksum_is_good(message: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> bool {
    let mut sum = pseudo_header(message, source, destination);
    sum.add(message);
    sum.is_intact()
}

fn pseudo_header(message: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> checksum::Sum {
    checksum::pseudo_header_v6(source, destination, protocol::ICMPV6, message.len() as u32)
}

fn neighbor_message(start: &Start, message: &[u8]) -> Result<neighbor::Message, Error> {
    use neighbor::Message as Neighbor;
    let [first, flags, c, d] = start.word;
    Ok(match start.kind {
        133 => Neighbor::RouterSolicitation { options: Options::parse(&message[8..])? },
        134 => {
            let [a, b, e, f, g, h, i, j] = *take::<8>(message, 8)?;
            Neighbor::RouterAdvertisement {
                hop_limit: first,
                managed: flags & 0x80 != 0,
                other_configuration: flags & 0x40 != 0,
                lifetime_s: u16::from_be_bytes([c, d]),
                reachable_ms: u32::from_be_bytes([a, b, e, f]),
                retransmit_ms: u32::from_be_bytes([g, h, i, j]),
                options: Options::parse(&message[16..])?,
            }
        }
        kind => {
            let target = Ipv6Addr::from(*take::<16>(message, 8)?);
            let options = Options::parse(&message[24..])?;
            if kind == 135 {
                Neighbor::Solicitation { target, options }
            } else {
                Neighbor::Advertisement {
                    router: first & 0x80 != 0,
                    solicited: first & 0x40 != 0,
                    overrides: first & 0x20 != 0,
                    target,
                    options,
                }
            }
        }
    })
}
