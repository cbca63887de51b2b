//! The words: what a span and an event are called, their fields and their levels.

use super::TARGET;
use socket::{ClosedBy, ConnectionEvent, ConnectionSummary, Role};
use stack::{Flow, TraceRecord};
use std::time::Duration;
use tcp::{Refusal, SegmentFacts, SendReason, Trace};
use tracing::{Span, debug, info, info_span, trace, warn};

/// The span of a connection. It is nobody's child: a driver serves all connections, whoever opened them.
pub(super) fn span(flow: Flow, role: Option<Role>) -> Span {
    let Flow { local, remote } = flow;
    let role = role.map(|role| match role {
        Role::Client => "client",
        Role::Server => "server",
    });
    info_span!(target: TARGET, parent: None, "connection", %local, peer = %remote, role)
}

/// Around what happens to a segment that belongs to no connection, or to what is left of one.
pub(super) fn flow(flow: Flow) -> Span {
    let Flow { local, remote } = flow;
    info_span!(target: TARGET, parent: None, "flow", %local, peer = %remote)
}

/// Records that the subscriber was too slow for.
pub(super) fn lost(records: u64) {
    warn!(target: TARGET, records, "the subscriber is too slow: events were left out");
}

/// A connection began, is in trouble, or ended.
pub(super) fn connection(event: &ConnectionEvent) {
    match event {
        ConnectionEvent::Opened { .. } => info!(target: TARGET, "opened"),
        ConnectionEvent::PathDoubted { .. } => {
            info!(target: TARGET, "the peer does not acknowledge; trying on");
        }
        ConnectionEvent::Closed(summary) => closed(summary),
        _ => {}
    }
}

fn closed(summary: &ConnectionSummary) {
    let ConnectionSummary { closed_by, failure, duration, info, .. } = summary;
    let by = match closed_by {
        ClosedBy::Us => "us",
        ClosedBy::Peer => "peer",
        ClosedBy::Neither => "neither",
    };
    info!(
        target: TARGET,
        by,
        failure = failure.map(tracing::field::display),
        duration_us = micros(*duration),
        rtt_us = info.rtt.map(micros),
        bytes_sent = info.bytes_sent.saturating_sub(info.bytes_retransmitted),
        bytes_received = info.bytes_received,
        retransmissions = info.retransmissions,
        "closed"
    );
}

/// What a connection did: `at_us` is the time of the stack, in microseconds.
pub(super) fn trace(record: &TraceRecord) {
    let at_us = record.at.as_micros();
    match record.trace {
        Trace::Sent { segment, why } => sent(at_us, &segment, why),
        Trace::Taken { segment } => {
            let SegmentFacts { flags, len_bytes, window_bytes, .. } = segment;
            let (seq, ack) = (segment.seq.number(), segment.ack.number());
            trace!(target: TARGET, at_us, %flags, seq, ack, len_bytes, window_bytes, "taken");
        }
        Trace::Refused { segment, why } => refused(at_us, &segment, why),
        Trace::StateChanged { .. } => {
            if let Some(row) = record.trace.row() {
                debug!(target: TARGET, at_us, on = ?row.on, section = row.section, "{} -> {}", row.from, row.to);
            }
        }
        Trace::TimerArmed { timer, due } => {
            let due_us = due.as_micros();
            trace!(target: TARGET, at_us, timer = timer.name(), due_us, "timer armed");
        }
        Trace::TimerFired { timer } => trace!(target: TARGET, at_us, timer = timer.name(), "timer fired"),
        Trace::RttSample { rtt_us, srtt_us, rto_us } => {
            trace!(target: TARGET, at_us, rtt_us, srtt_us, rto_us, "round trip measured");
        }
        Trace::Congestion { cwnd_bytes, ssthresh_bytes, growth } => {
            let growth = growth.name();
            trace!(target: TARGET, at_us, cwnd_bytes, ssthresh_bytes, growth, "congestion window");
        }
        Trace::Phase { phase, sign } => {
            let sign = sign.map(|sign| sign.name());
            debug!(target: TARGET, at_us, phase = phase.name(), sign, "recovery phase");
        }
        Trace::Undone { sign } => debug!(target: TARGET, at_us, sign = sign.name(), "{}", sign.sentence()),
        Trace::Probing { growth, why } => {
            debug!(target: TARGET, at_us, phase = growth.name(), why = why.name(), "probes the path");
        }
        Trace::Reordering => debug!(target: TARGET, at_us, "the path reorders"),
        Trace::PacingWait { until } => {
            let until_us = until.as_micros();
            trace!(target: TARGET, at_us, until_us, "held back by the pacer");
        }
        Trace::AppLimited => trace!(target: TARGET, at_us, "nothing more to send"),
        Trace::EcnAgreed { feedback } => {
            debug!(target: TARGET, at_us, feedback = feedback.name(), "marks are told");
        }
        Trace::EcnDoubted { doubt } => {
            debug!(target: TARGET, at_us, why = doubt.name(), "no longer ECN-capable");
        }
        Trace::NotScalable { doubt } => {
            debug!(target: TARGET, at_us, why = doubt.name(), "CUBIC takes the place of Prague");
        }
        Trace::Marks { packets } => debug!(target: TARGET, at_us, packets, "the network marks"),
        Trace::SendWindow { window_bytes } => {
            trace!(target: TARGET, at_us, window_bytes, "the peer's window");
        }
        Trace::Loss { seq, sign } => {
            debug!(target: TARGET, at_us, seq = seq.number(), sign = sign.name(), "deemed lost");
        }
        Trace::Memory { memory } => debug!(target: TARGET, at_us, ?memory, "the host's memory"),
        Trace::Pruned { bytes } => debug!(target: TARGET, at_us, bytes, "text out of order dropped"),
        Trace::PathMtu { mtu_bytes } => debug!(target: TARGET, at_us, mtu_bytes, "the path's MTU"),
        Trace::PathProbe { mtu_bytes, what } => {
            debug!(target: TARGET, at_us, mtu_bytes, what = what.name(), "a probe of the path's MTU");
        }
        Trace::BlackHole { mtu_bytes } => {
            debug!(target: TARGET, at_us, mtu_bytes, "large packets vanish, smaller ones are sent");
        }
        other => trace!(target: TARGET, at_us, "{other:?}"),
    }
}

fn sent(at_us: u64, segment: &SegmentFacts, why: SendReason) {
    let SegmentFacts { seq, ack, flags, len_bytes, window_bytes } = *segment;
    let (seq, ack, reason) = (seq.number(), ack.number(), why.name());
    let sentence = why.sentence();
    trace!(target: TARGET, at_us, %flags, seq, ack, len_bytes, window_bytes, why = reason, "sent: {sentence}");
}

fn refused(at_us: u64, segment: &SegmentFacts, why: Refusal) {
    let SegmentFacts { seq, ack, flags, len_bytes, window_bytes } = *segment;
    let (seq, ack, sentence) = (seq.number(), ack.number(), why.sentence());
    debug!(target: TARGET, at_us, %flags, seq, ack, len_bytes, window_bytes, ?why, "refused: {sentence}");
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
