//! One connection as the script sees it: relative numbers to live ones and back.
//!
//! The numbers of a segment with SYN are absolute; those of all others count from the SYN of their end, as
//! tcpdump shows them: after `S 700:700(0)` the first byte is 1. The script chooses the peer's initial
//! number; the stack chooses its initial number and its timestamps, and the first packet with them sets the
//! mapping. When the peer resets a handshake that would have followed another connection, that one's numbers count again.

use super::codec::{Live, LiveBody, LiveTcp};
use super::host::Ends;
use super::icmp_names;
use crate::ast::*;
use std::collections::BTreeMap;
use wire::Seq;
use wire::tcp::Flags;

/// First timestamp that the script expected, and the one that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimestampBase {
    pub(crate) script: u32,
    pub(crate) live: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Flow {
    pub(crate) ends: Ends,
    /// The ports of this flow in the script: the peer's, then the stack's.
    pub(crate) script_ports: Option<(u16, u16)>,
    ours: Initial,
    /// The one before, while the newest is not acknowledged.
    ours_before: Option<Initial>,
    /// The peer's initial sequence number, once it has sent a SYN.
    theirs: Option<u32>,
    pub(crate) timestamp_base: Option<TimestampBase>,
    timestamps: BTreeMap<u32, u32>,
    cookies: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The stack's initial sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Initial {
    /// As it was sent.
    live: u32,
    /// As the script writes it.
    script: u32,
}

/// From which end the socket under test expects a SYN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SynOf {
    /// From a client, because it listens.
    Client,
    /// From a server that answers, if from any.
    #[default]
    Server,
}

/// Whether a segment has the SYN bit; if so, its numbers are not relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SynBit {
    Set,
    Clear,
}

impl SynBit {
    fn of(flags: Flags) -> SynBit {
        if flags.syn() { SynBit::Set } else { SynBit::Clear }
    }
}

/// How many timestamps of one flow are remembered; the oldest are forgotten first.
const TIMESTAMPS_MAX: usize = 65_536;

impl Flow {
    pub(crate) fn new(ends: Ends, script_ports: Option<(u16, u16)>) -> Self {
        Flow {
            ends,
            script_ports,
            ours: Initial::default(),
            ours_before: None,
            theirs: None,
            timestamp_base: None,
            timestamps: BTreeMap::new(),
            cookies: Vec::new(),
        }
    }

    /// The difference between live and script numbers, for the stack's sequence numbers.
    fn our_offset(&self, syn: SynBit) -> u32 {
        match syn {
            SynBit::Set => self.ours.live.wrapping_sub(self.ours.script),
            SynBit::Clear => self.ours.live,
        }
    }

    /// The difference between live and script numbers, for the peer's sequence numbers.
    fn their_offset(&self, syn: SynBit) -> u32 {
        match syn {
            SynBit::Set => 0,
            SynBit::Clear => self.theirs.unwrap_or(0),
        }
    }

    /// The live number that an ICMP message quotes.
    pub(crate) fn live_quoted(&self, range: SeqRange) -> Seq {
        let offset = if range.counted == Counted::FromZero { 0 } else { self.our_offset(SynBit::Clear) };
        Seq::new(range.start.wrapping_add(offset))
    }

    /// Learns the peer's initial number, from its first SYN to a listener or its first SYN-ACK. From any
    /// other SYN nothing is learned, and the numbers of its answer count from zero.
    pub(crate) fn learn_of_peer(&mut self, tcp: &TcpPacket, awaited: SynOf) {
        let flags = tcp.flags.bits.value().unwrap_or(Flags::NONE);
        if flags.syn() && (flags.ack() || awaited == SynOf::Client) {
            self.theirs = self.theirs.or(tcp.seq.value().map(|range| range.start));
        }
    }

    /// An inbound packet has been given its live numbers: does the stack's newest number stand?
    pub(crate) fn settle_numbers(&mut self, tcp: &TcpPacket) {
        let flags = tcp.flags.bits.value().unwrap_or(Flags::NONE);
        if flags.rst() {
            self.ours = self.ours_before.take().unwrap_or(self.ours);
        } else if flags.ack() {
            self.ours_before = None;
        }
    }

    /// An inbound segment with live numbers.
    pub(crate) fn live_tcp(&self, tcp: &TcpPacket, scaled_echo: bool) -> LiveTcp {
        let flags = tcp.flags.bits.value().unwrap_or(Flags::NONE);
        let syn = SynBit::of(flags);
        let (start, text_bytes) = match tcp.seq.value() {
            None => (0, 0),
            Some(SeqRange { start, len_bytes, counted: Counted::FromZero }) => (start, len_bytes),
            Some(range) => (range.start.wrapping_add(self.their_offset(syn)), range.len_bytes),
        };
        let options = match &tcp.options {
            OptionList::List(list) => {
                list.iter().map(|option| self.live_option(option, flags, scaled_echo)).collect()
            }
            OptionList::Absent | OptionList::Any => Vec::new(),
        };
        // Without ACK the field has no meaning and is sent as it is written. With ACK but without a number it
        // is the script's zero.
        let ack_offset = if flags.ack() { self.our_offset(syn) } else { 0 };
        let ack = tcp.ack.value().unwrap_or(0).wrapping_add(ack_offset);
        LiveTcp {
            flags,
            seq: Seq::new(start),
            ack: Seq::new(ack),
            window: tcp.window.value().unwrap_or(u16::MAX),
            urgent: tcp.urgent.value().unwrap_or(0),
            options,
            text_bytes,
        }
    }

    fn live_option(&self, option: &TcpOption, flags: Flags, scaled_echo: bool) -> TcpOption {
        match option {
            TcpOption::Sack(blocks) => {
                let live = |edge: u32| edge.wrapping_add(self.our_offset(SynBit::of(flags)));
                TcpOption::Sack(blocks.iter().map(|(left, right)| (live(*left), live(*right))).collect())
            }
            // Like the acknowledgment, the echo counts only with ACK (RFC 7323 §3.2).
            TcpOption::Timestamps { value, echo, echo_counted: Counted::FromInitial } if flags.ack() => {
                TcpOption::Timestamps {
                    value: *value,
                    echo: echo.map(|echo| self.live_echo(echo, scaled_echo)),
                    echo_counted: Counted::FromInitial,
                }
            }
            TcpOption::FastOpen { cookie, experimental } => {
                let live = self.cookies.iter().find(|(script, _)| script == cookie).map(|(_, live)| live);
                TcpOption::FastOpen { cookie: live.unwrap_or(cookie).clone(), experimental: *experimental }
            }
            other => other.clone(),
        }
    }

    /// The timestamp that the stack sent where the script has `value`.
    fn live_echo(&self, value: u32, scaled: bool) -> u32 {
        let known = self.timestamps.get(&value).copied().filter(|_| !scaled && value != 0);
        let by_base =
            || self.timestamp_base.map(|base| value.wrapping_sub(base.script).wrapping_add(base.live));
        match value {
            0 if !scaled => 0,
            _ => known.or_else(by_base).unwrap_or(value),
        }
    }

    /// Learns from an outbound packet and the line that expects it.
    pub(crate) fn learn(&mut self, expected: &TcpPacket, seen: &LiveTcp) {
        if seen.flags.syn() && expected.flags.bits.value().is_none_or(Flags::syn) {
            let script = expected.seq.value().map_or(0, |range| match range.counted {
                Counted::FromInitial => range.start,
                Counted::FromZero => seen.seq.number(),
                Counted::Open => 0,
            });
            let ours = Initial { live: seen.seq.number(), script };
            if self.ours != ours && self.ours != Initial::default() {
                self.ours_before = Some(self.ours);
            }
            self.ours = ours;
        }
        let OptionList::List(list) = &expected.options else { return };
        for option in list {
            match option {
                TcpOption::Timestamps { value: Some(script), .. } => {
                    if let Some(live) = timestamp_of(seen) {
                        self.timestamp_base.get_or_insert(TimestampBase { script: *script, live });
                        if self.timestamps.len() >= TIMESTAMPS_MAX {
                            self.timestamps.pop_first();
                        }
                        self.timestamps.insert(*script, live);
                    }
                }
                TcpOption::FastOpen { cookie, .. } if !cookie.is_empty() => {
                    let live = seen.options.iter().find_map(|option| match option {
                        TcpOption::FastOpen { cookie, .. } => Some(cookie.clone()),
                        _ => None,
                    });
                    if let Some(live) = live.filter(|live| live.len() == cookie.len())
                        && !self.cookies.iter().any(|(script, known)| script == cookie || *known == live)
                    {
                        self.cookies.push((cookie.clone(), live));
                    }
                }
                _ => {}
            }
        }
    }

    /// A packet as the script would write it.
    pub(crate) fn relative(&self, live: &Live) -> Packet {
        let body = match &live.body {
            LiveBody::Tcp(tcp) => Body::Tcp(self.relative_tcp(live.direction, tcp)),
            LiveBody::Udp { len_bytes } => Body::Udp { len_bytes: *len_bytes },
            LiveBody::Icmp { kind, code, mtu_bytes, quoted } => {
                let is_v6 = live.source.is_ipv6();
                let numbers = icmp_names::Numbers { kind: *kind, code: *code };
                let (kind, code) = icmp_names::name(is_v6, numbers);
                let too_big = if is_v6 { numbers.kind == 2 } else { numbers.kind == 3 && numbers.code == 4 };
                let quoted = quoted.as_ref().map(|quoted| match quoted.protocol {
                    wire::ip::protocol::UDP => {
                        Quoted::Udp { len_bytes: u16::try_from(quoted.text_bytes).unwrap_or(u16::MAX) }
                    }
                    _ => {
                        let offset = match live.direction {
                            Direction::In => self.our_offset(SynBit::Clear),
                            Direction::Out => self.their_offset(SynBit::Clear),
                        };
                        let start = quoted.seq.number().wrapping_sub(offset);
                        let counted = Counted::FromInitial;
                        Quoted::Tcp(SeqRange { start, len_bytes: quoted.text_bytes, counted })
                    }
                });
                Body::Icmp(IcmpPacket { quoted, kind, code, mtu_bytes: too_big.then_some(*mtu_bytes) })
            }
            LiveBody::Other(text) => Body::Unsupported { what: text.clone(), text: text.clone() },
        };
        Packet { direction: live.direction, ip: IpInfo::default(), ports: None, body }
    }

    fn relative_tcp(&self, direction: Direction, tcp: &LiveTcp) -> TcpPacket {
        let syn = SynBit::of(tcp.flags);
        let options = self.relative_options(direction, tcp);
        let ack =
            tcp.flags.ack().then(|| tcp.ack.number().wrapping_sub(self.receivers_offset(direction, syn)));
        let start = match direction {
            Direction::Out => self.relative_start(tcp),
            Direction::In => tcp.seq.number().wrapping_sub(self.their_offset(syn)),
        };
        TcpPacket {
            flags: FlagsWord { bits: Field::Is(tcp.flags), ace: false },
            seq: Field::Is(SeqRange { start, len_bytes: tcp.text_bytes, counted: Counted::FromInitial }),
            ack: ack.map_or(Field::Absent, Field::Is),
            window: Field::Is(tcp.window),
            urgent: if tcp.flags.urg() { Field::Is(tcp.urgent) } else { Field::Absent },
            options: if options.is_empty() { OptionList::Absent } else { OptionList::List(options) },
        }
    }

    /// The difference between live and script numbers, for the numbers in acknowledgments and SACK blocks.
    fn receivers_offset(&self, direction: Direction, syn: SynBit) -> u32 {
        match direction {
            Direction::Out => self.their_offset(syn),
            Direction::In => self.our_offset(syn),
        }
    }

    /// The options of a segment as the script would write them.
    pub(crate) fn relative_options(&self, direction: Direction, tcp: &LiveTcp) -> Vec<TcpOption> {
        let receivers = self.receivers_offset(direction, SynBit::of(tcp.flags));
        let relative = |edge: u32| edge.wrapping_sub(receivers);
        let options = tcp.options.iter().map(|option| match option {
            TcpOption::Sack(blocks) => TcpOption::Sack(
                blocks.iter().map(|(left, right)| (relative(*left), relative(*right))).collect(),
            ),
            TcpOption::Timestamps { value, echo, .. } => self.relative_timestamps(direction, *value, *echo),
            TcpOption::FastOpen { cookie, experimental } => {
                let script = self.cookies.iter().find(|(_, live)| live == cookie).map(|(script, _)| script);
                TcpOption::FastOpen { cookie: script.unwrap_or(cookie).clone(), experimental: *experimental }
            }
            other => other.clone(),
        });
        options.collect()
    }

    /// The relative number of an outbound segment. A reset that answers a segment without ACK has the
    /// absolute number zero (RFC 9293 §3.10.7.1).
    pub(crate) fn relative_start(&self, tcp: &LiveTcp) -> u32 {
        match (tcp.flags.rst() && tcp.flags.ack(), tcp.seq.number()) {
            (true, 0) => 0,
            (_, number) => number.wrapping_sub(self.our_offset(SynBit::of(tcp.flags))),
        }
    }

    /// The relative acknowledgment number of an outbound segment; without ACK, the field as it is.
    pub(crate) fn relative_ack(&self, tcp: &LiveTcp) -> u32 {
        let offset = if tcp.flags.ack() { self.their_offset(SynBit::of(tcp.flags)) } else { 0 };
        tcp.ack.number().wrapping_sub(offset)
    }

    fn relative_timestamps(&self, direction: Direction, value: TsField, echo: TsField) -> TcpOption {
        let relative = |live: u32| match self.timestamp_base {
            Some(base) => live.wrapping_sub(base.live).wrapping_add(base.script),
            None => live,
        };
        let (value, echo) = match direction {
            Direction::Out => (value.map(relative), echo),
            Direction::In => (value, echo.map(|echo| if echo == 0 { 0 } else { relative(echo) })),
        };
        TcpOption::Timestamps { value, echo, echo_counted: Counted::FromInitial }
    }
}

/// TSval of a segment.
pub(crate) fn timestamp_of(tcp: &LiveTcp) -> Option<u32> {
    tcp.options.iter().find_map(|option| match option {
        TcpOption::Timestamps { value, .. } => *value,
        _ => None,
    })
}
