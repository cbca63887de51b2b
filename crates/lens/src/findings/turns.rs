//! Requests and answers, without a look at what they say: a request without an answer, an answer that took long to
//! begin, a client that took long to go on.

use super::{Draft, FindingId, Severity};
use crate::{Confidence, Connection, Side};

/// Shorter waiting is not worth a sentence.
const THINK_NS_MIN: u64 = 1_000_000_000;
/// People read for a while; only longer is worth saying.
const PAUSE_NS_MIN: u64 = 5_000_000_000;
/// A request is not called unanswered before this, and not before four times the longest wait until then.
const UNANSWERED_NS_MIN: u64 = 5_000_000_000;
/// More than this without an answer is an upload, which may need none.
const REQUEST_BYTES_MAX: u64 = 16_384;
/// Fewer turns are no habit of asking and answering.
const TURNS_MIN: u32 = 3;

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let Some(client) = connection.turns.client else { return Vec::new() };
    let found =
        [unanswered(connection, client), slow_answers(connection, client), pauses(connection, client)];
    found.into_iter().flatten().collect()
}

fn unanswered(connection: &Connection, client: Side) -> Option<Draft> {
    let turns = &connection.turns;
    let server = client.other();
    let sent = connection.sent_by(client);
    let is_acknowledged =
        sent.again.unanswered_segments == 0 && connection.sent_by(server).last_ns >= turns.last_ns;
    // what is smaller than every request that was answered may be no request: an update of a window, a farewell
    let is_request = match turns.answered_bytes_min {
        Some(least) => turns.request_bytes * 4 >= least * 3,
        None => connection.handshake.ack.is_some(),
    };
    if !turns.awaits_answer
        || !is_acknowledged
        || !is_request
        || turns.has_pushes
        || turns.request_bytes > REQUEST_BYTES_MAX
        || connection.sent_by(server).zero_window_at_end
    {
        return None;
    }
    let left = connection.close.fins[client.index()].map(|fin| fin.sent.time);
    let reset = connection.close.reset.map(|reset| reset.at.time);
    let closed = connection.close.fins[server.index()].map(|fin| fin.sent.time);
    let until = [left, reset, closed].into_iter().flatten().min().unwrap_or(connection.watched_until);
    let waited_ns = until.as_nanos().saturating_sub(turns.last_ns);
    let think_ns_max = turns.think.map_or(0, |think| u64::from(think.max_us) * 1_000);
    let patience_ns = UNANSWERED_NS_MIN.max(4 * think_ns_max);
    if waited_ns < patience_ns {
        return None;
    }
    // where nothing was ever answered, it may be data that needs no answer
    let (severity, confidence) = match turns.think {
        Some(_) => (Severity::Problem, Confidence::HIGH),
        None => (Severity::Info, Confidence::LIKELY),
    };
    Some(
        Draft::of_end(FindingId::RequestUnanswered, severity, connection, server)
            .number("request_bytes", turns.request_bytes)
            .number("waited_us", waited_ns / 1_000)
            .number("answered_requests", turns.think.map_or(0, |think| think.count))
            .sign_if(closed == Some(until), "closed")
            .sign_if(left == Some(until), "client-left")
            .sure(confidence)
            .awaits(server, turns.last_ns, patience_ns)
            .by([turns.last_frame]),
    )
}

fn slow_answers(connection: &Connection, client: Side) -> Option<Draft> {
    let turns = &connection.turns;
    // where the server speaks on its own, what comes late may be no answer
    let think =
        turns.think.filter(|think| u64::from(think.max_us) * 1_000 >= THINK_NS_MIN && !turns.has_pushes)?;
    let is_most = turns.think_ns >= connection.duration_ns() / 2;
    let severity = if is_most { Severity::Warning } else { Severity::Info };
    Some(
        Draft::of_end(FindingId::ServerThinkTime, severity, connection, client.other())
            .number("answers", think.count)
            .number("think_median_us", think.median_us)
            .number("think_max_us", think.max_us)
            .number("think_total_us", turns.think_ns / 1_000)
            .by([turns.longest_think_frame]),
    )
}

fn pauses(connection: &Connection, client: Side) -> Option<Draft> {
    let turns = &connection.turns;
    let pause = turns.pause.filter(|pause| u64::from(pause.max_us) * 1_000 >= PAUSE_NS_MIN)?;
    if pause.count + 1 < TURNS_MIN || turns.pause_ns < connection.duration_ns() / 2 {
        return None;
    }
    Some(
        Draft::of_end(FindingId::SlowClient, Severity::Info, connection, client)
            .number("pauses", pause.count)
            .number("pause_median_us", pause.median_us)
            .number("pause_max_us", pause.max_us)
            .number("pause_total_us", turns.pause_ns / 1_000)
            .by([turns.longest_pause_frame]),
    )
}
