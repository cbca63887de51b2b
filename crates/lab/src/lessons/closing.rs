//! Lessons 5 to 8: closing, by either end, by half, by both at once, and what comes after.

use super::look::{Look, Seen};
use super::{Lesson, Question, no_deeds, with_programs};
use crate::deed::Deed;
use crate::setup::Setup;
use tcp::{Instant, SendReason, State};

const CLIENT: usize = 0;
const SERVER: usize = 1;

pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        number: 5,
        id: "close-server",
        setup: Setup::default,
        deeds: no_deeds,
        questions: &[
            Question { id: "first", right: |look| Some(first_fin(look)?.0) },
            Question {
                id: "ack",
                right: |look| {
                    let ack = look.because(CLIENT, SendReason::FinAck)?.facts.ack.number();
                    Look::choose(Some(ack), &[3_022_381_791, 3_022_381_792, 4_225_929_032])
                },
            },
            Question { id: "time-wait", right: time_wait },
        ],
    },
    Lesson {
        number: 5,
        id: "close-client",
        setup: || {
            let client = ["connect", "write 2374", "recv 537", "close"];
            let server = ["listen", "accept", "recv 2374", "write 537", "recv all", "close"];
            with_programs(&client, &server)
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "between",
                right: |look| {
                    let fin = look.first(SERVER, |seen| seen.facts.flags.fin())?.at;
                    let before = look.moves().filter(|moved| moved.host == SERVER && moved.at <= fin);
                    let state = before.map(|moved| moved.row.from).last();
                    Look::choose(state, &[State::FinWait2, State::CloseWait, State::Closing])
                },
            },
            Question {
                id: "count",
                right: |look| {
                    let (_, begin) = first_fin(look)?;
                    // the last ACK comes only where both have closed
                    look.first(CLIENT, |seen| seen.facts.flags.fin())?;
                    look.first(SERVER, |seen| seen.facts.flags.fin())?;
                    Look::choose(Some(look.segments().filter(|seen| seen.at >= begin).count()), &[2, 3, 4])
                },
            },
            Question { id: "time-wait", right: time_wait },
        ],
    },
    Lesson {
        number: 6,
        id: "half-close",
        setup: || {
            let client = ["connect", "write 2374", "shutdown", "recv all", "close"];
            let server = [
                "listen",
                "accept",
                "recv all",
                "write 179",
                "wait 200ms",
                "write 179",
                "wait 200ms",
                "write 179",
                "close",
            ];
            with_programs(&client, &server)
        },
        deeds: no_deeds,
        questions: &[
            Question { id: "client", right: |look| state_at_data(look, CLIENT) },
            Question { id: "server", right: |look| state_at_data(look, SERVER) },
            Question {
                id: "bytes",
                right: |look| {
                    let closes = look.enters(SERVER, State::CloseWait)?;
                    let later = look.segments().filter(|seen| seen.host == SERVER && seen.at >= closes);
                    let bytes: u32 = later.map(|seen| seen.facts.len_bytes).sum();
                    Look::choose(Some(bytes), &[0, 179, 537])
                },
            },
        ],
    },
    Lesson {
        number: 7,
        id: "both-close",
        setup: || {
            let client = ["connect", "write 2374", "recv 537", "wait 200ms", "close"];
            let server = ["listen", "accept", "recv 2374", "write 537", "wait 220ms", "close"];
            with_programs(&client, &server)
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "state",
                right: |look| {
                    let mut moves = look.moves().filter(|moved| moved.row.from == State::FinWait1);
                    let after = moves.next().map(|moved| moved.row.to);
                    Look::choose(after, &[State::FinWait2, State::Closing, State::LastAck])
                },
            },
            Question { id: "time-wait", right: time_wait },
        ],
    },
    Lesson {
        number: 7,
        id: "both-open",
        setup: || {
            let client = ["connect", "write 100", "recv 100", "close"];
            let server = ["connect", "recv 100", "write 100", "recv all", "close"];
            with_programs(&client, &server)
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "state",
                right: |look| {
                    let mut moves = look.moves().filter(|moved| moved.row.from == State::SynSent);
                    let after = moves.next().map(|moved| moved.row.to);
                    Look::choose(after, &[State::Established, State::SynReceived, State::Closed])
                },
            },
            Question {
                id: "count",
                right: |look| {
                    let syns = look.segments().filter(|seen| seen.facts.flags.syn()).count();
                    Look::choose(Some(syns), &[2, 3, 4])
                },
            },
            Question {
                id: "connections",
                right: |look| {
                    let open = |host: usize| {
                        look.moves()
                            .filter(|moved| moved.host == host && moved.row.to == State::Established)
                            .count()
                    };
                    Look::choose(Some([open(CLIENT), open(SERVER)]), &[[1, 1], [2, 2], [0, 0]])
                },
            },
        ],
    },
    Lesson {
        number: 8,
        id: "time-wait",
        setup: Setup::default,
        deeds: || vec![Deed::Drop { frame: 10 }],
        questions: &[
            Question { id: "who", right: time_wait },
            Question {
                id: "again",
                right: |look| {
                    let waits = look.enters(SERVER, State::TimeWait)?;
                    let is_last_ack = |seen: &Seen| seen.host == SERVER && seen.at >= waits;
                    let mut after = look.segments().skip_while(|seen| !is_last_ack(seen)).skip(1);
                    let Some(next) = after.next() else { return Some(2) };
                    if !next.facts.flags.fin() {
                        return None;
                    }
                    // a FIN that is answered by a RST, or by nothing, is no choice
                    let answer = look.segments().find(|seen| seen.at > next.at && seen.host != next.host)?;
                    (answer.why == Some(SendReason::FinAck)).then_some(next.host)
                },
            },
            Question {
                id: "time",
                right: |look| {
                    let ends = look.moves().find(|moved| moved.row.from == State::TimeWait)?;
                    let fins =
                        look.segments().filter(|seen| seen.host != ends.host && seen.facts.flags.fin());
                    let heard: Instant = fins.filter_map(|seen| seen.arrived).last()?;
                    Look::choose(Some(ends.at.since(heard).as_secs()), &[1, 60, 600])
                },
            },
        ],
    },
];

/// Who sends the first FIN, and when.
fn first_fin(look: &Look<'_>) -> Option<(usize, Instant)> {
    look.segments().find(|seen| seen.facts.flags.fin()).map(|seen| (seen.host, seen.at))
}

/// Who comes to TIME-WAIT: 0 the client, 1 the server, 2 both.
fn time_wait(look: &Look<'_>) -> Option<usize> {
    match [CLIENT, SERVER].map(|host| look.enters(host, State::TimeWait).is_some()) {
        [true, true] => Some(2),
        [true, false] => Some(CLIENT),
        [false, true] => Some(SERVER),
        [false, false] => None,
    }
}

/// The state of an end when the server's second piece of data arrives.
fn state_at_data(look: &Look<'_>, host: usize) -> Option<usize> {
    let data = look.segments().filter(|seen| seen.host == SERVER && seen.facts.len_bytes > 0);
    let at = data.filter_map(|seen| seen.arrived).nth(1)?;
    let state = look.moves().filter(|moved| moved.host == host && moved.at <= at).last()?.row.to;
    Look::choose(Some(state), &[State::Established, State::FinWait2, State::CloseWait])
}
