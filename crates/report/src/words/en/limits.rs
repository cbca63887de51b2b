//! What limited a transfer, and how long the ends thought.

use super::time;
use crate::numbers;
use lens::{Connection, Direction, OwnLimit, Side};

pub(in crate::words) fn limits(connection: &Connection) -> Vec<String> {
    let mut sides = Side::BOTH.map(|side| (connection.sent_by(side).unique_bytes, side));
    sides.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let lines = sides.into_iter().filter_map(|(_, side)| held_back(connection, side));
    lines.chain(turns(connection)).collect()
}

fn held_back(connection: &Connection, side: Side) -> Option<String> {
    let direction = connection.sent_by(side);
    let all_ns = direction.limited.total_ns();
    if direction.text_segments == 0 {
        return None;
    }
    let (who, bytes) = (connection.address(side), numbers::bytes(direction.unique_bytes));
    if all_ns == 0 {
        return Some(format!("{who} sent {bytes} at once: nothing limited it"));
    }
    let lasted = time(all_ns / 1_000);
    let by = shares(direction, all_ns);
    Some(format!("{who} sent {bytes} in {lasted}, held back by {by}{}", own_limit(&direction.own_limit)))
}

/// What shows that it held itself back.
fn own_limit(own: &OwnLimit) -> String {
    let mut told = String::new();
    if own.plateau_rounds > 0 {
        told += &format!(
            "; over {} round trips it had {} in flight and no more, in step with the acknowledgments, with room in \
             the window and nothing lost: its send buffer, or a limit of its stack",
            numbers::grouped(own.plateau_rounds.into()),
            numbers::bytes(own.plateau_bytes.into())
        );
    }
    if own.nagle_segments > 0 {
        told += &format!(
            "; it held {} back until the one before was acknowledged ({} in all): Nagle's rule; write at once what \
             belongs together, or set TCP_NODELAY",
            numbers::count(own.nagle_segments.into(), "small segment"),
            time(own.nagle_ns / 1_000)
        );
    }
    told
}

/// The largest share first; what is nothing is not told.
fn shares(direction: &Direction, all_ns: u64) -> String {
    let limited = direction.limited;
    let mut shares = [
        (limited.application_ns, "its application"),
        (limited.network_ns, "the network or its congestion window"),
        (limited.receiver_ns, "the receiver's window"),
        (limited.sender_ns, "itself"),
    ];
    shares.sort_by_key(|(ns, _)| std::cmp::Reverse(*ns));
    let told = shares.iter().filter(|(ns, _)| *ns * 200 >= all_ns);
    told.map(|(ns, by)| format!("{by} {}", numbers::percent(*ns, all_ns))).collect::<Vec<_>>().join(", ")
}

fn turns(connection: &Connection) -> Option<String> {
    let turns = &connection.turns;
    let (client, think) = (turns.client?, turns.think?);
    let server = connection.address(client.other());
    let of = |us: u32| time(us.into());
    let thought = match think.count {
        1 => format!("{server} thought {} before its answer", of(think.max_us)),
        count => format!(
            "{server} thought {} before an answer, {} at most ({count} answers)",
            of(think.median_us),
            of(think.max_us)
        ),
    };
    let paused = match turns.pause {
        Some(pause) => format!(
            "; {} took {} to go on, {} at most",
            connection.address(client),
            of(pause.median_us),
            of(pause.max_us)
        ),
        None => String::new(),
    };
    Some(thought + &paused)
}
