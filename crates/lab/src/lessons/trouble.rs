//! Lessons 9 to 12: loss, windows, congestion, resets.

use super::look::{Look, Seen};
use super::{Lesson, Question, no_deeds, with_programs};
use crate::deed::{Deed, Forged};
use sim::Lost;
use tcp::{Instant, ResetReason, SendReason, State, Trace};
use wire::tcp::Flags;

const CLIENT: usize = 0;
const SERVER: usize = 1;
/// A full-sized segment of this wire.
const MSS: u32 = 1_460;

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
                    let run = look.with(&[Deed::Drop { frame: 5 }])?;
                    let again = Look(&run);
                    let times: Vec<Instant> = data_of(&again, CLIENT).map(|seen| seen.at).collect();
                    let [.., probe, first, second] = times[..] else { return None };
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
            let server = ["listen", "accept", "recv 20000", "write 537", "wait 100ms", "close"];
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
                    let count =
                        look.segments().filter(|seen| seen.why == Some(SendReason::DuplicateAck)).count();
                    Look::choose(Some(count), &[0, 1, 3])
                },
            },
            Question { id: "why", right: first_again },
        ],
    },
    Lesson {
        number: 10,
        id: "window-zero",
        setup: || {
            let client = ["connect", "write 12000", "shutdown", "recv all", "close"];
            let server = ["listen", "accept", "wait 3s", "recv all", "close"];
            let mut setup = with_programs(&client, &server);
            setup.hosts[SERVER].receive_buffer_bytes = Some(3 * MSS);
            setup
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "probe",
                right: |look| {
                    let probe = look.because(CLIENT, SendReason::ZeroWindowProbe)?;
                    Look::choose(Some(probe.facts.len_bytes), &[0, 1, MSS])
                },
            },
            Question {
                id: "pace",
                right: |look| {
                    let probes = look.segments().filter(|seen| seen.why == Some(SendReason::ZeroWindowProbe));
                    let times: Vec<Instant> = probes.map(|seen| seen.at).collect();
                    let [first, second, third, ..] = times[..] else { return None };
                    ratio(third.since(second).as_nanos(), second.since(first).as_nanos())
                },
            },
            Question {
                id: "opens",
                right: |look| {
                    let closed = look.first(SERVER, is_closed)?.at;
                    let open = look.first(SERVER, |seen| seen.at > closed && seen.facts.window_bytes > 0)?;
                    Look::choose(
                        open.why,
                        &[SendReason::ProbeAck, SendReason::WindowUpdate, SendReason::NewData],
                    )
                },
            },
        ],
    },
    Lesson {
        number: 10,
        id: "window-silly",
        setup: || {
            let client = ["connect", "write 8760", "shutdown", "recv all", "close"];
            let server = ["listen", "accept", "recv 8760 by 146 every 20ms", "recv all", "close"];
            let mut setup = with_programs(&client, &server);
            setup.hosts[SERVER].receive_buffer_bytes = Some(2 * MSS);
            setup
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "step",
                right: |look| {
                    let closed = look.first(SERVER, is_closed)?.at;
                    let open = look.first(SERVER, |seen| seen.at > closed && seen.facts.window_bytes > 0)?;
                    Some(match open.facts.window_bytes {
                        0..=200 => 0,
                        bytes if bytes < 2 * MSS => 1,
                        _ => 2,
                    })
                },
            },
            Question {
                id: "size",
                right: |look| {
                    let smallest = data_of(look, CLIENT).map(|seen| seen.facts.len_bytes).min();
                    Some(match smallest? {
                        0..=200 => 0,
                        bytes => 1 + usize::from(bytes == MSS),
                    })
                },
            },
        ],
    },
    Lesson {
        number: 11,
        id: "slow-start",
        setup: || {
            let mut setup = with_programs(
                &["connect", "write 200000", "shutdown", "recv all", "close"],
                &["listen", "accept", "recv all", "close"],
            );
            setup.wire.delay_ms = 50;
            setup.wire.rate_kbit = Some(20_000);
            setup
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "first",
                right: |look| {
                    let sent = first_flight(look)?.len();
                    Look::choose(Some(sent), &[1, 2, 10])
                },
            },
            Question {
                id: "grows",
                right: |look| {
                    // all of the first flight is acknowledged when the ACK of its last byte has come
                    let flight = first_flight(look)?;
                    let last = flight.last()?.facts;
                    let bytes: u32 = flight.iter().map(|seen| seen.facts.len_bytes).sum();
                    let end = last.seq + last.len_bytes;
                    let acked = look.first(SERVER, |seen| seen.facts.ack.at_or_after(end))?.arrived?;
                    let events = look.0.events();
                    let event = events.iter().rfind(|event| event.at <= acked)?;
                    let cwnd = event.hosts[CLIENT].connections.first()?.info.cwnd_bytes;
                    Some(if cwnd * 10 >= bytes * 18 { 1 } else { usize::from(cwnd <= bytes + MSS) * 2 })
                },
            },
        ],
    },
    Lesson {
        number: 11,
        id: "congestion",
        setup: || {
            let mut setup = with_programs(
                &["connect", "write 400000", "shutdown", "recv all", "close"],
                &["listen", "accept", "recv all", "close"],
            );
            setup.hosts[CLIENT].congestion = "reno".to_owned();
            setup.wire.delay_ms = 25;
            setup.wire.rate_kbit = Some(4_000);
            setup.wire.queue_packets = 20;
            setup
        },
        deeds: no_deeds,
        questions: &[
            Question {
                id: "where",
                right: |look| {
                    let [wire, queue] = [look.lost(CLIENT, Lost::Wire), look.lost(CLIENT, Lost::QueueFull)];
                    Some(if queue > 0 {
                        1
                    } else if wire > 0 {
                        0
                    } else {
                        return None;
                    })
                },
            },
            Question { id: "why", right: first_again },
            Question {
                id: "half",
                right: |look| {
                    let mut before = 0;
                    for (_, trace) in look.traces(CLIENT) {
                        let Trace::Congestion { cwnd_bytes, ssthresh_bytes, .. } = trace else { continue };
                        if *ssthresh_bytes != u32::MAX {
                            let share = *ssthresh_bytes * 10 / u32::max(before, 1);
                            return Some(match share {
                                0..=2 => 2,
                                3..=6 => 1,
                                _ => 0,
                            });
                        }
                        before = *cwnd_bytes;
                    }
                    None
                },
            },
        ],
    },
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
            with_programs(&client, &["listen", "accept", "recv all", "close"])
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
            with_programs(&client, &server)
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

fn is_closed(seen: &Seen) -> bool {
    seen.facts.window_bytes == 0 && !seen.facts.flags.rst()
}

fn data_of<'a>(look: &'a Look<'_>, host: usize) -> impl Iterator<Item = Seen> + 'a {
    look.segments().filter(move |seen| seen.host == host && seen.facts.len_bytes > 0)
}

/// What the client sends before it hears of any of its data.
fn first_flight(look: &Look<'_>) -> Option<Vec<Seen>> {
    let first = data_of(look, CLIENT).next()?.facts;
    let acks = |seen: &Seen| seen.host == SERVER && seen.facts.ack.after(first.seq);
    let acked = look.segments().find(acks)?.arrived?;
    Some(data_of(look, CLIENT).filter(|seen| seen.at < acked).collect())
}

/// By what the first retransmission came about: 0 the timer, 1 acknowledgments, 2 a probe of the tail.
fn first_again(look: &Look<'_>) -> Option<usize> {
    let is_again = |seen: &Seen| seen.why.is_some_and(SendReason::is_retransmission);
    Some(match look.segments().find(is_again)?.why? {
        SendReason::TailLossProbe => 2,
        SendReason::Timeout | SendReason::AfterTimeout => 0,
        _ => 1,
    })
}

/// How the second time compares with the first: 0 as long, 1 twice as long, 2 half as long.
fn ratio(second: u128, first: u128) -> Option<usize> {
    match second * 10 / first.max(1) {
        8..=12 => Some(0),
        17..=23 => Some(1),
        4..=6 => Some(2),
        _ => None,
    }
}
