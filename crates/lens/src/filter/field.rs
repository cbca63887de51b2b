//! The fields that a filter may name: Wireshark's for TCP, and ours.

use super::value::{Value, Values};
use crate::{Analysis, Segment, Verdicts};
use std::net::IpAddr;
use tcp::Instant;
use wire::tcp::Flags;

/// One segment as a filter sees it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The segment.
    pub segment: &'a Segment,
    /// What the lens says of it.
    pub analysis: &'a Analysis,
    /// Its text, as far as it was captured; for `tcp.payload` and `http`.
    pub text: &'a [u8],
    /// When the capture began.
    pub origin: Instant,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Number,
    /// Seconds.
    Time,
    Address,
    Text,
    Bytes,
    /// It is there or not.
    Presence,
}

/// A field by its place in [`FIELDS`], or one of Wireshark's verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Listed(usize),
    Verdict(Verdicts),
    /// Some of the bytes of a field.
    Slice(usize, Slice),
}

/// Which bytes: from this one on, so many at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) start: usize,
    pub(super) len: usize,
}

type Read = for<'a> fn(&Subject<'a>) -> Values<'a>;

fn flag(subject: &Subject<'_>, flag: Flags) -> Values<'static> {
    Values::number(u8::from(subject.segment.flags.contains(flag)))
}

fn address(ip: IpAddr, wanted_v4: bool) -> Option<Value<'static>> {
    (ip.is_ipv4() == wanted_v4).then_some(Value::Address(ip))
}

fn one_address(ip: IpAddr, v4: bool) -> Values<'static> {
    address(ip, v4).map_or(Values::NONE, Values::one)
}

fn both_addresses(subject: &Subject<'_>, v4: bool) -> Values<'static> {
    match (address(subject.segment.source.ip(), v4), address(subject.segment.destination.ip(), v4)) {
        (Some(source), Some(destination)) => Values::both(source, destination),
        _ => Values::NONE,
    }
}

fn when(holds: bool) -> Values<'static> {
    if holds { Values::number(1) } else { Values::NONE }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// Whether the text begins as a message of HTTP/1 does.
fn is_http(text: &[u8]) -> bool {
    const STARTS: [&[u8]; 10] = [
        b"HTTP/1.",
        b"GET ",
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"DELETE ",
        b"OPTIONS ",
        b"PATCH ",
        b"CONNECT ",
        b"TRACE ",
    ];
    STARTS.iter().any(|start| text.starts_with(start))
}

fn is_response(text: &[u8]) -> bool {
    text.starts_with(b"HTTP/1.")
}

/// A word of the first line of a response, or of a request.
fn http_word(text: &[u8], of_response: bool, at: usize) -> Values<'_> {
    if !is_http(text) || is_response(text) != of_response {
        return Values::NONE;
    }
    let line = text.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or(text);
    let word = line.split(|byte| *byte == b' ').nth(at).and_then(|word| std::str::from_utf8(word).ok());
    word.map_or(Values::NONE, |word| Values::one(Value::Text(word)))
}

/// Every field that is no verdict: its name, what it holds, where it is read.
const FIELDS: &[(&str, Type, Read)] = &[
    ("frame", Type::Bytes, |s| Values::one(Value::Bytes(s.text))),
    ("tcp", Type::Bytes, |s| Values::one(Value::Bytes(s.text))),
    ("ip", Type::Presence, |s| when(s.segment.source.is_ipv4())),
    ("ipv6", Type::Presence, |s| when(s.segment.source.is_ipv6())),
    ("ip.proto", Type::Number, |s| if s.segment.source.is_ipv4() { Values::number(6) } else { Values::NONE }),
    ("http", Type::Bytes, |s| if is_http(s.text) { Values::one(Value::Bytes(s.text)) } else { Values::NONE }),
    ("http.request", Type::Presence, |s| when(is_http(s.text) && !is_response(s.text))),
    ("http.request.method", Type::Text, |s| http_word(s.text, false, 0)),
    ("http.request.uri", Type::Text, |s| http_word(s.text, false, 1)),
    ("http.response", Type::Presence, |s| when(is_response(s.text))),
    ("http.response.code", Type::Number, |s| {
        let code = http_word(s.text, true, 1).iter().find_map(Value::as_number);
        Values::maybe(code)
    }),
    ("frame.number", Type::Number, |s| Values::number(s.segment.frame)),
    ("frame.len", Type::Number, |s| Values::number(s.segment.frame_bytes)),
    ("frame.time_relative", Type::Time, |s| {
        Values::number(seconds(s.segment.time.since(s.origin).as_nanos() as u64))
    }),
    ("ip.src", Type::Address, |s| one_address(s.segment.source.ip(), true)),
    ("ip.dst", Type::Address, |s| one_address(s.segment.destination.ip(), true)),
    ("ip.addr", Type::Address, |s| both_addresses(s, true)),
    ("ipv6.src", Type::Address, |s| one_address(s.segment.source.ip(), false)),
    ("ipv6.dst", Type::Address, |s| one_address(s.segment.destination.ip(), false)),
    ("ipv6.addr", Type::Address, |s| both_addresses(s, false)),
    ("ip.ttl", Type::Number, |s| Values::number(s.segment.ttl)),
    ("ip.id", Type::Number, |s| Values::maybe(s.segment.ip_id.map(f64::from))),
    ("ip.len", Type::Number, |s| Values::number(s.segment.ip_bytes)),
    ("ip.dsfield.ecn", Type::Number, |s| Values::number(s.segment.ecn)),
    ("tcp.time_relative", Type::Time, |s| Values::number(seconds(s.analysis.since_first_ns))),
    ("tcp.time_delta", Type::Time, |s| Values::number(seconds(s.analysis.since_previous_ns))),
    ("tcp.srcport", Type::Number, |s| Values::number(s.segment.source.port())),
    ("tcp.dstport", Type::Number, |s| Values::number(s.segment.destination.port())),
    ("tcp.port", Type::Number, |s| {
        let port = |address: std::net::SocketAddr| Value::Number(f64::from(address.port()));
        Values::both(port(s.segment.source), port(s.segment.destination))
    }),
    ("tcp.stream", Type::Number, |s| Values::number(s.analysis.stream)),
    ("tcp.len", Type::Number, |s| Values::number(s.segment.text_bytes)),
    ("tcp.seq", Type::Number, |s| Values::number(s.analysis.relative_seq)),
    ("tcp.nxtseq", Type::Number, |s| Values::number(s.analysis.relative_end)),
    ("tcp.ack", Type::Number, |s| Values::number(s.analysis.relative_ack)),
    ("tcp.seq_raw", Type::Number, |s| Values::number(s.segment.seq.number())),
    ("tcp.ack_raw", Type::Number, |s| Values::number(s.segment.ack.number())),
    ("tcp.flags", Type::Number, |s| Values::number(s.segment.flags.bits())),
    ("tcp.flags.fin", Type::Number, |s| flag(s, Flags::FIN)),
    ("tcp.flags.syn", Type::Number, |s| flag(s, Flags::SYN)),
    ("tcp.flags.reset", Type::Number, |s| flag(s, Flags::RST)),
    ("tcp.flags.push", Type::Number, |s| flag(s, Flags::PSH)),
    ("tcp.flags.ack", Type::Number, |s| flag(s, Flags::ACK)),
    ("tcp.flags.urg", Type::Number, |s| flag(s, Flags::URG)),
    ("tcp.flags.ece", Type::Number, |s| flag(s, Flags::ECE)),
    ("tcp.flags.cwr", Type::Number, |s| flag(s, Flags::CWR)),
    ("tcp.flags.ae", Type::Number, |s| flag(s, Flags::AE)),
    ("tcp.connection.syn", Type::Presence, |s| when(s.segment.flags.syn() && !s.segment.flags.ack())),
    ("tcp.connection.synack", Type::Presence, |s| when(s.segment.flags.syn() && s.segment.flags.ack())),
    ("tcp.connection.fin", Type::Presence, |s| when(s.segment.flags.fin())),
    ("tcp.connection.rst", Type::Presence, |s| when(s.segment.flags.rst())),
    ("tcp.window_size_value", Type::Number, |s| Values::number(s.segment.window)),
    ("tcp.window_size", Type::Number, |s| Values::number(s.analysis.window_bytes)),
    ("tcp.urgent_pointer", Type::Number, |s| Values::number(s.segment.urgent)),
    ("tcp.payload", Type::Bytes, |s| {
        if s.text.is_empty() { Values::NONE } else { Values::one(Value::Bytes(s.text)) }
    }),
    ("tcp.options.mss_val", Type::Number, |s| Values::maybe(s.segment.options.mss.map(f64::from))),
    ("tcp.options.wscale.shift", Type::Number, |s| {
        Values::maybe(s.segment.options.window_scale.map(f64::from))
    }),
    ("tcp.options.sack_perm", Type::Presence, |s| when(s.segment.options.sack_permitted)),
    ("tcp.options.sack", Type::Presence, |s| when(!s.segment.options.sack.is_empty())),
    ("tcp.options.timestamp.tsval", Type::Number, |s| {
        Values::maybe(s.segment.options.timestamps.map(|t| t.value.into()))
    }),
    ("tcp.options.timestamp.tsecr", Type::Number, |s| {
        Values::maybe(s.segment.options.timestamps.map(|t| t.echo.into()))
    }),
    ("tcp.analysis.flags", Type::Presence, |s| when(s.analysis.verdicts.intersects(Verdicts::FLAGS))),
    ("tcp.analysis.bytes_in_flight", Type::Number, |s| {
        Values::maybe(s.analysis.in_flight_bytes.map(f64::from))
    }),
    ("tcp.analysis.ack_rtt", Type::Time, |s| {
        Values::maybe(s.analysis.acked.map(|acked| seconds(acked.rtt_ns)))
    }),
    ("tcp.analysis.acks_frame", Type::Number, |s| {
        Values::maybe(s.analysis.acked.map(|acked| acked.frame.into()))
    }),
    ("tcp.analysis.rto", Type::Time, |s| Values::maybe(s.analysis.rto.map(|rto| seconds(rto.after_ns)))),
    ("tcp.analysis.duplicate_ack_num", Type::Number, |s| {
        Values::maybe(s.analysis.duplicate_ack.map(|(n, _)| n.into()))
    }),
    ("synfin.state", Type::Text, |s| {
        Values::both(
            Value::Text(s.analysis.sender().state.name()),
            Value::Text(s.analysis.receiver().state.name()),
        )
    }),
    ("synfin.state.src", Type::Text, |s| Values::one(Value::Text(s.analysis.sender().state.name()))),
    ("synfin.state.dst", Type::Text, |s| Values::one(Value::Text(s.analysis.receiver().state.name()))),
    ("synfin.why", Type::Text, |s| Values::one(Value::Text(s.analysis.why.reason.name()))),
    ("synfin.confidence", Type::Number, |s| Values::number(s.analysis.why.confidence.percent())),
];

const ANALYSIS: &str = "tcp.analysis.";

impl Field {
    /// The field of this name.
    pub(super) fn named(name: &str) -> Option<Field> {
        let listed = FIELDS.iter().position(|(known, ..)| *known == name).map(Field::Listed);
        listed.or_else(|| name.strip_prefix(ANALYSIS).and_then(Verdicts::from_name).map(Field::Verdict))
    }

    /// Some of its bytes, if it has bytes.
    pub(super) fn sliced(self, slice: Slice) -> Option<Field> {
        match self {
            Field::Listed(index) if FIELDS[index].1 == Type::Bytes => Some(Field::Slice(index, slice)),
            _ => None,
        }
    }

    pub(super) fn kind(self) -> Type {
        match self {
            Field::Listed(index) | Field::Slice(index, _) => FIELDS[index].1,
            Field::Verdict(_) => Type::Presence,
        }
    }

    pub(super) fn values<'a>(self, subject: &Subject<'a>) -> Values<'a> {
        match self {
            Field::Listed(index) => FIELDS[index].2(subject),
            Field::Slice(index, slice) => match FIELDS[index].2(subject).iter().next() {
                Some(Value::Bytes(bytes)) if bytes.len() > slice.start => {
                    let rest = &bytes[slice.start..];
                    Values::one(Value::Bytes(&rest[..slice.len.min(rest.len())]))
                }
                _ => Values::NONE,
            },
            Field::Verdict(verdict) => when(subject.analysis.verdicts.contains(verdict)),
        }
    }

    pub(super) fn is_present(self, subject: &Subject<'_>) -> bool {
        self.values(subject).iter().next().is_some()
    }
}

/// The known name that is nearest to `name`, if one is near at all.
pub(super) fn nearest(name: &str) -> Option<String> {
    let listed = FIELDS.iter().map(|(known, ..)| (*known).to_owned());
    let verdicts = Verdicts::all_names().map(|verdict| format!("{ANALYSIS}{verdict}"));
    let (distance, nearest) = listed
        .chain(verdicts)
        .map(|known| (distance(name, &known), known))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len() / 3 + 1).then_some(nearest)
}

/// How many letters must be changed, put in or left out to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
