//! SEGMENT ARRIVES (RFC 9293 §3.10.7.4, RFC 5961): every state of a connection × control bits × place in
//! the window, written as scripts.
//!
//! The expectations are the RFC's rules in a few lines, not the engine's: a segment outside the window is
//! answered with where we stand, unless it is a reset (first step); a reset takes effect at the left edge
//! only and is challenged elsewhere in the window (second step, RFC 5961 §3.2); a SYN is challenged
//! wherever it stands (fourth step, RFC 5961 §4.2); without ACK a segment is dropped (fifth step); text
//! and FIN are taken at the left edge and told about elsewhere (seventh and eighth step).

use script::{IpVersion, Outcome, RunOptions, run};

/// A state, how to get there, and where both sequence spaces stand then.
struct Standing {
    name: &'static str,
    prelude: String,
    rcv_nxt: u32,
    snd_nxt: u32,
    /// Whether the peer may still send text and FIN.
    peer_may_send: bool,
}

/// The receive window's right edge: 65,535 bytes from the first.
const EDGE: u32 = 1 + 65_535;

fn standings() -> Vec<Standing> {
    let passive = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n\
        +0 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n\
        +0.01 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 4\n";
    let fin = "+0 shutdown(4, SHUT_WR) = 0\n";
    let peer_fin = "+0.01 < F. 1:1(0) ack 1 win 65535\n+0 > . 1:1(0) ack 2\n";
    let established = passive.to_owned();
    let fin_wait_1 = format!("{established}{fin}+0 > F. 1:1(0) ack 1\n");
    let fin_wait_2 = format!("{fin_wait_1}+0.01 < . 1:1(0) ack 2 win 65535\n");
    let close_wait = format!("{established}{peer_fin}");
    let closing = format!("{fin_wait_1}+0.01 < F. 1:1(0) ack 1 win 65535\n+0 > . 2:2(0) ack 2\n");
    let last_ack = format!("{close_wait}{fin}+0 > F. 1:1(0) ack 2\n");
    let time_wait = format!("{closing}+0.01 < . 2:2(0) ack 2 win 65535\n");
    let standing = |name, prelude, rcv_nxt, snd_nxt, peer_may_send| Standing {
        name,
        prelude,
        rcv_nxt,
        snd_nxt,
        peer_may_send,
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

    fn seq(self, rcv_nxt: u32) -> u32 {
        match self {
            Place::BelowLeft => rcv_nxt - 1,
            Place::Left => rcv_nxt,
            Place::Middle => 30_000,
            Place::Right => EDGE - 1,
            // The edge itself is where a peer stands that has filled the window: taken, as everywhere.
            Place::BeyondRight => EDGE + 1,
        }
    }

    fn is_in_window(self) -> bool {
        !matches!(self, Place::BelowLeft | Place::BeyondRight)
    }
}

/// What must come of it.
#[derive(PartialEq)]
enum Answer {
    /// Nothing is sent.
    Silence,
    /// Where we stand.
    Ack,
    /// Where we stand, after so many bytes and a FIN more.
    AckOf(u32),
    /// The same, within the delay of an acknowledgment.
    DelayedAckOf(u32),
    /// Nothing is sent, and the connection is gone.
    Gone,
}

/// A segment's flags and bytes of text, and what the RFC wants; `None` where it leaves the choice.
fn wanted(standing: &Standing, flags: &str, text: u32, place: Place) -> Option<Answer> {
    let in_window = place.is_in_window();
    let left = place == Place::Left;
    Some(match flags {
        // RFC 1337: in TIME-WAIT no reset is heeded, and whether it is challenged is nobody's business.
        "R" | "R." if standing.name == "TIME-WAIT" && in_window && !left => return None,
        "R" | "R." if standing.name == "TIME-WAIT" => Answer::Silence,
        "R" | "R." if left => Answer::Gone,
        "R" | "R." if in_window => Answer::Ack,
        "R" | "R." => Answer::Silence,
        // In TIME-WAIT a new SYN may reopen (MAY-2).
        "S" if standing.name == "TIME-WAIT" => return None,
        "S" | "S." => Answer::Ack,
        _ if !in_window => Answer::Ack,
        "-" => Answer::Silence,
        // What follows the peer's FIN is ignored, and may be told about (seventh and eighth step).
        _ if !standing.peer_may_send && (text > 0 || flags.contains('F')) => return None,
        _ if text == 0 && !flags.contains('F') => Answer::Silence,
        _ if !left => Answer::Ack,
        _ if flags.contains('F') => Answer::AckOf(text + 1),
        _ => Answer::DelayedAckOf(text),
    })
}

fn script_of(standing: &Standing, flags: &str, text: u32, place: Place, answer: &Answer) -> String {
    let Standing { prelude, rcv_nxt, snd_nxt, .. } = standing;
    let seq = place.seq(*rcv_nxt);
    let ack = if flags.contains('.') { format!(" ack {snd_nxt}") } else { String::new() };
    // An acknowledgment of everything would move the states that wait for it: acknowledge what was.
    let una =
        if matches!(standing.name, "FIN-WAIT-1" | "CLOSING" | "LAST-ACK") { snd_nxt - 1 } else { *snd_nxt };
    let ack = ack.replace(&snd_nxt.to_string(), &una.to_string());
    let arrives = format!("+0.1 < {flags} {seq}:{}({text}){ack} win 65535\n", seq + text);
    let stands = |rcv_nxt: u32, delay: &str| format!("{delay} > . {snd_nxt}:{snd_nxt}(0) ack {rcv_nxt}\n");
    let (reply, now) = match answer {
        Answer::Silence => (String::new(), Some(*rcv_nxt)),
        Answer::Ack => (stands(*rcv_nxt, "+0"), Some(*rcv_nxt)),
        Answer::AckOf(more) => (stands(rcv_nxt + more, "+0"), Some(rcv_nxt + more)),
        Answer::DelayedAckOf(more) => (stands(rcv_nxt + more, "+0.04"), Some(rcv_nxt + more)),
        Answer::Gone => (String::new(), None),
    };
    // Afterwards: an old duplicate is answered by whoever still stands there.
    let old = format!("+0.1 < . {0}:{0}(0) ack {una} win 65535\n", rcv_nxt - 1);
    let proof = match now {
        Some(now) => stands(now, "+0"),
        None => format!("+0 > R {una}:{una}(0)\n"),
    };
    format!("// {}: {flags} {text} bytes at {seq}\n{prelude}{arrives}{reply}{old}{proof}", standing.name)
}

#[test]
fn every_segment_in_every_state() {
    const SEGMENTS: [(&str, u32); 10] = [
        ("R", 0),
        ("R.", 0),
        ("S", 0),
        ("S.", 0),
        (".", 0),
        ("-", 0),
        ("-", 100),
        ("P.", 1),
        ("F.", 0),
        ("F.", 1),
    ];
    let (mut played, mut failures) = (0, Vec::new());
    for standing in standings() {
        for (flags, text) in SEGMENTS {
            for place in Place::ALL {
                // One byte below the left edge ends at it: the empty ones are outside, those with text too.
                let Some(answer) = wanted(&standing, flags, text, place) else { continue };
                // A hundred bytes that begin outside on the left reach into the window.
                if text == 100 && place == Place::BelowLeft {
                    continue;
                }
                // A FIN behind one byte reaches into the window from below.
                if flags == "F." && text == 1 && place == Place::BelowLeft {
                    continue;
                }
                let source = script_of(&standing, flags, text, place, &answer);
                for ip_version in [IpVersion::V4, IpVersion::V6] {
                    played += 1;
                    let options = RunOptions { ip_version: Some(ip_version), ..RunOptions::default() };
                    match run(&source, &options) {
                        Outcome::Passed => {}
                        Outcome::Failed(failure) => {
                            failures.push(format!("{source}over {ip_version:?}: {failure}"));
                        }
                        Outcome::Skipped(reason) => failures.push(reason),
                    }
                }
            }
        }
    }
    assert!(played > 500, "{played} are too few");
    assert!(failures.is_empty(), "{} of {played} fail:\n\n{}", failures.len(), failures.join("\n\n"));
    println!("{played} arrivals");
}
