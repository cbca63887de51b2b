//! What the kernel says of each retransmission: when, between whom, and why.
//!
//! The why is in the callers of `__tcp_retransmit_skb` and in the congestion state of the socket at that time, which its
//! tracepoints tell. What is *not* here: the text of the trace, and captures.

use super::trace::{Event, Trace};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Why the kernel sent something again, as finely as the lens is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Its timer ran out for a SYN or SYN-ACK.
    HandshakeTimeout,
    /// Its retransmission timer ran out.
    Timeout,
    /// It was lost, says the timer that ran out for what came before it.
    AfterTimeout,
    /// A probe of the tail.
    Probe,
    /// An acknowledgment showed a loss: duplicates, SACK, or RACK when an acknowledgment came.
    Recovery,
    /// RACK's reordering timer ran out.
    ReorderTimer,
    /// It was too big for the path.
    PathMtu,
    /// A SYN-ACK that answers a SYN that came again.
    SynAgain,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 8] = [
        Class::HandshakeTimeout,
        Class::SynAgain,
        Class::Timeout,
        Class::AfterTimeout,
        Class::Probe,
        Class::Recovery,
        Class::ReorderTimer,
        Class::PathMtu,
    ];

    /// Its name, in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Class::HandshakeTimeout => "handshake timeout",
            Class::Timeout => "timeout",
            Class::AfterTimeout => "after timeout",
            Class::Probe => "tail-loss probe",
            Class::Recovery => "recovery",
            Class::ReorderTimer => "reordering timer",
            Class::PathMtu => "path MTU",
            Class::SynAgain => "SYN came again",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What made the kernel act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// `tcp_retransmit_timer`, or the timer of a half-open connection.
    Timer,
    /// `tcp_send_loss_probe`
    ProbeTimer,
    /// `tcp_rack_reo_timeout`
    ReorderTimer,
    /// `tcp_simple_retransmit`
    TooBig,
    /// Pacing, or a queue below that had been full, let it go.
    Released,
    /// A segment of the peer.
    Arrival,
}

/// What the kernel does when it hears that a packet was too big. Of `tcp_simple_retransmit` nothing is left on the stack
/// when its last call is a jump.
const TOO_BIG: [&str; 5] =
    ["tcp_simple_retransmit", "tcp_v4_mtu_reduced", "tcp_v6_mtu_reduced", "tcp_v4_err", "tcp_v6_err"];

impl Trigger {
    fn of(event: &Event) -> Option<Trigger> {
        let known = [
            (Trigger::ProbeTimer, &["tcp_send_loss_probe"][..]),
            (Trigger::ReorderTimer, &["tcp_rack_reo_timeout"]),
            (Trigger::Timer, &["tcp_retransmit_timer", "reqsk_timer_handler"]),
            (Trigger::TooBig, &TOO_BIG),
            (Trigger::Released, &["tcp_tsq_write", "tcp_tsq_handler", "tcp_tsq_workfn", "tcp_pace_kick"]),
            (Trigger::Arrival, &["tcp_ack", "tcp_rcv_established", "tcp_rcv_state_process", "tcp_check_req"]),
        ];
        let found = known.into_iter().find(|(_, names)| names.iter().any(|name| event.is_within(name)));
        found.map(|(trigger, _)| trigger)
    }
}

/// The congestion state of a socket (`enum tcp_ca_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Congestion {
    /// All is well.
    #[default]
    Open,
    /// Duplicates or SACK blocks came.
    Disorder,
    /// The window is being reduced.
    Reducing,
    /// A loss was shown by acknowledgments.
    Recovery,
    /// The retransmission timer ran out.
    Loss,
    /// It was said that a packet was too big.
    TooBig,
}

impl Congestion {
    fn of(event: &Event) -> Option<Congestion> {
        Some(match event.fields.get("cong_state")?.as_str() {
            "0" => Congestion::Open,
            "1" => Congestion::Disorder,
            "2" => Congestion::Reducing,
            "3" => Congestion::Recovery,
            // The same state, entered without a timeout.
            "4" if TOO_BIG.iter().any(|name| event.is_within(name))
                && !event.is_within("tcp_retransmit_timer") =>
            {
                Congestion::TooBig
            }
            "4" => Congestion::Loss,
            _ => return None,
        })
    }
}

/// One retransmission, by the kernel's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// When it had been handed down, in nanoseconds of the captures' clock.
    pub time_ns: u64,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// Why.
    pub class: Class,
    /// What made the kernel act.
    pub trigger: Trigger,
    /// In which state its socket was.
    pub congestion: Congestion,
}

/// What a trace tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The retransmissions, by time.
    pub truths: Vec<Truth>,
    /// Events that could not be read, or whose stack says nothing known, in words.
    pub unclear: Vec<String>,
    /// Retransmissions that did not leave: a queue below was full.
    pub refused: usize,
}

impl Told {
    /// Reads the retransmissions of a trace; `clock_ns` is what to add to the trace's clock.
    pub fn of(trace: &Trace, clock_ns: i64, concerns: impl Fn(IpAddr) -> bool) -> Told {
        let mut told = Told::default();
        let mut states: BTreeMap<(SocketAddr, SocketAddr), Congestion> = BTreeMap::new();
        let mut events: Vec<&Event> = trace.events.iter().collect();
        events.sort_by_key(|event| event.time_ns);
        for event in events {
            let Some((from, to)) = ends(event) else {
                told.unclear.push(format!("{} without addresses: {:?}", event.name, event.fields));
                continue;
            };
            if !concerns(from.ip()) {
                continue;
            }
            let name = event.name.as_str();
            if name == "tcp_cong_state_set" {
                match Congestion::of(event) {
                    Some(state) => drop(states.insert((from, to), state)),
                    None => told.unclear.push(format!("a congestion state: {:?}", event.fields)),
                }
                continue;
            }
            let is_syn_ack = name == "tcp_retransmit_synack";
            if !is_syn_ack && name != "tcp_retransmit_skb" {
                continue;
            }
            if event.fields.get("err").is_some_and(|error| error != "0") {
                told.refused += 1;
                continue;
            }
            let Some(trigger) = Trigger::of(event) else {
                told.unclear.push(format!("{name} of {from} by {:?}", event.stack));
                continue;
            };
            let congestion = states.get(&(from, to)).copied().unwrap_or_default();
            let is_handshake = is_syn_ack
                || event.fields.get("state").is_some_and(|state| {
                    matches!(state.as_str(), "TCP_SYN_SENT" | "TCP_SYN_RECV" | "TCP_NEW_SYN_RECV")
                });
            let class = class(trigger, congestion, is_handshake);
            let time_ns = event.time_ns.saturating_add_signed(clock_ns);
            told.truths.push(Truth { time_ns, from, to, class, trigger, congestion });
        }
        told
    }
}

fn class(trigger: Trigger, congestion: Congestion, is_handshake: bool) -> Class {
    match (trigger, congestion) {
        (Trigger::Timer, _) if is_handshake => Class::HandshakeTimeout,
        (Trigger::Arrival, _) if is_handshake => Class::SynAgain,
        (Trigger::Timer, _) => Class::Timeout,
        (Trigger::ProbeTimer, _) => Class::Probe,
        (Trigger::ReorderTimer, _) => Class::ReorderTimer,
        (Trigger::TooBig, _) | (_, Congestion::TooBig) => Class::PathMtu,
        (_, Congestion::Loss) => Class::AfterTimeout,
        _ => Class::Recovery,
    }
}

/// Who sends, and to whom.
fn ends(event: &Event) -> Option<(SocketAddr, SocketAddr)> {
    let field = |name: &str| event.fields.get(name).map(String::as_str);
    let [from, to] = match field("family")? {
        "AF_INET" => ["saddr", "daddr"],
        "AF_INET6" => ["saddrv6", "daddrv6"],
        _ => return None,
    };
    let end = |address: &str, port: &str| {
        Some(SocketAddr::new(field(address)?.parse().ok()?, field(port)?.parse().ok()?))
    };
    Some((end(from, "sport")?, end(to, "dport")?))
}

#[cfg(test)]
mod tests;
