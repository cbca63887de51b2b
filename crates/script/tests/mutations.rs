//! The runner is strict: a passing script that is changed in its meaning must fail.
//!
//! Every script of `tests/scripts/` is changed in one place at a time: what a line expects of a packet
//! or a call, when it expects it, and which packets it expects at all. Each change must make it fail.

mod common;

use common::{Found, known_failures, scripts};
use std::time::Duration;
use synfin_script::ast::{
    Body, Call, Counted, Direction, Event, Expr, Field, FlagsWord, OptionList, Packet, Script, SeqRange,
    TcpOption, What, When,
};
use synfin_script::{Outcome, RunOptions, parse_with, run};
use wire::tcp::Flags;

/// A changed script, and what was changed.
struct Mutant {
    script: Script,
    what: String,
}

/// Every change of one event of a script.
fn mutants(script: &Script) -> Vec<Mutant> {
    let mut all = Vec::new();
    let compares_push = script.option("any_push").is_none();
    let compares_trailing = script.option("any_trailing").is_none();
    for (index, event) in script.events.iter().enumerate() {
        let mut changed = |what: &str, new: Event| {
            let mut script = script.clone();
            script.events[index] = new;
            all.push(Mutant { script, what: format!("event {index} `{event}`: {what}") });
        };
        match &event.what {
            What::Packet(packet) if packet.direction == Direction::Out => {
                for (what, packet) in packet_changes(packet) {
                    if what == PUSH && !compares_push {
                        continue;
                    }
                    changed(what, Event { what: What::Packet(packet), ..event.clone() });
                }
                for (what, when) in time_changes(event.when) {
                    changed(what, Event { when, ..event.clone() });
                }
            }
            What::Call(call) => {
                for (what, call) in call_changes(call) {
                    changed(what, Event { what: What::Call(call), ..event.clone() });
                }
            }
            _ => {}
        }
        if is_expected_segment(event) {
            let mut without = script.clone();
            // What follows keeps its time.
            without.events[index].what = What::Command("true".to_owned());
            match event.when {
                When::RelativeRange(_, to) => without.events[index].when = When::Relative(to),
                When::Any => without.events[index].when = When::Relative(Duration::from_secs(1_000)),
                _ => {}
            }
            // Where what trails is open, the last line may be left out.
            if compares_trailing || script.events[index + 1..].iter().any(is_expected_segment) {
                all.push(Mutant { script: without, what: format!("event {index} `{event}`: dropped") });
            }
            let mut twice = script.clone();
            twice.events.insert(index + 1, Event { when: When::Relative(Duration::ZERO), ..event.clone() });
            all.push(Mutant { script: twice, what: format!("event {index} `{event}`: twice") });
        }
        if matches!(&event.what, What::Packet(packet) if packet.direction == Direction::In && is_consequential(packet))
            && is_answered(script, index)
        {
            let mut without = script.clone();
            without.events[index].what = What::Command("true".to_owned());
            all.push(Mutant { script: without, what: format!("event {index} `{event}`: not sent") });
            let mut again = script.clone();
            again.events.insert(index + 1, Event { when: When::Relative(Duration::ZERO), ..event.clone() });
            all.push(Mutant { script: again, what: format!("event {index} `{event}`: sent again") });
        }
    }
    all
}

/// Whether the next packet is one that the stack sends: what is met with silence may be left out.
fn is_answered(script: &Script, index: usize) -> bool {
    let mut later = script.events[index + 1..].iter();
    later.find(|event| matches!(event.what, What::Packet(_))).is_some_and(is_expected_segment)
}

fn is_expected_segment(event: &Event) -> bool {
    matches!(&event.what, What::Packet(packet) if packet.direction == Direction::Out)
}

/// An inbound packet whose absence the next expected packet shows, and whose repetition is answered: text,
/// SYN and FIN.
fn is_consequential(packet: &Packet) -> bool {
    let Body::Tcp(tcp) = &packet.body else { return false };
    let flags = tcp.flags.bits.value().unwrap_or(Flags::NONE);
    let text = tcp.seq.value().is_some_and(|range| range.len_bytes > 0);
    flags.intersects(Flags::SYN | Flags::FIN) || text
}

/// The change that a script with `--any_push` does not see.
const PUSH: &str = "push";

fn packet_changes(packet: &Packet) -> Vec<(&'static str, Packet)> {
    let Body::Tcp(tcp) = &packet.body else { return Vec::new() };
    let mut changes = Vec::new();
    let mut add = |what, tcp| changes.push((what, Packet { body: Body::Tcp(tcp), ..packet.clone() }));
    if let Field::Is(range) = tcp.seq {
        let is_syn = tcp.flags.bits.value().is_some_and(Flags::syn);
        // A SYN's number is the zero from which all others count: it has no other meaning by itself.
        if !is_syn && range.counted != Counted::Open {
            let later = SeqRange { start: range.start.wrapping_add(1), ..range };
            add("sequence number", synfin_script::ast::TcpPacket { seq: Field::Is(later), ..tcp.clone() });
        }
        let longer = SeqRange { len_bytes: range.len_bytes + 1, ..range };
        add("length", synfin_script::ast::TcpPacket { seq: Field::Is(longer), ..tcp.clone() });
    }
    if let Field::Is(ack) = tcp.ack {
        add(
            "acknowledgment",
            synfin_script::ast::TcpPacket { ack: Field::Is(ack.wrapping_add(1)), ..tcp.clone() },
        );
    }
    if let Field::Is(window) = tcp.window {
        add("window", synfin_script::ast::TcpPacket { window: Field::Is(window ^ 1), ..tcp.clone() });
    }
    if let Field::Is(urgent) = tcp.urgent {
        add("urgent pointer", synfin_script::ast::TcpPacket { urgent: Field::Is(urgent ^ 1), ..tcp.clone() });
    }
    if let Field::Is(bits) = tcp.flags.bits {
        for flag in [Flags::FIN, Flags::RST, Flags::PSH, Flags::ACK, Flags::URG, Flags::ECE, Flags::CWR] {
            let flags =
                FlagsWord { bits: Field::Is(Flags::from_bits(bits.bits() ^ flag.bits())), ace: false };
            let what = if flag == Flags::PSH { PUSH } else { "flags" };
            add(what, synfin_script::ast::TcpPacket { flags, ..tcp.clone() });
        }
    }
    for (what, options) in option_changes(&tcp.options) {
        add(what, synfin_script::ast::TcpPacket { options, ..tcp.clone() });
    }
    changes
}

fn option_changes(options: &OptionList) -> Vec<(&'static str, OptionList)> {
    let list = match options {
        OptionList::Any => return Vec::new(),
        OptionList::Absent => return vec![("an option more", OptionList::List(vec![TcpOption::Mss(1)]))],
        OptionList::List(list) => list,
        other => panic!("a kind of options without changes: {other:?}"),
    };
    let mut changes = vec![("no options", OptionList::Absent)];
    for (index, option) in list.iter().enumerate() {
        let mut put = |what, new: Option<TcpOption>| {
            let mut list = list.clone();
            match new {
                Some(new) => list[index] = new,
                None => drop(list.remove(index)),
            }
            changes.push((what, OptionList::List(list)));
        };
        put("an option less", None);
        match option {
            TcpOption::Mss(mss) => put("MSS", Some(TcpOption::Mss(mss + 1))),
            TcpOption::WindowScale(shift) => put("window scale", Some(TcpOption::WindowScale(shift + 1))),
            TcpOption::SackPermitted => put("not SACK-permitted", Some(TcpOption::Nop)),
            TcpOption::Sack(blocks) => {
                let mut blocks = blocks.clone();
                blocks[0].1 += 1;
                put("SACK block", Some(TcpOption::Sack(blocks)));
            }
            TcpOption::Timestamps { value, echo: Some(echo), echo_counted } => {
                let (value, echo, echo_counted) = (*value, Some(echo + 1), *echo_counted);
                put("TS ecr", Some(TcpOption::Timestamps { value, echo, echo_counted }));
            }
            _ => {}
        }
    }
    changes
}

fn time_changes(when: When) -> Vec<(&'static str, When)> {
    let shift = Duration::from_millis(5);
    match when {
        When::Relative(after) => vec![("later", When::Relative(after + shift))],
        When::Absolute(at) => vec![("later", When::Absolute(at + shift))],
        _ => Vec::new(),
    }
}

fn call_changes(call: &Call) -> Vec<(&'static str, Call)> {
    let mut changes = Vec::new();
    let mut add = |what, change: fn(&mut Call)| {
        let mut call = call.clone();
        change(&mut call);
        changes.push((what, call));
    };
    match (&call.outcome.errno, &call.outcome.value) {
        (Some(_), _) => {
            add("another error", |call| call.outcome.errno = Some("EXDEV".to_owned()));
            add("no error", |call| {
                call.outcome.errno = None;
                call.outcome.value = Expr::Integer(0);
            });
        }
        (None, Expr::Integer(_)) => {
            let makes_descriptor =
                matches!(call.name.as_str(), "socket" | "accept" | "accept4" | "epoll_create");
            if !makes_descriptor {
                add("result", |call| {
                    if let Expr::Integer(value) = &mut call.outcome.value {
                        *value += 1;
                    }
                });
            }
            add("an error", |call| {
                call.outcome.value = Expr::Integer(-1);
                call.outcome.errno = Some("EXDEV".to_owned());
            });
        }
        _ => {}
    }
    if call.name == "getsockopt" && matches!(call.arguments.get(3), Some(Expr::Array(_))) {
        add("option value", |call| call.arguments[3] = Expr::Array(vec![Expr::Integer(424_242)]));
    }
    if call.name == "getsockopt" && matches!(call.arguments.get(3), Some(Expr::Struct(_))) {
        add("member of the option's value", |call| change_last_member(&mut call.arguments[3]));
    }
    if call.name == "poll" {
        add("revents", |call| {
            if let Expr::Array(items) = &mut call.arguments[0] {
                items.iter_mut().for_each(change_last_member);
            }
        });
    }
    if call.until.is_some() {
        add("returns later", |call| call.until = call.until.map(|until| until + Duration::from_millis(5)));
    }
    changes
}

/// `revents` of a `poll`, some field of a `TCP_INFO`.
fn change_last_member(structure: &mut Expr) {
    if let Expr::Struct(members) = structure
        && let Some(member) = members.last_mut()
    {
        member.value = Expr::Integer(424_242);
    }
}

/// Scripts over one version of IP are enough here: strictness does not depend on it.
#[test]
fn every_change_of_meaning_fails() {
    let (mut tried, mut survivors) = (0, Vec::new());
    let known = known_failures();
    // What `#ifdef` knows where the profile is that of the RFCs.
    let conditions = [("STANDARD".to_owned(), String::new())];
    for Found { name, directory, text } in
        scripts().into_iter().filter(|found| !known.contains_key(&found.name))
    {
        let mut script = parse_with(&name, &text, &conditions).unwrap();
        let options = RunOptions { file: name.clone(), directory: Some(directory), ..RunOptions::strict() };
        // Printed and read again it must still pass; blocks of code are another process and another test.
        for event in &mut script.events {
            if matches!(event.what, What::Code(_)) {
                event.what = What::Command("true".to_owned());
            }
        }
        assert_eq!(run(&script.to_string(), &options), Outcome::Passed, "{name} passes when printed");
        for mutant in mutants(&script) {
            tried += 1;
            if let Outcome::Passed = run(&mutant.script.to_string(), &options) {
                survivors.push(format!("{name}: {}", mutant.what));
            }
        }
    }
    assert!(tried > 9_000, "{tried} changes are too few to prove anything");
    assert!(
        survivors.is_empty(),
        "{} of {tried} changes went unnoticed:\n{}",
        survivors.len(),
        survivors.join("\n")
    );
    println!("{tried} changes, all noticed");
}
