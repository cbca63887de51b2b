//! From the connection as it was followed to its summary.

use super::{Close, Connection, Direction, Faults, Fin, Handshake, Moment, Opened, Reset};
use crate::ends::{Origin, Steps};
use crate::icmp::IcmpHeard;
use crate::limits::MSS_BYTES_ETHERNET;
use crate::live::{At, Half, Live, Marks, Seen};
use crate::metrics::Again;
use crate::nanos::Nanos;
use crate::verdicts::Scale;
use crate::{Notes, Side};
use tcp::state::{Cause, State};
use tcp::{EcnFeedback, Instant};

impl Connection {
    /// Sums up a connection.
    pub(crate) fn of(live: &mut Live, watched_until_ns: u64) -> Connection {
        let low_high = live.key.ends();
        let addresses = if live.a_is_low { low_high } else { [low_high[1], low_high[0]] };
        let steps = Side::BOTH.map(|side| live.halves[side].end.steps());
        let after = live.states_now();
        let opened = opened(&live.marks, &steps);
        let originator = match opened {
            Opened::By(side) | Opened::ByInferred(side) => side,
            _ => Side::A,
        };
        Connection {
            stream: live.stream,
            addresses,
            first_frame: live.first_frame,
            last_frame: live.last_frame,
            first_time: Instant::from_nanos(live.times.first_ns),
            previous_end: live.times.previous_end.map(|at| Instant::from_nanos(at.ns())),
            last_time: Instant::from_nanos(live.times.last_ns),
            completeness: live.completeness,
            opened,
            handshake: handshake(live),
            close: close(live, &steps),
            states: after.map(|end| end.state),
            states_or_else: after.map(|end| end.or_else),
            steps,
            initial_rtt_ns: live.times.initial_rtt.map(Nanos::ns),
            directions: Side::BOTH.map(|side| direction(live, side)),
            faults: faults(live),
            zeek_state: live.marks.history.conn_state(originator),
            history: live.marks.history,
            icmp_errors: icmp(live).map_or(0, |heard| heard.count),
            icmp: icmp(live).map(|heard| heard.kept.clone()).unwrap_or_default(),
            ended_by_icmp: live.ended_by_icmp(),
            was_evicted: live.was_evicted,
            watched_until: Instant::from_nanos(watched_until_ns.max(live.times.last_ns)),
            turns: live.talk.turns(),
            has_older_stamp: live.has_older_stamp,
        }
    }
}

fn icmp(live: &Live) -> Option<&IcmpHeard> {
    live.marks.rare.as_ref()?.icmp.as_deref()
}

fn moment(at: At) -> Moment {
    Moment { frame: at.frame, time: Instant::from_nanos(at.time.ns()) }
}

fn opened(marks: &Marks, steps: &[Steps; 2]) -> Opened {
    match (marks.syn[0], marks.syn[1]) {
        (None, None) => {}
        (Some(_), None) => return Opened::By(Side::A),
        (None, Some(_)) => return Opened::By(Side::B),
        (Some(a), Some(b)) => {
            let both = steps.iter().all(|end| {
                end.iter().any(|step| {
                    step.origin == Origin::Sent && step.row().is_some_and(|row| row.on == Cause::ActiveOpen)
                })
            });
            return match (both && !is_split(marks), a.frame < b.frame) {
                (true, _) => Opened::Simultaneously,
                (false, true) => Opened::By(Side::A),
                (false, false) => Opened::By(Side::B),
            };
        }
    }
    match (marks.syn_ack[0], marks.syn_ack[1]) {
        (None, None) => Opened::Unknown,
        (None, Some(_)) => Opened::ByInferred(Side::A),
        (Some(_), _) => Opened::ByInferred(Side::B),
    }
}

/// Both ends sent a SYN, and only one a SYN,ACK: the other's came in two parts. In a simultaneous open
/// both send one (RFC 9293 §3.5, figure 7).
fn is_split(marks: &Marks) -> bool {
    let both = |at: &[Option<At>; 2]| at.iter().flatten().count();
    both(&marks.syn) == 2 && both(&marks.syn_ack) == 1
}

fn handshake(live: &Live) -> Handshake {
    let marks = &live.marks;
    let mut syns: Vec<Moment> = marks.syn.iter().flatten().copied().map(moment).collect();
    syns.sort_by_key(|syn| syn.frame);
    let syn_ack = marks.syn_ack.iter().flatten().copied().map(moment).min_by_key(|at| at.frame);
    let refused = marks.reset().filter(|reset| {
        let acceptable = reset.acceptability == crate::ResetAcceptability::Exact;
        acceptable && !reset.was_synchronized && reset.reason == tcp::ResetReason::ClosedPort
    });
    let by_reset = refused.map(|reset| moment(reset.at)).filter(|_| syn_ack.is_none());
    let second_syn = syns.get(1).copied();
    Handshake {
        syn: syns.first().copied(),
        syn_ack,
        ack: marks.handshake_ack.map(moment),
        second_syn,
        is_split: is_split(marks),
        again: marks.rare.as_ref().map(|rare| rare.syn_again).unwrap_or_default(),
        offered: marks.offered,
        refused: by_reset,
        ecn: match &live.marks_heard {
            Some(heard) => heard.agreed(),
            // no SYN asked for it
            None => marks.has_handshake().then_some(EcnFeedback::Off),
        },
        fast_open: marks.rare.as_ref().and_then(|rare| rare.fast_opening.as_ref()?.story()),
    }
}

fn fin(marks: &Marks, side: Side) -> Option<Fin> {
    let mark = marks.fin[side.index()]?;
    let again = marks.rare.as_ref().map(|rare| rare.fin_again[side.index()]).unwrap_or_default();
    Some(Fin { sent: moment(mark.sent), acked: mark.acked.map(moment), again })
}

fn close(live: &Live, steps: &[Steps; 2]) -> Close {
    let marks = &live.marks;
    let fins = Side::BOTH.map(|side| fin(marks, side));
    let reset = marks.reset().map(|reset| {
        let rare = live.talk.rare();
        let stranger = rare.and_then(|rare| rare.stranger).filter(|stranger| stranger.by == reset.by.index());
        Reset {
            by: reset.by,
            at: moment(reset.at),
            reason: reset.reason,
            acceptability: reset.acceptability,
            was_synchronized: reset.was_synchronized,
            in_flight_bytes: reset.in_flight_bytes,
            other_in_flight_bytes: reset.other_in_flight_bytes,
            ttl: stranger.filter(|stranger| stranger.usual_ttl != 0).map(|seen| [seen.ttl, seen.usual_ttl]),
            is_bare: stranger.is_some_and(|stranger| stranger.is_bare),
            is_of_nobody: stranger.is_some_and(|stranger| stranger.is_of_nobody),
            goes_on_frame: stranger.map_or(0, |stranger| stranger.goes_on_frame),
        }
    });
    let of_fins = Side::BOTH.into_iter().filter_map(|side| Some((fins[side.index()]?.sent.frame, side)));
    let of_reset = reset.map(|reset| (reset.at.frame, reset.by));
    let first = of_fins.chain(of_reset).min_by_key(|(frame, _)| *frame).map(|(_, side)| side);
    let is_simultaneous = steps.iter().any(|end| {
        end.iter()
            .any(|step| step.row().is_some_and(|row| row.from == State::FinWait1 && row.to == State::Closing))
    });
    let half_closed = half_closed(live, &fins, is_simultaneous);
    Close {
        first,
        fins,
        is_simultaneous,
        half_closed_ns: half_closed.map(|(ns, _)| ns),
        half_closed_with_data: half_closed.is_some_and(|(_, with_data)| with_data),
        reset,
        resets: marks.rare.as_ref().map(|rare| rare.resets).unwrap_or_default(),
    }
}

/// The time between the first FIN and the other end's, and whether that end still sent text.
fn half_closed(live: &Live, fins: &[Option<Fin>; 2], is_simultaneous: bool) -> Option<(u64, bool)> {
    if is_simultaneous {
        return None;
    }
    let (earlier, later) = match fins {
        [None, None] => return None,
        [Some(a), Some(b)] if a.sent.frame < b.sent.frame => (Side::A, Some(b)),
        [Some(a), Some(_)] => (Side::B, Some(a)),
        [Some(_), None] => (Side::A, None),
        [None, Some(_)] => (Side::B, None),
    };
    let began_ns = live.marks.fin[earlier.index()]?.sent.time.ns();
    let ended_ns = later.map_or(live.times.last_ns, |fin| fin.sent.time.as_nanos());
    let other = &live.halves[earlier.other()].traffic;
    let with_data = other.text_segments > 0 && other.last_text_ns > began_ns;
    Some((ended_ns.saturating_sub(began_ns), with_data))
}

fn faults(live: &Live) -> Faults {
    let marks = &live.marks;
    let both = |note| add(marks.note(Side::A, note), marks.note(Side::B, note));
    let only = match (live.halves[Side::A].traffic.packets, live.halves[Side::B].traffic.packets) {
        (1.., 0) => Some(Side::A),
        (0, 1..) => Some(Side::B),
        _ => None,
    };
    let gaps = [0, 1].map(|side| live.talk.rare().and_then(|rare| rare.gaps[side].as_deref()));
    let missing = gaps.map(|gaps| gaps.map(|gaps| gaps.missing()).unwrap_or_default());
    let late = gaps.map(|gaps| gaps.map(|gaps| (gaps.late, gaps.late_ns_max)).unwrap_or_default());
    let later = if late[0].0.count >= late[1].0.count { Side::A } else { Side::B };
    let (late, late_ns_max) = late[later.index()];
    Faults {
        only,
        twice: both(Notes::CAPTURED_TWICE),
        across_router: both(Notes::ACROSS_ROUTER),
        link_retries: both(Notes::LINK_RETRY),
        super_segments: both(Notes::SUPER_SEGMENT),
        missing: add(missing[0].0, missing[1].0),
        missing_bytes: missing[0].1 + missing[1].1,
        late,
        late_ns_max,
        late_side: (late.count > 0).then_some(later),
        records_reordered: both(Notes::RECORD_REORDERED),
    }
}

fn add(a: Seen, b: Seen) -> Seen {
    let first = [a, b].iter().filter(|seen| seen.count > 0).map(|seen| seen.first_frame).min().unwrap_or(0);
    Seen { count: a.count + b.count, first_frame: first, last_frame: a.last_frame.max(b.last_frame) }
}

fn direction(live: &mut Live, side: Side) -> Direction {
    let index = side.index();
    let (window, closed_at_end) = live.halves[side].traffic.zero_window(live.times.last_ns);
    let Half { traffic, sender, judged, .. } = &live.halves[side];
    let loss = sender.loss.as_ref();
    let rare = live.marks.rare.as_ref();
    let sending_ns = traffic.first_text.map_or(0, |first| traffic.last_text_ns.saturating_sub(first.ns()));
    let unique_bytes = unique_bytes(live, side);
    Direction {
        packets: traffic.packets,
        text_segments: traffic.text_segments,
        text_bytes: traffic.text_bytes,
        unique_bytes,
        frame_bytes: traffic.frame_bytes,
        ip_bytes: traffic.ip_bytes,
        told_mtu_bytes: icmp(live).and_then(|heard| heard.mtu_bytes_min[side.index()]),
        goodput_bytes_per_s: goodput(live, side, unique_bytes),
        rtt: traffic.rtt.distribution(),
        timestamp_rtt: traffic.timestamp_rtt.distribution(),
        in_flight_bytes_max: traffic.in_flight_bytes_max,
        window_bytes_max: traffic.window_bytes_max,
        window_bytes_min: traffic.window_bytes_min,
        window_is_inferred: judged.scale == Scale::Unknown,
        zero_window_ns: window.total_ns,
        zero_window_ns_max: window.longest_ns,
        zero_window: Seen {
            count: window.times,
            first_frame: window.first_frame,
            last_frame: window.last_frame,
        },
        zero_window_at_end: closed_at_end,
        retransmissions: loss.map(|loss| loss.counts).unwrap_or_default(),
        retransmission_frames: loss.map(|loss| loss.first_frames).unwrap_or_default(),
        retransmitted_bytes: loss.map_or(0, |loss| loss.retransmitted_bytes),
        reordered: rare.map(|rare| rare.reordered[index]).unwrap_or_default(),
        challenge_acks: rare.map(|rare| rare.challenge_acks[index]).unwrap_or_default(),
        stuck: rare.map(|rare| rare.stuck[index]).unwrap_or_default(),
        large_was_acked: sender.large_was_acked,
        timeouts_in_a_row_max: loss.map_or(0, |loss| loss.timeouts_in_a_row_max),
        nagle_waits: rare.map(|rare| rare.nagle_waits[index]).unwrap_or_default(),
        nagle_wait_ns: rare.map_or(0, |rare| rare.nagle_wait_ns[index]),
        idle_ns_max: traffic.idle_ns_max,
        sending_ns,
        text_bytes_max: sender.largest_text_bytes,
        limited: traffic.limited(),
        own_limit: traffic.own_limit(),
        marked: live.marks_heard.as_ref().map(|marks| marks.of(side).finished()).unwrap_or_default(),
        path_probes: sender.sizes.probes(),
        last_ns: judged.last_ns(),
        data_segments: traffic.text_segments + live.talk.rare().map_or(0, |rare| rare.cut_segments[index]),
        again: again(live, side),
        keep_alives: live.talk.rare().map(|rare| rare.keep_alives[index]).unwrap_or_default(),
        rto_ns: sender.rto_ns(),
        seen: rare.map(|rare| rare.seen[index].clone()).unwrap_or_default(),
    }
}

/// What was sent again, in three numbers.
fn again(live: &Live, side: Side) -> Again {
    let Some(rare) = live.talk.rare() else { return Again::default() };
    let loss = live.halves[side].sender.loss.as_ref();
    let mss_bytes = u64::from(live.marks.mss_known_bytes().unwrap_or(MSS_BYTES_ETHERNET).max(1));
    let needless =
        loss.map_or(0, |loss| loss.needless_bytes.div_ceil(mss_bytes).max(loss.counts.spurious.into()));
    rare.repeats[side.index()]
        .sum(u32::try_from(needless).unwrap_or(u32::MAX), loss.map_or(0, |loss| loss.counts.path_mtu))
}

/// What the application sent, by sequence numbers where they did not wrap, else by text less repeats.
fn unique_bytes(live: &Live, side: Side) -> u64 {
    let Half { judged, traffic, sender, .. } = &live.halves[side];
    let repeated = sender.loss.as_ref().map_or(0, |loss| loss.retransmitted_bytes);
    let counted = traffic.text_bytes.saturating_sub(repeated);
    let Some((base, next)) = judged.base.zip(judged.next_seq) else { return counted };
    if traffic.text_bytes >= 1 << 31 {
        return counted;
    }
    let fin = u32::from(live.marks.fin[side.index()].is_some());
    let spanned = u64::from(next.bytes_since(base + 1).saturating_sub(fin));
    spanned.min(traffic.text_bytes)
}

fn goodput(live: &Live, side: Side, unique_bytes: u64) -> Option<u64> {
    let Half { traffic, sender, .. } = &live.halves[side];
    let first_ns = traffic.first_text?.ns();
    let until_ns = sender.progress_ns.max(traffic.last_text_ns);
    let lasted_ns = until_ns.saturating_sub(first_ns);
    (lasted_ns > 0).then(|| {
        u64::try_from(u128::from(unique_bytes) * 1_000_000_000 / u128::from(lasted_ns)).unwrap_or(u64::MAX)
    })
}
