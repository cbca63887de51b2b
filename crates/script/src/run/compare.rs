//! Whether the packet that was seen is the one that the script expects, field by field.

use super::codec::{Live, LiveBody, LiveTcp};
use super::flow::{Flow, timestamp_of};
use super::icmp_names;
use crate::ast::*;
use std::time::Duration;
use wire::tcp::Flags;

/// Whether PSH of what is sent is compared. RFC 9293 §3.9.1 leaves to the sender where a record ends, and
/// systems differ: some mark the end of each burst, others the end of what is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    Compared,
    /// `--any_push`
    Ignored,
}

/// How strictly packets are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) push: Push,
    /// The length of one tick of the script's clock; with `None`, TSval is not compared.
    pub(crate) tick: Option<Duration>,
    pub(crate) tolerance: Duration,
}

/// The engine's timestamps count milliseconds.
const ENGINE_TICK_US: i64 = 1_000;

/// The fields in which they differ, in words; empty if the packet is the right one.
pub(crate) fn differences(expected: &Packet, seen: &Live, flow: &Flow, check: Check) -> Vec<String> {
    let mut wrong = Vec::new();
    compare_ip(&expected.ip, seen, &mut wrong);
    compare_ports(expected.ports, seen, flow, &mut wrong);
    match (&expected.body, &seen.body) {
        (Body::Tcp(expected), LiveBody::Tcp(seen)) => compare_tcp(expected, seen, flow, check, &mut wrong),
        (Body::Udp { len_bytes }, LiveBody::Udp { len_bytes: seen }) => {
            differ("length", len_bytes, seen, &mut wrong);
        }
        (Body::Icmp(expected), LiveBody::Icmp { .. }) => compare_icmp(expected, seen, flow, &mut wrong),
        (expected, _) => wrong.push(format!("a {} packet was expected", kind(expected))),
    }
    wrong
}

fn kind(body: &Body) -> &'static str {
    match body {
        Body::Tcp(_) => "TCP",
        Body::Icmp(_) => "ICMP",
        Body::Udp { .. } => "UDP",
        Body::Unsupported { .. } => "foreign",
    }
}

fn differ<T: PartialEq + std::fmt::Display>(what: &str, expected: &T, seen: &T, wrong: &mut Vec<String>) {
    if expected != seen {
        wrong.push(format!("{what}: expected {expected}, seen {seen}"));
    }
}

fn compare_ip(expected: &IpInfo, seen: &Live, wrong: &mut Vec<String>) {
    let ecn = seen.tos & 3;
    if let Some(wanted) = expected.ecn {
        let right = match wanted {
            Ecn::NotEct => ecn == 0,
            Ecn::Ect1 => ecn == 1,
            Ecn::Ect0 => ecn == 2,
            Ecn::EctAny => ecn == 1 || ecn == 2,
            Ecn::Ce => ecn == 3,
        };
        if !right {
            let seen = seen.ip_info().ecn.map_or("", Ecn::name);
            wrong.push(format!("ECN: expected {}, seen {seen}", wanted.name()));
        }
    }
    if let Some(tos) = expected.tos {
        let tos = if expected.ecn.is_some() { tos & !3 | ecn } else { tos };
        differ("type of service", &tos, &seen.tos, wrong);
    }
    if let Some(ttl) = expected.ttl {
        differ("time to live", &ttl, &seen.ttl, wrong);
    }
    if let Some(label) = expected.flow_label {
        differ("flow label", &label, &seen.flow_label, wrong);
    }
}

fn are_same(expected: Flags, seen: Flags, push: Push) -> bool {
    match push {
        Push::Compared => expected == seen,
        Push::Ignored => expected | Flags::PSH == seen | Flags::PSH,
    }
}

fn compare_ports(expected: Option<Ports>, seen: &Live, flow: &Flow, wrong: &mut Vec<String>) {
    let Some(Ports { source, destination }) = expected else { return };
    let (remote, local) = flow.script_ports.unwrap_or((seen.destination.port(), seen.source.port()));
    differ("source port", &source, &local, wrong);
    differ("destination port", &destination, &remote, wrong);
}

fn compare_tcp(expected: &TcpPacket, seen: &LiveTcp, flow: &Flow, check: Check, wrong: &mut Vec<String>) {
    if let Field::Is(bits) = expected.flags.bits
        && !are_same(bits, seen.flags, check.push)
    {
        let seen = FlagsWord { bits: Field::Is(seen.flags), ace: expected.flags.ace };
        wrong.push(format!("flags: expected {}, seen {seen}", expected.flags));
    }
    if let Field::Is(range) = expected.seq {
        match range.counted {
            Counted::FromInitial => {
                differ("sequence number", &range.start, &flow.relative_start(seen), wrong);
            }
            Counted::FromZero => differ("sequence number", &range.start, &seen.seq.number(), wrong),
            Counted::Open => {}
        }
        differ("length", &range.len_bytes, &seen.text_bytes, wrong);
    }
    differ_unless_open("acknowledgment number", expected.ack, &flow.relative_ack(seen), expected, wrong);
    differ_unless_open("urgent pointer", expected.urgent, &seen.urgent, expected, wrong);
    if let Field::Is(window) = expected.window {
        differ("window", &window, &seen.window, wrong);
    }
    match &expected.options {
        OptionList::Any => {}
        OptionList::Absent => compare_options(&[], seen, flow, check, wrong),
        OptionList::List(list) => compare_options(list, seen, flow, check, wrong),
    }
}

/// Compares a field that must be zero if it is not written, but only if the flags are written.
fn differ_unless_open<T: PartialEq + std::fmt::Display + Default>(
    what: &str,
    field: Field<T>,
    seen: &T,
    expected: &TcpPacket,
    wrong: &mut Vec<String>,
) {
    match field {
        Field::Is(value) => differ(what, &value, seen, wrong),
        Field::Absent if expected.flags.bits != Field::Any => differ(what, &T::default(), seen, wrong),
        Field::Absent | Field::Any => {}
    }
}

fn compare_options(
    expected: &[TcpOption],
    seen: &LiveTcp,
    flow: &Flow,
    check: Check,
    wrong: &mut Vec<String>,
) {
    let relative = flow.relative_options(Direction::Out, seen);
    let mut left = relative.as_slice();
    for option in expected {
        if *option == TcpOption::Rest {
            return;
        }
        let Some((first, rest)) = left.split_first() else {
            wrong.push(format!("options: `{option}` is missing"));
            return;
        };
        let right = match (option, first) {
            (TcpOption::Timestamps { value, echo, .. }, TcpOption::Timestamps { echo: seen_echo, .. }) => {
                if let (Some(value), Some(live)) = (value, timestamp_of(seen)) {
                    compare_timestamp(*value, live, flow, check, wrong);
                }
                if let (Some(echo), Some(seen_echo)) = (echo, seen_echo) {
                    differ("TS ecr", echo, seen_echo, wrong);
                }
                true
            }
            (TcpOption::Md5(None), TcpOption::Md5(_)) => true,
            _ => option == first,
        };
        if !right {
            wrong.push(format!("options: expected `{option}`, seen `{first}`"));
            return;
        }
        left = rest;
    }
    if let Some(extra) = left.first() {
        wrong.push(format!("options: `{extra}` was not expected"));
    }
}

fn compare_timestamp(value: u32, live: u32, flow: &Flow, check: Check, wrong: &mut Vec<String>) {
    let (Some(tick), Some(base)) = (check.tick, flow.timestamp_base) else { return };
    let tick_us = i64::try_from(tick.as_micros()).unwrap_or(i64::MAX);
    let expected_us = i64::from(value.wrapping_sub(base.script).cast_signed()).saturating_mul(tick_us);
    let seen_us = i64::from(live.wrapping_sub(base.live).cast_signed()).saturating_mul(ENGINE_TICK_US);
    let tolerance_us = i64::try_from(check.tolerance.as_micros()).unwrap_or(i64::MAX).max(tick_us);
    if expected_us.saturating_sub(seen_us).abs() > tolerance_us {
        let seen = i64::from(base.script) + seen_us / tick_us.max(1);
        wrong.push(format!("TS val: expected {value}, seen {seen}"));
    }
}

fn compare_icmp(expected: &IcmpPacket, seen: &Live, flow: &Flow, wrong: &mut Vec<String>) {
    let LiveBody::Icmp { kind, code, mtu_bytes, quoted } = &seen.body else { return };
    let names = if seen.source.is_ipv6() { icmp_names::v6 } else { icmp_names::v4 };
    let Some(numbers) = names(&expected.kind, expected.code.as_deref()) else { return };
    let shown = flow.relative(seen);
    if (numbers.kind, numbers.code) != (*kind, *code) {
        wrong.push(format!("message: expected {expected}, seen {}", shown.body_text()));
    }
    if let Some(mtu) = expected.mtu_bytes {
        differ("MTU", &mtu, mtu_bytes, wrong);
    }
    if let Some(wanted) = expected.quoted {
        let seen = match &shown.body {
            Body::Icmp(icmp) => icmp.quoted,
            _ => None,
        };
        if quoted.is_none() || seen != Some(wanted) {
            wrong.push(format!("quoted packet: expected {expected}, seen {}", shown.body_text()));
        }
    }
}

impl Packet {
    fn body_text(&self) -> String {
        self.to_string().trim_start_matches(['<', '>', ' ']).to_owned()
    }
}
