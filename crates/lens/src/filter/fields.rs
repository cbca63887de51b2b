//! Every field that is no verdict: Wireshark's for TCP and the headers under it, and ours.
//!
//! To add one, add a row: its name, what it holds, where it is read.

use super::field::{Read, Type};
use super::http::{is_http, is_request, is_response, request_word, response_word};
use super::subject::Subject;
use super::value::{Value, Values};
use crate::{Completeness, Verdicts, Whole};
use std::net::{IpAddr, SocketAddr};
use wire::tcp::Flags;

const FLAG: Type = Type::Number(1);
const U8: Type = Type::Number(8);
const U16: Type = Type::Number(16);
const U32: Type = Type::Number(32);

/// Every field that is no verdict: its name, what it holds, where it is read.
pub(super) const FIELDS: &[(&str, Type, Read)] = &[
    ("frame", Type::Bytes, |s| Values::bytes(Some(s.packet.frame))),
    ("frame.number", U32, |s| Values::number(s.segment.frame)),
    ("frame.len", U32, |s| Values::number(s.segment.frame_bytes)),
    ("frame.cap_len", U32, |s| Values::number(s.packet.frame.len() as u32)),
    ("frame.interface_id", U32, |s| Values::number(s.segment.interface)),
    ("frame.time_epoch", Type::Time, |s| Values::number(seconds(s.segment.time.as_nanos()))),
    ("frame.time_relative", Type::Time, |s| {
        Values::number(seconds(s.segment.time.since(s.origin).as_nanos() as u64))
    }),
    ("eth", Type::Presence, |s| when(s.packet.ethernet().is_some())),
    ("eth.dst", Type::Ethernet, |s| Values::bytes(s.packet.ethernet().map(|header| &header[..6]))),
    ("eth.src", Type::Ethernet, |s| Values::bytes(s.packet.ethernet().map(|header| &header[6..12]))),
    ("eth.addr", Type::Ethernet, |s| match s.packet.ethernet() {
        Some(header) => Values::both(Value::Bytes(&header[..6]), Value::Bytes(&header[6..12])),
        None => Values::NONE,
    }),
    ("eth.type", U16, |s| {
        // below 1,536 it is a length (IEEE 802.3)
        let number = s.packet.ethernet().map(|header| u16::from_be_bytes([header[12], header[13]]));
        Values::maybe(number.filter(|number| *number >= 1_536).map(f64::from))
    }),
    ("vlan", Type::Presence, |s| when(!s.packet.vlans.is_empty())),
    ("vlan.id", U16, |s| Values::of(s.packet.vlans.iter().map(|id| Value::Number(f64::from(*id))))),
    ("ip", Type::Presence, |s| when(is_v4(s))),
    ("ip.version", U8, |s| of_v4(s, 4)),
    ("ip.proto", U8, |s| of_v4(s, 6)),
    ("ip.src", Type::Address, |s| one_address(s.segment.source, Family::V4)),
    ("ip.dst", Type::Address, |s| one_address(s.segment.destination, Family::V4)),
    ("ip.addr", Type::Address, |s| both_addresses(s, Family::V4)),
    ("ip.ttl", U8, |s| of_v4(s, s.segment.ttl)),
    ("ip.id", U16, |s| Values::maybe(s.segment.ip_id.map(f64::from))),
    ("ip.len", U16, |s| of_v4(s, s.segment.ip_bytes)),
    ("ip.flags.df", FLAG, |s| of_v4(s, u8::from(s.packet.dont_fragment))),
    ("ip.dsfield", U8, |s| of_v4(s, s.packet.traffic_class)),
    ("ip.dsfield.dscp", U8, |s| of_v4(s, s.packet.traffic_class >> 2)),
    ("ip.dsfield.ecn", U8, |s| of_v4(s, s.segment.ecn)),
    ("ipv6", Type::Presence, |s| when(!is_v4(s))),
    ("ipv6.version", U8, |s| of_v6(s, 6)),
    ("ipv6.src", Type::Address, |s| one_address(s.segment.source, Family::V6)),
    ("ipv6.dst", Type::Address, |s| one_address(s.segment.destination, Family::V6)),
    ("ipv6.addr", Type::Address, |s| both_addresses(s, Family::V6)),
    ("ipv6.hlim", U8, |s| of_v6(s, s.segment.ttl)),
    ("ipv6.plen", U16, |s| of_v6(s, s.segment.ip_bytes.saturating_sub(40))),
    ("ipv6.tclass", U32, |s| of_v6(s, s.packet.traffic_class)),
    ("ipv6.tclass.dscp", U32, |s| of_v6(s, s.packet.traffic_class >> 2)),
    ("ipv6.tclass.ecn", U32, |s| of_v6(s, s.segment.ecn)),
    ("icmp", Type::Presence, |s| when(is_v4(s) && s.segment.whole == Whole::QuotedInIcmp)),
    ("icmpv6", Type::Presence, |s| when(!is_v4(s) && s.segment.whole == Whole::QuotedInIcmp)),
    ("tcp", Type::Bytes, |s| Values::bytes(Some(s.packet.tcp))),
    ("tcp.stream", U32, |s| Values::number(s.analysis.stream)),
    ("tcp.completeness", U8, |s| Values::number(s.analysis.completeness.bits())),
    ("tcp.completeness.str", Type::Text, |s| Values::text(s.analysis.completeness.letters())),
    ("tcp.completeness.syn", FLAG, |s| seen(s, Completeness::SYN)),
    ("tcp.completeness.syn-ack", FLAG, |s| seen(s, Completeness::SYN_ACK)),
    ("tcp.completeness.ack", FLAG, |s| seen(s, Completeness::ACK)),
    ("tcp.completeness.data", FLAG, |s| seen(s, Completeness::DATA)),
    ("tcp.completeness.fin", FLAG, |s| seen(s, Completeness::FIN)),
    ("tcp.completeness.rst", FLAG, |s| seen(s, Completeness::RST)),
    ("tcp.time_relative", Type::Time, |s| Values::number(seconds(s.analysis.since_first_ns))),
    ("tcp.time_delta", Type::Time, |s| Values::number(seconds(s.analysis.since_previous_ns))),
    ("tcp.srcport", U16, |s| Values::number(s.segment.source.port())),
    ("tcp.dstport", U16, |s| Values::number(s.segment.destination.port())),
    ("tcp.port", U16, |s| {
        let port = |address: SocketAddr| Value::Number(f64::from(address.port()));
        Values::both(port(s.segment.source), port(s.segment.destination))
    }),
    ("tcp.hdr_len", U8, |s| Values::maybe(s.packet.header_bytes().map(|bytes| bytes as f64))),
    ("tcp.len", U32, |s| Values::number(s.segment.text_bytes)),
    ("tcp.seq", U32, |s| Values::number(s.analysis.relative_seq)),
    ("tcp.nxtseq", U32, |s| Values::number(s.analysis.relative_end)),
    ("tcp.ack", U32, |s| Values::number(s.analysis.relative_ack)),
    ("tcp.seq_raw", U32, |s| Values::number(s.segment.seq.number())),
    ("tcp.ack_raw", U32, |s| Values::number(s.segment.ack.number())),
    ("tcp.flags", U16, |s| Values::number(flags(s))),
    ("tcp.flags.str", Type::Text, |s| Values::text(letters(flags(s)))),
    ("tcp.flags.fin", FLAG, |s| flag(s, Flags::FIN)),
    ("tcp.flags.syn", FLAG, |s| flag(s, Flags::SYN)),
    ("tcp.flags.reset", FLAG, |s| flag(s, Flags::RST)),
    ("tcp.flags.push", FLAG, |s| flag(s, Flags::PSH)),
    ("tcp.flags.ack", FLAG, |s| flag(s, Flags::ACK)),
    ("tcp.flags.urg", FLAG, |s| flag(s, Flags::URG)),
    ("tcp.flags.ece", FLAG, |s| flag(s, Flags::ECE)),
    ("tcp.flags.cwr", FLAG, |s| flag(s, Flags::CWR)),
    ("tcp.flags.ae", FLAG, |s| flag(s, Flags::AE)),
    ("tcp.connection.syn", Type::Presence, |s| when(s.segment.flags.syn() && !s.segment.flags.ack())),
    ("tcp.connection.synack", Type::Presence, |s| when(s.segment.flags.syn() && s.segment.flags.ack())),
    ("tcp.connection.fin", Type::Presence, |s| when(s.segment.flags.fin())),
    ("tcp.connection.rst", Type::Presence, |s| when(s.segment.flags.rst())),
    ("tcp.window_size_value", U16, |s| Values::number(s.segment.window)),
    ("tcp.window_size", U32, |s| Values::number(s.analysis.window_bytes)),
    ("tcp.checksum", U16, |s| Values::maybe(s.packet.half(16).map(f64::from))),
    ("tcp.urgent_pointer", U16, |s| Values::number(s.segment.urgent)),
    ("tcp.payload", Type::Bytes, |s| Values::bytes(Some(s.packet.text()).filter(|text| !text.is_empty()))),
    ("tcp.options", Type::Bytes, |s| {
        let end = s.packet.header_bytes().filter(|bytes| *bytes > 20);
        Values::bytes(end.and_then(|end| s.packet.tcp.get(20..end)))
    }),
    ("tcp.options.mss_val", U16, |s| Values::maybe(s.segment.options.mss.map(f64::from))),
    ("tcp.options.wscale.shift", U8, |s| Values::maybe(s.segment.options.window_scale.map(f64::from))),
    ("tcp.options.sack_perm", Type::Presence, |s| when(s.segment.options.sack_permitted)),
    ("tcp.options.sack", Type::Presence, |s| when(!s.segment.options.sack.is_empty())),
    ("tcp.options.sack.count", U8, |s| match s.segment.options.sack.as_slice().len() {
        0 => Values::NONE,
        blocks => Values::number(blocks as u8),
    }),
    ("tcp.options.timestamp", Type::Presence, |s| when(s.segment.options.timestamps.is_some())),
    ("tcp.options.timestamp.tsval", U32, |s| {
        Values::maybe(s.segment.options.timestamps.map(|t| t.value.into()))
    }),
    ("tcp.options.timestamp.tsecr", U32, |s| {
        Values::maybe(s.segment.options.timestamps.map(|t| t.echo.into()))
    }),
    ("tcp.analysis", Type::Presence, |s| {
        let a = s.analysis;
        when(a.verdicts.intersects(Verdicts::FLAGS) || a.in_flight_bytes.is_some() || a.acked.is_some())
    }),
    ("tcp.analysis.flags", Type::Presence, |s| when(s.analysis.verdicts.intersects(Verdicts::FLAGS))),
    ("tcp.analysis.bytes_in_flight", U32, |s| Values::maybe(s.analysis.in_flight_bytes.map(f64::from))),
    ("tcp.analysis.ack_rtt", Type::Time, |s| {
        Values::maybe(s.analysis.acked.map(|acked| seconds(acked.rtt_ns)))
    }),
    ("tcp.analysis.acks_frame", U32, |s| Values::maybe(s.analysis.acked.map(|acked| acked.frame.into()))),
    ("tcp.analysis.rto", Type::Time, |s| Values::maybe(s.analysis.rto.map(|rto| seconds(rto.after_ns)))),
    ("tcp.analysis.rto_frame", U32, |s| Values::maybe(s.analysis.rto.map(|rto| rto.frame.into()))),
    ("tcp.analysis.duplicate_ack_num", U32, |s| {
        Values::maybe(s.analysis.duplicate_ack.map(|(number, _)| number.into()))
    }),
    ("tcp.analysis.duplicate_ack_frame", U32, |s| {
        Values::maybe(s.analysis.duplicate_ack.map(|(_, frame)| frame.into()))
    }),
    ("http", Type::Bytes, |s| Values::bytes(Some(s.packet.text()).filter(|text| is_http(text)))),
    ("http.request", Type::Presence, |s| when(is_request(s.packet.text()))),
    ("http.request.method", Type::Text, |s| request_word(s.packet.text(), 0)),
    ("http.request.uri", Type::Text, |s| request_word(s.packet.text(), 1)),
    ("http.request.version", Type::Text, |s| request_word(s.packet.text(), 2)),
    ("http.response", Type::Presence, |s| when(is_response(s.packet.text()))),
    ("http.response.version", Type::Text, |s| response_word(s.packet.text(), 0)),
    ("http.response.code", U16, |s| {
        let code = response_word(s.packet.text(), 1).iter().find_map(Value::as_number);
        Values::maybe(code)
    }),
    ("synfin.state", Type::Name, |s| {
        let name = |state: tcp::state::State| Value::Text(state.name().into());
        Values::both(name(s.analysis.sender().state), name(s.analysis.receiver().state))
    }),
    ("synfin.state.src", Type::Name, |s| Values::text(s.analysis.sender().state.name())),
    ("synfin.state.dst", Type::Name, |s| Values::text(s.analysis.receiver().state.name())),
    ("synfin.why", Type::Name, |s| Values::text(s.analysis.why.reason.name())),
    ("synfin.confidence", U8, |s| Values::number(s.analysis.why.confidence.percent())),
];

/// The version of IP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

fn is_v4(subject: &Subject<'_>) -> bool {
    subject.segment.source.is_ipv4()
}

fn of_v4(subject: &Subject<'_>, number: impl Into<f64>) -> Values<'static> {
    if is_v4(subject) { Values::number(number) } else { Values::NONE }
}

fn of_v6(subject: &Subject<'_>, number: impl Into<f64>) -> Values<'static> {
    if is_v4(subject) { Values::NONE } else { Values::number(number) }
}

fn address(of: SocketAddr, family: Family) -> Option<Value<'static>> {
    let ip: IpAddr = of.ip();
    (ip.is_ipv4() == (family == Family::V4)).then_some(Value::Address(ip))
}

fn one_address(of: SocketAddr, family: Family) -> Values<'static> {
    address(of, family).map_or(Values::NONE, Values::one)
}

fn both_addresses(subject: &Subject<'_>, family: Family) -> Values<'static> {
    let ends = [subject.segment.source, subject.segment.destination];
    Values::of(ends.into_iter().filter_map(|end| address(end, family)))
}

fn when(holds: bool) -> Values<'static> {
    if holds { Values::number(1) } else { Values::NONE }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn flag(subject: &Subject<'_>, flag: Flags) -> Values<'static> {
    Values::number(u8::from(subject.segment.flags.contains(flag)))
}

fn seen(subject: &Subject<'_>, kind: u8) -> Values<'static> {
    Values::number(u8::from(subject.analysis.completeness.has(kind)))
}

/// The control bits, and the reserved ones where the header was captured.
fn flags(subject: &Subject<'_>) -> u16 {
    subject.packet.half(12).map_or(subject.segment.flags.bits(), |bits| bits & 0xfff)
}

/// Wireshark's `tcp.flags.str`: a letter for each bit that is set, a dot for each that is not.
fn letters(flags: u16) -> String {
    let letters = "RRRACEUAPRSF".chars().zip((0..12).rev());
    letters.map(|(letter, bit)| if flags >> bit & 1 == 1 { letter } else { '·' }).collect()
}
