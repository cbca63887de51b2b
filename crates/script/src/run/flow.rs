//! One connection as the script sees it: relative numbers to live ones and back.
//!
//! A segment with SYN carries its numbers as they are, all others count from the SYN of the end that
//! counts, as tcpdump shows them: after `S 700:700(0)` the first byte is 1. The peer's initial number is
//! the script's choice; the stack chooses its own and its timestamps, and the first packet that shows
//! them sets the mapping.

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
    /// The ports that the script wrote for this flow: the peer's, the stack's.
    pub(crate) script_ports: Option<(u16, u16)>,
    ours: Initial,
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

/// Whose SYN the socket under test waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SynOf {
    /// Of a client: it listens.
    Client,
    /// Of a server that answers, if of anybody.
    #[default]
    Server,
}

/// Whether a segment carries SYN: then its numbers are not relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bears {
    Syn,
    NoSyn,
}

impl Bears {
    fn of(flags: Flags) -> Bears {
        if flags.syn() { Bears::Syn } else { Bears::NoSyn }
    }
}

/// How many timestamps of one flow are remembered; the oldest values go first.
const TIMESTAMPS_MAX: usize = 65_536;

impl Flow {
    pub(crate) fn new(ends: Ends, script_ports: Option<(u16, u16)>) -> Self {
        let (ours, theirs, timestamps, cookies) = Default::default();
        Flow { ends, script_ports, ours, theirs, timestamp_base: None, timestamps, cookies }
    }

    /// Live minus script, of the stack's sequence numbers.
    fn our_offset(&self, bears: Bears) -> u32 {
        match bears {
            Bears::Syn => self.ours.live.wrapping_sub(self.ours.script),
            Bears::NoSyn => self.ours.live,
        }
    }

    /// Live minus script, of the peer's sequence numbers.
    fn their_offset(&self, bears: Bears) -> u32 {
        match bears {
            Bears::Syn => 0,
            Bears::NoSyn => self.theirs.unwrap_or(0),
        }
    }

    /// The number of the wire that an ICMP message quotes.
    pub(crate) fn live_quoted(&self, range: SeqRange) -> Seq {
        let offset = if range.counted == Counted::FromZero { 0 } else { self.our_offset(Bears::NoSyn) };
        Seq::new(range.start.wrapping_add(offset))
    }

    /// Where the peer's numbers begin: with its first SYN for a listener, or its first SYN-ACK. A SYN that
    /// nobody waits for begins nothing; its answer counts from zero.
    pub(crate) fn learn_of_peer(&mut self, tcp: &TcpPacket, awaited: SynOf) {
        let flags = tcp.flags.bits.value().unwrap_or(Flags::NONE);
        if flags.syn() && (flags.ack() || awaited == SynOf::Client) {
            self.theirs = self.theirs.or(tcp.seq.value().map(|range| range.start));
        }
    }

    /// An inbound segment with live numbers.
    pub(crate) fn live_tcp(&self, tcp: &TcpPacket, scaled_echo: bool) -> LiveTcp {
        let flags = tcp.flags.bits.value().unwrap_or(Flags::NONE);
        let bears = Bears::of(flags);
        let (start, text_bytes) = match tcp.seq.value() {
            None => (0, 0),
            Some(SeqRange { start, len_bytes, counted: Counted::FromZero }) => (start, len_bytes),
            Some(range) => (range.start.wrapping_add(self.their_offset(bears)), range.len_bytes),
        };
        let options = match &tcp.options {
            OptionList::List(list) => {
                list.iter().map(|option| self.live_option(option, flags, scaled_echo)).collect()
            }
            OptionList::Absent | OptionList::Any => Vec::new(),
        };
        // Without ACK the field means nothing, and goes out as it is written. With ACK and no number it is
        // the script's zero.
        let ack_offset = if flags.ack() { self.our_offset(bears) } else { 0 };
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
                let live = |edge: u32| edge.wrapping_add(self.our_offset(Bears::of(flags)));
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

    /// What the stack sent where the script says `value`.
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
            self.ours = Initial { live: seen.seq.number(), script };
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
                            Direction::In => self.our_offset(Bears::NoSyn),
                            Direction::Out => self.their_offset(Bears::NoSyn),
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
        let bears = Bears::of(tcp.flags);
        let options = self.relative_options(direction, tcp);
        let ack =
            tcp.flags.ack().then(|| tcp.ack.number().wrapping_sub(self.receivers_offset(direction, bears)));
        let start = match direction {
            Direction::Out => self.relative_start(tcp),
            Direction::In => tcp.seq.number().wrapping_sub(self.their_offset(bears)),
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

    /// Live minus script, of the numbers that acknowledgments and SACK speak of.
    fn receivers_offset(&self, direction: Direction, bears: Bears) -> u32 {
        match direction {
            Direction::Out => self.their_offset(bears),
            Direction::In => self.our_offset(bears),
        }
    }

    /// The options of a segment as the script would write them.
    pub(crate) fn relative_options(&self, direction: Direction, tcp: &LiveTcp) -> Vec<TcpOption> {
        let receivers = self.receivers_offset(direction, Bears::of(tcp.flags));
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

    /// Where an outbound segment begins. The reset that answers a segment without ACK has the number zero
    /// itself (RFC 9293 §3.10.7.1), whatever our initial number was.
    pub(crate) fn relative_start(&self, tcp: &LiveTcp) -> u32 {
        match (tcp.flags.rst() && tcp.flags.ack(), tcp.seq.number()) {
            (true, 0) => 0,
            (_, number) => number.wrapping_sub(self.our_offset(Bears::of(tcp.flags))),
        }
    }

    /// What an outbound segment acknowledges; without ACK the field as it is.
    pub(crate) fn relative_ack(&self, tcp: &LiveTcp) -> u32 {
        let offset = if tcp.flags.ack() { self.their_offset(Bears::of(tcp.flags)) } else { 0 };
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
