//! Lesson 12: resets, by a host, by a program, by a stranger.

use super::look::Look;
use super::{Lesson, Question, no_deeds, with_programs};
use crate::deed::{Deed, Forged};
use tcp::{ResetReason, SendReason, State};
use wire::tcp::Flags;

const CLIENT: usize = 0;
const SERVER: usize = 1;

pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        number: 12,
        id: "reset-refused",
        setup: || with_programs(&["connect", "write 100", "recv all", "close"], &["wait 1s"]),
        deeds: no_deeds,
        questions: &[
            Question {
                id: "answer",
                right: |look| {
                    let answer = look.first(SERVER, |_| true).map(|seen| seen.facts.flags);
                    Look::choose(answer, &[Flags::FIN | Flags::ACK, Flags::RST, Flags::RST | Flags::ACK])
                },
            },
            Question {
                id: "connect",
                right: |look| {
                    let fails = look.says_that(CLIENT, "connect fails").is_some();
                    let returns = look.says_that(CLIENT, "connect returns").is_some();
                    Some(if fails { 1 } else { usize::from(!returns) * 2 })
                },
            },
        ],
    },
    Lesson {
        number: 12,
        id: "reset-aborted",
        setup: || {
            let client = ["connect", "write 2374", "wait 300ms", "abort"];
            let mut setup = with_programs(&client, &["listen", "accept", "recv all", "close"]);
            // A delayed ACK would come just too late to spare the client a probe, which is another lesson's.
            setup.hosts[SERVER].quick_acks = true;
            setup
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "server",
                right: |look| {
                    let fails = look.says_that(SERVER, "recv all fails").is_some();
                    let returns = look.says_that(SERVER, "recv all returns").is_some();
                    Some(if fails { 1 } else { usize::from(!returns) * 2 })
                },
            },
            Question {
                id: "answer",
                right: |look| {
                    let reset = look.because(CLIENT, SendReason::Reset(ResetReason::Aborted))?.arrived?;
                    let answer = look.first(SERVER, |seen| seen.at >= reset);
                    Some(answer.map_or(2, |answer| usize::from(!answer.facts.flags.fin())))
                },
            },
            Question {
                id: "time-wait",
                right: |look| {
                    let waits = [CLIENT, SERVER].map(|host| look.enters(host, State::TimeWait).is_some());
                    Look::choose(Some(waits), &[[true, false], [false, true], [false, false]])
                },
            },
        ],
    },
    Lesson {
        number: 12,
        id: "reset-half-open",
        setup: || {
            let client = ["connect", "write 2374", "wait 500ms", "write 100", "recv all", "close"];
            let server = [
                "listen",
                "accept",
                "recv 2374",
                "wait 200ms",
                "crash",
                "listen",
                "accept",
                "recv all",
                "close",
            ];
            let mut setup = with_programs(&client, &server);
            setup.hosts[SERVER].quick_acks = true;
            setup
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "when",
                right: |look| {
                    let crash = look.says(SERVER, "crash")?;
                    let reset = look.first(SERVER, |seen| seen.facts.flags.rst());
                    let Some(reset) = reset else { return Some(2) };
                    let sends =
                        look.segments().filter(|seen| seen.host == CLIENT && seen.at < reset.at).last()?;
                    Some(usize::from(sends.at > crash))
                },
            },
            Question {
                id: "answer",
                right: |look| {
                    let crash = look.says(SERVER, "crash")?;
                    let flags = look.first(SERVER, |seen| seen.at > crash)?.facts.flags;
                    Some(if flags.rst() { 2 } else { usize::from(flags.syn()) })
                },
            },
        ],
    },
    Lesson {
        number: 12,
        id: "reset-forged",
        setup: || {
            let client =
                ["connect", "write 2374", "recv 537", "wait 300ms", "write 100", "recv all", "close"];
            let server = [
                "listen",
                "accept",
                "recv 2374",
                "write 537",
                "recv 100",
                "write 100",
                "wait 300ms",
                "recv 100",
                "close",
            ];
            with_programs(&client, &server)
        },
        deeds: || {
            vec![
                Deed::Forge { after: 7, host: 0, what: Forged::BlindRst },
                Deed::Forge { after: 10, host: 0, what: Forged::ExactRst },
            ]
        },
        questions: &[
            Question {
                id: "blind",
                right: |look| {
                    let challenge = look.because(CLIENT, SendReason::ChallengeAck)?.at;
                    let closed = look.enters(CLIENT, State::Closed);
                    Some(if closed.is_some_and(|closed| closed <= challenge) { 2 } else { 1 })
                },
            },
            Question {
                id: "exact",
                right: |look| {
                    let mut moves = look.moves().filter(|moved| moved.host == CLIENT);
                    let ends = moves.find(|moved| moved.row.from == State::Established)?.row.to;
                    Look::choose(Some(ends), &[State::Established, State::FinWait1, State::Closed])
                },
            },
            Question {
                id: "server",
                right: |look| {
                    let reset = look.first(CLIENT, |seen| seen.facts.flags.rst());
                    let closed = look.enters(SERVER, State::Closed);
                    Some(match (reset.and_then(|reset| reset.arrived), closed) {
                        (Some(arrived), Some(closed)) if closed >= arrived => 1,
                        (_, Some(_)) => 0,
                        _ => 2,
                    })
                },
            },
        ],
    },
];
