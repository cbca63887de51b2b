//! Lessons 1 to 4: three steps, why three, when calls return, what numbers count.

use super::look::Look;
use super::{Lesson, Question, no_deeds, with_programs};
use crate::deed::{Deed, Forged};
use crate::setup::Setup;
use tcp::{SendReason, State};
use wire::tcp::Flags;

const CLIENT: usize = 0;
const SERVER: usize = 1;
const SYN_ACK: Flags = Flags::from_bits(Flags::SYN.bits() | Flags::ACK.bits());

pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        number: 1,
        id: "three-steps",
        setup: Setup::default,
        deeds: no_deeds,
        questions: &[
            Question {
                id: "ack",
                right: |look| {
                    let step = look.because(SERVER, SendReason::SynAck)?;
                    let choices = [4_225_926_656, 4_225_926_657, 3_022_381_254];
                    Look::choose(Some(step.facts.ack.number()), &choices)
                },
            },
            Question {
                id: "flags",
                right: |look| {
                    let step = look.because(CLIENT, SendReason::HandshakeAck)?;
                    Look::choose(Some(step.facts.flags), &[Flags::SYN, Flags::ACK, SYN_ACK])
                },
            },
            Question {
                id: "first-byte",
                right: |look| {
                    let data = look.first(CLIENT, |seen| seen.facts.len_bytes > 0)?;
                    let choices = [4_225_926_656, 4_225_926_657, 4_225_926_658];
                    Look::choose(Some(data.facts.seq.number()), &choices)
                },
            },
        ],
    },
    Lesson {
        number: 2,
        id: "old-syn",
        setup: || {
            let client = ["wait 100ms", "wait 200ms", "connect", "write 2374", "recv all", "close"];
            let server = ["listen", "accept", "recv 2374", "write 537", "wait 100ms", "close"];
            with_programs(&client, &server)
        },
        deeds: || vec![Deed::Forge { after: 2, host: 1, what: Forged::OldSyn }],
        questions: &[
            Question {
                id: "server",
                right: |look| {
                    let answer = look.first(SERVER, |_| true)?;
                    Look::choose(Some(answer.facts.flags), &[Flags::RST, SYN_ACK, Flags::ACK])
                },
            },
            Question {
                id: "client",
                right: |look| {
                    let asked = look.first(SERVER, |seen| seen.facts.flags == SYN_ACK)?.arrived?;
                    if look.says(CLIENT, "connect").is_some_and(|connects| connects <= asked) {
                        return None;
                    }
                    let answer = look.first(CLIENT, |seen| seen.at >= asked)?.facts.flags;
                    Some(if answer.rst() { 2 } else { usize::from(!answer.syn() && answer.ack()) })
                },
            },
            Question {
                id: "accept",
                right: |look| {
                    let (returns, connects) =
                        (look.says(SERVER, "accept returns")?, look.says(CLIENT, "connect")?);
                    Some(usize::from(returns >= connects))
                },
            },
        ],
    },
    Lesson {
        number: 3,
        id: "calls-return",
        setup: Setup::default,
        deeds: no_deeds,
        questions: &[
            Question { id: "connect", right: |look| after_which(look, CLIENT, "connect returns") },
            Question { id: "accept", right: |look| after_which(look, SERVER, "accept returns") },
            Question {
                id: "first",
                right: |look| {
                    let [client, server] =
                        [look.enters(CLIENT, State::Established)?, look.enters(SERVER, State::Established)?];
                    Some(match client.cmp(&server) {
                        std::cmp::Ordering::Less => 0,
                        std::cmp::Ordering::Greater => 1,
                        std::cmp::Ordering::Equal => 2,
                    })
                },
            },
            Question {
                id: "write",
                right: |look| {
                    // the next call begins when the write has returned
                    let (begins, next) = (look.says(CLIENT, "write 2374")?, look.says(CLIENT, "recv all")?);
                    if next == begins {
                        return Some(0);
                    }
                    let acked = look.first(SERVER, |seen| seen.facts.ack.number() == 4_225_929_031)?;
                    Some(usize::from(next >= acked.arrived?) + 1)
                },
            },
        ],
    },
    Lesson {
        number: 4,
        id: "bytes",
        setup: || {
            let client = [
                "connect",
                "write 100",
                "wait 200ms",
                "write 200",
                "wait 200ms",
                "write 2074",
                "recv all",
                "close",
            ];
            let server = ["listen", "accept", "recv 2374", "write 537", "wait 100ms", "close"];
            with_programs(&client, &server)
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "second",
                right: |look| {
                    let mut data =
                        look.segments().filter(|seen| seen.host == CLIENT && seen.facts.len_bytes > 0);
                    let second = data.nth(1).map(|seen| seen.facts.seq.number());
                    Look::choose(second, &[4_225_926_658, 4_225_926_757, 4_225_926_857])
                },
            },
            Question {
                id: "ack",
                right: |look| {
                    let ack = look.first(SERVER, |seen| !seen.facts.flags.syn())?;
                    Look::choose(Some(ack.facts.ack.number()), &[4_225_926_756, 4_225_926_757, 4_225_926_658])
                },
            },
            Question {
                id: "fin",
                right: |look| {
                    let syn = look.because(CLIENT, SendReason::Syn)?.facts.seq;
                    let fin = look.first(CLIENT, |seen| seen.facts.flags.fin())?.facts;
                    let fin = fin.seq + fin.len_bytes;
                    Look::choose(Some(fin.bytes_since(syn)), &[2_374, 2_375, 2_376])
                },
            },
        ],
    },
];

/// After which step of the handshake a call returns: 0, 1, 2.
fn after_which(look: &Look<'_>, host: usize, returns: &str) -> Option<usize> {
    let flags = look.said_after(host, returns)?.flags;
    Some(if flags.syn() { usize::from(flags.ack()) } else { 2 })
}
