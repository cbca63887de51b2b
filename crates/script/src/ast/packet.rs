//! Packets as a script writes them: relative sequence numbers, fields that may be left open.

use wire::tcp::Flags;

/// One packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// Which way it goes.
    pub direction: Direction,
    /// What the script says about its IP header.
    pub ip: IpInfo,
    /// `1000 > 2000`, if written.
    pub ports: Option<Ports>,
    /// What it carries.
    pub body: Body,
}

/// Which way a packet goes.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `<`: injected into the stack.
    In,
    /// `>`: must be seen from the stack.
    Out,
}

/// Source and destination port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// The sender's.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
}

/// What a script says about an IP header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpInfo {
    /// The ECN field.
    pub ecn: Option<Ecn>,
    /// The whole type-of-service or traffic-class byte.
    pub tos: Option<u8>,
    /// Time to live or hop limit.
    pub ttl: Option<u8>,
    /// IPv6's flow label.
    pub flow_label: Option<u32>,
}

/// What must be in the ECN field (RFC 3168 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ecn {
    /// 00
    NotEct,
    /// 01
    Ect1,
    /// 10
    Ect0,
    /// 01 or 10.
    EctAny,
    /// 11
    Ce,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// A TCP segment.
    Tcp(TcpPacket),
    /// An ICMP message.
    Icmp(IcmpPacket),
    /// A UDP datagram.
    Udp {
        /// Length of the payload in bytes.
        len_bytes: u16,
    },
    /// A part of the language that this runner does not support: the script will be skipped.
    Unsupported {
        /// What is needed, as a noun: `SCTP`.
        what: String,
        /// The packet as it was written.
        text: String,
    },
}

/// A field that may be left out (not written) or open (`...`).
///
/// There are no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Not written.
    #[default]
    Absent,
    /// `...`: written, and any value is accepted.
    Any,
    /// This value.
    Is(T),
}

impl<T: Copy> Field<T> {
    /// The value, if one was written.
    pub fn value(self) -> Option<T> {
        match self {
            Field::Is(value) => Some(value),
            Field::Absent | Field::Any => None,
        }
    }
}

/// A TCP segment.
#[derive(Clone, Debug, PartialEq)]
pub struct TcpPacket {
    /// The control bits.
    pub flags: FlagsWord,
    /// `seq:end(len)`.
    pub seq: Field<SeqRange>,
    /// `ack N`, relative.
    pub ack: Field<u32>,
    /// `win N`, as it is in the header.
    pub window: Field<u16>,
    /// `urg N`.
    pub urgent: Field<u16>,
    /// `<...>`.
    pub options: OptionList,
}

/// The control bits as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagsWord {
    /// The bits; [`Field::Any`] for `...`.
    pub bits: Field<Flags>,
    /// The three AccECN bits were written as a number.
    pub ace: bool,
}

/// The sequence numbers of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeqRange {
    /// The first byte's number.
    pub start: u32,
    /// Bytes of text.
    pub len_bytes: u32,
    /// The number from which `start` counts.
    pub counted: Counted,
}

/// The number from which another one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counted {
    /// From the initial sequence number, or from the first timestamp.
    #[default]
    FromInitial,
    /// `1:1(0)!`, `ecr 0!`: it is the number in the packet.
    FromZero,
    /// `...(5)`: only the length was written.
    Open,
}

impl SeqRange {
    /// The number after the last byte's.
    pub const fn end(self) -> u32 {
        self.start.wrapping_add(self.len_bytes)
    }
}

/// The options of a segment.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum OptionList {
    /// Nothing was written.
    #[default]
    Absent,
    /// `<...>`: not checked.
    Any,
    /// These, in this order.
    List(Vec<TcpOption>),
}

/// A number in a Timestamps option; `None` for `...`.
pub type TsField = Option<u32>;

/// One TCP option.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TcpOption {
    /// `nop`
    Nop,
    /// `eol`
    Eol,
    /// `mss N`
    Mss(u16),
    /// `wscale N`
    WindowScale(u8),
    /// `sackOK`
    SackPermitted,
    /// `sack a:b c:d`
    Sack(Vec<(u32, u32)>),
    /// `TS val N ecr N`
    Timestamps {
        /// TSval.
        value: TsField,
        /// TSecr.
        echo: TsField,
        /// The number from which the echo counts.
        echo_counted: Counted,
    },
    /// `FO cookie`, `FOEXP cookie`; empty is a request.
    FastOpen {
        /// The cookie's bytes.
        cookie: Vec<u8>,
        /// Carried in the experimental option.
        experimental: bool,
    },
    /// `md5 hex`
    Md5(Option<Vec<u8>>),
    /// `ECN e0b N ceb N e1b N` (AccECN).
    AccurateEcn(AccurateEcn),
    /// An option as bytes (kind and payload): seen on the wire, not writable in a script.
    Raw {
        /// The option's kind.
        kind: u8,
        /// What follows the length.
        payload: Vec<u8>,
    },
    /// `...` among others: the rest is not checked.
    Rest,
    /// An option that this runner does not support: the script will be skipped.
    Unsupported {
        /// Its name.
        name: String,
        /// As it was written.
        text: String,
    },
}

/// The counters of an AccECN option, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccurateEcn {
    /// Name (`e0b`, `ceb`, `e1b`) and value of each counter.
    pub counters: Vec<(String, u32)>,
}

/// An ICMP message about a packet that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct IcmpPacket {
    /// The packet that it quotes.
    pub quoted: Option<Quoted>,
    /// The message's type: `unreachable`.
    pub kind: String,
    /// The message's code: `frag_needed`.
    pub code: Option<String>,
    /// `mtu N`, in bytes.
    pub mtu_bytes: Option<u32>,
}

/// The packet inside an ICMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quoted {
    /// A TCP segment with these relative sequence numbers.
    Tcp(SeqRange),
    /// A UDP datagram.
    Udp {
        /// Length of the payload in bytes.
        len_bytes: u16,
    },
}
