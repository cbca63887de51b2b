//! Lessons 10 and 11: the receiver's window, slow start, congestion.

use super::look::{Look, Seen, data_of, first_again, ratio};
use super::{Lesson, Question, no_deeds, with_programs};
use sim::Lost;
use tcp::{Instant, SendReason, Trace};

const CLIENT: usize = 0;
const SERVER: usize = 1;
/// A full-sized segment of this wire.
const MSS: u32 = 1_460;

pub(super) const LESSONS: &[Lesson] = &[
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
];

fn is_closed(seen: &Seen) -> bool {
    seen.facts.window_bytes == 0 && !seen.facts.flags.rst()
}

/// What the client sends before it hears of any of its data.
fn first_flight(look: &Look<'_>) -> Option<Vec<Seen>> {
    let first = data_of(look, CLIENT).next()?.facts;
    let acks = |seen: &Seen| seen.host == SERVER && seen.facts.ack.after(first.seq);
    let acked = look.segments().find(acks)?.arrived?;
    Some(data_of(look, CLIENT).filter(|seen| seen.at < acked).collect())
}
