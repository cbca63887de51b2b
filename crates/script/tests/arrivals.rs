//! SEGMENT ARRIVES (RFC 9293 §3.10.7.4, RFC 5961): every state of a connection × control bits × place in
//! the window, written as scripts, by the RFC and by the kernels of Linux and FreeBSD.
//!
//! The expectations are rules in a few lines, not the engine's. The RFC's: a segment outside the window is
//! answered with where we stand, unless it is a reset (first step); a reset takes effect at the left edge
//! only and is challenged elsewhere in the window (second step, RFC 5961 §3.2); a SYN is challenged
//! wherever it stands (fourth step, RFC 5961 §4.2); without ACK a segment is dropped (fifth step); text
//! and FIN are taken at the left edge and told about elsewhere, and ignored behind the peer's FIN (seventh
//! and eighth step). Where a kernel does otherwise, its function is named.

use synfin_script::{IpVersion, Outcome, RunOptions, run};
use tcp::Habits;

/// A state, how to get there, and where both sequence spaces stand then.
struct Standing {
    name: &'static str,
    prelude: String,
    rcv_nxt: u32,
    snd_nxt: u32,
    /// Whether the peer may still send text and FIN.
    peer_may_send: bool,
    /// Whether its FIN was the last that was heard of it.
    peer_is_done: bool,
}

/// The receive window's right edge: 65,535 bytes from the first.
const EDGE: u32 = 1 + 65_535;

fn standings(system: Habits) -> Vec<Standing> {
    let passive = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n\
        +0 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n\
        +0.01 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 4\n";
    let fin = "+0 shutdown(4, SHUT_WR) = 0\n";
    let peer_fin = "+0.01 < F. 1:1(0) ack 1 win 65535\n+0 > . 1:1(0) ack 2\n";
    let established = passive.to_owned();
    let fin_wait_1 = format!("{established}{fin}+0 > F. 1:1(0) ack 1\n");
    let fin_wait_2 = format!("{fin_wait_1}+0.01 < . 1:1(0) ack 2 win 65535\n");
    let close_wait = format!("{established}{peer_fin}");
    // FreeBSD repeats its FIN with the acknowledgment of the peer's.
    let both = if system == Habits::FreeBsd { "F. 1:1(0)" } else { ". 2:2(0)" };
    let closing = format!("{fin_wait_1}+0.01 < F. 1:1(0) ack 1 win 65535\n+0 > {both} ack 2\n");
    let last_ack = format!("{close_wait}{fin}+0 > F. 1:1(0) ack 2\n");
    let time_wait = format!("{closing}+0.01 < . 2:2(0) ack 2 win 65535\n");
    let standing = |name, prelude, rcv_nxt, snd_nxt, peer_may_send| Standing {
        name,
        prelude,
        rcv_nxt,
        snd_nxt,
        peer_may_send,
        peer_is_done: matches!(name, "CLOSE-WAIT" | "CLOSING" | "LAST-ACK"),
    };
    vec![
        standing("ESTABLISHED", established, 1, 1, true),
        standing("FIN-WAIT-1", fin_wait_1, 1, 2, true),
        standing("FIN-WAIT-2", fin_wait_2, 1, 2, true),
        standing("CLOSE-WAIT", close_wait, 2, 1, false),
        standing("CLOSING", closing, 2, 2, false),
        standing("LAST-ACK", last_ack, 2, 2, false),
        standing("TIME-WAIT", time_wait, 2, 2, false),
    ]
}

/// Where a segment begins.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    BelowLeft,
    Left,
    Middle,
    Right,
    BeyondRight,
}

impl Place {
    const ALL: [Place; 5] = [Place::BelowLeft, Place::Left, Place::Middle, Place::Right, Place::BeyondRight];

    fn seq(self, system: Habits, rcv_nxt: u32) -> u32 {
        // tcp_do_segment(): the window is what the buffer holds, 45 segments of 1,460 bytes.
        let edge = if system == Habits::FreeBsd { rcv_nxt + 65_700 } else { EDGE };
        match self {
            Place::BelowLeft => rcv_nxt - 1,
            Place::Left => rcv_nxt,
            Place::Middle => 30_000,
            Place::Right => edge - 1,
            // The edge itself is where a peer stands that has filled the window: taken, as everywhere.
            Place::BeyondRight => edge + 1,
        }
    }

    fn is_in_window(self) -> bool {
        !matches!(self, Place::BelowLeft | Place::BeyondRight)
    }
}

/// What must come of it.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// Nothing is sent.
    Silence,
    /// Where we stand, in a segment without FIN.
    Challenge,
    /// Where we stand.
    Ack,
    /// Where we stand, after so many bytes and a FIN more.
    AckOf(u32),
    /// The same, within the delay of an acknowledgment.
    DelayedAckOf(u32),
    /// Nothing is sent, and the connection is gone.
    Gone,
}

/// A segment that arrives.
struct Arriving {
    flags: &'static str,
    text: u32,
    place: Place,
}

/// What must come of it; `None` where the RFC leaves the choice, or another test looks at it.
fn wanted(system: Habits, standing: &Standing, arriving: &Arriving) -> Option<Answer> {
    if standing.name == "TIME-WAIT" {
        return wanted_in_time_wait(system, arriving);
    }
    let Arriving { flags, text, place } = *arriving;
    let (left, in_window, reset) = (place == Place::Left, place.is_in_window(), flags.starts_with('R'));
    Some(match flags {
        // tcp_reset_check()
        _ if reset && system == Habits::Linux && place == Place::BelowLeft && standing.peer_is_done => {
            Answer::Gone
        }
        _ if reset && left => Answer::Gone,
        _ if reset && in_window => Answer::Challenge,
        _ if reset => Answer::Silence,
        "S" | "S." => Answer::Challenge,
        // tcp_rcv_established(), tcp_rcv_state_process()
        "-" | "F" if system == Habits::Linux => Answer::Silence,
        _ if !in_window => Answer::Ack,
        "-" | "F" => Answer::Silence,
        _ if !standing.peer_may_send => Answer::Silence,
        _ if text == 0 && !flags.contains('F') => Answer::Silence,
        _ if !left => Answer::Ack,
        // tcp_fin() begins to answer with data only, in ESTABLISHED.
        _ if flags.contains('F') && text > 0 && system == Habits::Linux && standing.name == "ESTABLISHED" => {
            Answer::DelayedAckOf(text + 1)
        }
        _ if flags.contains('F') => Answer::AckOf(text + 1),
        _ if system == Habits::Linux => Answer::AckOf(text),
        _ => Answer::DelayedAckOf(text),
    })
}

/// RFC 9293, RFC 1337; `tcp_timewait_state_process()`; `tcp_twcheck()`.
fn wanted_in_time_wait(system: Habits, arriving: &Arriving) -> Option<Answer> {
    let Arriving { flags, text, place } = *arriving;
    let (left, in_window) = (place == Place::Left, place.is_in_window());
    let newer = !matches!(place, Place::Left | Place::BelowLeft);
    Some(match (flags, system) {
        // No reset is heeded; whether it is challenged is nobody's business.
        ("R" | "R.", Habits::Rfc) if in_window && !left => return None,
        ("R" | "R.", Habits::Linux) if left => Answer::Gone,
        ("R" | "R.", _) => Answer::Silence,
        // A newer SYN may reopen (MAY-2): scripts of their own.
        ("S", _) if newer => return None,
        (_, Habits::FreeBsd) if !flags.contains('.') => Answer::Silence,
        (".", Habits::Linux | Habits::FreeBsd) if left => Answer::Silence,
        ("-", Habits::Linux) if left && text == 0 => Answer::Silence,
        (_, Habits::Linux | Habits::FreeBsd) => Answer::Ack,
        ("S" | "S.", Habits::Rfc) => Answer::Ack,
        (_, Habits::Rfc) if !in_window => Answer::Ack,
        // The last acknowledgment again: two ends in TIME-WAIT would go on for ever.
        (".", Habits::Rfc) if left && text == 0 => Answer::Silence,
        ("-" | "F", Habits::Rfc) => Answer::Silence,
        (_, Habits::Rfc) => Answer::Ack,
    })
}

fn script_of(system: Habits, standing: &Standing, arriving: &Arriving, answer: Answer) -> String {
    let Standing { prelude, rcv_nxt, snd_nxt, .. } = standing;
    let Arriving { flags, text, place } = arriving;
    let seq = place.seq(system, *rcv_nxt);
    // An acknowledgment of everything would move the states that wait for it: acknowledge what was.
    let waits = matches!(standing.name, "FIN-WAIT-1" | "CLOSING" | "LAST-ACK");
    let una = if waits { snd_nxt - 1 } else { *snd_nxt };
    let ack = if flags.contains('.') { format!(" ack {una}") } else { String::new() };
    let arrives = format!("+0.1 < {flags} {seq}:{}({text}){ack} win 65535\n", seq + text);
    let challenge = |rcv_nxt: u32| format!("+0 > . {snd_nxt}:{snd_nxt}(0) ack {rcv_nxt}\n");
    let stands = |rcv_nxt: u32, delay: &str| {
        // tcp_output(): a FIN that is not acknowledged goes with everything.
        let fin = if waits && system == Habits::FreeBsd { "F." } else { "." };
        let seq = if fin == "F." { una } else { *snd_nxt };
        format!("{delay} > {fin} {seq}:{seq}(0) ack {rcv_nxt}\n")
    };
    let (reply, now) = match answer {
        Answer::Silence => (String::new(), Some(*rcv_nxt)),
        Answer::Challenge => (challenge(*rcv_nxt), Some(*rcv_nxt)),
        Answer::Ack => (stands(*rcv_nxt, "+0"), Some(*rcv_nxt)),
        Answer::AckOf(more) => (stands(rcv_nxt + more, "+0"), Some(rcv_nxt + more)),
        Answer::DelayedAckOf(more) => (stands(rcv_nxt + more, "+0.04"), Some(rcv_nxt + more)),
        Answer::Gone => (String::new(), None),
    };
    // Afterwards: an old duplicate is answered by whoever still stands there.
    let old = format!("+0.01 < P. {0}:{rcv_nxt}(1) ack {una} win 65535\n", rcv_nxt - 1);
    let proof = match now {
        Some(now) => stands(now, "+0"),
        None => format!("+0 > R {una}:{una}(0)\n"),
    };
    format!("// {}: {flags} {text} bytes at {seq}\n{prelude}{arrives}{reply}{old}{proof}", standing.name)
}

#[test]
fn every_segment_in_every_state_on_every_system() {
    const SEGMENTS: [(&str, u32); 11] = [
        ("R", 0),
        ("R.", 0),
        ("S", 0),
        ("S.", 0),
        (".", 0),
        ("-", 0),
        ("-", 100),
        ("F", 0),
        ("P.", 1),
        ("F.", 0),
        ("F.", 1),
    ];
    let (mut played, mut failures) = (0, Vec::new());
    let mut play = |system: Habits, source: &str| {
        for ip_version in [IpVersion::V4, IpVersion::V6] {
            played += 1;
            let (ip_version, habits) = (Some(ip_version), Some(system));
            match run(source, &RunOptions { ip_version, habits, ..RunOptions::strict() }) {
                Outcome::Passed => {}
                Outcome::Failed(failure) => {
                    failures.push(format!("{source}{system:?} over {ip_version:?}: {failure}"));
                }
                Outcome::Skipped(reason) => failures.push(reason),
            }
        }
    };
    for system in [Habits::Rfc, Habits::Linux, Habits::FreeBsd] {
        for standing in standings(system) {
            for (flags, text) in SEGMENTS {
                for place in Place::ALL {
                    let arriving = Arriving { flags, text, place };
                    let Some(answer) = wanted(system, &standing, &arriving) else { continue };
                    // What begins outside on the left with more than one number reaches into the window.
                    let fin = u32::from(flags.contains('F'));
                    if text + fin > 1 && place == Place::BelowLeft {
                        continue;
                    }
                    play(system, &script_of(system, &standing, &arriving, answer));
                }
            }
        }
    }
    assert!(played > 2_000, "{played} are too few");
    assert!(failures.is_empty(), "{} of {played} fail:\n\n{}", failures.len(), failures.join("\n\n"));
    println!("{played} arrivals");
}
