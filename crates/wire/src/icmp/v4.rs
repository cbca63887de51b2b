//! ICMP messages for IPv4 (RFC 792; next-hop MTU: RFC 1191 §4).

use super::{Echo, Start, echo_word};
use crate::checksum;
use crate::error::Error;

/// The most bytes of the packet to quote: the whole error stays within 576 bytes (RFC 1812 §4.3.2.3).
pub const QUOTE_BYTES_MAX: usize = 576 - 20 - 8;

/// Codes of destination-unreachable messages.
pub mod unreachable {
    /// No route to the network.
    pub const NETWORK: u8 = 0;
    /// The host does not answer.
    pub const HOST: u8 = 1;
    /// The host does not speak the transport protocol.
    pub const PROTOCOL: u8 = 2;
    /// No program listens on the port.
    pub const PORT: u8 = 3;
    /// The packet is too big and must not be fragmented.
    pub const FRAGMENTATION_NEEDED: u8 = 4;
    /// A filter forbids it.
    pub const PROHIBITED: u8 = 13;
}

/// An ICMP message as a value; what it quotes or echoes is borrowed.
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
        /// With code 4: the MTU of the next hop, or 0 from a router older than RFC 1191.
        mtu_bytes: u16,
        /// The start of the packet; read it with [`Quoted`](super::Quoted).
        quoted: &'a [u8],
    },
    /// The packet ran out of hops (code 0) or its fragments out of time (code 1).
    TimeExceeded {
        /// Which of the two.
        code: u8,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// A header field is wrong.
    ParameterProblem {
        /// 0: `pointer` says where.
        code: u8,
        /// Byte of the packet that is wrong.
        pointer: u8,
        /// The start of the packet.
        quoted: &'a [u8],
    },
    /// Any other message, such as redirect or source quench, which must be ignored (RFC 6633).
    Other {
        /// The type field.
        kind: u8,
        /// The code field.
        code: u8,
    },
}

impl<'a> Message<'a> {
    /// Reads a message. Its checksum is not verified here; it is right if [`checksum::of`] the whole
    /// message is 0.
    ///
    /// # Errors
    /// [`Error::Truncated`] if it is shorter than 8 bytes.
    ///
    /// ```
    /// use synfin_wire::icmp::{Echo, v4::Message};
    /// let ping = Message::EchoRequest(Echo { identifier: 1, sequence: 2, data: b"hello" });
    /// let mut bytes = [0; 13];
    /// ping.emit(&mut bytes);
    /// assert_eq!(Message::parse(&bytes), Ok(ping));
    /// assert_eq!(synfin_wire::checksum::of(&bytes), 0);
    /// ```
    pub fn parse(message: &'a [u8]) -> Result<Message<'a>, Error> {
        let start = Start::parse(message)?;
        let quoted = &message[Start::BYTES..];
        let [first, _, c, d] = start.word;
        let code = start.code;
        Ok(match start.kind {
            0 => Message::EchoReply(start.echo(message)),
            8 => Message::EchoRequest(start.echo(message)),
            3 => Message::Unreachable { code, mtu_bytes: u16::from_be_bytes([c, d]), quoted },
            11 => Message::TimeExceeded { code, quoted },
            12 => Message::ParameterProblem { code, pointer: first, quoted },
            kind => Message::Other { kind, code },
        })
    }

    /// The message's length in bytes.
    pub fn len_bytes(&self) -> usize {
        Start::BYTES + self.text().len()
    }

    /// Writes the message with its checksum to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`len_bytes`](Message::len_bytes).
    pub fn emit(&self, into: &mut [u8]) {
        let into = &mut into[..self.len_bytes()];
        let (kind, code, word) = match *self {
            Message::EchoReply(ref echo) => (0, 0, echo_word(echo)),
            Message::EchoRequest(ref echo) => (8, 0, echo_word(echo)),
            Message::Unreachable { code, mtu_bytes, .. } => {
                let [c, d] = mtu_bytes.to_be_bytes();
                (3, code, [0, 0, c, d])
            }
            Message::TimeExceeded { code, .. } => (11, code, [0; 4]),
            Message::ParameterProblem { code, pointer, .. } => (12, code, [pointer, 0, 0, 0]),
            Message::Other { kind, code } => (kind, code, [0; 4]),
        };
        Start { kind, code, word }.emit(into);
        into[Start::BYTES..].copy_from_slice(self.text());
        let checksum = checksum::of(into);
        into[2..4].copy_from_slice(&checksum.to_be_bytes());
    }

    fn text(&self) -> &'a [u8] {
        match *self {
            Message::EchoRequest(echo) | Message::EchoReply(echo) => echo.data,
            Message::Unreachable { quoted, .. }
            | Message::TimeExceeded { quoted, .. }
            | Message::ParameterProblem { quoted, .. } => quoted,
            Message::Other { .. } => &[],
        }
    }
}
