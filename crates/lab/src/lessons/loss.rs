//! Lesson 9: a lost segment, and the three ways in which it is found.

use super::look::{Look, Seen, data_of, first_again, ratio};
use super::{Lesson, Question, with_programs};
use crate::deed::Deed;
use tcp::SendReason;

const CLIENT: usize = 0;
const SERVER: usize = 1;

pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        number: 9,
        id: "loss-timer",
        setup: || {
            let client = ["connect", "write 1000", "recv all", "close"];
            let server = ["listen", "accept", "recv 1000", "write 537", "wait 100ms", "close"];
            with_programs(&client, &server)
        },
        deeds: || vec![Deed::Drop { frame: 3 }, Deed::Drop { frame: 4 }],
        questions: &[
            Question {
                id: "arrives",
                right: |look| {
                    let arrived =
                        look.first(CLIENT, |seen| seen.facts.len_bytes > 0 && seen.arrived.is_some())?;
                    let choices = [SendReason::NewData, SendReason::TailLossProbe, SendReason::Timeout];
                    Look::choose(arrived.why, &choices)
                },
            },
            Question {
                id: "double",
                right: |look| {
                    // the one that the timer sends first, and the one before it
                    let sent: Vec<Seen> = data_of(look, CLIENT).collect();
                    let timer = sent.iter().position(|seen| seen.why == Some(SendReason::Timeout))?;
                    let (probe, first) = (sent[timer.checked_sub(1)?].at, sent[timer].at);
                    let run = look.with(&[Deed::Drop { frame: sent[timer].frame }])?;
                    let second = data_of(&Look(&run), CLIENT).find(|seen| seen.at > first)?;
                    if second.why != Some(SendReason::Timeout) {
                        return None;
                    }
                    let second = second.at;
                    ratio(second.since(first).as_nanos(), first.since(probe).as_nanos())
                },
            },
        ],
    },
    Lesson {
        number: 9,
        id: "loss-fast",
        setup: || {
            let client = ["connect", "write 20000", "recv all", "close"];
            // An ACK is a duplicate only if its window is that of the one before (RFC 5681 §2), so nothing is read meanwhile.
            let server = ["listen", "accept", "wait 200ms", "recv 20000", "write 537", "wait 100ms", "close"];
            let mut setup = with_programs(&client, &server);
            for host in &mut setup.hosts {
                host.sack = false;
                host.congestion = "reno".to_owned();
            }
            setup
        },
        deeds: || vec![Deed::Drop { frame: 5 }],
        questions: &[
            Question {
                id: "ack",
                right: |look| {
                    let ack = look.because(SERVER, SendReason::DuplicateAck)?.facts.ack.number();
                    Look::choose(Some(ack), &[4_225_931_037, 4_225_929_577, 4_225_932_497])
                },
            },
            Question { id: "why", right: first_again },
            Question {
                id: "after",
                right: |look| {
                    let fills = look.because(CLIENT, SendReason::FastRetransmit)?.arrived?;
                    let ack = look
                        .first(SERVER, |seen| seen.at >= fills && seen.facts.ack.number() > 4_225_929_577)?;
                    Look::choose(Some(ack.facts.ack.number()), &[4_225_931_037, 4_225_932_497, 4_225_946_657])
                },
            },
        ],
    },
    Lesson {
        number: 9,
        id: "loss-tail",
        setup: || {
            let client = ["connect", "write 8760", "recv all", "close"];
            let server = ["listen", "accept", "recv 8760", "write 537", "wait 100ms", "close"];
            with_programs(&client, &server)
        },
        deeds: || vec![Deed::Drop { frame: 8 }],
        questions: &[
            Question {
                id: "dups",
                right: |look| {
                    let is_one =
                        |seen: &Seen| seen.host == SERVER && seen.why == Some(SendReason::DuplicateAck);
                    let count = look.segments().filter(is_one).count();
                    Look::choose(Some(count), &[0, 1, 3])
                },
            },
            Question { id: "why", right: first_again },
        ],
    },
];
